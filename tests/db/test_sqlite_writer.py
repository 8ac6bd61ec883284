"""Where writes run: on the event loop for a moment, else in the writer's thread; each once, and nobody waits there."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from db.engines import sqlite_writer
from db.engines.near import ELSEWHERE
from db.engines.sqlite import SqliteDatabase
from db.engines.sqlite_writer import LONGEST_HERE, Writer
from db.errors import NotFound
from db.transaction import Intent, Maintenance, Transaction, Work
from tests import sql
from tests.conftest import World
from tests.db.ticking import Clock

pytestmark = pytest.mark.sqlite

LONG = (
    "INSERT INTO note SELECT 'long ' || i FROM (WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ?)"
    " SELECT i FROM n)"
)
ROWS = 60_000
"""So many take SQLite some ten milliseconds."""


@pytest_asyncio.fixture
async def notes(world: World) -> AsyncIterator[World]:
    await sql.run(world.database, "CREATE TABLE note (text TEXT)")
    yield world


async def texts(world: World) -> list[str]:
    return [text for (text,) in await sql.rows(world.database, "SELECT text FROM note WHERE text NOT LIKE 'long %'")]


async def long_ones(world: World) -> int:
    return (await sql.rows(world.database, "SELECT count(*) FROM note WHERE text LIKE 'long %'"))[0][0]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(sqlite_writer, "time", clock)
    return clock


def slowly(clock: Clock, threads: list[int] | None = None) -> Work[None]:
    """What takes longer than a moment by that clock."""

    async def work(tx: Transaction) -> None:
        clock.now += 2 * LONGEST_HERE
        await lasting(threads)(tx)

    return work


def intent(world: World, operation: str = "note") -> Intent:
    return Intent(world.workspace_id, operation)


def noting(text: str, threads: list[int] | None = None) -> Work[None]:
    async def work(tx: Transaction) -> None:
        if threads is not None:
            threads.append(threading.get_ident())
        await tx.connection.run("INSERT INTO note VALUES (?)", (text,))

    return work


def lasting(threads: list[int] | None = None) -> Work[None]:
    async def work(tx: Transaction) -> None:
        if threads is not None:
            threads.append(threading.get_ident())
        await tx.connection.run(LONG, (ROWS,))

    return work


def refused(text: str) -> Work[None]:
    async def work(tx: Transaction) -> None:
        await noting(text)(tx)
        raise NotFound("Nothing is there.")

    return work


@pytest.mark.usefixtures("clock")
async def test_what_is_over_in_a_moment_runs_on_the_event_loop(notes: World) -> None:
    threads: list[int] = []
    await notes.database.write(noting("a", threads), intent(notes))
    assert threads == [threading.get_ident()]
    assert await texts(notes) == ["a"]


async def test_what_takes_longer_is_undone_and_done_once_in_the_writers_thread(notes: World, clock: Clock) -> None:
    threads: list[int] = []
    await notes.database.write(slowly(clock, threads), intent(notes))
    assert threads[0] == threading.get_ident() != threads[1]
    assert len(threads) == 2
    assert await long_ones(notes) == ROWS


async def test_its_operation_goes_there_at_once_for_a_while_and_others_do_not(notes: World, clock: Clock) -> None:
    await notes.database.write(slowly(clock), intent(notes, "long"))
    here = threading.get_ident()
    first, other = list[int](), list[int]()
    for _ in range(ELSEWHERE[0] + 1):
        await notes.database.write(noting("a", first), intent(notes, "long"))
        await notes.database.write(noting("b", other), intent(notes))
    assert [thread == here for thread in first] == [False] * ELSEWHERE[0] + [True]
    assert {thread == here for thread in other} == {True}


async def test_those_who_share_a_commit_with_a_long_or_a_refused_one_are_done_once(notes: World) -> None:
    works = [noting("a"), lasting(), noting("b"), refused("c"), noting("d"), lasting(), noting("e"), noting("f")]
    told = await asyncio.gather(*(notes.database.write(w, intent(notes)) for w in works), return_exceptions=True)
    assert [type(one) for one in told] == [type(None)] * 3 + [NotFound] + [type(None)] * 4
    assert sorted(await texts(notes)) == ["a", "b", "d", "e", "f"]
    assert await long_ones(notes) == 2 * ROWS


async def test_the_event_loop_goes_on_while_another_process_holds_the_file(notes: World) -> None:
    other = sqlite3.connect(notes.directory / "rolodesk.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writing = asyncio.create_task(notes.database.write(noting("a"), intent(notes)))
    for _ in range(20):
        await asyncio.sleep(0.005)
        assert await texts(notes) == []
    assert not writing.done()
    other.execute("ROLLBACK")
    other.close()
    await writing
    assert await texts(notes) == ["a"]


async def test_maintenance_and_writes_take_turns(notes: World) -> None:
    async def maintaining(maintenance: Maintenance) -> None:
        await maintenance.connection.run("INSERT INTO note VALUES (?)", ("maintained",))

    both = [notes.database.write(noting("written"), intent(notes)) for _ in range(50)]
    await asyncio.gather(*both, *(notes.database.maintain(maintaining) for _ in range(50)))
    assert sorted(await texts(notes)) == ["maintained"] * 50 + ["written"] * 50


async def test_a_dry_run_leaves_nothing_and_does_not_undo_its_neighbours(notes: World) -> None:
    dry = Intent(notes.workspace_id, "note", dry_run=True)
    await asyncio.gather(
        notes.database.write(noting("a"), intent(notes)),
        notes.database.write(noting("dry"), dry),
        notes.database.write(noting("b"), intent(notes)),
    )
    assert sorted(await texts(notes)) == ["a", "b"]


class FailingOnce:
    """A connection whose first COMMIT is lost, and with it the whole transaction."""

    def __init__(self, connection: sqlite3.Connection, committed: list[bool]) -> None:
        self._connection = connection
        self._committed = committed

    def execute(self, text: str, *given: Any) -> Any:
        if text == "COMMIT":
            self._committed.append(bool(self._committed))
            if not self._committed[-1]:
                self._connection.execute("ROLLBACK")
                raise sqlite3.OperationalError("disk I/O error")
        return self._connection.execute(text, *given)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


async def test_a_shared_commit_that_is_lost_is_done_again_one_by_one(
    notes: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(notes.database, SqliteDatabase)
    threaded, committed = notes.database.writer.connection, list[bool]()
    at_once = threaded.at_once

    async def failing(function: Any) -> Any:
        return await at_once(lambda connection: function(FailingOnce(connection, committed)))

    monkeypatch.setattr(threaded, "at_once", failing)
    works = [noting("a"), refused("b"), noting("c"), lasting(), noting("d"), noting("e")]
    told = await asyncio.gather(*(notes.database.write(w, intent(notes)) for w in works), return_exceptions=True)
    assert [type(one) for one in told] == [type(None), NotFound, *[type(None)] * 4]
    assert sorted(await texts(notes)) == ["a", "c", "d", "e"]
    assert await long_ones(notes) == ROWS
    assert committed[0] is False
    assert len(committed) > 3  # each of the first batch by itself


async def test_a_write_after_the_end_is_refused_and_does_not_wait(notes: World) -> None:
    assert isinstance(notes.database, SqliteDatabase)
    other = await Writer.open(notes.database.path, notes.clock, notes.database.dialect)
    await other.close()
    with pytest.raises(ValueError, match="no active connection"):
        await asyncio.wait_for(other.connection.at_once(lambda _connection: None), 5)


async def test_who_wrote_much_keeps_more_pages(notes: World) -> None:
    pages: list[int] = []

    async def ask(tx: Transaction) -> None:
        pages.extend(row[0] for row in await tx.connection.rows("PRAGMA cache_size", ()))

    await notes.database.write(ask, intent(notes))
    await notes.database.measure(["note"])
    await notes.database.write(ask, intent(notes))
    assert pages == [-65_536, -131_072]
