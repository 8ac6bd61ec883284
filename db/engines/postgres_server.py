"""A PostgreSQL server as a process reaches it: its address, a bounded pool, one statement or one transaction at a time."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg

from db.engines.pool import Pool
from db.engines.postgres_connection import Connection
from db.errors import LimitExceeded, StorageBusy, StorageFull, TimedOut, Unique

log = logging.getLogger("rolodesk.postgres")

WAIT_SECONDS = 5
LONGEST_SECONDS = 10
UNANSWERED_SECONDS = LONGEST_SECONDS + WAIT_SECONDS
"""The server ends what takes long; one that says nothing for so long is not there any more."""

SESSION: Final = {
    "statement_timeout": str(LONGEST_SECONDS * 1_000),
    "lock_timeout": str(WAIT_SECONDS * 1_000),
    "idle_in_transaction_session_timeout": "60000",
    "jit": "off",  # compiling a nested statement takes longer than running it
}

BEGIN: Final = "; ".join(
    [
        "BEGIN",
        *(f"SET LOCAL {name} = '{value}'" for name, value in SESSION.items() if name != "jit"),
        "SET LOCAL jit = off",
    ]
)
"""With the limits of time, said for each transaction: a pooler may have given it another connection to the server."""

NARROW: Final = "recursive_worktable_factor = 0.1"
"""From PostgreSQL 15 on. Each level of a tree counts for ten times as many rows as the first one otherwise, and who is below
six organizations is looked for among all customers: a page of a project's customers took 126 ms of 100,000, and takes 19."""
KNOWS_NARROW: Final = 15

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
        case asyncpg.ProtocolViolationError() if "startup parameter" in str(error):
            log.error("The address of the database leads to a pooler (%s): add ?prepared_statements=off to it.", error)
            return StorageBusy(GONE)
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

    async def connect(self, wait_seconds: float = WAIT_SECONDS) -> Any:
        """A new connection. Its limits of time are said once, or where there may be a pooler with each transaction."""
        connection = await asyncpg.connect(
            self.url,
            timeout=wait_seconds,
            command_timeout=UNANSWERED_SECONDS,
            connection_class=Connection,
            statement_cache_size=512 if self.prepares else 0,
            max_cacheable_statement_size=0,
            server_settings={**SESSION, "application_name": "rolodesk"} if self.prepares else {},
        )
        if self.prepares and _knows_narrow(connection):
            await connection.execute(f"SET {NARROW}")
        return connection

    @property
    def shown(self) -> str:
        """The address without a password."""
        parts = urlsplit(self.url)
        return f"postgresql://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"


class Server:
    """A server and the connections of this process to it; refused after five seconds rather than hang."""

    def __init__(self, address: Address, connections: int, wait_seconds: float = WAIT_SECONDS) -> None:
        self.address = address
        self.pool = Pool(lambda: address.connect(wait_seconds), connections, wait_seconds)

    async def close(self) -> None:
        await self.pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """A connection of the pool, for several statements."""
        connection = await self._taken()
        try:
            yield connection
        except TimeoutError as error:
            raise TimedOut(TOOK_TOO_LONG) from error
        except FAULTS as error:
            raise translated(error) from error
        finally:
            self.pool.give_back(connection)

    async def _taken(self) -> Any:
        try:
            return await self.pool.take()
        except TimeoutError:
            raise StorageBusy(GONE) from None
        except FAULTS as error:
            raise translated(error) from error

    @asynccontextmanager
    async def transaction(self, *, dry_run: bool = False) -> AsyncIterator[Any]:
        """A connection in a transaction, which ends with this."""
        async with self.connection() as connection:
            begin = "BEGIN"
            if not self.address.prepares:
                begin = f"{BEGIN}; SET LOCAL {NARROW}" if _knows_narrow(connection) else BEGIN
            async with _transaction(connection, begin, dry_run=dry_run):
                yield connection

    async def fetch(self, text: str, parameters: Sequence[Any]) -> list[Any]:
        """All rows of one statement."""
        if not self.address.prepares:
            async with self.transaction() as connection:  # no name outlives a server's turn
                return await connection.fetch(text, *stored(parameters))  # type: ignore[no-any-return]
        connection = await self._taken()
        try:
            return await connection.read(text, stored(parameters), UNANSWERED_SECONDS)  # type: ignore[no-any-return]
        except TimeoutError as error:
            raise TimedOut(TOOK_TOO_LONG) from error
        except FAULTS as error:
            raise translated(error) from error
        finally:
            self.pool.give_back(connection)


def _knows_narrow(connection: Any) -> bool:
    return bool(connection.get_server_version().major >= KNOWS_NARROW)


@asynccontextmanager
async def _transaction(connection: Any, begin: str, *, dry_run: bool = False) -> AsyncIterator[None]:
    await connection.execute(begin)
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


def stored(values: Sequence[Any]) -> Sequence[Any]:
    """Values as they could be stored: PostgreSQL takes no U+0000 even to look for; what is never stored stands for it."""
    for value in values:
        if type(value) is str and ("\x00" in value or "\\u0000" in value):
            return [_storable(one) if isinstance(one, str) else one for one in values]
    return values


def sought(values: Sequence[Any]) -> Sequence[Any]:
    """The same of what changes rows: an id that names none may hold U+0000, what is written holds none by then."""
    for value in values:
        if type(value) is str and "\x00" in value:
            return [one.replace("\x00", NEVER_STORED) if isinstance(one, str) else one for one in values]
    return values


def _storable(value: str) -> str:
    return value.replace("\x00", NEVER_STORED).replace("\\u0000", NEVER_STORED_ESCAPED)


NEVER_STORED, NEVER_STORED_ESCAPED = "\x1f\x1f", "\\u001f\\u001f"
