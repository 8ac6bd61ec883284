"""The log: one `change` for each transaction, one `change_record` for each record it touched."""

from typing import Any

from sqlalchemy import select

from db.reads.reading import Reading
from db.reads.records import AnyOf, Part, Record, Relation, Row
from db.tables import Change, ChangeRecord

RECORD_KINDS = ("customer", "organization", "project", "ticket", "invitation")
ACTOR_KINDS = ("user", "customer", "api_key")


def _record_filter(reading: Reading, change: Row, given: Any) -> Any:
    entries = reading.rows(ChangeRecord)
    return change.number.in_(
        select(entries.row.number)
        .select_from(entries.clause)
        .where(*entries.where, entries.row.record_id == reading.value(given))
    )


CHANGE = Record(
    kind="change",
    table=Change,
    relations={
        "actor": AnyOf(ACTOR_KINDS, lambda _r, change, _a: change.actor_id),
        "itself": Part("change"),
        "records": Relation("change_record", "connection", lambda _r, c, entry, _a: [entry.number == c.number]),
    },
    filters={"record": _record_filter},
    orders={"NUMBER": "number"},
    default_order=(("NUMBER", "ASC"),),
    identity="number",
)

CHANGE_RECORD = Record(
    kind="change_record",
    table=ChangeRecord,
    relations={
        "change": Relation("change", "one", lambda _r, entry, change, _a: [change.number == entry.number]),
        "record": AnyOf(RECORD_KINDS, lambda _r, entry, _a: entry.record_id),
    },
    orders={"NUMBER": "number"},
    default_order=(("NUMBER", "DESC"),),
    identity="record_id",
)
