// Apollo Client 4: automatic persisted queries, the normalized cache, an optimistic update, a subscription over a socket and one in parts.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { OperationTypeNode, buildSchema, isAbstractType } from "graphql";
import { CHANGED, CUSTOMER, TREE, UPDATE } from "./documents.js";
import { authorization, customer, latest, socket, url } from "./server.js";

const schema = buildSchema(readFileSync("../../schema.graphql", "utf-8"));
const possibleTypes = Object.fromEntries(
  Object.values(schema.getTypeMap())
    .filter(isAbstractType)
    .map((type) => [type.name, schema.getPossibleTypes(type).map(({ name }) => name)]),
);

function apollo() {
  const requests = [];
  const http = new HttpLink({
    uri: url,
    headers: { authorization },
    fetch: async (to, init) => {
      const response = await fetch(to, init);
      const { query } = JSON.parse(init.body);
      requests.push({ withText: query !== undefined, status: response.status });
      return response;
    },
  });
  const persisted = new PersistedQueryLink({ sha256: (text) => createHash("sha256").update(text).digest("hex") });
  const sockets = socket();
  const link = ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    new GraphQLWsLink(sockets),
    persisted.concat(http),
  );
  const client = new ApolloClient({ link, cache: new InMemoryCache({ possibleTypes }) });
  return { client, requests, close: () => (client.stop(), sockets.dispose()) };
}

test("the tree is read by its hash from the second time on, and kept by id", async () => {
  const { client, requests, close } = apollo();
  const query = gql(TREE.replace("Tree", "ApolloTree"));
  const first = await client.query({ query });
  assert.deepEqual(requests.map(({ withText }) => withText), [false, true]); // unknown, then registered
  const again = await client.query({ query, fetchPolicy: "network-only" });
  assert.deepEqual(requests.map(({ withText }) => withText), [false, true, false]);
  assert.deepEqual(again.data, first.data);
  const [organization] = first.data.organizations.nodes;
  assert.equal(client.cache.extract()[`Organization:${organization.id}`].name, organization.name);
  await close();
});

test("an update is seen at once, then as the server has it", async () => {
  const { client, close } = apollo();
  const id = await customer({ email: "optimistic@apollo.example", title: "Buyer" });
  const seen = [];
  const watching = client.watchQuery({ query: gql(CUSTOMER), variables: { id } }).subscribe(({ data }) => {
    if (data) seen.push([data.customer.title, data.customer.version]);
  });
  const { data } = await client.query({ query: gql(CUSTOMER), variables: { id } });
  const { version } = data.customer;
  const { data: updated } = await client.mutate({
    mutation: gql(UPDATE),
    variables: { input: { customer: { id }, title: "Head of buying" } },
    optimisticResponse: {
      updateCustomer: {
        __typename: "UpdateCustomerPayload",
        customer: { ...data.customer, title: "Head of buying", version: -1 },
        errors: [],
      },
    },
  });
  assert.deepEqual(updated.updateCustomer.errors, []);
  watching.unsubscribe();
  assert.deepEqual(seen, [
    ["Buyer", version],
    ["Head of buying", -1],
    ["Head of buying", version + 1],
  ]);
  await close();
});

test("a refused update leaves nothing of what was shown", async () => {
  const { client, close } = apollo();
  const id = await customer({ email: "refused@apollo.example", title: "Buyer" });
  const read = () => client.cache.readQuery({ query: gql(CUSTOMER), variables: { id } })?.customer.title;
  const { data } = await client.query({ query: gql(CUSTOMER), variables: { id } });
  const { data: refused } = await client.mutate({
    mutation: gql(UPDATE),
    variables: { input: { customer: { id }, title: "x".repeat(201) } },
    optimisticResponse: () => ({
      updateCustomer: {
        __typename: "UpdateCustomerPayload",
        customer: { ...data.customer, title: "x" },
        errors: [],
      },
    }),
  });
  assert.deepEqual(
    refused.updateCustomer.errors.map(({ code, path }) => [code, path]),
    [["TOO_LONG", ["title"]]],
  );
  assert.equal(read(), "Buyer");
  await close();
});

test("a subscription brings what others did into the cache", async () => {
  const { client, close } = apollo();
  const id = await customer({ email: "told@apollo.example", title: "Buyer" });
  await client.query({ query: gql(CUSTOMER), variables: { id } });
  const told = new Promise((done) => {
    const subscription = latest().then((after) =>
      client.subscribe({ query: gql(CHANGED), variables: { after } }).subscribe(({ data }) => done(data)),
    );
    subscription.then(() => client.mutate({ mutation: gql(UPDATE), fetchPolicy: "no-cache", variables: { input: { customer: { id }, title: "Told" } } }));
  });
  assert.equal((await told).customersChanged.operation, "updateCustomer");
  assert.equal(client.cache.readQuery({ query: gql(CUSTOMER), variables: { id } }).customer.title, "Told");
  await close();
});

test("a subscription needs no socket: its events are the parts of an answer over HTTP", async () => {
  const kinds = [];
  const link = new HttpLink({
    uri: url,
    headers: { authorization },
    fetch: async (to, init) => {
      const response = await fetch(to, init);
      kinds.push([init.headers.accept, response.headers.get("content-type")]);
      return response;
    },
  });
  const client = new ApolloClient({ link, cache: new InMemoryCache({ possibleTypes }) });
  const id = await customer({ email: "parts@apollo.example", title: "Buyer" });
  await client.query({ query: gql(CUSTOMER), variables: { id } });
  const after = await latest();
  const titles = [];
  let subscription;
  const both = new Promise((done, failed) => {
    subscription = client.subscribe({ query: gql(CHANGED), variables: { after } }).subscribe({
      next: ({ data, error }) => {
        if (error) failed(error);
        if (data.customersChanged.operation !== "updateCustomer") return;
        titles.push(data.customersChanged.records.nodes[0].record.title);
        if (titles.length === 2) done();
      },
      error: failed,
    });
  });
  for (const title of ["Told", "Told again"])
    await client.mutate({ mutation: gql(UPDATE), fetchPolicy: "no-cache", variables: { input: { customer: { id }, title } } });
  await both;
  assert.equal(titles[1], "Told again"); // a change tells the record as it is by then
  assert.equal(client.cache.readQuery({ query: gql(CUSTOMER), variables: { id } }).customer.title, "Told again");
  subscription.unsubscribe();
  client.stop();
  const [accept, answered] = kinds.find(([wanted]) => wanted.includes("multipart"));
  assert.match(accept, /^multipart\/mixed;.*subscriptionSpec=1\.0/);
  assert.equal(answered, 'multipart/mixed; boundary="graphql"; subscriptionSpec=1.0');
});
