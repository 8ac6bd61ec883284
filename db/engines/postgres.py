"""PostgreSQL 14 and newer through asyncpg: a bounded pool, and a transaction for each piece of work.

A piece of work locks its workspace's row first (`Transaction.begin`), so that the works of one workspace follow each
other as on SQLite and those of different workspaces do not wait for each other.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from db.clock import Clock
from db.database import NUMBERS
from db.engines.dialects import Postgres
from db.engines.notices import Notices
from db.engines.postgres_server import AGAIN, FAULTS, GONE, Address, Server, sought, stored, translated
from db.engines.replica import Replica
from db.errors import Refusal, StorageBusy
from db.statements import Statement
from db.transaction import Intent, Maintenance, Transaction, Work

Result = TypeVar("Result")
log = logging.getLogger("rolodesk.postgres")

CONNECTIONS = 8
MOST_RETRIES = 3


class _Waiting:
    """Runs a transaction's statements one by one, each awaited."""

    def __init__(self, connection: Any, dialect: Postgres) -> None:
        self._connection = connection
        self.dialect = dialect

    async def rows(self, text: str, parameters: Sequence[Any]) -> list[Any]:
        try:
            return await self._connection.fetch(text, *stored(parameters))  # type: ignore[no-any-return]
        except FAULTS as error:
            raise _named(error) from error

    async def run(self, text: str, parameters: Sequence[Any]) -> int:
        try:
            told = await self._connection.execute(text, *sought(parameters))
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

    def __init__(
        self, server: Server, clock: Clock, notices: Notices | None = None, replica: Replica | None = None
    ) -> None:
        self.clock = clock
        self.dialect = Postgres()
        self.watch: Callable[[str], None] | None = None
        self.notices = notices
        self.replica = replica
        self._server = server

    @classmethod
    async def open(
        cls, url: str, clock: Clock, connections: int = CONNECTIONS, listen_url: str = "", replica_url: str = ""
    ) -> "PostgresDatabase":
        notices = Notices(listen_url) if listen_url else None
        replica = Replica(Address(replica_url), connections) if replica_url else None
        return cls(Server(Address(url), connections), clock, notices, replica)

    async def close(self) -> None:
        if self.notices is not None:
            await self.notices.close()
        if self.replica is not None:
            await self.replica.close()
        await self._server.close()

    # Reading

    async def read(self, text: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """All rows of one statement."""
        if self.watch:
            self.watch(text)
        return await self._fetched(text, parameters)

    async def _fetched(self, text: str, parameters: Sequence[Any]) -> list[Any]:
        """Rows; asked once more, over a new connection, where it was cut, and again where the engine gave it up."""
        for left in reversed(range(MOST_RETRIES)):
            try:
                return await self._server.fetch(text, parameters)
            except StorageBusy as refusal:
                if refusal.message == GONE:
                    break
                if not (left and isinstance(refusal.__cause__, AGAIN)):
                    raise
        self._server.pool.forget()
        return await self._server.fetch(text, parameters)

    async def rows(self, statement: Statement, **values: Any) -> list[Any]:
        """All rows of a statement that is written once and run often; its parameters are keywords."""
        return await self.read(statement.text(self.dialect), statement.parameters(self.dialect, values))

    async def read_current(self, workspace_id: str, text: str, parameters: Sequence[Any]) -> list[Any]:
        """Like `read`, of a statement about a workspace; a replica is asked where it has all that is written."""
        if self.replica is None or not self.replica.willing:
            return await self.read(text, parameters)
        return await self._beyond(await self._numbers(workspace_id), text, parameters)

    async def read_unless(
        self, numbers: tuple[int, int], workspace_id: str, text: str, parameters: Callable[[], Sequence[Any]]
    ) -> list[Any] | None:
        """Like `read_current`, and None where the workspace's access and change numbers still are these."""
        if self.replica is not None and self.replica.willing:
            present = await self._numbers(workspace_id)
            return None if present == numbers else await self._beyond(present, text, parameters())
        if self.watch:
            self.watch(text)
        given = parameters()
        last = len(given)
        moved = f"(workspace.access_number, workspace.change_number) <> (${last + 1}::bigint, ${last + 2}::bigint)"
        return await self._fetched(f"{text} AND {moved}", (*given, *numbers)) or None

    async def _numbers(self, workspace_id: str) -> tuple[int, int] | None:
        """The workspace's numbers at this moment."""
        found = await self.rows(NUMBERS, workspace=workspace_id)
        return (found[0][0], found[0][1]) if found else None

    async def _beyond(self, numbers: tuple[int, int] | None, text: str, parameters: Sequence[Any]) -> list[Any]:
        """What the replica answers if it has come as far as these numbers; else what this server does."""
        if self.replica is not None and numbers is not None:
            rows = await self.replica.read(numbers, text, parameters)
            if rows is not None:
                if self.watch:
                    self.watch(text)
                return rows
        return await self.read(text, parameters)

    async def measure(self, tables: Sequence[str]) -> None:
        """Autovacuum does so within a minute or more; until then plans are made for tables as small as they were."""
        try:
            async with self._server.transaction() as connection:
                await connection.execute(f"ANALYZE {', '.join(tables)}")
        except Refusal as refusal:
            log.info("The tables that an import filled were not analysed: %s", refusal)

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
            async with self._server.transaction(dry_run=dry_run) as connection:
                return await whole(_Waiting(connection, self.dialect))
        except StorageBusy as refusal:
            if isinstance(refusal.__cause__, AGAIN):
                raise _GivenUp from refusal
            raise


class _GivenUp(Exception):  # noqa: N818  an event inside this module
    """The engine ended this transaction so that another could go on."""
