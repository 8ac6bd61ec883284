"""Creating a customer."""

import pytest

from tests import steps
from tests.conftest import Client, World

CREATE = """
mutation($input: CreateCustomerInput!) {
  createCustomer(input: $input) {
    customer { id email name status organization { name } }
    errors { __typename code message path ... on EmailTaken { holder { ... on Customer { email } } } }
  }
}
"""

EVERYTHING = """customer {
  email firstName lastName name phone title externalId version status
  organization { name } projects { nodes { name } } invitation { status sentCount }
}"""


async def test_needs_only_an_address(admin: Client) -> None:
    created = (await admin.ask(CREATE, input={"email": "Ann.Lee@Example.com"}))["createCustomer"]
    assert created["errors"] == []
    assert created["customer"]["email"] == "Ann.Lee@example.com"
    assert created["customer"]["name"] == "Ann.Lee@example.com"
    assert created["customer"]["status"] == "CREATED"
    assert created["customer"]["organization"] is None


async def test_takes_every_property(admin: Client) -> None:
    acme = await steps.organization(admin, "Acme")
    wiki = await steps.project(admin, "Wiki")
    created = await steps.well(
        admin,
        "createCustomer",
        EVERYTHING,
        email="ann@example.com",
        firstName="  Ann ",
        lastName="Lee",
        phone="+1 555 0100",
        title="Buyer",
        externalId="c-1",
        organizationId=acme,
        projectIds=[wiki],
    )
    assert created["customer"] == {
        "email": "ann@example.com",
        "firstName": "Ann",
        "lastName": "Lee",
        "name": "Ann Lee",
        "phone": "+1 555 0100",
        "title": "Buyer",
        "externalId": "c-1",
        "version": 1,
        "status": "CREATED",
        "organization": {"name": "Acme"},
        "projects": {"nodes": [{"name": "Wiki"}]},
        "invitation": None,
    }


async def test_takes_null_and_blank_for_absent(admin: Client) -> None:
    created = await steps.well(
        admin, "createCustomer", EVERYTHING, email="ann@example.com", firstName=None, phone="  ", projectIds=None
    )
    assert (created["customer"]["firstName"], created["customer"]["phone"]) == (None, None)


async def test_refuses_an_address_that_already_belongs_to_a_customer(admin: Client) -> None:
    await admin.ask(CREATE, input={"email": "ann@example.com"})
    refused = (await admin.ask(CREATE, input={"email": "ANN@EXAMPLE.COM"}))["createCustomer"]
    assert refused["customer"] is None
    (error,) = refused["errors"]
    assert (error["code"], error["path"]) == ("EMAIL_TAKEN", ["email"])
    assert error["holder"] == {"email": "ann@example.com"}


async def test_refuses_an_address_that_belongs_to_a_user_and_names_the_user(world: World, admin: Client) -> None:
    await world.user("AGENT", "sue@example.com")
    holder = "errors { ... on EmailTaken { code path holder { __typename ... on User { email } } } }"
    refused = await steps.done(admin, "createCustomer", holder, email="Sue@example.com")
    assert (refused["errors"][0]["code"], refused["errors"][0]["path"]) == ("EMAIL_TAKEN", ["email"])
    assert refused["errors"][0]["holder"] == {"__typename": "User", "email": "sue@example.com"}


async def test_an_address_of_another_workspace_is_free_here(world: World, admin: Client) -> None:
    other = await world.key("ADMIN", workspace_id=await world.workspace())
    await steps.customer(other, "ann@example.com", externalId="c-1")
    await steps.customer(admin, "ann@example.com", externalId="c-1")


@pytest.mark.parametrize(
    "address",
    ["", "   ", "ann", "ann@", "@example.com", "ann@@example.com", "ann lee@example.com", "ann@exa mple.com",
     "ann@example..com", "ann@-example.com", "a\n@example.com", "ann@example.com\nBcc: x@example.com", "a" * 65 + "@example.com"],
)  # fmt: skip
async def test_refuses_what_is_no_address(world: World, admin: Client, address: str) -> None:
    before = await steps.written(world)
    code = "INVALID_EMAIL" if address.strip() else "REQUIRED"
    assert await steps.problems(admin, "createCustomer", email=address) == [(code, ["email"])]
    assert await steps.written(world) == before


async def test_keeps_at_most_254_characters_of_an_address(admin: Client) -> None:
    address = "a@" + ".".join(["b" * 60] * 4) + ".example.com"
    assert await steps.problems(admin, "createCustomer", email=address) == [("TOO_LONG", ["email"])]


async def test_takes_an_address_beyond_ascii_and_knows_its_other_spellings(admin: Client) -> None:
    await steps.customer(admin, "zoë@bücher.example")
    for same in ("ZOË@BÜCHER.example", "zoë@xn--bcher-kva.example"):
        assert await steps.problems(admin, "createCustomer", email=same) == [("EMAIL_TAKEN", ["email"])]


@pytest.mark.parametrize(
    ("name", "most"), [("firstName", 200), ("lastName", 200), ("title", 200), ("phone", 100), ("externalId", 200)]
)
async def test_refuses_a_text_longer_than_its_property_keeps(admin: Client, name: str, most: int) -> None:
    await steps.customer(admin, "ann@example.com", **{name: "x" * most})
    refused = await steps.problems(admin, "createCustomer", email="bob@example.com", **{name: "y" * (most + 1)})
    assert refused == [("TOO_LONG", [name])]


async def test_refuses_the_character_u0000(admin: Client) -> None:
    nul = await steps.problems(admin, "createCustomer", email="bob@example.com", firstName="a\x00b")
    assert nul == [("INVALID_VALUE", ["firstName"])]
    assert await steps.problems(admin, "createCustomer", email="b\x00b@example.com") == [("INVALID_VALUE", ["email"])]


@pytest.mark.parametrize("where", ["variable", "literal"])
async def test_refuses_half_of_a_surrogate_pair(admin: Client, where: str) -> None:
    create = "mutation($e: EmailAddress!) { createCustomer(input: {email: $e, firstName: %s}) { errors { code } } }"
    if where == "variable":
        body = '{"query": "mutation($n: String) { createCustomer(input: {email: \\"a@example.com\\", firstName: $n})'
        body += ' { errors { code } } }", "variables": {"n": "\\ud800"}}'
        headers = {"authorization": f"Bearer {admin.token}", "content-type": "application/json"}
        answer = await admin.http.post("/graphql", content=body.encode(), headers=headers)
    else:
        answer = await admin.post(create % '"\\ud800"', {"e": "a@example.com"})
    assert answer.status_code in {200, 400}
    assert answer.json()["errors"][0]["extensions"]["code"] in {"BAD_REQUEST", "SYNTAX"}
    assert await steps.emails(admin) == []


async def test_refuses_an_external_id_that_is_taken_and_names_the_holder(admin: Client) -> None:
    await steps.customer(admin, "ann@example.com", externalId="c-1")
    holder = "customer { id } errors { ... on ExternalIdTaken { code path holder { ... on Customer { email } } } }"
    refused = await steps.done(admin, "createCustomer", holder, email="bob@example.com", externalId="c-1")
    (error,) = refused["errors"]
    assert (error["code"], error["path"]) == ("EXTERNAL_ID_TAKEN", ["externalId"])
    assert error["holder"] == {"email": "ann@example.com"}
    assert await steps.emails(admin) == ["ann@example.com"]


async def test_refuses_an_unknown_organization_or_project(world: World, admin: Client) -> None:
    known = await steps.project(admin, "Wiki")
    before = await steps.written(world)
    missing = "org_" + "0" * 26
    assert await steps.problems(admin, "createCustomer", email="a@example.com", organizationId=missing) == [
        ("NOT_FOUND", ["organizationId"])
    ]
    absent = "prj_" + "0" * 26
    assert await steps.problems(admin, "createCustomer", email="a@example.com", projectIds=[known, absent]) == [
        ("NOT_FOUND", ["projectIds", "1"])
    ]
    assert await steps.written(world) == before


async def test_sends_no_mail_unless_asked(world: World, admin: Client) -> None:
    await steps.customer(admin, "ann@example.com")
    assert (await steps.written(world))["mail"] == []
    invited = await steps.well(admin, "createCustomer", EVERYTHING, email="bob@example.com", sendInvitation=True)
    assert invited["customer"]["status"] == "INVITED"
    assert invited["customer"]["invitation"] == {"status": "PENDING", "sentCount": 1}
    assert len((await steps.written(world))["mail"]) == 1


async def test_a_dry_run_answers_the_customer_and_keeps_nothing(world: World, admin: Client) -> None:
    before = await steps.written(world)
    answer = await steps.well(
        admin, "createCustomer", EVERYTHING, email="ann@example.com", sendInvitation=True, dryRun=True
    )
    assert (answer["customer"]["email"], answer["customer"]["status"]) == ("ann@example.com", "INVITED")
    assert await steps.written(world) == before


async def test_markup_and_control_characters_in_names_are_kept_as_text(admin: Client) -> None:
    made = await steps.customer(
        admin, "ann@example.com", firstName="<b>Ann</b>\u202e", lastName='"; DROP TABLE customer'
    )
    names = await steps.read(admin, made, "... on Customer { firstName lastName }")
    assert names == {"firstName": "<b>Ann</b>\u202e", "lastName": '"; DROP TABLE customer'}
