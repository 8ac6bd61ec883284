"""Tickets: what can be read of them, and how a ticket and its requester find each other."""

from typing import Any

from sqlalchemy import bindparam, update

from db.filtering import archived_filter, id_filter, moment_filter, one_of_filter, reference_filter, text_filter
from db.reading import Reading
from db.records import Record, Relation, Row
from db.statements import Statement
from db.tables import Ticket
from db.transaction import Transaction
from db.writing import columns


def _unmatched(_reading: Reading, ticket: Row, given: Any) -> Any:
    return ticket.requester_id.is_(None) if given else ticket.requester_id.is_not(None)


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
        "project": reference_filter("project_id"),
        "requester": reference_filter("requester_id"),
        "requester_email": text_filter("requester_email_key", lambda text: text.strip().lower()),
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


async def find_requester(tx: Transaction, customer_id: str, email_key: str) -> int:
    """Gives a customer the tickets that waited for its address; tells how many."""
    linked = await tx.rows(LINK, customer_id=customer_id, email_key=email_key)
    for (ticket_id,) in linked:
        tx.record(ticket_id, "LINKED", {"requesterId": None}, {"requesterId": customer_id})
    return len(linked)


_t = columns(Ticket)
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
