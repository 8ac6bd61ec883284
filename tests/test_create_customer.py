"""Creating a customer."""

from tests.conftest import Client

CREATE = """
mutation($input: CreateCustomerInput!) {
  createCustomer(input: $input) {
    customer { id email name status organization { name } }
    errors { __typename code message path ... on EmailTaken { holder { ... on Customer { email } } } }
  }
}
"""


async def test_needs_only_an_address(admin: Client) -> None:
    created = (await admin.ask(CREATE, input={"email": "Ann.Lee@Example.com"}))["createCustomer"]
    assert created["errors"] == []
    assert created["customer"]["email"] == "Ann.Lee@example.com"
    assert created["customer"]["name"] == "Ann.Lee@example.com"
    assert created["customer"]["status"] == "CREATED"
    assert created["customer"]["organization"] is None


async def test_refuses_an_address_that_already_belongs_to_a_customer(admin: Client) -> None:
    await admin.ask(CREATE, input={"email": "ann@example.com"})
    refused = (await admin.ask(CREATE, input={"email": "ANN@EXAMPLE.COM"}))["createCustomer"]
    assert refused["customer"] is None
    (error,) = refused["errors"]
    assert (error["code"], error["path"]) == ("EMAIL_TAKEN", ["email"])
    assert error["holder"] == {"email": "ann@example.com"}
