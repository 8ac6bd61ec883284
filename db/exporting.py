"""Records as rows of a file: those that a list shows, in columns that imports read, a page at a time.

A file that is read again as it is changes nothing: customers and organizations are found by what is written here, tickets
by their external ids. Organizations are written by their path from the top. Pages follow each other by the order's own
keys: as records were created, where none is asked for.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from typing import IO, Any, Final, NamedTuple

import orjson
from sqlalchemy import CTE, BigInteger, Select, bindparam, func, literal_column, select

from db.clock import printed
from db.columns import Key
from db.database import Database
from db.errors import Path
from db.export_workbook import Workbook
from db.import_refused import BYTE_ORDER_MARK, RECORD_ID, csv_lines
from db.organization_paths import joined
from db.reads.catalogue import RECORDS
from db.reads.filtering import mentions, where
from db.reads.paging import Order, order_of
from db.reads.reading import Reader, Reading
from db.reads.records import Source
from db.reads.scope import Scope
from db.statements import Statement, columns
from db.tables import Organization, Project
from db.writing import ids_of, listed

PAGE: Final = 1_000
MOST_REMEMBERED: Final = 20_000
"""Organizations and projects whose names are remembered from page to page."""

FORMATS: Final = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/jsonl",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

Names = Callable[[str | None], str | None]


class Choice(NamedTuple):
    """Which records are exported, and in which order: what a list would be asked."""

    filter: Mapping[str, Any] = {}
    search: str | None = None
    order_by: Sequence[Mapping[str, str]] = ()


ALL: Final = Choice()
AS_CREATED: Final = Order((("id", False),), "")


class Kind(NamedTuple):
    """What is written of a kind: a field of imports, the table's column, and what its value is."""

    record: str
    fields: Sequence[tuple[str, str, str]]


KINDS: Final[Mapping[str, Kind]] = {
    "customers": Kind(
        "customer",
        (
            ("email", "email", "text"),
            ("firstName", "first_name", "text"),
            ("lastName", "last_name", "text"),
            ("phone", "phone", "text"),
            ("title", "title", "text"),
            ("externalId", "external_id", "text"),
            ("organization", "organization_id", "path"),
            ("organizationExternalId", "organization_id", "external id"),
        ),
    ),
    "organizations": Kind(
        "organization",
        (
            ("name", "name", "text"),
            ("parent", "parent_id", "path"),
            ("externalId", "external_id", "text"),
            ("website", "website", "text"),
            ("description", "description", "text"),
        ),
    ),
    "tickets": Kind(
        "ticket",
        (
            ("requesterEmail", "requester_email", "text"),
            ("requesterName", "requester_name", "text"),
            ("subject", "subject", "text"),
            ("description", "description", "text"),
            ("status", "status", "text"),
            ("priority", "priority", "text"),
            ("externalId", "external_id", "text"),
            ("project", "project_id", "project"),
            ("createdAt", "created_at", "moment"),
        ),
    ),
}


def order_asked(kind: str, choice: Choice, path: Path = ()) -> Order:
    """The order of an export; refused where it is none."""
    record = RECORDS[KINDS[kind].record]
    return order_of(record, choice.order_by, None, path) if choice.order_by else AS_CREATED


async def rows(
    database: Database, workspace_id: str, kind: str, choice: Choice = ALL
) -> AsyncIterator[list[list[str | None]]]:
    """Pages of rows: the fields' values in their order, and the record's id; of the records a filter and a search find."""
    wanted = KINDS[kind]
    order = order_asked(kind, choice)
    known = _Known(database, workspace_id)
    reader, after = _page(database, wanted, choice, order, goes_on=False), ()
    while True:
        scope = Scope(workspace_id, None, None, (), database.clock())
        found = await database.read(reader.text, reader.parameters({"after": after}, scope))
        if not found:
            return
        if not after:
            reader = _page(database, wanted, choice, order, goes_on=True)
        after = tuple(found[-1])[-len(order.keys) :]
        yield await known.told(wanted, found)


async def workbook(
    database: Database,
    workspace_id: str,
    kind: str,
    target: IO[bytes],
    choice: Choice = ALL,
) -> AsyncIterator[int]:
    """Writes a workbook; tells how many records each page added."""
    book = Workbook(target, header(kind))
    try:
        async for page in rows(database, workspace_id, kind, choice):
            await asyncio.to_thread(book.add, page)
            yield len(page)
    finally:
        await asyncio.to_thread(book.close)  # a refused one too: it keeps rows in a file of its own until then


async def lines(
    database: Database,
    workspace_id: str,
    kind: str,
    form: str,
    choice: Choice = ALL,
) -> AsyncIterator[str]:
    """The file's text, a page at a time; what is wrong with the choice is refused before any of it."""
    text = head(kind, form)
    async for page in rows(database, workspace_id, kind, choice):
        yield text + told(kind, form, page)
        text = ""
    if text:
        yield text


def head(kind: str, form: str) -> str:
    """What the file begins with."""
    return BYTE_ORDER_MARK + csv_lines([header(kind)]) if form == "csv" else ""


def header(kind: str, form: str = "csv") -> list[str]:
    """The columns' names."""
    return [*(name for name, _, _ in KINDS[kind].fields), "id" if form == "jsonl" else RECORD_ID]


def told(kind: str, form: str, page: Sequence[Sequence[str | None]]) -> str:
    """A page as the file has it."""
    if form == "csv":
        return csv_lines([cell or "" for cell in row] for row in page)
    names = header(kind, form)
    return "".join(orjson.dumps(dict(zip(names, row, strict=True))).decode() + "\n" for row in page)


async def count(database: Database, workspace_id: str, kind: str, choice: Choice = ALL) -> int:
    """How many records a filter and a search find."""
    reading, source, tables = _found(database, KINDS[kind], choice)
    reader = _read(reading, select(func.count()).select_from(source.clause).where(*source.where), tables)
    scope = Scope(workspace_id, None, None, (), database.clock())
    return int((await database.read(reader.text, reader.parameters({}, scope)))[0][0])


def _found(database: Database, kind: Kind, choice: Choice) -> tuple[Reading, Source, Sequence[CTE]]:
    """The records that a filter and a search find, and the tables that the search refers to."""
    record = RECORDS[kind.record]
    reading = Reading(database.dialect, RECORDS, for_customer=False)
    source = reading.rows(record.table)
    if not mentions(choice.filter, "archived"):
        source.where.append(source.row.archived_at.is_(None))
    source.where.append(where(reading, record, source.row, choice.filter, ("filter",)))
    found = record.search(reading, choice.search, AS_CREATED) if choice.search is not None and record.search else None
    if found is not None:
        ids = found.looked_up
        source.where.append(found.holds(source.row) if ids is None else source.row.id.in_(ids.ids()))
    return reading, source, found.tables if found is not None else ()


def _read(reading: Reading, statement: Select[Any], tables: Sequence[CTE]) -> Reader:
    for table in tables:
        statement = statement.add_cte(table, nest_here=True)
    return reading.finish(statement)


def _page(database: Database, kind: Kind, choice: Choice, order: Order, *, goes_on: bool) -> Reader:
    """The statement of a page: the first records, or those after a position in the order; its keys come last."""
    reading, source, tables = _found(database, kind, choice)
    keys = order.columns(source.row)
    if goes_on:
        source.where.append(order.beyond(source.row, [_after(reading, i, key) for i, key in enumerate(keys)]))
    wanted = [source.row.id, *(getattr(source.row, column) for _, column, _ in kind.fields)]
    told = [*wanted, *(key.label(f"key_{i}") for i, key in enumerate(keys))]
    page = select(*told).select_from(source.clause).where(*source.where).order_by(*order.clauses(source.row))
    return _read(reading, page.limit(literal_column(str(PAGE))), tables)


def _after(reading: Reading, place: int, key: Any) -> Any:
    """One key of the position that a page begins after."""
    kind = Key if isinstance(key.type, type(Key)) else BigInteger()
    return reading.parameter(lambda variables, _: variables["after"][place], kind)


class _Known:
    """Names of organizations and projects, looked up set-wise and remembered while they are not too many."""

    def __init__(self, database: Database, workspace_id: str) -> None:
        self._database, self._workspace_id = database, workspace_id
        self._organizations: dict[str, tuple[str, str | None, str | None]] = {}
        self._projects: dict[str, str] = {}

    async def told(self, kind: Kind, found: Sequence[Any]) -> list[list[str | None]]:
        """A page's values as files have them."""
        places = {row[i] for i, (_, _, what) in enumerate(kind.fields, 1) for row in found if what == "path"}
        projects = {row[i] for i, (_, _, what) in enumerate(kind.fields, 1) for row in found if what == "project"}
        await self._look_up({one for one in places if one is not None})
        if missing := {one for one in projects if one is not None and one not in self._projects}:
            ids = listed(sorted(missing))
            self._projects |= dict(await self._database.rows(PROJECTS, workspace=self._workspace_id, ids=ids))
        tell: Mapping[str, Callable[[Any], str | None]] = {
            "text": lambda value: value,
            "moment": printed,
            "path": self._path,
            "external id": lambda one: self._organizations[one][2] if one in self._organizations else None,
            "project": self._projects.get,
        }
        ways = [tell[what] for _, _, what in kind.fields]
        return [
            [*(None if value is None else way(value) for way, value in zip(ways, row[1:], strict=False)), row[0]]
            for row in found
        ]

    async def _look_up(self, ids: Collection[str]) -> None:
        if len(self._organizations) > MOST_REMEMBERED:
            self._organizations.clear()
        missing = {one for one in ids if one not in self._organizations}
        while missing:
            listing = listed(sorted(missing))
            found = await self._database.rows(ORGANIZATIONS, workspace=self._workspace_id, ids=listing)
            self._organizations |= {one: (name, parent, external) for one, name, parent, external in found}
            above = {parent for _, _, parent, _ in found if parent is not None}
            missing = above - self._organizations.keys()

    def _path(self, organization_id: str) -> str:
        names, at = [], self._organizations.get(organization_id)
        while at is not None:
            names.append(at[0])
            at = self._organizations.get(at[1]) if at[1] is not None else None
        return joined(reversed(names))


_o, _p = columns(Organization), columns(Project)
ORGANIZATIONS = Statement(
    lambda dialect: select(_o.id, _o.name, _o.parent_id, _o.external_id).where(
        _o.workspace_id == bindparam("workspace"), _o.id.in_(ids_of(dialect))
    )
)
PROJECTS = Statement(
    lambda dialect: select(_p.id, _p.name).where(_p.workspace_id == bindparam("workspace"), _p.id.in_(ids_of(dialect)))
)
