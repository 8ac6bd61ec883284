"""The statements that every noun's writes are made of, and the checks they share."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import orjson
from sqlalchemy import BigInteger, Select, Text, bindparam, cast, delete, insert, literal_column, select, update
from sqlmodel import SQLModel

from db.columns import Key
from db.engines.dialects import Dialect
from db.errors import Conflict, LimitExceeded, NotFound, Path
from db.statements import Statement
from db.statements import columns as columns  # noqa: PLC0414  offered with the statements made of them
from db.tables import ChangeRecord
from db.text import shorten
from db.transaction import Transaction

MOST_ITEMS = 1_000

Table = type[SQLModel]


@cache
def adding(table: Table) -> Statement:
    """INSERT of a whole row; every column is a keyword."""
    names = [c.name for c in columns(table) if c.name != "workspace_id"]
    values: dict[str, Any] = {name: bindparam(name) for name in names}
    row = insert(table).values(workspace_id=bindparam("workspace"), **values)
    return Statement(row, copies=(table.__table__.name, ("workspace_id", *names)))  # type: ignore[attr-defined]


@cache
def adding_if_absent(table: Table) -> Statement:
    """Like `adding`, and nothing where the primary key is taken; tells by the rows returned."""

    def construct(dialect: Dialect) -> Any:
        names = [c.name for c in columns(table) if c.name != "workspace_id"]
        values: dict[str, Any] = {name: bindparam(name) for name in names}
        return dialect.insert(table).values(workspace_id=bindparam("workspace"), **values).on_conflict_do_nothing()

    return Statement(construct)


@cache
def changing(table: Table, changed: tuple[str, ...]) -> Statement:
    """UPDATE of some columns of one record, its version and `updated_at` with them."""
    c = columns(table)
    values: dict[str, Any] = {name: bindparam(name) for name in changed}
    mine = (c.workspace_id == bindparam("workspace"), c.id == bindparam("id"))
    return Statement(update(table).where(*mine).values(version=c.version + 1, updated_at=bindparam("now"), **values))


@cache
def finding(table: Table) -> Statement:
    """SELECT of a whole row by its id."""
    c = columns(table)
    return Statement(select(*c).where(c.workspace_id == bindparam("workspace"), c.id == bindparam("id")))


def blank(table: Table) -> dict[str, Any]:
    """A row of a table without any values; its workspace is the transaction's."""
    return _blank(table).copy()


@cache
def _blank(table: Table) -> dict[str, Any]:
    return dict.fromkeys(c.name for c in columns(table) if c.name != "workspace_id")


@cache
def archiving_of(table: Table) -> Statement:
    """SELECT of when a record was archived."""
    c = columns(table)
    return Statement(select(c.archived_at).where(c.workspace_id == bindparam("workspace"), c.id == bindparam("id")))


def ids_of(dialect: Dialect, name: str = "ids") -> Select[Any]:
    """A list parameter (see `listed`) as a sub-select of one column."""
    each = dialect.each(bindparam(name), name)
    return select(each.c.value)


def listed(ids: Iterable[str]) -> str:
    """Ids as one parameter."""
    return orjson.dumps(list(ids)).decode()


@cache
def living(table: Table) -> Statement:
    """Which of these ids are living records."""

    def construct(dialect: Dialect) -> Any:
        c = columns(table)
        return select(c.id).where(
            c.workspace_id == bindparam("workspace"), c.id.in_(ids_of(dialect)), c.archived_at.is_(None)
        )

    return Statement(construct)


@cache
def removing(table: Table, column: str) -> Statement:
    """DELETE of the rows whose column is one of `ids`."""

    def construct(dialect: Dialect) -> Any:
        c = columns(table)
        return delete(table).where(c.workspace_id == bindparam("workspace"), c[column].in_(ids_of(dialect)))

    return Statement(construct)


@cache
def archiving(table: Table) -> Statement:
    """UPDATE that archives the records `ids` with the change `number`."""

    def construct(dialect: Dialect) -> Any:
        c = columns(table)
        return (
            update(table)
            .where(c.workspace_id == bindparam("workspace"), c.id.in_(ids_of(dialect)))
            .values(
                archived_at=bindparam("now"),
                archived_by_change=bindparam("number"),
                version=c.version + 1,
                updated_at=bindparam("now"),
            )
        )

    return Statement(construct)


@cache
def logging(table: Table, action: str, before: tuple[tuple[str, str], ...], after: tuple[str, ...]) -> Statement:
    """INSERT … SELECT into the log for the records `ids`: columns as they are (by their names), parameters as they come."""

    def construct(dialect: Dialect) -> Any:
        c = columns(table)
        was = dialect.gathered([(name, c[column]) for name, column in before])
        becomes = dialect.gathered([(name, dialect.given(bindparam(f"after_{name}", type_=Key))) for name in after])
        rows = select(
            c.workspace_id,
            bindparam("number", type_=BigInteger),
            c.id,
            literal_column(f"'{action}'"),
            cast(was, Text),
            cast(becomes, Text),
        ).where(c.workspace_id == bindparam("workspace"), c.id.in_(ids_of(dialect)))
        return insert(ChangeRecord).from_select(
            ["workspace_id", "number", "record_id", "action", "before", "after"], rows
        )

    return Statement(construct)


async def found(tx: Transaction, table: Table, record_id: str, path: Path) -> Mapping[str, Any]:
    """A record by its id, whatever became of it; refused where there is none in the workspace."""
    row = await tx.row(finding(table), id=record_id)
    if row is None:
        raise _absent(table, record_id, path)
    return dict(zip((c.name for c in columns(table)), row, strict=True))


async def found_living(tx: Transaction, table: Table, record_id: str, path: Path) -> Mapping[str, Any]:
    """A living record by its id."""
    row = await found(tx, table, record_id, path)
    if row["archived_at"] is not None:
        raise _archived(table, record_id, path)
    return row


async def expect_living(tx: Transaction, table: Table, record_id: str, path: Path) -> None:
    """Refuses an id that is no living record's."""
    row = await tx.row(archiving_of(table), id=record_id)
    if row is None:
        raise _absent(table, record_id, path)
    if row[0] is not None:
        raise _archived(table, record_id, path)


def _absent(table: Table, record_id: str, path: Path) -> NotFound:
    message = f"No {table.__name__.lower()} has the id {shorten(record_id)!r}."
    return NotFound(message, path, value=shorten(record_id))


def _archived(table: Table, record_id: str, path: Path) -> NotFound:
    what = table.__name__.lower()
    return NotFound(f"The {what} {record_id!r} is archived. Restore it first.", path, value=record_id)


def expect(row: Mapping[str, Any], version: int | None) -> None:
    """Refuses a change that was made up from an older version."""
    if version is not None and row["version"] != version:
        message = (
            f"Version {version} was expected; it is {row['version']} now. Read the record again and repeat the change."
        )
        raise Conflict(message, ("expectedVersion",), current_version=row["version"], record=row["id"])


def at_most(items: Sequence[Any], path: Path, limit: int = MOST_ITEMS) -> None:
    """Refuses a bulk call that is too large."""
    if len(items) > limit:
        raise LimitExceeded(f"At most {limit:,} items are allowed at once; {len(items):,} were given.", path)
