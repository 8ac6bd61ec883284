"""A variable that may be null, where null may not stand: taken for its default when it is left out, refused when it is null."""

from typing import Any

import pytest

from tests.conftest import Client, World

PLACES: dict[str, tuple[str, str]] = {
    "an argument of a list": (
        "query($x: Boolean) { organizations { nodes { customerCount(includeDescendants: $x) } } }",
        "Boolean!",
    ),
    "an argument of what is computed": ("query($x: Int) { outbox(first: $x) { subject } }", "Int!"),
    "an enumeration": (
        "query($x: ExportFormat) { export(format: $x, records: {customers: {}}) { filename } }",
        "ExportFormat!",
    ),
    "a field of an input": (
        "query($x: OrderDirection) { customers(orderBy: {field: NAME, direction: $x}) { nodes { id } } }",
        "OrderDirection!",
    ),
    "a mutation's input": (
        'mutation($x: Boolean) { createCustomer(input: {email: "ann@example.com", dryRun: $x}) { errors { code } } }',
        "Boolean!",
    ),
    "a directive": ("query($x: Boolean = true) { workspace { id @include(if: $x) slug } }", "Boolean!"),
}


@pytest.mark.parametrize("place", PLACES)
async def test_is_refused_when_it_is_null(world: World, admin: Client, place: str) -> None:
    text, kind = PLACES[place]
    for _ in range(2):
        error = await admin.refused(text, x=None)
        assert error["extensions"]["code"] == "INVALID_VALUE"
        assert error["message"] == (
            f"The variable $x is null where {kind} is expected. Leave it out, or give it a value."
        )
    assert await world.rows("SELECT count(*) FROM customer") == [(0,)]


@pytest.mark.parametrize("place", PLACES)
async def test_stands_for_the_default_when_it_is_left_out(admin: Client, place: str) -> None:
    answer: dict[str, Any] = await admin.ask(PLACES[place][0])
    assert list(answer.values()) != [None]
