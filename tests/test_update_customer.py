"""Changing a customer."""

from typing import Any

import pytest

from tests import steps
from tests.conftest import Client, World

SHOWN = "customer { email firstName lastName name phone title externalId version }"


async def update(client: Client, by: dict[str, str], **changes: Any) -> dict[str, Any]:
    return (await steps.well(client, "updateCustomer", SHOWN, customer=by, **changes))["customer"]


async def test_what_is_left_out_stays_and_null_clears(admin: Client) -> None:
    ann = await steps.customer(admin, "ann@example.com", firstName="Ann", lastName="Lee", phone="1", title="Buyer")
    changed = await update(admin, {"id": ann}, firstName="Anna", phone=None)
    assert changed == {
        "email": "ann@example.com",
        "firstName": "Anna",
        "lastName": "Lee",
        "name": "Anna Lee",
        "phone": None,
        "title": "Buyer",
        "externalId": None,
        "version": 2,
    }


async def test_a_variable_that_is_not_given_counts_as_left_out(admin: Client) -> None:
    ann = await steps.customer(admin, "ann@example.com", firstName="Ann", lastName="Lee")
    text = """mutation($id: ID!, $first: String, $last: String) {
      updateCustomer(input: {customer: {id: $id}, firstName: $first, lastName: $last}) { customer { name } }
    }"""
    changed = await admin.ask(text, id=ann, last=None)
    assert changed["updateCustomer"]["customer"]["name"] == "Ann"


async def test_a_blank_text_clears_as_null_does(admin: Client) -> None:
    ann = await steps.customer(admin, "ann@example.com", firstName="Ann")
    assert (await update(admin, {"id": ann}, firstName="  "))["firstName"] is None


@pytest.mark.parametrize(
    "by", [{"email": "ANN@example.com"}, {"externalId": "c-1"}, {"email": " ann@example.com "}, {"externalId": " c-1 "}]
)
async def test_names_the_customer_by_address_or_external_id(admin: Client, by: dict[str, str]) -> None:
    await steps.customer(admin, "ann@example.com", externalId="c-1")
    assert (await update(admin, by, title="Boss"))["title"] == "Boss"


async def test_an_external_id_is_the_same_in_either_normal_form(admin: Client) -> None:
    await steps.customer(admin, "ann@example.com", externalId="e\u0301-1")
    assert (await update(admin, {"externalId": "e\u0301-1"}, title="Boss"))["title"] == "Boss"
    assert (await update(admin, {"externalId": "\u00e9-1"}, title="Chief"))["title"] == "Chief"


async def test_refuses_a_customer_that_is_named_in_two_ways_or_in_none(admin: Client) -> None:
    for by in ({}, {"id": "x", "email": "y@example.com"}, {"id": None}):
        text = "mutation($input: UpdateCustomerInput!) { updateCustomer(input: $input) { errors { code } } }"
        error = await admin.refused(text, input={"customer": by, "title": "Boss"})
        assert error["extensions"]["code"] == "INVALID_VALUE"


@pytest.mark.parametrize(
    ("by", "path"),
    [
        ({"id": "cus_" + "0" * 26}, ["customer"]),
        ({"id": "org_" + "0" * 26}, ["customer"]),
        ({"id": ""}, ["customer"]),
        ({"id": "x" * 10_000}, ["customer"]),
        ({"id": "a\x00b"}, ["customer"]),
        ({"email": "bob@example.com"}, ["customer", "email"]),
        ({"externalId": "c-2"}, ["customer", "externalId"]),
        ({"externalId": "x" * 10_000}, ["customer", "externalId"]),
    ],
)
async def test_refuses_a_customer_that_does_not_exist(admin: Client, by: dict[str, str], path: list[str]) -> None:
    answer = await steps.done(admin, "updateCustomer", customer=by, title="Boss")
    (error,) = answer["errors"]
    assert (error["code"], error["path"]) == ("NOT_FOUND", path)
    assert len(error["message"]) < 200


async def test_refuses_an_archived_customer(admin: Client) -> None:
    ann = await steps.customer(admin, "ann@example.com")
    await steps.well(admin, "archiveCustomers", customerIds=[ann])
    assert await steps.problems(admin, "updateCustomer", customer={"id": ann}, title="x") == [
        ("NOT_FOUND", ["customer"])
    ]


async def test_the_users_address_names_no_customer(world: World, admin: Client) -> None:
    await world.user("AGENT", "sue@example.com")
    refused = await steps.problems(admin, "updateCustomer", customer={"email": "sue@example.com"}, title="x")
    assert refused == [("NOT_FOUND", ["customer", "email"])]


async def test_a_stale_version_is_refused_with_the_record_as_it_is_now(world: World, admin: Client) -> None:
    ann = await steps.customer(admin, "ann@example.com")
    await update(admin, {"id": ann}, title="Boss", expectedVersion=1)
    before = await steps.written(world)
    conflict = """customer { id } errors { ... on VersionConflict {
      code path currentVersion record { ... on Customer { title version } } } }"""
    refused = await steps.done(
        admin, "updateCustomer", conflict, customer={"id": ann}, title="Chief", expectedVersion=1
    )
    assert refused["customer"] is None
    (error,) = refused["errors"]
    assert (error["code"], error["path"]) == ("CONFLICT", ["expectedVersion"])
    assert (error["currentVersion"], error["record"]) == (2, {"title": "Boss", "version": 2})
    assert await steps.written(world) == before


async def test_a_change_that_changes_nothing_writes_nothing(world: World, admin: Client) -> None:
    ann = await steps.customer(admin, "ann@example.com", firstName="Ann")
    before = await steps.written(world)
    assert (await update(admin, {"id": ann}, firstName=" Ann ", title=None, email="ann@EXAMPLE.com"))["version"] == 1
    assert await steps.written(world) == before


async def test_a_new_address_frees_the_old_one(admin: Client) -> None:
    ann = await steps.customer(admin, "ann@example.com")
    changed = await update(admin, {"id": ann}, email="Anna@example.com")
    assert (changed["email"], changed["name"]) == ("Anna@example.com", "Anna@example.com")
    await steps.customer(admin, "ann@example.com")
    assert await steps.problems(admin, "createCustomer", email="anna@example.com") == [("EMAIL_TAKEN", ["email"])]


async def test_an_address_changes_its_capitals_and_stays_held(admin: Client) -> None:
    ann = await steps.customer(admin, "ann@example.com")
    assert (await update(admin, {"id": ann}, email="Ann@example.com"))["email"] == "Ann@example.com"
    assert await steps.problems(admin, "createCustomer", email="ann@example.com") == [("EMAIL_TAKEN", ["email"])]


async def test_refuses_a_taken_address_a_null_one_and_one_that_is_none(world: World, admin: Client) -> None:
    ann = await steps.customer(admin, "ann@example.com")
    await steps.customer(admin, "bob@example.com")
    before = await steps.written(world)
    for address, code in (("bob@example.com", "EMAIL_TAKEN"), (None, "REQUIRED"), ("bob", "INVALID_EMAIL")):
        refused = await steps.problems(admin, "updateCustomer", customer={"id": ann}, email=address, title="Boss")
        assert refused == [(code, ["email"])]
    assert await steps.written(world) == before


async def test_refuses_a_taken_external_id(admin: Client) -> None:
    ann = await steps.customer(admin, "ann@example.com")
    await steps.customer(admin, "bob@example.com", externalId="c-1")
    refused = await steps.problems(admin, "updateCustomer", customer={"id": ann}, externalId="c-1")
    assert refused == [("EXTERNAL_ID_TAKEN", ["externalId"])]


async def test_refuses_texts_that_cannot_be_kept(admin: Client) -> None:
    ann = await steps.customer(admin, "ann@example.com")
    for value, code in (("x" * 201, "TOO_LONG"), ("a\x00b", "INVALID_VALUE")):
        refused = await steps.problems(admin, "updateCustomer", customer={"id": ann}, title=value)
        assert refused == [(code, ["title"])]


async def test_a_changed_name_is_found_and_the_old_one_is_not(admin: Client) -> None:
    ann = await steps.customer(admin, "ann@example.com", lastName="Lee")
    await update(admin, {"id": ann}, lastName="Müller")
    text = "query($s: String) { customers(search: $s) { nodes { email } } }"
    found = [(await admin.ask(text, s=s))["customers"]["nodes"] for s in ("muller", "lee", "ann")]
    assert found == [[{"email": "ann@example.com"}], [], [{"email": "ann@example.com"}]]


async def test_a_dry_run_answers_the_change_and_keeps_nothing(world: World, admin: Client) -> None:
    ann = await steps.customer(admin, "ann@example.com")
    before = await steps.written(world)
    assert (await update(admin, {"id": ann}, title="Boss", dryRun=True))["title"] == "Boss"
    assert await steps.written(world) == before


async def test_what_an_answered_update_changed_shows_in_the_next_query(admin: Client) -> None:
    ann = await steps.customer(admin, "ann@example.com")
    text = "query($by: CustomerRef!) { customer(by: $by) { title } }"
    for title in ("Boss", "Chief"):
        await update(admin, {"id": ann}, title=title)
        assert (await admin.ask(text, by={"id": ann}))["customer"]["title"] == title
