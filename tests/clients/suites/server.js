// The server that the suites ask, as pytest started it.
import { createClient } from "graphql-ws";
import WebSocket from "ws";

export const { URL: url, KEY: key } = process.env;
export const socketUrl = url.replace("http", "ws");
export const authorization = `Bearer ${key}`;

/** What a query or mutation answers, by plain HTTP. */
export async function ask(query, variables = {}) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", authorization },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

/** A new customer's id. */
export async function customer(input) {
  const { createCustomer } = await ask(
    "mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id } errors { message } } }",
    { input },
  );
  return createCustomer.customer.id;
}

/** The number of the latest change. */
export async function latest() {
  const { changes } = await ask("{ changes(last: 1) { nodes { number } } }");
  return changes.nodes[0].number;
}

/** A client of graphql-ws with the credentials in connection_init. */
export function socket(options = {}) {
  return createClient({ url: socketUrl, webSocketImpl: WebSocket, connectionParams: { authorization }, ...options });
}
