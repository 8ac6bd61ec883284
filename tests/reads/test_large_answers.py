"""How large an answer may become: what its records hold is known only when they are read, and bounded then."""

from typing import Any

import pytest_asyncio

from db import tickets as stored
from db.transaction import Transaction
from resolvers.engine import TOO_LARGE
from tests.conftest import Client, World

TICKETS = 190
LONGEST = 100_000
PAGE = "tickets(first: 250) { nodes { description } }"


@pytest_asyncio.fixture
async def tickets(world: World, admin: Client) -> Client:
    """Tickets with the longest descriptions there can be, 19 MB in all."""
    given = {"subject": "Long", "requester_email": "ann@example.com", "description": "x" * LONGEST}

    async def work(tx: Transaction) -> None:
        for _ in range(TICKETS):
            await stored.create(tx, given)

    await world.write(work)
    return admin


async def test_an_answer_over_20_million_bytes_is_refused(tickets: Client) -> None:
    page: dict[str, Any] = (await tickets.ask(f"{{ {PAGE} }}"))["tickets"]
    assert sum(len(one["description"]) for one in page["nodes"]) == TICKETS * LONGEST
    for text in (
        f"{{ a: {PAGE} b: {PAGE} }}",
        "{ tickets(first: 250) { nodes { a: description b: description } } }",
    ):
        answer = await tickets.post(text)
        assert answer.json() == {"errors": [{"message": TOO_LARGE, "extensions": {"code": "LIMIT"}}]}
    assert await tickets.ask("{ tickets { totalCount } }") == {"tickets": {"totalCount": TICKETS}}
