// A list that loads more, a record refetched by its id, a mutation that adds to a list and a subscription, as Relay's compiler takes them.
import { graphql } from "relay-runtime";

export const list = graphql`
  fragment Customers_organization on Organization
  @argumentDefinitions(first: { type: "Int", defaultValue: 10 }, after: { type: "String" })
  @refetchable(queryName: "CustomersPaginationQuery") {
    name
    customers(first: $first, after: $after, orderBy: [{ field: LAST_NAME }]) @connection(key: "Customers_customers") {
      edges {
        node {
          ...Customers_row
        }
      }
    }
  }
`;

export const row = graphql`
  fragment Customers_row on Customer @refetchable(queryName: "CustomersRowQuery") {
    name
    email
    createdAt
  }
`;

export const query = graphql`
  query CustomersQuery($id: ID!) {
    node(id: $id) {
      ...Customers_organization @alias
    }
  }
`;

export const create = graphql`
  mutation CustomersCreateMutation($input: CreateCustomerInput!, $connections: [ID!]!) {
    createCustomer(input: $input) {
      customer @appendNode(connections: $connections, edgeTypeName: "CustomerEdge") {
        ...Customers_row
      }
      errors {
        code
        message
        path
      }
    }
  }
`;

export const changed = graphql`
  subscription CustomersChangedSubscription($after: Int) {
    customersChanged(after: $after) {
      number
      records {
        nodes {
          record {
            id
            ...Customers_row @alias
          }
        }
      }
    }
  }
`;
