"""Answers that are kept while nothing changed, and never given once something did."""

import asyncio
import sys
from typing import Any

import pytest

from db import customers, invitations, organizations
from db.clock import DAY
from db.transaction import Transaction
from tests.conftest import Client, World, at

LIST = "{ customers { totalCount nodes { id email title status } } }"
SECRET = "development-secret-that-everybody-knows"


async def created(world: World, address: str = "ann@example.com") -> str:
    return await world.write(lambda tx: customers.create(tx, {"email": address}))


async def renamed(world: World, customer_id: str, title: str) -> None:
    await world.write(lambda tx: customers.update(tx, customer_id, {"title": title}))


async def test_an_unchanged_answer_is_given_again_without_its_statement(world: World, admin: Client) -> None:
    await created(world)
    first = await admin.post(LIST)
    second = await admin.post(LIST)
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.content == second.content
    assert first.headers["etag"] == second.headers["etag"]


async def test_a_client_that_has_the_answer_is_told_so(world: World, admin: Client) -> None:
    await created(world)
    first = await admin.post(LIST)
    admin.headers["if-none-match"] = first.headers["etag"]
    again = await admin.post(LIST)
    assert (again.status_code, again.content) == (304, b"")
    await created(world, "bob@example.com")
    changed = await admin.post(LIST)
    assert changed.status_code == 200
    assert changed.json()["data"]["customers"]["totalCount"] == 2


async def test_a_tag_is_weak_since_plain_and_compressed_share_it(admin: Client) -> None:
    tag = (await admin.post(LIST)).headers["etag"]
    assert tag.startswith('W/"')
    for form in (tag, tag.removeprefix("W/"), f'"other", {tag}'):
        admin.headers["if-none-match"] = form
        assert (await admin.post(LIST)).status_code == 304
    admin.headers["if-none-match"] = 'W/"other"'
    assert (await admin.post(LIST)).status_code == 200


async def test_a_write_is_seen_by_the_next_read(world: World, admin: Client) -> None:
    customer_id = await created(world)
    for n in range(5):
        await renamed(world, customer_id, f"title {n}")
        for _ in range(2):
            assert (await admin.ask(LIST))["customers"]["nodes"][0]["title"] == f"title {n}"


async def test_answers_are_kept_for_each_viewer_apart(world: World, admin: Client) -> None:
    ann, bob = await created(world), await created(world, "bob@example.com")
    seen = []
    for _ in range(2):
        for customer_id in (ann, bob):
            session = await world.customer_session(customer_id)
            answer = await session.ask("{ viewer { customer { id } } customers { nodes { id } } }")
            seen.append((answer["viewer"]["customer"]["id"], [c["id"] for c in answer["customers"]["nodes"]]))
    assert seen == [(ann, [ann]), (bob, [bob])] * 2
    assert (await admin.ask(LIST))["customers"]["totalCount"] == 2


async def test_an_answer_that_depends_on_time_holds_until_then(world: World, admin: Client) -> None:
    customer_id = await created(world)
    await world.write(lambda tx: invitations.invite(tx, customer_id, SECRET))
    assert (await admin.ask(LIST))["customers"]["nodes"][0]["status"] == "INVITED"
    world.clock.advance(13 * DAY)
    assert (await admin.ask(LIST))["customers"]["nodes"][0]["status"] == "INVITED"
    world.clock.advance(2 * DAY)
    assert (await admin.ask(LIST))["customers"]["nodes"][0]["status"] == "CREATED"


async def test_an_answer_that_shows_when_a_key_was_used_is_not_kept(admin: Client) -> None:
    answer = await admin.post("{ viewer { apiKey { lastUsedAt } } }")
    assert "etag" not in answer.headers


async def test_a_large_answer_is_compressed_once_it_is_asked_for_again(world: World, admin: Client) -> None:
    async def many(tx: Transaction) -> None:
        for n in range(100):
            await organizations.create(tx, {"name": f"Organization {n}"})

    await world.write(many)
    text = "{ organizations(first: 200) { nodes { id name } } }"
    admin.headers["accept-encoding"] = "gzip"
    answers = [await admin.post(text) for _ in range(4)]
    assert answers[-1].headers["content-encoding"] == "gzip"
    assert answers[-1].json() == answers[0].json()


WRITER = """
import asyncio, sys
from pathlib import Path
from db import customers
from db.clock import system_clock
from server.settings import Settings
from db.engines.opening import open_database
from db.transaction import Intent

async def main(path, workspace_id, customer_id, count):
    database = await open_database(Settings(database_url=path).database, system_clock)
    for n in range(int(count)):
        title = f"{n:06}"
        await database.write(lambda tx: customers.update(tx, customer_id, {"title": title}), Intent(workspace_id, "test"))
        print(title, flush=True)
    await database.close()

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize("count", [60])
async def test_a_write_of_another_process_is_never_missed(world: World, admin: Client, count: int) -> None:
    """Whoever asks after a write was answered sees it, or a later one."""
    customer_id = await created(world)
    arguments = [at(world.where), world.workspace_id, customer_id, str(count)]
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert writer.stdout is not None
    answered = 0
    async for line in writer.stdout:
        written = line.decode().strip()

        async def look(written: str = written) -> Any:
            return (await admin.ask(LIST))["customers"]["nodes"][0]["title"] >= written

        assert all(await asyncio.gather(*(look() for _ in range(4))))
        answered += 1
    assert await writer.wait() == 0
    assert answered == count
