"""SQLite in a file: one writer that owns its transactions, a few read-only readers, and one for what is over at once."""

import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from db.clock import Clock
from db.database import NUMBERS
from db.engines.dialects import Sqlite
from db.engines.near import Near
from db.engines.notices import Notices
from db.engines.readers import Readers
from db.engines.sqlite_connections import BUSY_MILLISECONDS, LONGEST_SECONDS, reading, translated
from db.engines.sqlite_writer import Writer
from db.statements import Statement
from db.transaction import Intent, Maintenance, Work

Result = TypeVar("Result")

READERS = 2


class SqliteDatabase:
    """The database in a file."""

    def __init__(self, path: Path, clock: Clock, dialect: Sqlite, writer: Writer, readers: Readers, near: Near) -> None:
        self.path = path
        self.clock = clock
        self.dialect = dialect
        self.writer = writer
        self._numbers = NUMBERS.text(dialect)
        self._near = near
        self._readers = readers
        self.watch: Callable[[str], None] | None = None
        self.notices: Notices | None = None

    @classmethod
    async def open(cls, path: Path, clock: Clock, readers: int = READERS) -> "SqliteDatabase":
        path.parent.mkdir(parents=True, exist_ok=True)
        dialect = Sqlite(keeps_subtype=_keeps_subtype())
        writer = await Writer.open(path, clock, dialect)
        threads = Readers([reading(path, little=number > 0) for number in range(readers)], LONGEST_SECONDS)
        near = Near(reading(path, little=True, waits=False))
        return cls(path, clock, dialect, writer, threads, near)

    async def close(self) -> None:
        await self.writer.idle()
        self._near.close()
        await self._readers.close()
        await self.writer.close()  # last: it alone can put the log back into the file

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
        asked = self._numbers
        present = await self._reading(asked, lambda connection: connection.execute(asked, (workspace_id,)).fetchone())
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

    async def measure(self, tables: Sequence[str]) -> None:  # noqa: ARG002
        """Its plans are made by fixed numbers (`db/engines/planning.py`); who writes so much keeps more pages at hand."""
        await self.writer.keep_more()

    async def damage(self) -> str | None:
        """What the first damaged place of the file is; None for a file that is sound."""
        told = (await self.read("PRAGMA quick_check(1)"))[0][0]
        return None if told == "ok" else str(told)

    # Writing

    async def write(self, work: Work[Result], intent: Intent) -> Result:
        """Runs a piece of work as one transaction; answered only after its commit."""
        return await self.writer.write(work, intent)

    async def maintain(self, work: Callable[[Maintenance], Awaitable[Result]]) -> Result:
        """Runs maintenance across workspaces (claiming due jobs, making a workspace)."""
        return await self.writer.maintain(work)


def _keeps_subtype() -> bool:
    """Whether JSON from a scalar sub-select nests as JSON (see facts of SQLite 3.54.1)."""
    with closing(sqlite3.connect(":memory:")) as connection:
        row = connection.execute("SELECT json_object('a', (SELECT json_object('b', 1) FROM (SELECT 1)))").fetchone()
    return bool(row[0] == '{"a":{"b":1}}')
