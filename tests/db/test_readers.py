"""Where reads run: on the event loop for a moment, then in a thread; and none of them waits for a slow one."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from db.clock import system_clock
from db.engines import readers
from db.engines.sqlite import SqliteDatabase
from db.errors import StorageBusy

SLOW = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ?) SELECT sum(i) FROM n"
QUICK = "SELECT ?"


@pytest_asyncio.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    opened = await SqliteDatabase.open(tmp_path / "some.db", system_clock)
    yield opened
    await opened.close()


async def test_a_read_too_long_for_the_event_loop_is_answered_all_the_same(database: SqliteDatabase) -> None:
    for _ in range(3):
        assert await database.read(SLOW, [300_000]) == [(45_000_150_000,)]
    assert await database.read(SLOW, [3]) == [(6,)]


async def test_the_event_loop_goes_on_while_a_slow_read_runs(database: SqliteDatabase) -> None:
    slow = asyncio.create_task(database.read(SLOW, [3_000_000]))
    await asyncio.sleep(0)
    for number in range(100):
        assert await database.read(QUICK, [number]) == [(number,)]
    assert not slow.done()
    assert await slow == [(4_500_001_500_000,)]


async def test_a_slow_read_in_a_thread_keeps_no_other_waiting(database: SqliteDatabase) -> None:
    slow = asyncio.create_task(database.read(SLOW, [20_000_000]))
    await asyncio.sleep(0.01)
    assert await database.read(f"{SLOW} ", [200_000]) == [(20_000_100_000,)]
    assert not slow.done()
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow
    began = time.perf_counter()
    assert await database.read(f"{SLOW}  ", [200_000]) == [(20_000_100_000,)]
    assert time.perf_counter() - began < 2


async def test_a_read_is_refused_where_every_thread_is_busy_for_too_long(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "LONGEST_WAIT_SECONDS", 0.1)
    slow = [asyncio.create_task(database.read(SLOW, [10**12])) for _ in range(3)]
    with pytest.raises(StorageBusy):
        await slow[2]
    for one in slow[:2]:
        one.cancel()
    assert [type(e) for e in await asyncio.gather(*slow[:2], return_exceptions=True)] == [asyncio.CancelledError] * 2
