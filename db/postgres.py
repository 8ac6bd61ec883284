"""PostgreSQL 14 and newer through asyncpg: a bounded pool, and a transaction for each piece of work.

A piece of work locks its workspace's row first (`Transaction.begin`), so that the works of one workspace follow each
other as on SQLite and those of different workspaces do not wait for each other.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg

from db.clock import Clock
from db.dialects import Postgres
from db.errors import LimitExceeded, Refusal, StorageBusy, StorageFull, TimedOut, Unique
from db.notices import Notices
from db.pool import Pool
from db.statements import Statement
from db.transaction import Intent, Maintenance, Transaction, Work

Result = TypeVar("Result")

CONNECTIONS = 8
WAIT_SECONDS = 5
LONGEST_SECONDS = 10
MOST_RETRIES = 3

SESSION: Final = {
    "statement_timeout": str(LONGEST_SECONDS * 1_000),
    "lock_timeout": str(WAIT_SECONDS * 1_000),
    "idle_in_transaction_session_timeout": "60000",
    "jit": "off",  # compiling a nested statement takes longer than running it
}

BEGIN = "; ".join(
    [
        "BEGIN",
        *(f"SET LOCAL {name} = '{value}'" for name, value in SESSION.items() if name != "jit"),
        "SET LOCAL jit = off",
    ]
)

AGAIN = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)

FAULTS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
UNSURE = (
    "The connection to the database was lost while the change was being kept, so it may have been. Look before you send it "
    "again; sent with an Idempotency-Key, it is done once."
)
TOOK_TOO_LONG = f"The operation took longer than {LONGEST_SECONDS} seconds and was cancelled."
GONE = "The database cannot be reached. Nothing was written; try again in a second."


def translated(error: BaseException) -> BaseException:  # noqa: PLR0911  one way out an error
    """The refusal that an engine's error stands for, or the error itself where it is a defect of ours."""
    match error:
        case asyncpg.UniqueViolationError():
            return Unique(f"{error.table_name}.{error.constraint_name}")
        case asyncpg.QueryCanceledError():
            return TimedOut(
                f"The operation took longer than {LONGEST_SECONDS} seconds and was cancelled. Nothing was written."
            )
        case asyncpg.DiskFullError() | asyncpg.OutOfMemoryError():
            return StorageFull("The disk of the database is full. Nothing was written; reads go on.")
        case asyncpg.LockNotAvailableError() | asyncpg.SerializationError() | asyncpg.DeadlockDetectedError():
            return StorageBusy("The database is busy with other writes. Nothing was written; try again in a second.")
        case asyncpg.StatementTooComplexError() | asyncpg.ProgramLimitExceededError():
            return LimitExceeded("The query is larger than the database can take. Ask for fewer levels or fields.")
        case (
            asyncpg.PostgresConnectionError()
            | asyncpg.CannotConnectNowError()
            | asyncpg.TooManyConnectionsError()
            | asyncpg.AdminShutdownError()
            | asyncpg.CrashShutdownError()
            | asyncpg.IdleInTransactionSessionTimeoutError()
            | asyncpg.ReadOnlySQLTransactionError()
            | ConnectionError()
            | OSError()
        ):
            return StorageBusy(GONE)
        case asyncpg.InternalClientError():  # the connection was cut while a statement was on its way
            return StorageBusy(GONE)
        case asyncpg.InterfaceError() if "connection" in str(error):
            return StorageBusy(GONE)
    return error


class Address:
    """A URL of a database, and what it says about prepared statements."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query))
        self.prepares = options.pop("prepared_statements", "on") != "off"
        self.url = urlunsplit(parts._replace(query=urlencode(options)))

    async def connect(self) -> Any:
        """A new connection. Its limits of time are said once, or where there may be a pooler with each transaction."""
        return await asyncpg.connect(
            self.url,
            timeout=WAIT_SECONDS,
            command_timeout=LONGEST_SECONDS + WAIT_SECONDS,
            statement_cache_size=512 if self.prepares else 0,
            max_cacheable_statement_size=0,
            server_settings={**SESSION, "application_name": "rolodesk"} if self.prepares else {},
        )

    @property
    def shown(self) -> str:
        """The address without a password."""
        parts = urlsplit(self.url)
        return f"postgresql://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"


class _Waiting:
    """Runs a transaction's statements one by one, each awaited."""

    def __init__(self, connection: Any, dialect: Postgres) -> None:
        self._connection = connection
        self.dialect = dialect

    async def rows(self, text: str, parameters: Sequence[Any]) -> list[Any]:
        try:
            return await self._connection.fetch(text, *_stored(parameters))  # type: ignore[no-any-return]
        except FAULTS as error:
            raise _named(error) from error

    async def run(self, text: str, parameters: Sequence[Any]) -> int:
        try:
            told = await self._connection.execute(text, *parameters)
        except FAULTS as error:
            raise _named(error) from error
        count = told.rpartition(" ")[2]
        return int(count) if count.isdecimal() else 0

    async def run_many(self, text: str, parameters: Sequence[Sequence[Any]]) -> None:
        try:
            await self._connection.executemany(text, parameters)
        except FAULTS as error:
            raise _named(error) from error

    async def copy(self, table: str, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        try:
            await self._connection.copy_records_to_table(table, columns=names, records=rows)
        except FAULTS as error:
            raise _named(error) from error


def _named(error: BaseException) -> BaseException:
    """Inside a transaction: what is to be tried again stays what it is."""
    return error if isinstance(error, AGAIN) else translated(error)


class PostgresDatabase:
    """A database of a PostgreSQL server."""

    def __init__(self, address: Address, clock: Clock, pool: Pool, notices: Notices | None = None) -> None:
        self.address = address
        self.clock = clock
        self.dialect = Postgres()
        self.watch: Callable[[str], None] | None = None
        self.notices = notices
        self._pool = pool

    @classmethod
    async def open(
        cls, url: str, clock: Clock, connections: int = CONNECTIONS, listen_url: str = ""
    ) -> "PostgresDatabase":
        address = Address(url)
        pool = Pool(address.connect, connections, WAIT_SECONDS)
        return cls(address, clock, pool, Notices(listen_url) if listen_url else None)

    async def close(self) -> None:
        if self.notices is not None:
            await self.notices.close()
        await self._pool.close()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        """A connection of the pool; refused after five seconds rather than hang."""
        connection = await self._taken()
        try:
            yield connection
        except TimeoutError as error:
            raise TimedOut(TOOK_TOO_LONG) from error
        except FAULTS as error:
            raise translated(error) from error
        finally:
            self._pool.give_back(connection)

    async def _taken(self) -> Any:
        try:
            return await self._pool.take()
        except TimeoutError:
            raise StorageBusy(GONE) from None
        except FAULTS as error:
            raise translated(error) from error

    # Reading

    async def read(self, text: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """All rows of one statement. A read whose connection was cut is asked once more, over a new one."""
        if self.watch:
            self.watch(text)
        try:
            return await self._fetched(text, parameters)
        except StorageBusy as refusal:
            if refusal.message != GONE:
                raise
            self._pool.forget()
            return await self._fetched(text, parameters)

    async def _fetched(self, text: str, parameters: Sequence[Any]) -> list[Any]:
        if not self.address.prepares:
            async with self._connection() as connection, _transaction(connection):  # no name outlives a server's turn
                return await connection.fetch(text, *_stored(parameters))  # type: ignore[no-any-return]
        connection = await self._taken()
        try:
            return await connection.fetch(text, *_stored(parameters))  # type: ignore[no-any-return]
        except TimeoutError as error:
            raise TimedOut(TOOK_TOO_LONG) from error
        except FAULTS as error:
            raise translated(error) from error
        finally:
            self._pool.give_back(connection)

    async def rows(self, statement: Statement, **values: Any) -> list[Any]:
        """All rows of a statement that is written once and run often; its parameters are keywords."""
        return await self.read(statement.text(self.dialect), statement.parameters(self.dialect, values))

    async def read_unless(
        self,
        numbers: tuple[int, int],
        workspace_id: str,  # noqa: ARG002  the text names it
        text: str,
        parameters: Sequence[Any],
    ) -> list[Any] | None:
        """Like `read`, and None where the workspace's access and change numbers still are these."""
        if self.watch:
            self.watch(text)
        last = len(parameters)
        moved = f"(workspace.access_number, workspace.change_number) <> (${last + 1}::bigint, ${last + 2}::bigint)"
        rows = await self._fetched(f"{text} AND {moved}", (*parameters, *numbers))
        return rows or None

    async def damage(self) -> str | None:
        """PostgreSQL looks after its files itself."""
        return None

    # Writing

    async def write(self, work: Work[Result], intent: Intent) -> Result:
        """Runs a piece of work as one transaction; answered only after its commit."""

        async def whole(connection: _Waiting) -> tuple[Result, bool]:
            transaction = Transaction(connection, intent)
            await transaction.begin(self.clock)
            value = await work(transaction)
            await transaction.finish()
            return value, transaction.moved

        value, moved = await self._repeated(whole, dry_run=intent.dry_run)
        if moved and self.notices is not None and not intent.dry_run:
            self.notices.changed(intent.workspace_id)
        return value

    async def maintain(self, work: Callable[[Maintenance], Awaitable[Result]]) -> Result:
        """Runs maintenance across workspaces as one transaction (claiming due jobs, making a workspace)."""
        return await self._repeated(lambda connection: work(Maintenance(connection)), dry_run=False)

    async def _repeated(self, whole: Callable[[_Waiting], Awaitable[Result]], *, dry_run: bool) -> Result:
        """One transaction, again where the engine gave it up in favour of another."""
        for _ in range(MOST_RETRIES):
            try:
                return await self._once(whole, dry_run=dry_run)
            except _GivenUp:
                await asyncio.sleep(0.01)
        raise StorageBusy("The database is busy with other writes. Nothing was written; try again in a second.")

    async def _once(self, whole: Callable[[_Waiting], Awaitable[Result]], *, dry_run: bool) -> Result:
        try:
            async with self._connection() as connection, _transaction(connection, dry_run=dry_run):
                return await whole(_Waiting(connection, self.dialect))
        except StorageBusy as refusal:
            if isinstance(refusal.__cause__, AGAIN):
                raise _GivenUp from refusal
            raise


class _GivenUp(Exception):  # noqa: N818  an event inside this module
    """The engine ended this transaction so that another could go on."""


@asynccontextmanager
async def _transaction(connection: Any, *, dry_run: bool = False) -> AsyncIterator[None]:
    """One transaction with its time limits, said again for each: a pooler may have given it another server."""
    await connection.execute(BEGIN)
    try:
        yield
    except BaseException:
        if not connection.is_closed():
            try:
                await connection.execute("ROLLBACK")
            except FAULTS:
                connection.terminate()
        raise
    if dry_run:
        await connection.execute("ROLLBACK")
        return
    try:
        await connection.execute("COMMIT")
    except FAULTS as error:
        if getattr(translated(error), "message", None) == GONE:
            raise StorageBusy(UNSURE) from error
        raise


def _stored(values: Sequence[Any]) -> Sequence[Any]:
    """Values as they could be stored: PostgreSQL takes no U+0000 even to look for; what is never stored stands for it."""
    for value in values:
        if type(value) is str and ("\x00" in value or "\\u0000" in value):
            return [_storable(one) if isinstance(one, str) else one for one in values]
    return values


def _storable(value: str) -> str:
    return value.replace("\x00", NEVER_STORED).replace("\\u0000", NEVER_STORED_ESCAPED)


NEVER_STORED, NEVER_STORED_ESCAPED = "\x1f\x1f", "\\u001f\\u001f"

__all__ = ["Address", "PostgresDatabase", "Refusal", "translated"]
