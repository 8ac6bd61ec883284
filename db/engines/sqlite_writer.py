"""The one who writes: transactions one after the other, each piece of work in its own savepoint.

A piece of work that is over in a moment runs on the event loop: its dozen short statements would each hand the
interpreter back and forth between two threads. What takes longer is begun again in the writer's thread; so is what
finds the file held by another process. COMMIT, which waits for the disk, is always the thread's: meanwhile the event
loop answers those before and reads what comes next.
"""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Final, NamedTuple, TypeVar

import aiosqlite

from db.clock import Clock
from db.engines.dialects import Sqlite
from db.engines.near import Elsewhere
from db.engines.sqlite_connections import (
    BUSY_MILLISECONDS,
    LARGE_CACHE,
    LONGEST_SECONDS,
    PRAGMAS,
    connected,
    translated,
)
from db.engines.sqlite_log import Log
from db.transaction import Intent, Maintenance, Transaction, Work

Result = TypeVar("Result")

LARGEST_BATCH = 64
"""So many pieces of work share a commit at the most."""
LONGEST_HERE: Final = 0.001
"""How many seconds a piece of work may hold up the event loop."""
ALL_HERE: Final = 0.002
"""After so many seconds no other piece of work is begun there for the same transaction."""
STEPS: Final = 10_000
"""SQLite's own instructions between two looks at the clock."""


class TooLong(BaseException):
    """A piece of work takes too long for the event loop. No piece of work is to catch it."""


class _Threaded(aiosqlite.Connection):
    """An aiosqlite connection that can also run a whole function in its thread: one hop for many statements."""

    async def within(self, function: Callable[[sqlite3.Connection], Result]) -> Result:
        return await self._execute(function, self._conn)  # type: ignore[no-any-return,no-untyped-call]

    async def at_once(self, function: Callable[[sqlite3.Connection], Result]) -> Result:
        """Like `within`, and the thread has the interpreter first: the disk is at work before the event loop goes on."""
        connection = self._conn  # a closed one is refused here: nobody is left to answer
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        begun = Lock()
        begun.acquire()

        def whole() -> Result:
            begun.release()
            return function(connection)

        self._tx.put_nowait((answer, whole))
        begun.acquire(timeout=LONGEST_HERE)
        return await answer


class Direct:
    """Runs a transaction's statements at once, in the thread that it is used in."""

    def __init__(self, connection: sqlite3.Connection, dialect: Sqlite, ends: float | None = None) -> None:
        """`ends`: when it has taken too long, by `time.perf_counter`; None where it may take its time."""
        self._connection = connection
        self.dialect = dialect
        self._ends = ends

    async def rows(self, text: str, parameters: Sequence[Any]) -> list[Any]:
        return self._said(lambda: self._connection.execute(text, parameters).fetchall())

    async def run(self, text: str, parameters: Sequence[Any]) -> int:
        return self._said(lambda: self._connection.execute(text, parameters).rowcount)

    async def run_many(self, text: str, parameters: Sequence[Sequence[Any]]) -> None:
        self._said(lambda: self._connection.executemany(text, parameters))

    def _said(self, statement: Callable[[], Result]) -> Result:
        """What a statement says, or what its error stands for; whichever it is, it was not to take too long."""
        try:
            return statement()
        except sqlite3.Error as error:
            raise translated(error) from error
        finally:
            if self._ends is not None and time.perf_counter() > self._ends:
                raise TooLong


def drive(work: Coroutine[Any, Any, Result]) -> Result:
    """Runs a coroutine that never has to wait."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    work.close()
    raise RuntimeError("A transaction's work may await nothing but the transaction's own statements.")


class Member(NamedTuple):
    """A piece of work that waits for the writer."""

    work: Work[Any]
    intent: Intent
    answer: "asyncio.Future[Any]"


class Outcome(NamedTuple):
    value: Any = None
    error: BaseException | None = None


Outcomes = dict[int, Outcome]
"""What became of a batch's members, by their place."""


class Writer:
    """The connection that writes. Whoever waits for it shares a commit with others, each in its own savepoint."""

    def __init__(self, connection: _Threaded, clock: Clock, dialect: Sqlite) -> None:
        self.busy_milliseconds = BUSY_MILLISECONDS
        """How long another process that holds the file is waited for."""
        self.connection = connection
        self._own: sqlite3.Connection = connection._conn  # noqa: SLF001
        self._log = Log(self._own)
        self._clock = clock
        self._dialect = dialect
        self._waiting: list[Member] = []
        self._writing: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._ends = 0.0
        self._elsewhere: dict[str, Elsewhere] = {}
        """By operation, where its work took too long for the event loop."""

    @classmethod
    async def open(cls, path: Path, clock: Clock, dialect: Sqlite) -> "Writer":
        connection = _Threaded(lambda: connected(path, read_only=False), iter_chunk_size=64)
        await connection
        for name, value in PRAGMAS:
            await connection.execute_fetchall(f"PRAGMA {name} = {value}")
        await connection.execute_fetchall("PRAGMA busy_timeout = 0")  # nobody waits on the event loop
        return cls(connection, clock, dialect)

    async def idle(self) -> None:
        """Waits until nothing is left to write."""
        while self._writing is not None:
            await self._writing

    async def keep_more(self) -> None:
        """Keeps more pages in memory from now on."""
        async with self._turn:
            await self.connection.execute_fetchall(f"PRAGMA cache_size = {LARGE_CACHE}")

    async def close(self) -> None:
        await self.connection.close()

    async def write(self, work: Work[Result], intent: Intent) -> Result:
        """Runs a piece of work as one transaction; answered only after its commit."""
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append(Member(work, intent, answer))
        if self._writing is None:
            self._writing = asyncio.create_task(self._drain())
        return await answer

    async def maintain(self, work: Callable[[Maintenance], Awaitable[Result]]) -> Result:
        """Runs maintenance across workspaces in the writer's thread."""

        async def started(connection: sqlite3.Connection) -> Result:
            return await work(Maintenance(Direct(connection, self._dialect)))

        def whole(connection: sqlite3.Connection) -> Result:
            self._begin(connection)
            try:
                value = drive(started(connection))
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            return value

        try:
            async with self._turn:
                return await self.connection.within(whole)
        except sqlite3.Error as error:
            raise translated(error) from error

    async def _drain(self) -> None:
        batch: list[Member] = []
        while self._waiting:
            # half of those who are about: while their commit is on its way to the disk, the others come up
            size = min(LARGEST_BATCH, (len(self._waiting) + len(batch) + 1) // 2)
            batch, self._waiting = self._waiting[:size], self._waiting[size:]
            batch = [member for member in batch if not member.answer.done()]
            async with self._turn:
                outcomes = await self._written(batch)
            for place, member in enumerate(batch):
                if member.answer.done():
                    continue
                outcome = outcomes[place]
                if outcome.error is not None:
                    member.answer.set_exception(outcome.error)
                else:
                    member.answer.set_result(outcome.value)
            async with self._turn:
                if self._log.is_due():
                    await self.connection.within(self._log.put_back)
        self._writing = None

    async def _written(self, batch: Sequence[Member]) -> Outcomes:
        timer = asyncio.get_running_loop().call_later(LONGEST_SECONDS, self._own.interrupt)
        try:
            done = self._here(batch)
            if len(batch) == 1 and not self._own.in_transaction:
                return {0: await self.connection.at_once(lambda connection: self._alone(connection, batch[0]))}
            return await self.connection.at_once(lambda connection: self._together(connection, batch, done))
        except BaseException as error:  # noqa: BLE001  whatever it was, nobody is left waiting
            return dict.fromkeys(range(len(batch)), Outcome(error=error))
        finally:
            timer.cancel()

    def _here(self, batch: Sequence[Member]) -> Outcomes:
        """Begins a transaction on the event loop, and does in it what is over in a moment."""
        done: Outcomes = {}
        last_begin = time.perf_counter() + ALL_HERE
        self._own.set_progress_handler(self._over, STEPS)
        try:
            for place, member in enumerate(batch):
                if time.perf_counter() < last_begin and (outcome := self._briefly(member)) is not None:
                    done[place] = outcome
        except BaseException as error:
            if self._own.in_transaction:
                self._own.execute("ROLLBACK")
            if not isinstance(error, sqlite3.Error):
                raise
            return {}  # the thread begins anew, and waits for who holds the file
        finally:
            self._own.set_progress_handler(None, 0)
        return done

    def _briefly(self, member: Member) -> Outcome | None:
        """What became of a piece of work; None if it is the thread's. A transaction that was lost is raised."""
        elsewhere = self._elsewhere.get(member.intent.operation)
        if elsewhere is not None and elsewhere.due():
            return None
        if not self._own.in_transaction:
            self._own.execute("BEGIN IMMEDIATE")
        self._ends = time.perf_counter() + LONGEST_HERE
        try:
            outcome = self._one(self._own, member, self._ends)
        except TooLong:
            self._elsewhere.setdefault(member.intent.operation, Elsewhere()).took_too_long()
            if not self._own.in_transaction:
                raise sqlite3.OperationalError("interrupted, and with it all that was done") from None
            return None
        if elsewhere is not None:
            elsewhere.was_quick()
        return outcome

    def _over(self) -> bool:
        return time.perf_counter() > self._ends

    def _together(self, connection: sqlite3.Connection, batch: Sequence[Member], done: Outcomes) -> Outcomes:
        """One transaction for all; if the whole of it is lost, each is run again alone."""
        try:
            if not connection.in_transaction:
                self._begin(connection)
            for place, member in enumerate(batch):
                if place not in done:
                    done[place] = self._one(connection, member)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if len(batch) > 1:
                return {place: self._alone(connection, member) for place, member in enumerate(batch)}
            return {0: Outcome(error=translated(error))}
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return done

    def _alone(self, connection: sqlite3.Connection, member: Member) -> Outcome:
        """One piece of work, which is the transaction: without a savepoint no page has to be copied before it changes."""
        transaction = Transaction(Direct(connection, self._dialect), member.intent)
        try:
            self._begin(connection)
            value = drive(self._whole(transaction, member.work))
            if not member.intent.dry_run:
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            return Outcome(error=translated(error))
        except Exception as error:  # noqa: BLE001  it is answered
            if not connection.in_transaction:  # SQLite gave it up (full, I/O error)
                return Outcome(error=translated(sqlite3.OperationalError(str(error.__cause__ or error))))
            return Outcome(error=error)
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        return Outcome(value)

    def _begin(self, connection: sqlite3.Connection) -> None:
        """Begins a transaction, once who holds the file lets go of it."""
        connection.execute(f"PRAGMA busy_timeout = {self.busy_milliseconds}")
        try:
            connection.execute("BEGIN IMMEDIATE")
        finally:
            connection.execute("PRAGMA busy_timeout = 0")

    def _one(self, connection: sqlite3.Connection, member: Member, ends: float | None = None) -> Outcome:
        transaction = Transaction(Direct(connection, self._dialect, ends), member.intent)
        connection.execute("SAVEPOINT member")
        try:
            value = drive(self._whole(transaction, member.work))
        except TooLong:
            if connection.in_transaction:
                connection.execute("ROLLBACK TO member")
                connection.execute("RELEASE member")
            raise
        except Exception as error:
            if not connection.in_transaction:  # SQLite gave up the whole transaction (full, I/O error)
                raise sqlite3.OperationalError(str(error.__cause__ or error)) from error
            connection.execute("ROLLBACK TO member")
            connection.execute("RELEASE member")
            return Outcome(error=error)
        if member.intent.dry_run:
            connection.execute("ROLLBACK TO member")
        connection.execute("RELEASE member")
        return Outcome(value)

    async def _whole(self, transaction: Transaction, work: Work[Any]) -> Any:
        await transaction.begin(self._clock)
        value = await work(transaction)
        await transaction.finish()
        return value
