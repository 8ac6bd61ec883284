"""Reads that are kept prepared on a connection: while tables change, while nobody answers, and no more than so many."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from db.engines import postgres_connection, postgres_server
from db.engines.postgres import PostgresDatabase
from db.errors import TimedOut
from tests.conftest import World

pytestmark = pytest.mark.postgres

KEPT = "SELECT count(*) FROM pg_prepared_statements"


@asynccontextmanager
async def alone(url: str, world: World) -> AsyncIterator[PostgresDatabase]:
    """A database with one connection."""
    database = await PostgresDatabase.open(url, world.clock, connections=1)
    try:
        yield database
    finally:
        await database.close()


async def test_a_read_goes_on_when_a_migration_changed_what_it_answers(world: World) -> None:
    async with alone(str(world.where), world) as database:
        text = "SELECT * FROM workspace WHERE workspace_id = $1"
        before = len((await database.read(text, (world.workspace_id,)))[0])
        assert len((await database.read(text, (world.workspace_id,)))[0]) == before
        await world.run("ALTER TABLE workspace ADD COLUMN later text NOT NULL DEFAULT 'here'")
        for _ in range(3):
            (row,) = await database.read(text, (world.workspace_id,))
            assert (len(row), row["later"]) == (before + 1, "here")
        await world.run("ALTER TABLE workspace ALTER COLUMN later TYPE varchar(10)")
        assert (await database.read(text, (world.workspace_id,)))[0]["later"] == "here"


async def test_no_more_than_so_many_reads_are_kept_prepared(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_connection, "KEPT_STATEMENTS", 3)
    async with alone(str(world.where), world) as database:
        for number in range(20):
            assert [tuple(row) for row in await database.read(f"SELECT {number}")] == [(number,)]
        ((kept,),) = await database.read(KEPT)
        assert 3 <= kept <= 4


async def test_a_read_ends_where_the_server_says_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_server, "UNANSWERED_SECONDS", 0.5)
    parts = urlsplit(str(world.where))
    heard = asyncio.Event()
    heard.set()

    async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, at_will: bool) -> None:
        while piece := await reader.read(65_536):
            if at_will and not heard.is_set():
                continue
            writer.write(piece)
        writer.close()

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(parts.hostname, parts.port)
        await asyncio.gather(passed_on(reader, back, at_will=True), passed_on(there, writer, at_will=False))

    network = await asyncio.start_server(accepted, "127.0.0.1")
    port = network.sockets[0].getsockname()[1]
    async with network, alone(f"postgresql://postgres@127.0.0.1:{port}{parts.path}", world) as database:
        assert [tuple(row) for row in await database.read("SELECT 1")] == [(1,)]
        heard.clear()
        with pytest.raises(TimedOut):
            await asyncio.wait_for(database.read("SELECT 1"), 5)
        heard.set()
        assert [tuple(row) for row in await database.read("SELECT 1")] == [(1,)]
        await asyncio.sleep(0.6)  # what looked for overdue reads finds none, and leaves the connection alone
        ((same,),) = await database.read("SELECT pg_backend_pid()")
        assert [tuple(row) for row in await database.read("SELECT pg_backend_pid()")] == [(same,)]
