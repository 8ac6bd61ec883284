"""Inputs of which exactly one field is given (`@oneOf`): others are refused, in the document and in variables alike."""

from typing import Any

import pytest

from tests import steps
from tests.conftest import Client

ASKED = "query($by: CustomerRef!) { customer(by: $by) { email } }"


@pytest.mark.parametrize("by", ["{}", "{id: null}", '{id: "a", email: "ann@example.com"}', '{id: "a", email: null}'])
async def test_refuses_a_document_that_gives_none_or_several(admin: Client, by: str) -> None:
    error = await admin.refused(f"{{ customer(by: {by}) {{ email }} }}")
    assert error["extensions"]["code"] == "SYNTAX"
    assert error["message"].startswith(
        "Within OneOf Input Object type 'CustomerRef', exactly one field must be specified"
    )


@pytest.mark.parametrize("by", [{}, {"id": None}, {"id": "a", "email": "ann@example.com"}, {"id": "a", "email": None}])
async def test_refuses_variables_that_give_none_or_several(admin: Client, by: dict[str, Any]) -> None:
    error = await admin.refused(ASKED, by=by)
    assert error["extensions"]["code"] == "INVALID_VALUE"
    assert "exactly one field must be specified" in error["message"]


async def test_refuses_a_variable_that_is_null(admin: Client) -> None:
    text = "query($id: ID) { customer(by: {id: $id}) { email } }"
    assert await admin.ask(text, id="a") == {"customer": None}
    for given in ({}, {"id": None}):
        error = await admin.refused(text, **given)
        assert error["extensions"]["code"] == "INVALID_VALUE"
        assert error["message"].startswith("CustomerRef takes exactly one of its fields")


async def test_refuses_a_target_that_is_none_or_several(admin: Client) -> None:
    ann = await steps.customer(admin, "ann@example.com")
    text = "mutation($input: MoveCustomersInput!) { moveCustomers(input: $input) { count } }"
    for to in ({}, {"unassigned": None}, {"unassigned": True, "organizationId": "org_x"}):
        error = await admin.refused(text, input={"customerIds": [ann], "to": to})
        assert error["extensions"]["code"] == "INVALID_VALUE"


async def test_takes_one(admin: Client) -> None:
    await steps.customer(admin, "ann@example.com")
    found = {"customer": {"email": "ann@example.com"}}
    assert await admin.ask(ASKED, by={"email": "ann@example.com"}) == found
    assert await admin.ask("query($e: String!) { customer(by: {email: $e}) { email } }", e="ann@example.com") == found
