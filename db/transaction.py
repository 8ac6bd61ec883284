"""One write, one transaction, one change: what a piece of work is given to write with."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Protocol, TypeVar

import orjson
from sqlalchemy import bindparam, insert, select, update

from db.engines.dialects import Dialect
from db.errors import AccessMoved, NotFound, RequestRefusal
from db.reads.reading import Reader
from db.reads.scope import Scope
from db.reads.selection import Variables
from db.statements import Statement, columns
from db.tables import Change, ChangeRecord, Workspace

Result = TypeVar("Result")
MANY = 20
"""From how many rows on a copy is worth its way, where the engine has one."""
Properties = Mapping[str, Any]
NOTHING: Properties = {}


class Connection(Protocol):
    """What a transaction needs of an engine's connection."""

    @property
    def dialect(self) -> Dialect: ...

    async def rows(self, text: str, parameters: Sequence[Any]) -> list[Any]: ...
    async def run(self, text: str, parameters: Sequence[Any]) -> int: ...
    async def run_many(self, text: str, parameters: Sequence[Sequence[Any]]) -> None: ...


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Statements within one transaction that is no workspace's."""

    connection: Connection

    async def rows(self, statement: Statement, **values: Any) -> list[Any]:
        dialect = self.connection.dialect
        return await self.connection.rows(statement.text(dialect), statement.parameters(dialect, values))

    async def row(self, statement: Statement, **values: Any) -> Any | None:
        found = await self.rows(statement, **values)
        return found[0] if found else None

    async def run(self, statement: Statement, **values: Any) -> int:
        """Runs a statement and tells how many rows it touched."""
        dialect = self.connection.dialect
        return await self.connection.run(statement.text(dialect), statement.parameters(dialect, values))

    async def run_many(self, statement: Statement, many: Sequence[Mapping[str, Any]]) -> None:
        if many:
            dialect = self.connection.dialect
            await self.connection.run_many(statement.text(dialect), statement.many(dialect, many, {}))


@dataclass(frozen=True, slots=True)
class Intent:
    """On whose behalf a transaction runs: `operation` is the name the log gives it."""

    workspace_id: str
    operation: str
    actor_id: str | None = None
    access_number: int | None = None
    dry_run: bool = False
    import_id: str | None = None


@dataclass(slots=True)
class Recorded:
    """A record that a transaction touched: what was done, and the properties that moved."""

    record_id: str
    action: str
    before: Properties
    after: Properties


@dataclass(slots=True)
class Transaction:
    """Statements within one transaction, the moment it counts as, and the change it writes."""

    connection: Connection
    intent: Intent
    now: int = 0
    _recorded: dict[str, Recorded] = field(default_factory=dict)
    _number: int | None = None
    _count: int = 0
    _moves_access: bool = False
    _moves_answers: bool = False
    moved: bool = False
    """Whether it raised the workspace's change number."""

    @property
    def workspace_id(self) -> str:
        return self.intent.workspace_id

    @property
    def dialect(self) -> Dialect:
        return self.connection.dialect

    async def rows(self, statement: Statement, **values: Any) -> list[Any]:
        values["workspace"] = self.intent.workspace_id
        return await self.connection.rows(statement.text(self.dialect), statement.parameters(self.dialect, values))

    async def row(self, statement: Statement, **values: Any) -> Any | None:
        found = await self.rows(statement, **values)
        return found[0] if found else None

    async def run(self, statement: Statement, **values: Any) -> int:
        """Runs a statement and tells how many rows it touched."""
        values["workspace"] = self.intent.workspace_id
        return await self.connection.run(statement.text(self.dialect), statement.parameters(self.dialect, values))

    async def attempt(self, statement: Statement, **values: Any) -> int:
        """Like `run`, for what a uniqueness may refuse: after `Unique` the transaction can go on."""
        if not self.dialect.aborts:
            return await self.run(statement, **values)
        async with self.savepoint():
            return await self.run(statement, **values)

    async def run_many(
        self, statement: Statement, many: Sequence[Mapping[str, Any]], common: Mapping[str, Any] = NOTHING
    ) -> None:
        """Runs a statement many times; what is alike in all of them stands in `common`."""
        copy = getattr(self.connection, "copy", None) if statement.copies and len(many) >= MANY else None
        if copy is not None and statement.copies is not None:
            table, names = statement.copies
            common = {**common, "workspace_id": self.intent.workspace_id}
            picked = itemgetter(*names)
            await copy(table, names, [picked({**one, **common}) for one in many])
        elif many:
            common = {**common, "workspace": self.intent.workspace_id}
            parameters = statement.many(self.dialect, many, common)
            await self.connection.run_many(statement.text(self.dialect), parameters)

    async def run_rows(self, statement: Statement, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Adds rows whose values are in the order of these columns, of which the first is the workspace's."""
        copy = getattr(self.connection, "copy", None) if statement.copies and len(rows) >= MANY else None
        if copy is not None and statement.copies is not None:
            await copy(statement.copies[0], names, rows)
        elif rows:
            ordered = statement.in_order(self.dialect, ("workspace", *names[1:]), rows)
            await self.connection.run_many(statement.text(self.dialect), list(ordered))

    async def read(self, reader: Reader, variables: Variables, scope: Scope) -> Any:
        """The one row of a read, as this transaction sees it."""
        return (await self.connection.rows(reader.text, reader.parameters(variables, scope)))[0]

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """What is written inside is undone together if it raises."""
        recorded, number, moved = dict(self._recorded), self._number, (self._moves_access, self._moves_answers)
        await self.connection.run("SAVEPOINT step", ())
        try:
            yield
        except RequestRefusal:
            raise  # of the whole transaction; on a full disk the engine gave it up with all its savepoints
        except BaseException:
            await self.connection.run("ROLLBACK TO SAVEPOINT step", ())
            await self.connection.run("RELEASE SAVEPOINT step", ())
            self._recorded, self._number, (self._moves_access, self._moves_answers) = recorded, number, moved
            raise
        await self.connection.run("RELEASE SAVEPOINT step", ())

    # The change

    def record(
        self, record_id: str, action: str, before: Properties | None = None, after: Properties | None = None
    ) -> None:
        """Notes a record this transaction touched, for the log; what is done to one record makes one entry."""
        earlier = self._recorded.get(record_id)
        if earlier is not None:
            action, before, after = (
                earlier.action,
                {**(before or {}), **earlier.before},
                {**earlier.after, **(after or {})},
            )
        self._recorded[record_id] = Recorded(record_id, action, before or {}, after or {})

    def move_access(self) -> None:
        """Rights, keys or sessions change with this transaction: everybody is looked up again."""
        self._moves_access = True

    def move_answers(self) -> None:
        """Something that can be read changes without a record of its own in the log."""
        self._moves_answers = True

    async def number(self) -> int:
        """The position of this transaction in the workspace's log; held to the commit, so positions are in commit order."""
        if self._number is None:
            raised = await self.row(RAISE_ACCESS if self._moves_access else RAISE, now=self.now)
            assert raised is not None  # noqa: S101  the workspace was found at the start
            self._number = int(raised[0])
            self.moved = True
            self._moves_access = self._moves_answers = False
            await self.run(
                ADD_CHANGE,
                number=self._number,
                at=self.now,
                actor_id=self.intent.actor_id,
                operation=self.intent.operation,
                count=len(self._recorded),
                import_id=self.intent.import_id,
            )
            self._count = len(self._recorded)
        return self._number

    async def count(self, touched: int) -> None:
        """Adds records that were logged set-wise."""
        await self.run(COUNT_CHANGE, number=await self.number(), count=touched)

    async def begin(self, clock: Callable[[], int]) -> None:
        """Finds the workspace; time never stands before its last change."""
        found = await self.row(BEGIN)
        if found is None:
            raise NotFound("The workspace does not exist.")
        access_number, changed_at = found
        if self.intent.access_number is not None and access_number != self.intent.access_number:
            raise AccessMoved
        self.now = max(clock(), changed_at)

    async def finish(self) -> None:
        """Writes the change of what was noted; a transaction that noted nothing and moved nothing writes none."""
        recorded, self._recorded = self._recorded, {}
        if recorded:
            started = self._number is not None
            self._recorded = recorded
            number = await self.number()
            self._recorded = {}
            if started:
                await self.count(len(recorded))
            names = ("workspace_id", "number", "record_id", "action", "before", "after")
            rows = [
                (self.workspace_id, number, one.record_id, one.action, _json(one.before), _json(one.after))
                for one in recorded.values()
            ]
            await self.run_rows(ADD_CHANGE_RECORD, names, rows)
        if self._moves_access or self._moves_answers:
            await self.run(MOVE_ACCESS if self._moves_access else MOVE_ANSWERS)
            self.moved = True
            self._moves_access = self._moves_answers = False


def _json(properties: Properties) -> str:
    return orjson.dumps(properties).decode() if properties else "{}"


Work = Callable[[Transaction], Awaitable[Result]]
"""A piece of work. It may run more than once, and awaits nothing but its transaction's statements."""

_w = columns(Workspace)
_mine = _w.workspace_id == bindparam("workspace")
BEGIN = Statement(select(_w.access_number, _w.changed_at).where(_mine).with_for_update(key_share=True))
"""Locks the workspace where the engine does not hold a lock of all: its transactions follow each other."""
_raised = {"change_number": _w.change_number + 1}
_moved = {"access_number": _w.access_number + 1}
_raising = update(Workspace).where(_mine).returning(_w.change_number)
RAISE = Statement(_raising.values(**_raised, changed_at=bindparam("now")))
RAISE_ACCESS = Statement(_raising.values(**_raised, **_moved, changed_at=bindparam("now")))
MOVE_ACCESS = Statement(update(Workspace).where(_mine).values(**_raised, **_moved))
MOVE_ANSWERS = Statement(update(Workspace).where(_mine).values(**_raised))
ADD_CHANGE = Statement(
    insert(Change).values(
        workspace_id=bindparam("workspace"),
        number=bindparam("number"),
        at=bindparam("at"),
        actor_id=bindparam("actor_id"),
        operation=bindparam("operation"),
        count=bindparam("count"),
        import_id=bindparam("import_id"),
    )
)
_c = columns(Change)
COUNT_CHANGE = Statement(
    update(Change)
    .where(_c.workspace_id == bindparam("workspace"), _c.number == bindparam("number"))
    .values(count=_c["count"] + bindparam("count"))
)
ADD_CHANGE_RECORD = Statement(
    insert(ChangeRecord).values(
        workspace_id=bindparam("workspace"),
        number=bindparam("number"),
        record_id=bindparam("record_id"),
        action=bindparam("action"),
        before=bindparam("before"),
        after=bindparam("after"),
    ),
    copies=("change_record", ("workspace_id", "number", "record_id", "action", "before", "after")),
)
