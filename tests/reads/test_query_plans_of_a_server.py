"""How many rows PostgreSQL reads for typical reads, in tables that hold something and were analysed."""

from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from db.batches import add_customers, new_customer
from db.customers import prepared
from db.reads.searching import FEW
from tests import sql
from tests.conftest import Client, World
from tests.reads.making import Making

pytestmark = pytest.mark.postgres

CUSTOMERS = 20_000
FIRST = ("Ada", "Bela", "Cem", "Dee", "Eve")
READS = {
    "a page": "{ customers(first: 50) { nodes { name organization { name } projects(first: 5) { nodes { name } } } } }",
    "a page from the end": "{ customers(last: 50) { nodes { name } pageInfo { hasPreviousPage } } }",
    "a page by creation": "{ customers(orderBy: [{field: CREATED_AT, direction: DESC}]) { nodes { name } } }",
    "a common word": '{ customers(search: "ada") { nodes { name } pageInfo { hasNextPage } } }',
    "a rare word": '{ customers(search: "c12345") { totalCount nodes { name } } }',
    "two words": '{ customers(search: "ada c12345") { nodes { name } } }',
    "an organization": '{ customers(filter: {organization: "$organization"}) { totalCount nodes { name } } }',
    "an address": '{ customer(by: {email: "c12345@example.com"}) { name status } }',
}
MOST_READ = 1_000
"""Rows of customers and their words that a read may pass; its page has 50."""


async def filled(world: World) -> str:
    """Names one of 400 organizations with 50 customers each."""
    making = Making(world)
    places = [await making.organization(f"Place {i:03}") for i in range(400)]
    for start in range(0, CUSTOMERS, 5_000):
        new = [
            new_customer(
                prepared(
                    {
                        "email": f"c{i}@example.com",
                        "first_name": FIRST[i % len(FIRST)],
                        "organization_id": places[i % len(places)],
                    }
                )
            )
            for i in range(start, start + 5_000)
        ]
        await making.write(lambda tx, new=new: add_customers(tx, new))
    await sql.run(world.database, "ANALYZE")
    return places[1]


def passed(node: dict[str, Any]) -> int:
    """The rows of customers and their words that a plan passed, those included that its filters removed."""
    rows = 0
    if node.get("Relation Name") in {"customer", "customer_word"}:
        rows = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
    return rows + sum(passed(below) for below in node.get("Plans", ()))


async def test_a_read_passes_few_rows(world: World, admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    organization = await filled(world)
    await admin.ask("{ viewer { permissions } }")
    asked: list[tuple[str, Sequence[Any]]] = []
    read = world.database.read

    async def seen(text: str, parameters: Sequence[Any] = ()) -> list[Any]:
        asked.append((text, parameters))
        return await read(text, parameters)

    monkeypatch.setattr(world.database, "read", seen)
    for name, document in READS.items():
        asked.clear()
        await admin.ask(document.replace("$organization", organization))
        assert len(asked) == 1, name
        ((plan,),) = await read(f"EXPLAIN (ANALYZE, FORMAT JSON) {asked[0][0]}", asked[0][1])
        most = MOST_READ + FEW if name == "two words" else MOST_READ  # which of them is rarer is counted so far
        assert 0 < passed(orjson.loads(plan)[0]["Plan"]) < most, name
