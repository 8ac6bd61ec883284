"""SQLite in a file: one writer that owns its transactions, a few read-only readers, and one for what is over at once."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import aiosqlite

from db.clock import Clock
from db.dialects import Sqlite
from db.errors import LimitExceeded, StorageBusy, StorageFull, TimedOut, Unique
from db.near import Near
from db.notices import Notices
from db.readers import Readers
from db.statements import Statement
from db.transaction import Intent, Maintenance, Transaction, Work

Result = TypeVar("Result")

BUSY_MILLISECONDS = 5_000
LONGEST_SECONDS = 10
LARGEST_BATCH = 64
READERS = 2
FIRST_SOUND_VERSION = (3, 51, 3)
"""Before it, several connections that write and checkpoint at once can, very rarely, corrupt a WAL database."""

PRAGMAS = (
    ("journal_mode", "WAL"),  # readers see the last commit and never wait for the writer
    ("foreign_keys", "ON"),  # off by default in SQLite
    ("busy_timeout", str(BUSY_MILLISECONDS)),  # another process writes: wait, then refuse
    ("synchronous", "FULL"),  # an answered write survives a power cut
    ("mmap_size", "0"),  # an I/O error stays an error instead of a signal
    ("cache_size", "-65536"),  # 64 MiB for each connection
    ("temp_store", "MEMORY"),  # sorting needs no temporary file
    ("wal_autocheckpoint", "4000"),  # pages (16 MB): one that several commits touched goes into the file once
)

LITTLE_CACHE = "-8192"
"""Pages of 8 MiB, for connections that read little: most of what is read, the first reader reads."""

LIMITS = (
    "parser stack overflow",
    "Expression tree is too large",
    "too many arguments on function",
    "too many SQL variables",
    "too many columns",
    "at most 64 tables in a join",
    "statement too long",
    "string or blob too big",
)
"""How SQLite says that a statement is beyond what it was built for; its own parser nests less deep than newer ones."""


def library_version() -> tuple[int, ...]:
    """The version of the SQLite library in use."""
    return tuple(int(part) for part in sqlite3.sqlite_version.split("."))


def translated(error: sqlite3.Error) -> Exception:
    """The refusal that an engine's error stands for, or the error itself where it is a defect of ours."""
    text = str(error)
    if isinstance(error, sqlite3.IntegrityError) and text.startswith("UNIQUE constraint failed: "):
        return Unique(text.removeprefix("UNIQUE constraint failed: "))
    if "locked" in text or "busy" in text:
        return StorageBusy("The database is held by another process. Nothing was written; try again in a second.")
    if "full" in text or "disk I/O error" in text:
        return StorageFull("The disk is full or cannot be written. Nothing was written; reads go on.")
    if "interrupted" in text:
        return TimedOut(
            f"The operation took longer than {LONGEST_SECONDS} seconds and was cancelled. Nothing was written."
        )
    if any(limit in text for limit in LIMITS):
        return LimitExceeded(
            "The query is larger than this server's SQLite can take. Ask for fewer levels or fields at a time."
        )
    return error


NUMBERS = "SELECT access_number, change_number FROM workspace WHERE workspace_id = ?"


class _Threaded(aiosqlite.Connection):
    """An aiosqlite connection that can also run a whole function in its thread: one hop for many statements."""

    async def within(self, function: Callable[[sqlite3.Connection], Result]) -> Result:
        return await self._execute(function, self._conn)  # type: ignore[no-any-return,no-untyped-call]


def _connected(path: Path, *, read_only: bool) -> sqlite3.Connection:
    uri = f"file:{path.as_posix().replace('?', '%3f').replace('#', '%23')}?mode={'ro' if read_only else 'rwc'}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, cached_statements=512, check_same_thread=False)


def _reading(path: Path, *, little: bool = False, waits: bool = True) -> sqlite3.Connection:
    """A connection that reads; with `little` memory for pages, which the system keeps as well."""
    connection = _connected(path, read_only=True)
    own = {"busy_timeout": "0"} if not waits else {}
    own |= {"cache_size": LITTLE_CACHE} if little else {}
    for name, value in ({**dict(PRAGMAS), **own, "query_only": "ON"}).items():
        if name != "journal_mode":
            connection.execute(f"PRAGMA {name} = {value}")
    return connection


async def _opened(path: Path) -> _Threaded:
    """The writer's connection, in a thread of its own."""
    connection = _Threaded(lambda: _connected(path, read_only=False), iter_chunk_size=64)
    await connection
    for name, value in PRAGMAS:
        await connection.execute_fetchall(f"PRAGMA {name} = {value}")
    return connection


class _Direct:
    """Runs a transaction's statements at once, in the writer's own thread."""

    def __init__(self, connection: sqlite3.Connection, dialect: Sqlite) -> None:
        self._connection = connection
        self.dialect = dialect

    async def rows(self, text: str, parameters: Sequence[Any]) -> list[Any]:
        try:
            return self._connection.execute(text, parameters).fetchall()
        except sqlite3.Error as error:
            raise translated(error) from error

    async def run(self, text: str, parameters: Sequence[Any]) -> int:
        try:
            return self._connection.execute(text, parameters).rowcount
        except sqlite3.Error as error:
            raise translated(error) from error

    async def run_many(self, text: str, parameters: Sequence[Sequence[Any]]) -> None:
        try:
            self._connection.executemany(text, parameters)
        except sqlite3.Error as error:
            raise translated(error) from error


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


class SqliteDatabase:
    """The database in a file."""

    def __init__(
        self, path: Path, clock: Clock, dialect: Sqlite, writer: _Threaded, readers: Readers, near: Near
    ) -> None:
        self.path = path
        self.clock = clock
        self.dialect = dialect
        self._writer = writer
        self._near = near
        self._readers = readers
        self._waiting: list[Member] = []
        self._writing: asyncio.Task[None] | None = None
        self.watch: Callable[[str], None] | None = None
        self.notices: Notices | None = None

    @classmethod
    async def open(cls, path: Path, clock: Clock, readers: int = READERS) -> "SqliteDatabase":
        path.parent.mkdir(parents=True, exist_ok=True)
        writer = await _opened(path)
        dialect = Sqlite(keeps_subtype=await _keeps_subtype(writer))
        threads = Readers([_reading(path, little=number > 0) for number in range(readers)], LONGEST_SECONDS)
        near = Near(_reading(path, little=True, waits=False))
        return cls(path, clock, dialect, writer, threads, near)

    async def close(self) -> None:
        while self._writing is not None:
            await self._writing
        self._near.close()
        await self._readers.close()
        await self._writer.close()  # last: it alone can put the log back into the file

    # Reading

    async def read(self, text: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """All rows of one statement, at once or in one hop to a reader's thread."""
        return await self._reading(text, lambda connection: connection.execute(text, parameters).fetchall())

    async def rows(self, statement: Statement, **values: Any) -> list[Any]:
        """All rows of a statement that is written once and run often; its parameters are keywords."""
        return await self.read(statement.text(self.dialect), statement.parameters(self.dialect, values))

    async def read_current(self, workspace_id: str, text: str, parameters: Sequence[Any]) -> list[Any]:  # noqa: ARG002
        """All that is written is here."""
        return await self.read(text, parameters)

    async def read_unless(
        self, numbers: tuple[int, int], workspace_id: str, text: str, parameters: Callable[[], Sequence[Any]]
    ) -> list[Any] | None:
        """Like `read`, and None where the workspace's access and change numbers still are these."""
        present = await self._reading(
            NUMBERS, lambda connection: connection.execute(NUMBERS, (workspace_id,)).fetchone()
        )
        return None if present == numbers else await self.read(text, parameters())

    async def _reading(self, text: str, ask: Callable[[sqlite3.Connection], Result]) -> Result:
        if self.watch:
            self.watch(text)
        if self._near.takes(text, helping=self._readers.need_help):
            try:
                done, found = self._near.run(text, ask)
            except sqlite3.Error as error:
                raise translated(error) from error
            if done:
                return found  # type: ignore[return-value]
        try:
            return await self._readers.run(ask)  # type: ignore[no-any-return]
        except sqlite3.Error as error:
            raise translated(error) from error

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keeps every writer of every process out; readers go on."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.Error as error:
                raise translated(error) from error
            yield
            connection.execute("ROLLBACK")

    async def measure(self, tables: Sequence[str]) -> None:
        """Its plans are made by fixed numbers (`db/planning.py`)."""

    async def damage(self) -> str | None:
        """What the first damaged place of the file is; None for a file that is sound."""
        told = (await self.read("PRAGMA quick_check(1)"))[0][0]
        return None if told == "ok" else str(told)

    # Writing

    async def write(self, work: Work[Result], intent: Intent) -> Result:
        """Runs a piece of work as one transaction; answered only after its commit.

        Pieces that wait for the writer share a commit, each in its own savepoint.
        """
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append(Member(work, intent, answer))
        if self._writing is None:
            self._writing = asyncio.create_task(self._drain())
        return await answer

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting[:LARGEST_BATCH], self._waiting[LARGEST_BATCH:]
            batch = [member for member in batch if not member.answer.done()]
            timer = loop.call_later(LONGEST_SECONDS, self._writer._conn.interrupt)  # noqa: SLF001
            try:
                outcomes = await self._writer.within(lambda connection, batch=batch: self._together(connection, batch))  # type: ignore[misc]
            except BaseException as error:  # noqa: BLE001  whatever it was, nobody is left waiting
                outcomes = [Outcome(error=error)] * len(batch)
            timer.cancel()
            for member, outcome in zip(batch, outcomes, strict=True):
                if member.answer.done():
                    continue
                if outcome.error is not None:
                    member.answer.set_exception(outcome.error)
                else:
                    member.answer.set_result(outcome.value)
        self._writing = None

    def _together(self, connection: sqlite3.Connection, batch: Sequence[Member]) -> list[Outcome]:
        """One transaction for all of them; if the whole of it is lost, each is run again alone."""
        try:
            connection.execute("BEGIN IMMEDIATE")
            outcomes = [self._one(connection, member) for member in batch]
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if len(batch) > 1:
                return [self._together(connection, [member])[0] for member in batch]
            return [Outcome(error=translated(error))]
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return outcomes

    def _one(self, connection: sqlite3.Connection, member: Member) -> Outcome:
        transaction = Transaction(_Direct(connection, self.dialect), member.intent)
        connection.execute("SAVEPOINT member")
        try:
            value = drive(self._whole(transaction, member.work))
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
        await transaction.begin(self.clock)
        value = await work(transaction)
        await transaction.finish()
        return value

    async def maintain(self, work: Callable[[Maintenance], Awaitable[Result]]) -> Result:
        """Runs maintenance across workspaces in the writer's thread (claiming due jobs, making a workspace)."""

        async def started(connection: sqlite3.Connection) -> Result:
            return await work(Maintenance(_Direct(connection, self.dialect)))

        def whole(connection: sqlite3.Connection) -> Result:
            connection.execute("BEGIN IMMEDIATE")
            try:
                value = drive(started(connection))
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            return value

        try:
            return await self._writer.within(whole)
        except sqlite3.Error as error:
            raise translated(error) from error


async def _keeps_subtype(connection: _Threaded) -> bool:
    """Whether JSON from a scalar sub-select nests as JSON (see facts of SQLite 3.54.1)."""
    rows = await connection.execute_fetchall("SELECT json_object('a', (SELECT json_object('b', 1) FROM (SELECT 1)))")
    return bool(next(iter(rows))[0] == '{"a":{"b":1}}')
