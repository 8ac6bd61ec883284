// What the caching clients ask: the tree, a mutation shown before it is answered, and a subscription.
export const TREE = `query Tree {
  organizations(filter: { root: true }, first: 3) {
    __typename
    nodes {
      __typename
      id
      name
      customers(first: 2) { __typename nodes { __typename id name } }
      children(first: 2) {
        __typename
        nodes { __typename id name customers(first: 2) { __typename totalCount nodes { __typename id name } } }
      }
    }
  }
}`;

export const CUSTOMER = `query One($id: ID!) {
  customer(by: { id: $id }) { __typename id title version organization { __typename id name } }
}`;

export const UPDATE = `mutation Update($input: UpdateCustomerInput!) {
  updateCustomer(input: $input) {
    __typename
    customer { __typename id title version organization { __typename id name } }
    errors { __typename code message path }
  }
}`;

export const CHANGED = `subscription Changed($after: Int) {
  customersChanged(after: $after) {
    __typename
    number
    operation
    records { __typename nodes { __typename recordId record { __typename id ... on Customer { title version } } } }
  }
}`;
