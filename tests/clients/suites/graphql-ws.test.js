// Subscriptions with the package graphql-ws: credentials in connection_init, reconnecting, the protocol's codes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CloseCode, createClient } from "graphql-ws";
import WebSocket from "ws";
import { customer, latest, socket, socketUrl } from "./server.js";

const CHANGED = `subscription Changed($after: Int) {
  customersChanged(after: $after) { number operation records { nodes { recordId } } }
}`;

/** The next result, without errors. */
async function next(results) {
  const { value } = await results.next();
  assert.equal(value.errors, undefined);
  return value.data;
}

test("queries and mutations run over the socket too", async () => {
  const client = socket();
  const data = await next(client.iterate({ query: "{ workspace { slug } }" }));
  assert.deepEqual(data, { workspace: { slug: "demo" } });
  await client.dispose();
});

test("nothing is left out over a reconnect", async () => {
  const variables = { after: await latest() }; // sent again as it is by then when graphql-ws connects anew
  let connections = 0;
  const client = socket({
    retryAttempts: 5,
    retryWait: async () => {
      if (connections === 1) missed = await customer({ email: "while.away@ws.example" });
    },
    on: { connected: () => (connections += 1) },
  });
  let missed;
  const results = client.iterate({ query: CHANGED, variables });
  const first = await customer({ email: "before@ws.example" });
  const before = (await next(results)).customersChanged;
  assert.deepEqual([before.operation, before.records.nodes[0].recordId], ["createCustomer", first]);
  variables.after = before.number;
  client.terminate();
  const after = (await next(results)).customersChanged;
  assert.deepEqual([after.number, after.records.nodes[0].recordId], [before.number + 1, missed]);
  assert.equal(connections, 2);
  await results.return();
  await client.dispose();
});

test("many subscriptions share a socket, and one that ends leaves the others", async () => {
  const client = socket();
  const [one, other] = [client.iterate({ query: CHANGED }), client.iterate({ query: CHANGED })];
  const waiting = [one.next(), other.next()];
  await new Promise((started) => setTimeout(started, 300)); // a subscription has no acknowledgement
  await customer({ email: "shared@ws.example" });
  const [a, b] = await Promise.all(waiting);
  assert.equal(a.value.data.customersChanged.number, b.value.data.customersChanged.number);
  await one.return();
  const waits = other.next();
  await customer({ email: "other@ws.example" });
  assert.equal((await waits).value.data.customersChanged.operation, "createCustomer");
  await other.return();
  await client.dispose();
});

test("wrong credentials end the socket with Forbidden", async () => {
  const client = socket({ connectionParams: { authorization: "Bearer rd_nothing" }, retryAttempts: 0 });
  await assert.rejects(client.iterate({ query: "{ workspace { slug } }" }).next(), { code: CloseCode.Forbidden });
});

test("without credentials a subscription is refused by a typed error", async () => {
  const client = createClient({ url: socketUrl, webSocketImpl: WebSocket });
  await assert.rejects(client.iterate({ query: CHANGED }).next(), (errors) => {
    assert.equal(errors[0].extensions.code, "UNAUTHENTICATED");
    return true;
  });
  await client.dispose();
});

test("a document that does not fit the schema is an error of that operation alone", async () => {
  const client = socket();
  await assert.rejects(client.iterate({ query: "subscription { nothingLikeIt }" }).next(), (errors) => {
    assert.equal(errors[0].extensions.code, "SYNTAX");
    return true;
  });
  assert.deepEqual(await next(client.iterate({ query: "{ workspace { slug } }" })), { workspace: { slug: "demo" } });
  await client.dispose();
});
