"""Imports and their rows: what can be read of them, and how one is asked for, goes on, and ends."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy import (
    BigInteger,
    Integer,
    and_,
    bindparam,
    case,
    cast,
    delete,
    exists,
    func,
    literal_column,
    null,
    select,
    update,
)

from db import import_refused, job_queue, uploads
from db.columns import Key
from db.database import Database
from db.dates import order_of
from db.engines.dialects import Dialect, quoted
from db.errors import InvalidValue, NotFound, NotPossible, Refusal
from db.files import reading as files
from db.files.table import AS_RECOGNISED, JSON_LINES, FileRefused, How, Layout, Look
from db.ids import new_id
from db.import_policy import AS_USUAL, Policy, needed
from db.mapping.columns import Given, Mapped, decide
from db.mapping.headers import key_of
from db.reads.filtering import id_filter, moment_filter, one_of_filter
from db.reads.reading import Reading
from db.reads.records import AnyOf, Arguments, Part, Record, Relation, Row, Source
from db.statements import Statement
from db.tables import Customer, Import, ImportRow, Invitation
from db.text import shorten
from db.transaction import Transaction
from db.writing import adding, blank, columns, found, ids_of, listed


def _records(_reading: Reading, job: Any, _arguments: Arguments) -> Any:
    return job.created + job.updated + job.unchanged + job.skipped + job.refused


def _refused_rows_path(_reading: Reading, job: Any, _arguments: Arguments) -> Any:
    path = quoted("/imports/").concat(job.id).concat(quoted("/refused.csv"))
    return case((job.refused > literal_column("0"), path), else_=null())


def _pace(job: Any) -> tuple[Any, Any, Any]:
    """Whether it can be told how fast an import is, then its records so far and the milliseconds that they took."""
    known = and_(
        job.status == quoted("RUNNING"), job.next_record > literal_column("0"), job.advanced_at > job.started_at
    )
    return known, cast(job.next_record, BigInteger), cast(job.advanced_at - job.started_at, BigInteger)


def _records_per_second(_reading: Reading, job: Any, _arguments: Arguments) -> Any:
    known, done, milliseconds = _pace(job)
    return case((known, done * literal_column("1000", BigInteger()) // milliseconds), else_=null())


def _seconds_left(_reading: Reading, job: Any, _arguments: Arguments) -> Any:
    known, done, milliseconds = _pace(job)
    thousand = done * literal_column("1000", BigInteger())
    left = cast(job.total_records - job.next_record, BigInteger) * milliseconds
    return case((known, (left + thousand - literal_column("1", BigInteger())) // thousand), else_=null())


def entries_of(reading: Reading, values: Any, names: Mapping[str, str]) -> Source:
    """The members of a JSON column, as rows in their order."""
    alias = reading.alias("entry")
    row = Row(alias, dict.fromkeys((*names, "position"), Key))
    return Source(reading.dialect.entries(values, names, alias), row, [], [row.position])


COLUMN = {"column_name": "column", "field_name": "field", "constant": "constant"}
ISSUE = {"column_name": "column", "value": "value", "code": "code", "message": "message", "hint": "hint"}
UNDO_ISSUE = {"property_name": "property", "code": "code", "message": "message"}
MOST_COLUMNS = 500
MOST_ISSUES = 20


IMPORT = Record(
    kind="import",
    table=Import,
    expressions={
        "refused_rows_path": _refused_rows_path,
        "records_per_second": _records_per_second,
        "seconds_left": _seconds_left,
    },
    relations={
        "counts": Part("import_counts"),
        "columns": Relation(
            "import_column", "list", source=lambda r, job, _a: entries_of(r, job.columns, COLUMN), page=MOST_COLUMNS
        ),
        "upload": Relation("uploaded_file", "one", lambda _r, job, upload, _a: [upload.id == job.upload_id]),
        "created_by": AnyOf(("user", "api_key"), lambda _r, job, _a: job.created_by),
        "retry_of": Relation("import", "one", lambda _r, job, first, _a: [first.id == job.retry_of]),
        "undo": Relation("import_undo", "one", lambda _r, job, undo, _a: [undo.import_id == job.id]),
        "rows": Relation("import_row", "connection", lambda _r, job, row, _a: [row.import_id == job.id], page=50),
    },
    filters={
        "ids": id_filter,
        "kind": one_of_filter("kind"),
        "status": one_of_filter("status"),
        "created_at": moment_filter("created_at"),
    },
    orders={"CREATED_AT": "created_at"},
    default_order=(("CREATED_AT", "DESC"),),
)

IMPORT_COUNTS = Record(kind="import_counts", expressions={"records": _records})

IMPORT_COLUMN = Record(
    kind="import_column",
    expressions={"column": lambda _r, row, _a: row.column_name, "field": lambda _r, row, _a: row.field_name},
)

IMPORT_ROW = Record(
    kind="import_row",
    table=ImportRow,
    relations={
        "record": AnyOf(("customer", "organization", "ticket"), lambda _r, row, _a: row.record_id),
        "errors": Relation(
            "import_issue", "list", source=lambda r, row, _a: entries_of(r, row.errors, ISSUE), page=MOST_ISSUES
        ),
        "warnings": Relation(
            "import_issue", "list", source=lambda r, row, _a: entries_of(r, row.warnings, ISSUE), page=MOST_ISSUES
        ),
        "undo_issues": Relation(
            "undo_issue", "list", source=lambda r, row, _a: entries_of(r, row.undo_issues, UNDO_ISSUE), page=MOST_ISSUES
        ),
    },
    filters={
        "status": one_of_filter("status"),
        "undo": lambda r, row, given: and_(row.undo.is_not(None), one_of_filter("undo")(r, row, given)),
        "with_warnings": lambda _r, row, given: row.warnings != quoted("[]") if given else row.warnings == quoted("[]"),
    },
    orders={"RECORD_NUMBER": "record_number"},
    default_order=(("RECORD_NUMBER", "ASC"),),
    identity="record_number",
)

IMPORT_ISSUE = Record(kind="import_issue", expressions={"column": lambda _r, row, _a: row.column_name})


# Asking for one

POLICIES: Final = ("UPDATE", "FILL_EMPTY", "SKIP", "FAIL")
"""What happens to records that exist already."""

OPERATIONS: Final = {
    "CUSTOMERS": "importCustomers",
    "ORGANIZATIONS": "importOrganizations",
    "TICKETS": "importTickets",
}


class Afterwards(NamedTuple):
    """What becomes of the customers an import takes, beside what their rows say."""

    organization_id: str | None = None
    """Where they go who are in no organization; instead of what the rows name."""
    project_ids: tuple[str, ...] = ()
    send_invitations: bool = False


async def look_at(
    database: Database, directory: Path, workspace_id: str, upload_id: str, how: How = AS_RECOGNISED
) -> Look:
    """How an uploaded file is to be read. A file read, in a thread: done before the transaction that starts an import."""
    upload = await uploads.find(database, workspace_id, upload_id)
    if upload is None:
        message = f"No upload has the id {shorten(upload_id)!r}, or it expired. Send the file again by POST /uploads."
        raise NotFound(message, ("uploadId",), value=shorten(upload_id))
    try:
        return await asyncio.to_thread(files.look, uploads.path_of(directory, upload_id), how)
    except FileNotFoundError:
        raise NotFound("The file is gone. Send it again by POST /uploads.", ("uploadId",), value=upload_id) from None
    except FileRefused as refusal:
        raise refusal.under("uploadId") from None


async def start(
    tx: Transaction,
    kind: str,
    upload_id: str,
    *,
    look: Look,
    mapping: Sequence[Given] | None = None,
    on_existing: str = "UPDATE",
    policy: Policy = AS_USUAL,
    dry_run: bool = False,
    afterwards: Afterwards | None = None,
    date_order: str | None = None,
    retry_of: str | None = None,
) -> str:
    """Queues an import of a file that was looked at; refused where the mapping does not fit its columns."""
    upload = await uploads.need(tx, upload_id)
    if on_existing not in POLICIES:
        raise InvalidValue(f"onExisting must be one of {', '.join(POLICIES)}.", ("onExisting",), value=on_existing)
    mapped = decide(kind, look, mapping, needed(kind, policy.match_by))
    import_id = new_id("import")
    row: dict[str, Any] = blank(Import)
    row |= dict.fromkeys(("next_record", *COUNTS), 0)
    row |= {
        "id": import_id,
        "kind": kind,
        "status": "QUEUED",
        "upload_id": upload_id,
        "filename": upload.filename,
        "header_key": key_of(look),
        "columns": _json([one._asdict() for one in _shown(look.layout, mapped)]),
        "settings": _json(
            _settings(look.layout, mapped, on_existing, policy, afterwards)
            | {"dateOrder": date_order or _date_order(look, mapped)}
        ),
        "dry_run": dry_run,
        "retry_of": retry_of,
        "created_by": tx.intent.actor_id,
        "created_at": tx.now,
    }
    await tx.run(adding(Import), **row)
    await job_queue.add(tx, "IMPORT", import_id)
    tx.move_answers()
    return import_id


def _shown(layout: Layout, mapped: Sequence[Mapped]) -> list[Mapped]:
    """A mapping in the order of the file's columns, constants last."""
    places = {name: i for i, name in enumerate(layout.columns)}
    return sorted(mapped, key=lambda one: places.get(one.column, len(places)))[:MOST_COLUMNS]


def _settings(
    layout: Layout, mapped: Sequence[Mapped], on_existing: str, policy: Policy, afterwards: Afterwards | None
) -> dict[str, Any]:
    places = {name: i for i, name in enumerate(layout.columns)}
    fields: dict[str, list[Any]] = {}
    further: dict[str, list[Any]] = {}
    for one in mapped:
        if one.field is not None and one.constant is None:
            place = [places[one.column], one.column]
            if fields.setdefault(one.field, place) is not place:
                further.setdefault(one.field, []).append(place)
    return {
        "layout": layout.kept(),
        "width": len(layout.columns),
        "fields": fields,
        "further": further,
        "constants": {one.field: one.constant for one in mapped if one.constant is not None},
        "policy": policy._asdict(),
        "onExisting": on_existing,
        "afterwards": list(afterwards or ()),
        "lineColumn": places.get(import_refused.LINE),
        "neutralised": layout.format != JSON_LINES
        and bool({import_refused.LINE, import_refused.RECORD_ID} & set(places)),
    }


def _date_order(look: Look, mapped: Sequence[Mapped]) -> str | None:
    """What the first records tell about the order of day and month."""
    column = next((one.column for one in mapped if one.field == "createdAt"), None)
    if column is None:
        return None
    place = look.layout.columns.index(column)
    return order_of(record[place] for record in look.records if place < len(record))


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


class Asked(NamedTuple):
    """How an import was asked for."""

    kind: str
    mapping: list[dict[str, str | None]]
    on_existing: str
    policy: Policy
    date_order: str | None
    afterwards: Afterwards


async def asked(database: Database, workspace_id: str, import_id: str) -> Asked | None:
    """How an import was asked for; None if there is no such import."""
    rows = await database.rows(ASKED, workspace=workspace_id, id=import_id)
    if not rows:
        return None
    kind, settings = rows[0]
    given = orjson.loads(settings)
    columns_of = ((field, place) for field, place in given["fields"].items())
    further = ((field, place) for field, places in given.get("further", {}).items() for place in places)
    mapping: list[dict[str, str | None]] = [{"column": p[1], "field": field} for field, p in (*columns_of, *further)]
    mapping += [{"constant": value, "field": field} for field, value in given.get("constants", {}).items()]
    afterwards = Afterwards(*given.get("afterwards", ()))
    return Asked(
        kind, mapping, given["onExisting"], Policy(**given.get("policy", {})), given.get("dateOrder"), afterwards
    )


async def resume(tx: Transaction, import_id: str) -> None:
    """Lets an import that failed or was cancelled go on with the record it came to."""
    row = await found(tx, Import, import_id, ("importId",))
    if row["status"] not in {"FAILED", "CANCELLED"}:
        message = (
            f"The import is {row['status']}. To read refused rows again, fetch `refusedRowsPath`, correct them, send the "
            "file by POST /uploads and give its uploadId."
        )
        raise NotPossible(message, ("importId",), value=import_id)
    await uploads.need(tx, row["upload_id"])
    await tx.run(RESUME, id=import_id)
    await job_queue.add(tx, "IMPORT", import_id)
    tx.move_answers()


async def cancel(tx: Transaction, import_id: str) -> None:
    """Stops an import: no chunk is written after this transaction. What was read until then stays."""
    row = await found(tx, Import, import_id, ("importId",))
    if row["status"] == "CANCELLED":
        return
    if not await tx.run(CANCEL, id=import_id, now=tx.now):
        raise NotPossible(f"The import ended already: it is {row['status']}.", ("importId",), value=import_id)
    await uploads.keep(tx, row["upload_id"])
    tx.move_answers()


# Carrying one out

COUNTS = ("created", "updated", "unchanged", "skipped", "refused", "warnings", "unmatched")


class Stopped(Exception):  # noqa: N818  an answer
    """The import was cancelled, or another worker carries it out."""


@dataclass(frozen=True, slots=True)
class Work:
    """An import as a worker takes it up: `fields` leads from a property to its column's place and name."""

    id: str
    kind: str
    status: str
    upload_id: str
    layout: Layout
    width: int
    fields: Mapping[str, tuple[int, str]]
    on_existing: str
    dry_run: bool
    total_records: int | None
    next_record: int
    actor_id: str | None
    afterwards: Afterwards = field(default_factory=Afterwards)
    date_order: str | None = None
    line_column: int | None = None
    """Where a file of refused rows says which line each was on."""
    neutralised: bool = False
    """Whether the file was written here, with an apostrophe before what might be taken for a formula."""
    further: Mapping[str, Sequence[tuple[int, str]]] = field(default_factory=dict)
    """The other columns of properties that several are read into."""
    constants: Mapping[str, str] = field(default_factory=dict)
    """What stands for a property where no column has a value."""
    policy: Policy = AS_USUAL
    refused: int = 0
    """How many rows were refused until now."""


class State(NamedTuple):
    """How far an import is: records in the file (None: not counted yet), records read, and what became of them."""

    status: str
    error_message: str | None
    total: int | None
    records: int
    created: int
    updated: int
    unchanged: int
    skipped: int
    refused: int
    warnings: int
    unmatched: int


async def state(database: Database, workspace_id: str, import_id: str) -> State:
    """How far an import is now."""
    rows = await database.rows(STATE, workspace=workspace_id, id=import_id)
    return State(*rows[0])


async def refused(database: Database, workspace_id: str, import_id: str, most: int) -> list[tuple[int, str]]:
    """The first lines that were refused, each with the first reason."""
    rows = await database.rows(REFUSED, workspace=workspace_id, id=import_id, most=most)
    return [(line, orjson.loads(errors)[0]["message"]) for line, errors in rows]


async def work_of(database: Database, workspace_id: str, import_id: str) -> Work | None:
    """What a worker needs to know."""
    rows = await database.rows(WORK, workspace=workspace_id, id=import_id)
    if not rows:
        return None
    kind, status, upload_id, kept, dry_run, total_records, next_record, actor_id, refused = rows[0]
    settings = orjson.loads(kept)
    return Work(
        import_id,
        kind,
        status,
        upload_id,
        Layout.of(settings["layout"]),
        settings["width"],
        {name: (place, column) for name, (place, column) in settings["fields"].items()},
        settings["onExisting"],
        bool(dry_run),
        total_records,
        next_record,
        actor_id,
        Afterwards(*settings.get("afterwards", ())),
        settings.get("dateOrder"),
        settings.get("lineColumn"),
        settings.get("neutralised", False),
        {name: [(place, column) for place, column in more] for name, more in settings.get("further", {}).items()},
        settings.get("constants", {}),
        Policy(**settings.get("policy", {})),
        refused,
    )


async def begin(tx: Transaction, work: Work, layout: Layout, total_records: int) -> None:
    """Notes that a worker took an import up, and how many records it found."""
    row = await found(tx, Import, work.id, ())
    settings = orjson.loads(row["settings"]) | {"layout": layout.kept()}
    if not await tx.run(BEGIN, id=work.id, now=tx.now, settings=_json(settings), total_records=total_records):
        raise Stopped
    tx.move_answers()


async def advance(tx: Transaction, import_id: str, expected: int, after: int) -> None:
    """Takes the records from `expected` up to `after`, in the transaction that writes them; nobody else can."""
    if not await tx.run(ADVANCE, id=import_id, expected=expected, after=after, now=tx.now):
        raise Stopped


async def report(tx: Transaction, import_id: str, rows: Sequence[Mapping[str, Any]], counts: Mapping[str, int]) -> None:
    """Notes what became of records."""
    await tx.run_many(adding(ImportRow), rows, {"import_id": import_id, "undo": None, "undo_issues": "[]"})
    await tx.run(COUNT, id=import_id, **{f"plus_{name}": counts.get(name, 0) for name in COUNTS})
    tx.move_answers()


async def forget_rows(tx: Transaction, import_id: str, most: int) -> int:
    """Removes the first rows of a report; tells how many. A dry run that is taken up again begins anew."""
    rows = [row[0] for row in await tx.rows(FIRST_ROWS, id=import_id, most=most)]
    if rows:
        await tx.run(FORGET_ROWS, id=import_id, last=rows[-1])
    return len(rows)


async def begin_anew(tx: Transaction, import_id: str) -> None:
    await tx.run(BEGIN_ANEW, id=import_id)


async def end(tx: Transaction, work: Work, status: str, why: Refusal | None = None) -> None:
    """Ends an import; its file is kept a while longer, for another try."""
    code, message = (why.code, why.message) if why else (None, None)
    if not await tx.run(END, id=work.id, status=status, error_code=code, error_message=message, now=tx.now):
        raise Stopped
    await uploads.keep(tx, work.upload_id)
    tx.move_answers()


async def lines_of(tx: Transaction, import_id: str, record_ids: Sequence[str]) -> dict[str, int]:
    """The lines from which this import took these records already."""
    if not record_ids:
        return {}
    rows = await tx.rows(LINES, id=import_id, ids=listed(record_ids))
    return {record_id: int(line) for record_id, line in reversed(rows)}


class Taken(NamedTuple):
    """A customer that an import made or met: the row's number, and how it stands now."""

    record_number: int
    customer_id: str
    status: str
    is_living: bool
    is_invited: bool


async def taken(tx: Transaction, import_id: str, after: int, most: int) -> list[Taken]:
    """The customers of an import's rows after a number, in their order."""
    return [Taken(*row) for row in await tx.rows(TAKEN, id=import_id, after=after, most=most)]


async def records_of(tx: Transaction, import_id: str, numbers: Sequence[int]) -> dict[int, tuple[int, str | None]]:
    """What became of the records of these numbers: their line and the record they became."""
    if not numbers:
        return {}
    rows = await tx.rows(BY_NUMBER, id=import_id, ids=orjson.dumps(sorted(numbers)).decode())
    return {number: (line, record_id) for number, line, record_id in rows}


def _numbers(dialect: Dialect) -> Any:
    each = dialect.each(bindparam("ids"), "ids")
    return select(cast(each.c.value, Integer))


_i = columns(Import)
_r = columns(ImportRow)
_this = (_i.workspace_id == bindparam("workspace"), _i.id == bindparam("id"))
_rows = (_r.workspace_id == bindparam("workspace"), _r.import_id == bindparam("id"))
_taking = [quoted("CREATED"), quoted("UPDATED"), quoted("UNCHANGED")]
_at_work = _i.status.in_([quoted("QUEUED"), quoted("RUNNING")])
WORK = Statement(
    select(
        _i.kind,
        _i.status,
        _i.upload_id,
        _i.settings,
        _i.dry_run,
        _i.total_records,
        _i.next_record,
        _i.created_by,
        _i.refused,
    ).where(*_this)
)
ASKED = Statement(select(_i.kind, _i.settings).where(*_this))
RESUME = Statement(
    update(Import)
    .where(*_this)
    .values(status="QUEUED", error_code=None, error_message=None, finished_at=None, cancelled_at=None)
)
CANCEL = Statement(
    update(Import)
    .where(*_this, _at_work)
    .values(status="CANCELLED", cancelled_at=bindparam("now"), finished_at=bindparam("now"))
)
BEGIN = Statement(
    update(Import)
    .where(*_this, _at_work)
    .values(
        status="RUNNING",
        started_at=func.coalesce(_i.started_at, bindparam("now")),
        settings=bindparam("settings"),
        total_records=bindparam("total_records"),
    )
)
ADVANCE = Statement(
    update(Import)
    .where(*_this, _i.status == quoted("RUNNING"), _i.next_record == bindparam("expected"))
    .values(next_record=bindparam("after"), advanced_at=bindparam("now"))
)
COUNT = Statement(
    update(Import).where(*_this).values({_i[name]: _i[name] + bindparam(f"plus_{name}") for name in COUNTS})
)
BEGIN_ANEW = Statement(
    update(Import)
    .where(*_this, _i.dry_run == bindparam("dry_run", value=True))
    .values(dict.fromkeys(("next_record", *COUNTS), 0))
)
END = Statement(
    update(Import)
    .where(*_this, _at_work)
    .values(
        status=bindparam("status"),
        error_code=bindparam("error_code"),
        error_message=bindparam("error_message"),
        finished_at=bindparam("now"),
    )
)
STATE = Statement(
    select(_i.status, _i.error_message, _i.total_records, _i.next_record, *(_i[name] for name in COUNTS)).where(*_this)
)
REFUSED = Statement(
    select(_r.line, _r.errors)
    .where(*_rows, _r.status == quoted("REFUSED"))
    .order_by(_r.record_number)
    .limit(bindparam("most"))
)
FIRST_ROWS = Statement(select(_r.record_number).where(*_rows).order_by(_r.record_number).limit(bindparam("most")))
FORGET_ROWS = Statement(delete(ImportRow).where(*_rows, _r.record_number <= bindparam("last")))
LINES = Statement(
    lambda dialect: (
        select(_r.record_id, _r.line)
        .where(*_rows, _r.record_id.in_(ids_of(dialect)), _r.status.in_(_taking))
        .order_by(_r.record_number)
    )
)
_c = columns(Customer)
_v = columns(Invitation)
_invited = exists(select(_v.id).where(_v.workspace_id == bindparam("workspace"), _v.customer_id == _c.id))
TAKEN = Statement(
    select(_r.record_number, _c.id, _r.status, _c.archived_at.is_(None), _invited)
    .select_from(
        ImportRow.__table__.join(  # type: ignore[attr-defined]
            Customer.__table__,  # type: ignore[attr-defined]
            and_(_c.workspace_id == bindparam("workspace"), _c.id == _r.record_id),
        )
    )
    .where(
        *_rows,
        _r.record_number > bindparam("after"),
        _r.status.in_(_taking),
    )
    .order_by(_r.record_number)
    .limit(bindparam("most"))
)
BY_NUMBER = Statement(
    lambda dialect: select(_r.record_number, _r.line, _r.record_id).where(
        *_rows, _r.record_number.in_(_numbers(dialect))
    )
)
