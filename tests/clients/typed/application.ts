// A front end's code as graphql-codegen's client preset types it. It is compiled, and its documents are served from their manifest.
import type { ResultOf, VariablesOf } from "@graphql-typed-document-node/core";
import { graphql, useFragment } from "../generated/typed";

export const Row = graphql(`
  fragment Row on Customer {
    id
    name
    email
    status
    createdAt
  }
`);

export const Tree = graphql(`
  query TypedTree($first: Int!) {
    organizations(filter: { root: true }, first: $first) {
      nodes {
        id
        name
        customers(first: 5) {
          totalCount
          nodes {
            ...Row
          }
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

export const Create = graphql(`
  mutation TypedCreate($input: CreateCustomerInput!) {
    createCustomer(input: $input) {
      customer {
        ...Row
      }
      errors {
        __typename
        code
        message
        path
        ... on EmailTaken {
          holder {
            __typename
            ... on Customer {
              id
              name
            }
          }
        }
      }
    }
  }
`);

export const Changed = graphql(`
  subscription TypedChanged($after: Int) {
    customersChanged(after: $after) {
      number
      operation
    }
  }
`);

export const first: VariablesOf<typeof Tree> = { first: 10 };

export function rows(data: ResultOf<typeof Tree>): string[] {
  return data.organizations.nodes.flatMap((organization) =>
    organization.customers.nodes.map((customer) => `${organization.name}: ${useFragment(Row, customer).name}`),
  );
}

/** What a form shows beside its fields. Input that is not of the schema does not compile. */
export function complaints(data: ResultOf<typeof Create>): Map<string, string> {
  return new Map(
    data.createCustomer.errors.map((error) => {
      const holder = error.__typename === "EmailTaken" ? error.holder : null;
      const who = holder?.__typename === "Customer" ? ` (${holder.name})` : "";
      return [error.path.join("."), `${error.message}${who}`];
    }),
  );
}

// @ts-expect-error a customer needs an address
export const wrong: VariablesOf<typeof Create> = { input: { firstName: "Ann" } };
