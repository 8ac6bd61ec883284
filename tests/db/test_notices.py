"""Changes told of at once over PostgreSQL's LISTEN and NOTIFY, and found by looking where that is lost."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from statistics import median

import asyncpg
import httpx2
import pytest
import pytest_asyncio
import websockets

from db.engines.notices import CHANNEL, Notices
from db.engines.postgres import PostgresDatabase
from db.transaction import Intent, Transaction
from db.workspaces import change_number
from resolvers.signals import SELDOM_SECONDS, Signals
from tests.conftest import Client, Template, World
from tests.serving import Asking, Serving, command
from tests.test_subscriptions import CHANGED, Subscriber

pytestmark = pytest.mark.postgres
Opening = Callable[..., Awaitable[PostgresDatabase]]


@pytest_asyncio.fixture
async def another(world: World) -> AsyncIterator[Opening]:
    """Opens the database as further processes do."""
    async with AsyncExitStack() as stack:

        async def opened(listen_url: str = str(world.where)) -> PostgresDatabase:
            database = await PostgresDatabase.open(str(world.where), world.clock, listen_url=listen_url)
            stack.push_async_callback(database.close)
            return database

        yield opened


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not happened():  # noqa: ASYNC110  nothing tells of it
            await asyncio.sleep(0.01)


async def change(database: PostgresDatabase, world: World) -> None:
    async def work(tx: Transaction) -> None:
        tx.move_answers()

    await database.write(work, Intent(world.workspace_id, "test"))


async def delay(signals: Signals, reading: PostgresDatabase, writing: PostgresDatabase, world: World) -> float:
    """How long after a write in one process somebody who waits in another one is told."""
    number = await change_number(reading, world.workspace_id)
    waiting = asyncio.create_task(signals.moved(world.workspace_id, number))
    await asyncio.sleep(0.1)  # its first look is over
    await change(writing, world)
    began = time.monotonic()
    await asyncio.wait_for(waiting, 5)
    return time.monotonic() - began


async def test_who_waits_is_told_at_once_and_again_after_the_connection_was_cut(world: World, another: Opening) -> None:
    reading, writing = await another(), await another()
    assert reading.notices is not None
    assert writing.notices is not None
    notices = (reading.notices, writing.notices)
    signals = Signals(reading)
    await until(lambda: all(one.connected for one in notices))
    assert median([await delay(signals, reading, writing, world) for _ in range(5)]) < SELDOM_SECONDS / 5
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query ~ $1"
    assert len(await writing.read(cut, ("LISTEN|pg_notify",))) >= 2
    await until(lambda: not any(one.connected for one in notices))
    assert await delay(signals, reading, writing, world) < SELDOM_SECONDS  # found by looking, or told by then
    await until(lambda: all(one.connected for one in notices))
    assert median([await delay(signals, reading, writing, world) for _ in range(5)]) < SELDOM_SECONDS / 5
    await signals.close()


async def test_a_change_that_nobody_tells_of_is_found(world: World, another: Opening) -> None:
    reading, silent = await another(), await another("")
    assert reading.notices is not None
    await until(lambda: reading.notices is not None and reading.notices.connected)
    signals = Signals(reading)
    assert await delay(signals, reading, silent, world) < SELDOM_SECONDS + 1
    await signals.close()


async def test_goes_on_by_looking_where_nobody_listens_at_the_address(world: World, another: Opening) -> None:
    lost = await another("postgresql://postgres@127.0.0.1:1/nowhere")
    signals = Signals(lost)
    assert await delay(signals, lost, lost, world) < SELDOM_SECONDS
    assert lost.notices is not None
    assert not lost.notices.connected
    await signals.close()


async def test_a_dry_run_is_not_told_of_and_changes_of_a_moment_are_told_together(world: World) -> None:
    heard: list[object] = []
    notices, listener = Notices(str(world.where)), await asyncpg.connect(str(world.where))
    try:
        await listener.add_listener(CHANNEL, lambda *told: heard.append(told[-1]))
        await until(lambda: notices.connected)
        for _ in range(20):
            for number in range(100):
                notices.changed(f"workspace {number % 2}")
            await asyncio.sleep(0.001)
        await until(lambda: len(set(heard)) == 2)
        await asyncio.sleep(0.2)
        assert len(heard) < 20 * 2
        heard.clear()
        database = await PostgresDatabase.open(str(world.where), world.clock, listen_url=str(world.where))

        async def work(tx: Transaction) -> None:
            tx.move_answers()

        await database.write(work, Intent(world.workspace_id, "test", dry_run=True))
        await change(database, world)
        await until(lambda: bool(heard))
        await database.close()
        assert heard == [world.workspace_id]
    finally:
        await notices.close()
        await listener.close()


async def test_a_subscriber_at_one_server_hears_at_once_of_a_write_at_another(
    migrated: Template, tmp_path: Path
) -> None:
    async with AsyncExitStack() as later:
        name = await migrated.server.database(migrated.name)
        later.push_async_callback(migrated.server.drop, name)
        url = migrated.server.url(name)
        where = {"database_url": url, "listen_url": url}
        workspace = command("workspace", "create", "Test", data_dir=str(tmp_path), **where)
        key = command("key", "create", "--workspace", workspace, "--scopes", "admin", data_dir=str(tmp_path), **where)
        stack = later.enter_context(ExitStack())
        one, other = (stack.enter_context(Serving(tmp_path, (), where)) for _ in range(2))
        http = await later.enter_async_context(httpx2.AsyncClient(timeout=10))
        ask = Asking(key, http)
        connection = await later.enter_async_context(
            websockets.connect(f"{one.url.replace('http', 'ws')}/graphql", subprotocols=["graphql-transport-ws"])  # type: ignore[list-item]
        )
        subscriber, delays = Subscriber(connection), []
        await subscriber.begin(Client(http, key))
        await subscriber.subscribe("1", CHANGED)
        create = "mutation($email: EmailAddress!) { createCustomer(input: {email: $email}) { customer { id } } }"
        for number in range(9):
            await asyncio.sleep(0.3)
            assert await ask(other.url, create, email=f"c{number}@example.com")
            began = time.monotonic()
            assert (await subscriber.next())["type"] == "next"
            delays.append(time.monotonic() - began)
    assert median(delays) < SELDOM_SECONDS / 10, delays
