"""Copying every row of a database into another, whatever their engines.

Rows go workspace by workspace, table by table, in the order of their keys (a tree from above), so that what the target
has says how far an earlier run came: one that was interrupted goes on there. At the end both are read once more and
compared by counts and checksums. Ids, versions and times stay as they are. A database in a file is held meanwhile: who
writes to it waits, and is then refused with STORAGE_BUSY; other engines have to be left alone by who operates them,
which the checksums show.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from typing import Any

import orjson
from sqlalchemy import Column, Integer, Table, bindparam, func, insert, select, tuple_
from sqlmodel import SQLModel

import db.tables
from db.columns import Flag
from db.database import Database
from db.engines.sqlite import SqliteDatabase
from db.statements import Statement
from db.transaction import Maintenance

assert db.tables  # noqa: S101  the tables are known once they are imported

PAGE = 2_000
CHECKSUM_BYTES = 8

Told = Callable[[str, int, int], None]
"""Is told of progress: a table, how many of its rows are done, and how many there are."""


class NotCopied(Exception):  # noqa: N818  an answer to the operator
    """The copy is not one; the message says what differs and what to do."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy came to: rows by table, and how many of them this run wrote."""

    rows: Mapping[str, int]
    written: int


@dataclass(frozen=True, slots=True)
class Extent:
    """A table's rows of one workspace: how many, and the sum of their hashes."""

    count: int = 0
    checksum: int = 0


async def copy(source: Database, target: Database, told: Told = lambda _table, _done, _of: None) -> Copied:
    """Copies what the target lacks, and compares; refused with `NotCopied` if they differ in the end."""
    with _held(source):
        workspaces = await _workspaces(source)
        strange = set(await _workspaces(target)) - set(workspaces)
        if strange:
            raise NotCopied(
                f"The target holds a workspace that the source does not have ({min(strange)}). Copy into an empty database."
            )
        written, rows = 0, dict.fromkeys((table.name for table in tables()), 0)
        for table in tables():
            whole = sum([await _count(source, table, workspace) for workspace in workspaces])
            for workspace in workspaces:
                copying = _copied_from_above if _own(table) else _copied
                async for size in copying(source, target, table, workspace):
                    written += size
                    rows[table.name] += size
                    told(table.name, rows[table.name], whole)
            told(table.name, whole, whole)
            rows[table.name] = whole
        for table in tables():
            for workspace in workspaces:
                await _compare(source, target, table, workspace)
            told(f"{table.name}, compared", rows[table.name], rows[table.name])
    return Copied(rows, written)


def tables() -> Sequence[Table]:
    """All tables, those that are referred to before those that refer to them."""
    return SQLModel.metadata.sorted_tables


@contextmanager
def _held(source: Database) -> Iterator[None]:
    if isinstance(source, SqliteDatabase):
        with source.held():
            yield
    else:
        yield


async def _workspaces(database: Database) -> list[str]:
    return [row[0] for row in await database.rows(WORKSPACES)]


async def _count(database: Database, table: Table, workspace: str) -> int:
    return int((await database.rows(_counting(table), workspace=workspace))[0][0])


async def _copied(source: Database, target: Database, table: Table, workspace: str) -> AsyncIterator[int]:
    """Copies a table's rows of a workspace, those after what the target has; how many, page by page."""
    last = await target.rows(_last(table), workspace=workspace)
    if last and not _rest(table):
        return
    async for page in _pages(source, table, workspace, tuple(last[0]) if last else None):
        await _run(target, _adding(table), page)
        yield len(page)


async def _copied_from_above(source: Database, target: Database, table: Table, workspace: str) -> AsyncIterator[int]:
    """The same of a table whose rows refer to each other: each row after those it refers to, in as many rounds as it takes.

    No row is there for a moment without its parent: names need to differ among siblings alone.
    """
    (key,), own = _rest(table), [column.name for column in _own(table)]
    there: set[Any] = set()
    async for page in _pages(target, table, workspace, None):
        there.update(row[key.name] for row in page)
    more = True
    while more:
        more = False
        async for page in _pages(source, table, workspace, None):
            rows = []
            for row in page:
                if row[key.name] not in there and all(row[name] is None or row[name] in there for name in own):
                    there.add(row[key.name])
                    rows.append(row)
            if rows:
                more = True
                await _run(target, _adding(table), rows)
                yield len(rows)


async def _run(target: Database, statement: Statement, rows: Sequence[Mapping[str, Any]]) -> None:
    async def work(maintenance: Maintenance) -> None:
        await maintenance.run_many(statement, rows)

    await target.maintain(work)


async def _compare(source: Database, target: Database, table: Table, workspace: str) -> None:
    here, there = await _extent(source, table, workspace), await _extent(target, table, workspace)
    if here != there:
        raise NotCopied(
            f"{table.name} of {workspace} differs: {here.count:,} rows in the source, {there.count:,} in the target"
            f"{'' if here.count != there.count else ', and their contents are not the same'}. It was written to "
            "meanwhile: end every server and worker, make the target anew, and copy again."
        )


async def _extent(database: Database, table: Table, workspace: str) -> Extent:
    count, checksum = 0, 0
    async for page in _pages(database, table, workspace, None):
        count += len(page)
        checksum += sum(map(_hash, page))
    return Extent(count, checksum % 2 ** (8 * CHECKSUM_BYTES))


def _hash(row: Mapping[str, Any]) -> int:
    return int.from_bytes(blake2b(orjson.dumps(list(row.values())), digest_size=CHECKSUM_BYTES).digest())


async def _pages(
    database: Database, table: Table, workspace: str, after: tuple[Any, ...] | None
) -> AsyncIterator[list[dict[str, Any]]]:
    """A table's rows of a workspace in the order of their keys, the same values whatever the engine."""
    names = [column.name for column in table.c]
    flags = {column.name for column in table.c if isinstance(column.type, Flag)}
    keys = [column.name for column in _rest(table)]
    while True:
        given = dict(zip((f"after_{name}" for name in keys), after or (), strict=False))
        found = await database.rows(_paging(table, after is not None), workspace=workspace, size=PAGE, **given)
        page = [dict(zip(names, row, strict=True)) for row in found]
        for row in page:
            row.update({name: bool(row[name]) for name in flags if row[name] is not None})
        if page:
            yield page
        if len(page) < PAGE or not keys:
            return
        after = tuple(page[-1][name] for name in keys)


# Statements


def _rest(table: Table) -> list[Column[Any]]:
    """The primary key after the workspace."""
    return [column for column in table.primary_key.columns if column.name != "workspace_id"]


def _own(table: Table) -> list[Column[Any]]:
    """The columns that refer to rows of the same table."""
    return [
        column
        for reference in table.foreign_key_constraints
        if reference.referred_table is table
        for column in reference.columns
        if column.name != "workspace_id"
    ]


@cache
def _paging(table: Table, later: bool) -> Statement:
    keys = _rest(table)
    query = select(*table.c).where(table.c.workspace_id == bindparam("workspace"))
    if later:
        query = query.where(tuple_(*keys) > tuple_(*(bindparam(f"after_{key.name}", type_=key.type) for key in keys)))
    return Statement(query.order_by(*keys).limit(bindparam("size", type_=Integer())))


@cache
def _last(table: Table) -> Statement:
    keys = _rest(table) or [table.c.workspace_id]
    query = select(*keys).where(table.c.workspace_id == bindparam("workspace"))
    return Statement(query.order_by(*(key.desc() for key in keys)).limit(1))


@cache
def _counting(table: Table) -> Statement:
    return Statement(select(func.count()).select_from(table).where(table.c.workspace_id == bindparam("workspace")))


@cache
def _adding(table: Table) -> Statement:
    return Statement(insert(table).values({c.name: bindparam(c.name) for c in table.c}))


WORKSPACES = Statement(select(SQLModel.metadata.tables["workspace"].c.workspace_id).order_by("workspace_id"))
