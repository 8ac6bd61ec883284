"""Variables that nest deeper than anything meant."""

from typing import Any

from tests.conftest import Client

LIST = "query($filter: CustomerFilter) { customers(filter: $filter) { totalCount } }"


async def test_a_filter_that_nests_too_deep_is_refused(admin: Client) -> None:
    for depth in (150, 300, 500):
        nested: dict[str, Any] = {"unassigned": True}
        for _ in range(depth):
            nested = {"not": nested}
        error = await admin.refused(LIST, filter=nested)
        assert error["extensions"]["code"] == "LIMIT"


async def test_a_long_comment_is_refused(admin: Client) -> None:
    error = await admin.refused("#" + "x" * 900_000 + "\n{ viewer { permissions } }")
    assert error["extensions"]["code"] == "LIMIT"


async def test_an_address_is_found_in_its_other_forms(admin: Client) -> None:
    await admin.ask('mutation { createCustomer(input: {email: "info@exämple.com"}) { customer { id } } }')
    for form in ("info@exämple.com", "INFO@XN--EXMPLE-CUA.COM", " Info@Exämple.com "):
        assert (await admin.ask(LIST, filter={"email": {"eq": form}}))["customers"]["totalCount"] == 1, form
