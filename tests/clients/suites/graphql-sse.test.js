// Event streams with the package graphql-sse, in both of its modes: a connection for each operation, and one for them all.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "graphql-sse";
import { authorization, customer, latest, url } from "./server.js";

const CHANGED = `subscription Changed($after: Int) {
  customersChanged(after: $after) { number operation records { nodes { recordId } } }
}`;

/** A client at /graphql/stream, and the method and status of each request that it made. */
function sse(options = {}) {
  const requests = [];
  const fetchFn = async (to, init) => {
    const response = await fetch(to, init);
    requests.push(`${init.method} ${response.status}`);
    return response;
  };
  return { client: createClient({ url: `${url}/stream`, headers: { authorization }, fetchFn, ...options }), requests };
}

/** The next change that is told. */
async function next(results) {
  const { value } = await results.next();
  assert.equal(value.errors, undefined);
  const { number, operation, records } = value.data.customersChanged;
  return [number, operation, records.nodes[0].recordId];
}

for (const singleConnection of [false, true]) {
  const mode = singleConnection ? "single connection" : "distinct connections";

  test(`${mode}: queries and mutations are streams that end`, async () => {
    const { client } = sse({ singleConnection });
    for (const [query, data] of [
      ["{ workspace { slug } }", { workspace: { slug: "demo" } }],
      ["mutation { updateWorkspace(input: { dryRun: true }) { errors { code } } }", { updateWorkspace: { errors: [] } }],
    ]) {
      const answers = [];
      for await (const answer of client.iterate({ query })) answers.push(answer);
      assert.deepEqual(answers, [{ data }]);
    }
    client.dispose();
  });

  test(`${mode}: a subscription that comes back after the last number is told what it missed`, async () => {
    const { client } = sse({ singleConnection });
    const after = await latest();
    const results = client.iterate({ query: CHANGED, variables: { after } });
    const first = await customer({ email: `before.${singleConnection}@sse.example` });
    const before = await next(results);
    assert.deepEqual(before.slice(1), ["createCustomer", first]);
    await results.return();
    const missed = await customer({ email: `while.away.${singleConnection}@sse.example` });
    const again = client.iterate({ query: CHANGED, variables: { after: before[0] } });
    assert.deepEqual((await next(again)).slice(1), ["createCustomer", missed]);
    await again.return();
    client.dispose();
  });

  test(`${mode}: of two subscriptions one that ends leaves the other`, async () => {
    const { client, requests } = sse({ singleConnection });
    const after = await latest();
    const [one, other] = [1, 2].map(() => client.iterate({ query: CHANGED, variables: { after } }));
    const first = await customer({ email: `shared.${singleConnection}@sse.example` });
    const told = await Promise.all([next(one), next(other)]);
    assert.deepEqual(told.map((change) => change.slice(1)), Array(2).fill(["createCustomer", first]));
    await one.return();
    const second = await customer({ email: `other.${singleConnection}@sse.example` });
    assert.deepEqual((await next(other)).slice(1), ["createCustomer", second]);
    await other.return();
    client.dispose();
    const made = requests.filter((request) => !request.startsWith("DELETE"));
    assert.deepEqual(made, singleConnection ? ["PUT 201", "GET 200", "POST 202", "POST 202"] : ["POST 200", "POST 200"]);
  });

  test(`${mode}: wrong credentials are refused before a stream is opened`, async () => {
    const { client, requests } = sse({ singleConnection, headers: { authorization: "Bearer rd_nothing" }, retryAttempts: 0 });
    await assert.rejects(client.iterate({ query: CHANGED }).next(), ({ response }) => response.status === 401);
    assert.deepEqual(requests, [singleConnection ? "PUT 401" : "POST 401"]);
    client.dispose();
  });
}

const UNFIT = "subscription { nothingLikeIt }";

test("distinct connections: a document that does not fit the schema is an answer with errors", async () => {
  const { client } = sse();
  const answers = [];
  for await (const { errors } of client.iterate({ query: UNFIT })) answers.push(errors[0].extensions.code);
  assert.deepEqual(answers, ["SYNTAX"]);
  client.dispose();
});

test("single connection: a document that does not fit the schema is refused as any request is", async () => {
  const { client } = sse({ singleConnection: true, retryAttempts: 0 });
  await assert.rejects(client.iterate({ query: UNFIT }).next(), ({ response }) => response.status === 400);
  client.dispose();
});

test("a connection that breaks is opened anew", async () => {
  const broken = new AbortController();
  const bodies = [];
  let retried;
  const client = createClient({
    url: `${url}/stream`,
    headers: { authorization },
    fetchFn: async (to, init) => {
      bodies.push(init.body);
      const response = await fetch(to, init);
      if (bodies.length > 1) return response;
      const cut = response.body.pipeThrough(new TransformStream(), { signal: broken.signal });
      return new Response(cut, { status: response.status, headers: response.headers });
    },
    retry: async () => (retried = await customer({ email: "retried@sse.example" })),
  });
  const variables = { after: await latest() };
  const results = client.iterate({ query: CHANGED, variables });
  const first = await customer({ email: "cut@sse.example" });
  const [number, ...before] = await next(results);
  assert.deepEqual(before, ["createCustomer", first]);
  variables.after = number; // sent as it is by then
  broken.abort(new TypeError("the line is cut"));
  assert.deepEqual((await next(results)).slice(1), ["createCustomer", retried]);
  assert.equal(bodies.length, 2);
  await results.return();
  client.dispose();
});
