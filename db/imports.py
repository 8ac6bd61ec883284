"""Imports and their rows: what can be read of them and what can be done to them."""

from typing import Any

from db.dialects import quoted
from db.filtering import id_filter, moment_filter, one_of_filter
from db.reading import Reading
from db.records import AnyOf, Arguments, Part, Record, Relation
from db.tables import Import, ImportRow, Upload


def _records(_reading: Reading, job: Any, _arguments: Arguments) -> Any:
    return job.created + job.updated + job.unchanged + job.skipped + job.refused


IMPORT = Record(
    kind="import",
    table=Import,
    relations={
        "counts": Part("import_counts"),
        "upload": Relation("upload", "one", lambda _r, job, upload, _a: [upload.id == job.upload_id]),
        "created_by": AnyOf(("user", "api_key"), lambda _r, job, _a: job.created_by),
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

IMPORT_ROW = Record(
    kind="import_row",
    table=ImportRow,
    relations={"record": AnyOf(("customer", "organization", "ticket"), lambda _r, row, _a: row.record_id)},
    filters={
        "status": one_of_filter("status"),
        "with_warnings": lambda _r, row, given: row.warnings != quoted("[]") if given else row.warnings == quoted("[]"),
    },
    orders={"RECORD_NUMBER": "record_number"},
    default_order=(("RECORD_NUMBER", "ASC"),),
    identity="record_number",
)

UPLOAD = Record(kind="upload", table=Upload)


async def start(tx, kind, upload_id, **settings):
    raise NotImplementedError


async def cancel(tx, import_id):
    raise NotImplementedError
