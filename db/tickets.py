"""Tickets: what can be read of them, and how a ticket and its requester find each other."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import and_, bindparam, select, update

from db.errors import ExternalIdTaken, InvalidValue, Path, Unique
from db.ids import new_id
from db.reads.filtering import archived_filter, id_filter, moment_filter, one_of_filter, reference_filter, text_filter
from db.reads.reading import Reading
from db.reads.records import Record, Relation, Row
from db.statements import Statement
from db.tables import EmailAddress, Project, Ticket, Workspace
from db.text import address_key, clean, email, required
from db.transaction import Transaction
from db.writing import adding, blank, columns, expect_living


def _unmatched(_reading: Reading, ticket: Row, given: Any) -> Any:
    return ticket.requester_id.is_(None) if given else ticket.requester_id.is_not(None)


def _project(reading: Reading, ticket: Row, given: Any) -> Any:
    project = reading.value(given)
    belongs = and_(ticket.project_id.is_not(None), ticket.project_id == project)
    return and_(belongs, *reading.in_sight("project", project))


def _visible(reading: Reading, ticket: Row) -> Any:
    return ticket.requester_id == reading.viewing_customer


TICKET = Record(
    kind="ticket",
    table=Ticket,
    relations={
        "project": Relation("project", "one", lambda _r, t, project, _a: [project.id == t.project_id]),
        "requester": Relation("customer", "one", lambda _r, t, customer, _a: [customer.id == t.requester_id]),
        "history": Relation("change_record", "connection", lambda _r, t, entry, _a: [entry.record_id == t.id]),
    },
    filters={
        "ids": id_filter,
        "project": _project,
        "requester": reference_filter("requester_id"),
        "requester_email": text_filter("requester_email_key", address_key),
        "unmatched": _unmatched,
        "status": one_of_filter("status"),
        "priority": one_of_filter("priority"),
        "external_id": text_filter("external_id", str),
        "created_at": moment_filter("created_at"),
        "updated_at": moment_filter("updated_at"),
        "archived": archived_filter,
    },
    orders={"NUMBER": "number", "CREATED_AT": "created_at", "UPDATED_AT": "updated_at"},
    default_order=(("NUMBER", "ASC"),),
    visible=_visible,
    archives=True,
)


# Writing

STATUSES = ("OPEN", "PENDING", "CLOSED")
PRIORITIES = ("LOW", "NORMAL", "HIGH", "URGENT")

LIMITS = {"subject": 500, "description": 100_000, "requester_name": 400, "external_id": 200}
"""Characters that each property keeps at the most."""

NAMES = {
    "number": "number",
    "subject": "subject",
    "description": "description",
    "status": "status",
    "priority": "priority",
    "project_id": "projectId",
    "requester_id": "requesterId",
    "requester_email": "requesterEmail",
    "requester_name": "requesterName",
    "external_id": "externalId",
}
"""A ticket's own properties, by column, as the schema and the log name them."""


def prepared(properties: Mapping[str, Any], path: Path = ()) -> dict[str, Any]:
    """Properties as they are kept, each checked; with `requester_email` goes its key."""
    kept: dict[str, Any] = {}
    for name, value in properties.items():
        where = (*path, NAMES[name])
        if name == "requester_email":
            address = email(required(value, 254, where), where)
            kept |= {name: address.address, "requester_email_key": address.key}
        elif name == "subject":
            kept[name] = required(value, LIMITS[name], where)
        elif name in LIMITS:
            kept[name] = clean(value, LIMITS[name], where)
        else:
            allowed = {"status": STATUSES, "priority": PRIORITIES}.get(name)
            if allowed and value not in allowed:
                raise InvalidValue(f"{NAMES[name]} must be one of {', '.join(allowed)}.", where, value=str(value)[:80])
            kept[name] = value
    return kept


async def create(tx: Transaction, properties: Mapping[str, Any], path: Path = ()) -> str:
    """Adds a ticket under the workspace's next number, linked to the living customer who has its address."""
    row: dict[str, Any] = blank(Ticket) | {"status": "OPEN", "priority": "NORMAL"}
    row |= prepared(properties, path)
    if row["project_id"] is not None:
        await expect_living(tx, Project, row["project_id"], (*path, "projectId"))
    number, requester = await tx.row(NEXT_NUMBER), await tx.row(REQUESTER, email_key=row["requester_email_key"])
    assert number is not None  # noqa: S101  the workspace was found at the start
    row |= {"id": new_id("ticket"), "version": 1, "created_at": tx.now, "updated_at": tx.now}
    row |= {"number": number[0], "requester_id": requester and requester[0]}
    try:
        await tx.attempt(adding(Ticket), **row)
    except Unique:
        holder = await tx.row(BY_EXTERNAL_ID, external_id=row["external_id"])
        message = f"The external id {row['external_id']!r} already belongs to another ticket."
        raise ExternalIdTaken(message, (*path, "externalId"), holder=holder and holder[0]) from None
    tx.record(row["id"], "CREATED", {}, {NAMES[c]: row[c] for c in NAMES if row[c] is not None})
    return str(row["id"])


async def find_requester(tx: Transaction, customer_id: str, email_key: str) -> int:
    """Gives a customer the tickets that waited for its address; tells how many."""
    linked = await tx.rows(LINK, customer_id=customer_id, email_key=email_key)
    for (ticket_id,) in linked:
        tx.record(ticket_id, "LINKED", {"requesterId": None}, {"requesterId": customer_id})
    return len(linked)


_t = columns(Ticket)
_w = columns(Workspace)
_a = columns(EmailAddress)
NEXT_NUMBER = Statement(
    update(Workspace)
    .where(_w.workspace_id == bindparam("workspace"))
    .values(ticket_number=_w.ticket_number + 1)
    .returning(_w.ticket_number)
)
REQUESTER = Statement(
    select(_a.customer_id).where(
        _a.workspace_id == bindparam("workspace"), _a.email_key == bindparam("email_key"), _a.customer_id.is_not(None)
    )
)
BY_EXTERNAL_ID = Statement(
    select(_t.id).where(
        _t.workspace_id == bindparam("workspace"),
        _t.external_id == bindparam("external_id"),
        _t.archived_at.is_(None),
    )
)
LINK = Statement(
    update(Ticket)
    .where(
        _t.workspace_id == bindparam("workspace"),
        _t.requester_email_key == bindparam("email_key"),
        _t.requester_id.is_(None),
        _t.archived_at.is_(None),
    )
    .values(requester_id=bindparam("customer_id"))
    .returning(_t.id)
)
