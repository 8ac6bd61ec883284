"""What happens at once: on a real file, by several connections, started together."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest_asyncio

from server.app import application
from server.settings import Settings
from tests import steps
from tests.conftest import Client, Origin, World, at, opened

AT_ONCE = 200


@pytest_asyncio.fixture
async def both(migrated: Origin, tmp_path: Path) -> AsyncIterator[tuple[World, Client, Client]]:
    """Two servers over one file, each with connections of its own, and a client of each with the same key."""
    async with AsyncExitStack() as stack:
        world = await opened(stack, migrated, tmp_path)
        second = application(
            Settings(data_dir=str(tmp_path), rate_limit="off", database_url=at(world.where)), world.clock
        )
        await stack.enter_async_context(second.router.lifespan_context(second))
        transport = httpx2.ASGITransport(app=second)
        http = await stack.enter_async_context(httpx2.AsyncClient(transport=transport, base_url="http://testserver"))
        admin = await world.key()
        yield world, admin, Client(http, admin.token)


def in_turn(one: Client, other: Client) -> list[Client]:
    return [one if i % 2 else other for i in range(AT_ONCE)]


def codes(answers: list[dict[str, Any]]) -> Counter[str]:
    return Counter(e["code"] for answer in answers for e in answer["errors"])


async def test_no_update_of_two_hundred_at_once_is_lost(both: tuple[World, Client, Client]) -> None:
    world, one, other = both
    ann = await steps.customer(one, "ann@example.com")
    await asyncio.gather(
        *(
            steps.well(client, "updateCustomer", customer={"id": ann}, title=f"Title {i}")
            for i, client in enumerate(in_turn(one, other))
        )
    )
    found = await steps.read(other, ann, "... on Customer { version history { totalCount } }")
    assert found == {"version": 1 + AT_ONCE, "history": {"totalCount": 1 + AT_ONCE}}
    rows = await world.rows("SELECT number FROM change WHERE workspace_id = ?", (world.workspace_id,))
    assert len({number for (number,) in rows}) == 1 + AT_ONCE


async def test_of_two_hundred_with_the_same_expected_version_one_succeeds(both: tuple[World, Client, Client]) -> None:
    _, one, other = both
    ann = await steps.customer(one, "ann@example.com")
    answers = await asyncio.gather(
        *(
            steps.done(client, "updateCustomer", customer={"id": ann}, title=f"Title {i}", expectedVersion=1)
            for i, client in enumerate(in_turn(one, other))
        )
    )
    assert codes(answers) == {"CONFLICT": AT_ONCE - 1}
    assert (await steps.read(one, ann, "... on Customer { version }")) == {"version": 2}


async def test_two_hundred_creations_of_one_address_make_one_customer(both: tuple[World, Client, Client]) -> None:
    _, one, other = both
    answers = await asyncio.gather(
        *(steps.done(client, "createCustomer", email="ann@example.com") for client in in_turn(one, other))
    )
    assert codes(answers) == {"EMAIL_TAKEN": AT_ONCE - 1}
    assert await steps.emails(one) == ["ann@example.com"]


async def test_two_moves_that_would_make_a_cycle_do_not_both_succeed(both: tuple[World, Client, Client]) -> None:
    _, one, other = both
    for i in range(10):
        a, b = await steps.organization(one, f"A {i}"), await steps.organization(one, f"B {i}")
        answers = await asyncio.gather(
            steps.done(one, "moveOrganization", organizationId=a, to={"parentId": b}),
            steps.done(other, "moveOrganization", organizationId=b, to={"parentId": a}),
        )
        assert codes(answers) == {"ORGANIZATION_CYCLE": 1}
        shown = "... on Organization { depth ancestors { id } }"
        assert sorted([(await steps.read(one, o, shown))["depth"] for o in (a, b)]) == [0, 1]


async def test_no_child_moves_into_what_is_being_archived(both: tuple[World, Client, Client]) -> None:
    _, one, other = both
    for i in range(10):
        parent, child = await steps.organization(one, f"Parent {i}"), await steps.organization(one, f"Child {i}")
        answers = await asyncio.gather(
            steps.done(one, "archiveOrganization", organizationId=parent),
            steps.done(other, "moveOrganization", organizationId=child, to={"parentId": parent}),
        )
        assert sum(codes(answers).values()) == 1
        assert set(codes(answers)) <= {"CANNOT_ARCHIVE", "NOT_FOUND"}
        found = await steps.read(one, child, "... on Organization { archivedAt parent { id archivedAt } }")
        assert found["archivedAt"] is None
        assert found["parent"] in (None, {"id": parent, "archivedAt": None})


async def test_no_customer_moves_into_what_is_being_archived(both: tuple[World, Client, Client]) -> None:
    _, one, other = both
    ann = await steps.customer(one, "ann@example.com")
    for i in range(10):
        acme = await steps.organization(one, f"Acme {i}")
        answers = await asyncio.gather(
            steps.done(one, "archiveOrganization", organizationId=acme, contents="MOVE_UP"),
            steps.done(other, "moveCustomers", customerIds=[ann], to={"organizationId": acme}),
        )
        assert set(codes(answers)) <= {"NOT_FOUND"}
        assert (await steps.read(one, ann, "... on Customer { organization { id } }")) == {"organization": None}


async def test_siblings_of_one_name_made_at_once_are_one(both: tuple[World, Client, Client]) -> None:
    _, one, other = both
    answers = await asyncio.gather(
        *(steps.done(client, "createOrganization", name="Acme") for client in in_turn(one, other)[:50])
    )
    assert codes(answers) == {"NAME_TAKEN": 49}


async def test_a_revoked_key_ends_on_the_other_server_too(both: tuple[World, Client, Client]) -> None:
    _, one, other = both
    answer = await steps.well(one, "createApiKey", "key apiKey { id }", name="Shop", scopes=["CUSTOMERS_READ"])
    elsewhere = Client(other.http, answer["key"])
    text = "{ customers { totalCount } }"
    await elsewhere.ask(text)
    await steps.well(one, "revokeApiKey", apiKeyId=answer["apiKey"]["id"])
    assert (await elsewhere.refused(text))["extensions"]["code"] == "UNAUTHENTICATED"


async def test_what_one_server_answered_the_other_shows(both: tuple[World, Client, Client]) -> None:
    _, one, other = both
    for i in range(20):
        await steps.customer(one, f"c{i}@example.com")
        assert (await other.ask("{ customers { totalCount } }")) == {"customers": {"totalCount": i + 1}}
