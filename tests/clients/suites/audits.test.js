// GraphQL over HTTP: the audits that the package graphql-http makes of any server, with a key and without.
import assert from "node:assert/strict";
import { test } from "node:test";
import { auditServer } from "graphql-http";
import { key, url } from "./server.js";

function counted(results) {
  const counts = {};
  for (const { name, status } of results) {
    const level = name.split(" ")[0];
    counts[level] ??= { ok: 0, others: [] };
    if (status === "ok") counts[level].ok += 1;
    else counts[level].others.push(`${status}: ${name}`);
  }
  return counts;
}

const all = {
  MUST: { ok: 13, others: [] },
  SHOULD: { ok: 23, others: [] },
  MAY: { ok: 25, others: [] },
};

test("all 13 MUST, 23 SHOULD and 25 MAY are kept", async () => {
  const fetchFn = (to, init) => fetch(to, { ...init, headers: { authorization: `Bearer ${key}`, ...init?.headers } });
  assert.deepEqual(counted(await auditServer({ url, fetchFn })), all);
});

test("they are kept to somebody without a key too", async () => {
  assert.deepEqual(counted(await auditServer({ url, fetchFn: fetch })), all);
});
