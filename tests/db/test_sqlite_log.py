"""When the write-ahead log is put into the file: between two transactions, seldom, and never so late that it grows on."""

import sqlite3
import threading
from typing import Any

import pytest

from db.engines import sqlite_log
from db.engines.sqlite_log import Log
from db.transaction import Intent, Transaction
from tests import sql
from tests.conftest import World

pytestmark = pytest.mark.sqlite


class Told:
    """Stands for a connection; says how many pages the log has and how many of them are in the file."""

    def __init__(self) -> None:
        self.pages, self.in_file = 0, 0
        self.said: list[str] = []
        self.fault: sqlite3.Error | None = None

    def execute(self, text: str) -> "Told":
        self.said.append(text)
        if self.fault is not None:
            raise self.fault
        if text.endswith("(PASSIVE)"):
            self.in_file = self.pages
        return self

    def fetchone(self) -> tuple[int, int, int]:
        return 0, self.pages, self.in_file


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    monkeypatch.setattr(sqlite_log, "library_version", lambda: (3, 51, 3))
    return Told()


def of(told: Any, now: list[float]) -> Log:
    return Log(told, lambda: now[0])


def test_a_short_log_is_left_alone(told: Told) -> None:
    log = of(told, [0.0])
    told.pages = 7_999
    assert not log.is_due()


def test_a_long_one_is_put_into_the_file_once_in_a_while(told: Told) -> None:
    now = [0.0]
    log = of(told, now)
    told.pages = 8_000
    assert log.is_due()
    log.put_back(told)  # type: ignore[arg-type]
    assert not log.is_due()
    told.pages += 31_999
    now[0] = 0.9
    assert not log.is_due()
    now[0] = 1.0
    assert log.is_due()


def test_a_very_long_one_at_once(told: Told) -> None:
    log = of(told, [0.0])
    log.put_back(told)  # type: ignore[arg-type]
    told.pages = 32_000
    assert log.is_due()


def test_a_full_disk_is_told_and_tried_again_later(told: Told, caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    log = of(told, now)
    told.pages = 9_000
    told.fault = sqlite3.OperationalError("database or disk is full")
    log.put_back(told)  # type: ignore[arg-type]
    assert "database or disk is full" in caplog.text
    told.fault, now[0] = None, 1.0
    assert log.is_due()


def test_of_a_locked_file_nothing_is_asked(told: Told) -> None:
    log = of(told, [0.0])
    told.pages, told.fault = 9_000, sqlite3.OperationalError("database is locked")
    assert not log.is_due()


def test_an_older_library_goes_on_by_itself(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_log, "library_version", lambda: (3, 51, 2))
    log = of(told, [0.0])
    told.pages = 100_000
    assert not log.is_due()
    assert told.said == []


async def test_is_put_into_the_file_while_nobody_waits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_log, "LARGE", 1)
    database, answered, done = world.database, threading.Event(), []
    whole = Log.put_back

    def put_back(log: Log, connection: sqlite3.Connection) -> None:
        done.append(answered.wait(10))
        whole(log, connection)

    monkeypatch.setattr(Log, "put_back", put_back)

    async def work(tx: Transaction) -> None:
        await tx.connection.run("CREATE TABLE note (text TEXT)", ())

    await database.write(work, Intent(world.workspace_id, "note"))
    answered.set()
    await database.writer.idle()
    assert done == [True]
    assert await sql.rows(database, "SELECT count(*) FROM note") == [(0,)]
    ((_, pages, in_file),) = await sql.rows(database, "PRAGMA wal_checkpoint(NOOP)")
    assert pages == in_file
