"""A document that was answered before refuses what a new one refuses, word for word."""

from typing import Any

import pytest

from tests.conftest import Client, World

ASKED = """query Asked($id: ID!, $first: Int, $wanted: Boolean = true) {
  customer(by: {id: $id}) { email @include(if: $wanted) projects(first: $first) { nodes { name } } }
}"""
WROTE = """mutation Wrote($input: CreateCustomerInput!) {
  createCustomer(input: $input) { customer { email projects(first: 5) { nodes { name } } } errors { code path message } }
}"""
UNKNOWN = "cus_00000000000000000000000001"

READS: dict[str, tuple[Any, str | None]] = {
    "nothing": ({}, "INVALID_VALUE"),
    "null for what must be given": ({"id": None}, "INVALID_VALUE"),
    "a list for an id": ({"id": ["x"]}, "INVALID_VALUE"),
    "a text for a number": ({"id": UNKNOWN, "first": "ten"}, "INVALID_VALUE"),
    "null for a flag": ({"id": UNKNOWN, "wanted": "yes"}, "INVALID_VALUE"),
    "a page too large": ({"id": UNKNOWN, "first": 251}, "LIMIT"),
    "a page of none": ({"id": UNKNOWN, "first": 0}, "LIMIT"),
    "an unknown id": ({"id": UNKNOWN, "first": 5}, None),
    "no id at all": ({"id": "\u0000"}, None),
}
WRITES: dict[str, tuple[Any, str]] = {
    "no input": ({}, "INVALID_VALUE"),
    "a field that is none": ({"input": {"email": "a@b.example", "age": 5}}, "INVALID_VALUE"),
    "no address": ({"input": {}}, "INVALID_VALUE"),
}


async def both(client: Client, text: str, variables: Any) -> tuple[Any, Any]:
    """The answer of a document that is known and of one that is not; they differ in a comment at their end."""
    known, new = await client.post(text, variables), await client.post(f"{text} # not seen before", variables)
    assert known.status_code == new.status_code
    return known.json(), new.json()


@pytest.mark.parametrize("case", READS)
async def test_a_known_query_refuses_as_a_new_one(admin: Client, case: str) -> None:
    assert await admin.ask(ASKED, id=UNKNOWN, first=5) == {"customer": None}
    variables, code = READS[case]
    known, new = await both(admin, ASKED, variables)
    assert known == new
    if code is None:
        assert known == {"data": {"customer": None}}
    else:
        assert [error["extensions"]["code"] for error in known["errors"]] == [code]


@pytest.mark.parametrize("case", WRITES)
async def test_a_known_mutation_refuses_as_a_new_one(admin: Client, case: str) -> None:
    made = await admin.ask(WROTE, input={"email": "ann@example.com"})
    assert made["createCustomer"]["errors"] == []
    variables, code = WRITES[case]
    known, new = await both(admin, WROTE, variables)
    assert known == new
    assert {error["extensions"]["code"] for error in known["errors"]} == {code}


async def test_a_known_document_asks_for_credentials_each_time(world: World, admin: Client) -> None:
    await admin.ask(ASKED, id=UNKNOWN, first=5)
    nobody = await world.client(None).post(ASKED, {"id": UNKNOWN})
    assert nobody.status_code == 401
    wrong = await world.client("rd_key_wrong").post(ASKED, {"id": UNKNOWN})
    assert wrong.status_code == 401
    assert nobody.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert wrong.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
