"""Mappings that are used again: those saved under a name, and that of the last import of a file with the same header."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy import bindparam, delete, literal_column, select, update

from db import imports
from db.clock import printed
from db.database import Database
from db.engines.dialects import quoted
from db.errors import LimitExceeded, NameTaken, NotFound, Unique
from db.files.table import LONGEST_COLUMN_NAME, Look
from db.ids import new_id
from db.import_policy import FOUND_BY
from db.imports import COLUMN, MOST_COLUMNS, entries_of
from db.mapping import fields as import_fields
from db.mapping.columns import Given, check, column_of, refused
from db.mapping.headers import file_key, header_key, key_of
from db.mapping.suggestions import EARLIER_IMPORT, SAVED_MAPPING, Remembered
from db.reads.records import Record, Relation
from db.statements import Statement
from db.tables import Import, ImportMapping
from db.text import fold, required, shorten
from db.transaction import Transaction
from db.writing import adding, columns, found

IMPORT_MAPPING: Final = Record(
    kind="import_mapping",
    table=ImportMapping,
    relations={
        "columns": Relation(
            "import_column", "list", source=lambda r, saved, _a: entries_of(r, saved.columns, COLUMN), page=MOST_COLUMNS
        )
    },
    orders={"NAME": "name_key"},
    default_order=(("NAME", "ASC"),),
)

LONGEST_NAME: Final = 200
MOST_OFFERED: Final = 10
ID: Final = ("importMappingId",)


class Saved(NamedTuple):
    """A mapping as it was saved."""

    id: str
    kind: str
    name: str
    header: list[str]
    columns: list[dict[str, str | None]]
    created_at: int
    updated_at: int

    def shown(self) -> dict[str, Any]:
        """As the schema shows it."""
        times = {"created_at": printed(self.created_at), "updated_at": printed(self.updated_at)}
        return {**self._asdict(), **times}


# Writing


async def create(tx: Transaction, kind: str, name: str, header: Sequence[str], mapping: Sequence[Given]) -> str:
    """Saves a mapping under a name that no other of its kind has."""
    row = {
        "id": new_id("import_mapping"),
        "kind": kind,
        **_named(name),
        **_mapped(kind, header, mapping),
        "created_by": tx.intent.actor_id,
        "created_at": tx.now,
        "updated_at": tx.now,
    }
    try:
        await tx.attempt(adding(ImportMapping), **row)
    except Unique:
        await _refuse_name(tx, row)
    tx.move_answers()
    return str(row["id"])


async def change(
    tx: Transaction,
    mapping_id: str,
    name: str | None = None,
    header: Sequence[str] | None = None,
    mapping: Sequence[Given] | None = None,
) -> None:
    """Changes what is given of a saved mapping."""
    row = dict(await found(tx, ImportMapping, mapping_id, ID))
    if name is not None:
        row |= _named(name)
    if header is not None or mapping is not None:
        kept_header = orjson.loads(row["header"])
        kept = [{**one, "column": one["column"] or None} for one in orjson.loads(row["columns"])]
        row |= _mapped(row["kind"], kept_header if header is None else header, kept if mapping is None else mapping)
    try:
        await tx.attempt(CHANGE, **{name: row[name] for name in CHANGED}, id=mapping_id, updated_at=tx.now)
    except Unique:
        await _refuse_name(tx, row)
    tx.move_answers()


async def put(tx: Transaction, kind: str, name: str, header: Sequence[str], mapping: Sequence[Given]) -> None:
    """Saves a mapping under a name, in the place of one that has it."""
    holder = await tx.row(BY_NAME, kind=kind, name_key=fold(name))
    if holder is None:
        await create(tx, kind, name, header, mapping)
    else:
        await change(tx, holder[0], name, header, mapping)


async def remove(tx: Transaction, mapping_id: str) -> None:
    """Forgets a saved mapping; imports that used it keep their own."""
    await found(tx, ImportMapping, mapping_id, ID)
    await tx.run(REMOVE, id=mapping_id)
    tx.move_answers()


def _named(name: str) -> dict[str, str]:
    kept = required(name, LONGEST_NAME, ("name",))
    return {"name": kept, "name_key": fold(kept)}


def _mapped(kind: str, header: Sequence[str], mapping: Sequence[Given]) -> dict[str, str]:
    """A header and what is read of it, as they are kept; refused where they do not fit each other."""
    for where, many in (("header", len(header)), ("mapping", len(mapping))):
        if many > MOST_COLUMNS:
            raise LimitExceeded(f"A saved mapping has at most {MOST_COLUMNS} of them; {many:,} came.", (where,))
    known = [required(one, LONGEST_COLUMN_NAME, ("header", str(i))) for i, one in enumerate(header)]
    for i, text in enumerate(known):
        if text in known[:i]:
            raise refused(f"{shorten(text)!r} stands in the header twice.", ("header", str(i)), shorten(text))
    check(kind, mapping, import_fields.required(kind), *FOUND_BY[kind].values())
    kept: list[dict[str, str | None]] = []
    for i, one in enumerate(mapping):
        if one.get("field") is None:
            continue
        column = column_of(one["column"] or "", known) if one.get("column") is not None else ""
        if column is None:
            message = f"The header has no column {shorten(one['column'] or '')!r}."
            raise refused(message, ("mapping", str(i), "column"), shorten(one["column"] or ""))
        entry = {"column": column, "field": one["field"], "constant": one.get("constant")}
        if entry in kept:
            raise refused(f"{column!r} is mapped to {one['field']} twice.", ("mapping", str(i), "column"))
        kept.append(entry)
    return {
        "header": orjson.dumps(known).decode(),
        "header_key": file_key(known),
        "columns": orjson.dumps(kept).decode(),
    }


async def _refuse_name(tx: Transaction, row: Mapping[str, Any]) -> None:
    holder = await tx.row(BY_NAME, kind=row["kind"], name_key=row["name_key"])
    message = (
        f"A saved mapping for {row['kind'].lower()} is called {row['name']!r} already. Choose another name, "
        "or change that one."
    )
    raise NameTaken(message, ("name",), holder=holder[0] if holder else None)


# Finding


async def find(database: Database, workspace_id: str, mapping_id: str) -> Saved:
    """A saved mapping by its id; refused where there is none in the workspace."""
    rows = await database.rows(FIND, workspace=workspace_id, id=mapping_id)
    if not rows:
        message = f"No import mapping has the id {shorten(mapping_id)!r}."
        raise NotFound(message, ("mappingId",), value=shorten(mapping_id))
    return _saved(rows[0])


async def named(database: Database, workspace_id: str, kind: str, name: str) -> Saved | None:
    """A saved mapping by its name."""
    rows = await database.rows(NAMED, workspace=workspace_id, kind=kind, name_key=fold(name))
    return _saved(rows[0]) if rows else None


async def fitting(database: Database, workspace_id: str, kind: str, look: Look) -> list[Saved]:
    """The saved mappings for files with this header, the last changed first."""
    key = key_of(look)
    if key is None:
        return []
    rows = await database.rows(FITTING, workspace=workspace_id, kind=kind, header_key=key)
    return [_saved(row) for row in rows]


async def remembered(
    database: Database, workspace_id: str, kind: str, look: Look, saved: Sequence[Saved]
) -> Remembered | None:
    """What is offered for a file: the first of the saved mappings that fit it, else that of the last import with its header."""
    if saved:
        name = saved[0].name
        return Remembered(SAVED_MAPPING, f"the saved mapping {name!r}", 1.0, fitted(saved[0].columns, look))
    key = key_of(look)
    rows = await database.rows(LAST, workspace=workspace_id, kind=kind, header_key=key) if key else []
    asked = await imports.asked(database, workspace_id, rows[0][0]) if rows else None
    if asked is None:
        return None
    _, filename, created_at = rows[0]
    of = f" of {filename!r}" if filename else ""
    what = f"the import{of} on {printed(created_at)[:10]}, whose columns were the same"
    return Remembered(EARLIER_IMPORT, what, 0.95, fitted(asked.mapping, look))


def fitted(entries: Sequence[Given], look: Look) -> list[dict[str, str | None]]:
    """Entries of a mapping with the columns as a file names them; those whose column it does not have keep its name."""
    known = look.layout.columns
    by_key: dict[str, str] = {}
    for name in reversed(known):
        by_key[header_key(name)] = name
    found: list[dict[str, str | None]] = []
    for one in entries:
        column = one.get("column") or None
        if column is not None and column not in known:
            column = by_key.get(header_key(column), column)
        found.append({"column": column, "field": one.get("field"), "constant": one.get("constant")})
    return found


def for_file(saved: Saved, look: Look, needed: str) -> list[dict[str, str | None]]:
    """A saved mapping for a file; refused where it reads a column that the file does not have, or not what is needed."""
    if all(one["field"] != needed for one in saved.columns):
        raise refused(f"The mapping {saved.name!r} does not read {needed}, which is required here.", ("mappingId",))
    entries = fitted(saved.columns, look)
    missing = next(
        (one["column"] for one in entries if one["column"] and one["column"] not in look.layout.columns), None
    )
    if missing is not None:
        message = f"The mapping {saved.name!r} reads the column {shorten(missing)!r}, which the file does not have."
        raise refused(message, ("mappingId",), shorten(missing))
    return entries


def _saved(row: Sequence[Any]) -> Saved:
    mapping_id, kind, name, header, entries, created_at, updated_at = row
    return Saved(mapping_id, kind, name, orjson.loads(header), orjson.loads(entries), created_at, updated_at)


CHANGED: Final = ("name", "name_key", "header", "header_key", "columns")
_m, _i = columns(ImportMapping), columns(Import)
_mine = _m.workspace_id == bindparam("workspace")
_whole = select(_m.id, _m.kind, _m.name, _m.header, _m.columns, _m.created_at, _m.updated_at)
_called = (_mine, _m.kind == bindparam("kind"), _m.name_key == bindparam("name_key"))
FIND = Statement(_whole.where(_mine, _m.id == bindparam("id")))
NAMED = Statement(_whole.where(*_called))
BY_NAME = Statement(select(_m.id).where(*_called))
FITTING = Statement(
    _whole.where(_mine, _m.kind == bindparam("kind"), _m.header_key == bindparam("header_key"))
    .order_by(_m.updated_at.desc(), _m.id.desc())
    .limit(literal_column(str(MOST_OFFERED)))
)
CHANGE = Statement(
    update(ImportMapping)
    .where(_mine, _m.id == bindparam("id"))
    .values({name: bindparam(name) for name in (*CHANGED, "updated_at")})
)
REMOVE = Statement(delete(ImportMapping).where(_mine, _m.id == bindparam("id")))
LAST = Statement(
    select(_i.id, _i.filename, _i.created_at)
    .where(
        _i.workspace_id == bindparam("workspace"),
        _i.kind == bindparam("kind"),
        _i.header_key == bindparam("header_key"),
        _i.status == quoted("SUCCEEDED"),
        _i.dry_run == bindparam("dry_run", value=False),
    )
    .order_by(_i.created_at.desc(), _i.id.desc())
    .limit(literal_column("1"))
)
