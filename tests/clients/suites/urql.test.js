// urql with its normalized cache: the tree, an optimistic update, a subscription.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Client, fetchExchange, gql, subscriptionExchange } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { buildSchema, introspectionFromSchema } from "graphql";
import { CHANGED, CUSTOMER, TREE, UPDATE } from "./documents.js";
import { authorization, customer, latest, socket, url } from "./server.js";

const schema = introspectionFromSchema(buildSchema(readFileSync("../../schema.graphql", "utf-8")));

function urql() {
  const sockets = socket();
  const shown = (input) => ({
    __typename: "UpdateCustomerPayload",
    customer: { __typename: "Customer", id: input.customer.id, title: input.title, version: -1 },
    errors: [],
  });
  const cache = cacheExchange({
    schema,
    keys: { Change: ({ number }) => String(number), ChangeRecord: () => null, ChangeRecordConnection: () => null },
    optimistic: { updateCustomer: ({ input }) => shown(input) },
  });
  const subscriptions = subscriptionExchange({
    forwardSubscription: (request) => ({
      subscribe: (sink) => ({ unsubscribe: sockets.subscribe({ ...request, query: request.query ?? "" }, sink) }),
    }),
  });
  const client = new Client({
    url,
    preferGetMethod: false,
    fetchOptions: { headers: { authorization } },
    fetch: (to, { signal, ...asked }) => fetch(to, asked), // Node tells of requests that are given up as if they had failed
    exchanges: [cache, fetchExchange, subscriptions],
  });
  return { client, close: () => sockets.dispose() };
}

test("the tree is read once and then found in the cache", async () => {
  const { client, close } = urql();
  const first = await client.query(gql(TREE), {}).toPromise();
  assert.equal(first.error, undefined);
  assert.equal(first.data.organizations.nodes.length, 3);
  const again = await client.query(gql(TREE), {}, { requestPolicy: "cache-only" }).toPromise();
  assert.deepEqual(again.data, first.data);
  await close();
});

test("an update is seen at once, then as the server has it", async () => {
  const { client, close } = urql();
  const id = await customer({ email: "optimistic@urql.example", title: "Buyer" });
  const seen = [];
  let answered;
  const first = new Promise((done) => (answered = done));
  const { unsubscribe } = client.query(gql(CUSTOMER), { id }).subscribe(({ data }) => {
    const { title, version } = data.customer;
    if (seen.at(-1)?.[1] !== version) seen.push([title, version]); // the cache may say the same twice
    answered(data.customer.version);
  });
  const version = await first;
  const updated = await client.mutation(gql(UPDATE), { input: { customer: { id }, title: "Head of buying" } }).toPromise();
  assert.deepEqual(updated.data.updateCustomer.errors, []);
  assert.deepEqual(seen, [
    ["Buyer", version],
    ["Head of buying", -1],
    ["Head of buying", version + 1],
  ]);
  unsubscribe();
  await close();
});

test("a subscription brings what others did into the cache", async () => {
  const { client, close } = urql();
  const id = await customer({ email: "told@urql.example", title: "Buyer" });
  await client.query(gql(CUSTOMER), { id }).toPromise();
  const after = await latest();
  const told = new Promise((done) => client.subscription(gql(CHANGED), { after }).subscribe(({ data }) => data && done(data)));
  const { client: other, close: closeOther } = urql();
  await other.mutation(gql(UPDATE), { input: { customer: { id }, title: "Told" } }).toPromise();
  assert.equal((await told).customersChanged.operation, "updateCustomer");
  const { data } = await client.query(gql(CUSTOMER), { id }, { requestPolicy: "cache-only" }).toPromise();
  assert.equal(data.customer.title, "Told");
  await close();
  await closeOther();
});
