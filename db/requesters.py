"""Those who requested tickets and are no customers yet: listed by address, and made customers."""

from typing import Any

from sqlalchemy import bindparam, exists, func, literal_column, select

from db import customers
from db.errors import EmailTaken, NotFound, Path
from db.ids import kind_of
from db.reads.reading import Reading
from db.reads.records import Arguments, Record, Row
from db.statements import Statement
from db.tables import EmailAddress, Ticket
from db.text import email, shorten, split_name
from db.transaction import Transaction
from db.writing import MOST_ITEMS, columns


def waiting(reading: Reading, _parent: Any, ticket: Row, _arguments: Arguments) -> list[Any]:
    """One row for each address: its first ticket that waits. Addresses that anybody holds are left out."""
    waits, held = reading.rows(Ticket), reading.rows(EmailAddress)
    first = select(func.min(waits.row.number)).select_from(waits.clause)
    first = first.where(*waits.where, waits.row.requester_id.is_(None), waits.row.archived_at.is_(None))
    holds = [*held.where, held.row.email_key == ticket.requester_email_key]
    holder: Any = select(literal_column("1"))
    return [
        ticket.requester_id.is_(None),
        ticket.number.in_(first.group_by(waits.row.requester_email_key)),
        ~exists(holder.select_from(held.clause).where(*holds)),
    ]


def _waits(ticket: Row, first: Any) -> list[Any]:
    return [
        ticket.requester_email_key == first.requester_email_key,
        ticket.requester_id.is_(None),
        ticket.archived_at.is_(None),
    ]


def _name(reading: Reading, first: Any, _arguments: Arguments) -> Any:
    """The name that came with the latest ticket that has one."""
    own = reading.rows(Ticket)
    named = select(own.row.requester_name).select_from(own.clause)
    named = named.where(*own.where, *_waits(own.row, first), own.row.requester_name.is_not(None))
    return named.order_by(own.row.number.desc()).limit(literal_column("1")).scalar_subquery()


def _ticket_count(reading: Reading, first: Any, _arguments: Arguments) -> Any:
    own = reading.rows(Ticket)
    return select(func.count()).select_from(own.clause).where(*own.where, *_waits(own.row, first)).scalar_subquery()


def _latest_ticket_at(reading: Reading, first: Any, _arguments: Arguments) -> Any:
    own = reading.rows(Ticket)
    latest = select(func.max(own.row.created_at)).select_from(own.clause)
    return latest.where(*own.where, *_waits(own.row, first)).scalar_subquery()


UNMATCHED_REQUESTER = Record(
    kind="unmatched_requester",
    table=Ticket,
    expressions={
        "email": lambda _r, first, _a: first.requester_email,
        "name": _name,
        "ticket_count": _ticket_count,
        "latest_ticket_at": _latest_ticket_at,
    },
    archives=True,
    identity="requester_email_key",
)


# Writing


async def first_of_all(tx: Transaction) -> list[str]:
    """The addresses that wait, in their order: one more than a bulk call takes, at the most."""
    return [row[0] for row in await tx.rows(ALL)]


async def make_customer(tx: Transaction, address: str, organization_id: str | None, path: Path) -> str:
    """Makes a customer of who requested tickets from an address, and gives it these tickets; answers its id."""
    key = email(address, path).key
    holder = await customers.holder_of(tx, key)
    if holder is not None:
        who = f"a {kind_of(holder)}"
        message = f"{shorten(address)} already belongs to {who} of this workspace. Leave it out."
        raise EmailTaken(message, path, holder=holder)
    tickets = await tx.rows(WAITING, email_key=key)
    if not tickets:
        message = f"No living ticket waits for {shorten(address)!r}. `unmatchedRequesters` lists whom tickets wait for."
        raise NotFound(message, path, value=shorten(address))
    first, last = split_name(next((name for _, name in tickets if name), ""))
    properties = {
        "email": tickets[-1][0],
        "first_name": shorten(first, customers.LIMITS["first_name"]),
        "last_name": shorten(last, customers.LIMITS["last_name"]),
        "organization_id": organization_id,
    }
    return await customers.create(tx, properties, path)


_t = columns(Ticket)
_a = columns(EmailAddress)
_waiting = (_t.workspace_id == bindparam("workspace"), _t.requester_id.is_(None), _t.archived_at.is_(None))
WAITING = Statement(
    select(_t.requester_email, _t.requester_name)
    .where(*_waiting, _t.requester_email_key == bindparam("email_key"))
    .order_by(_t.number.desc())
)
ALL = Statement(
    select(_t.requester_email_key)
    .where(
        *_waiting,
        ~exists(
            select(literal_column("1")).where(
                _a.workspace_id == bindparam("workspace"), _a.email_key == _t.requester_email_key
            )
        ),
    )
    .group_by(_t.requester_email_key)
    .order_by(_t.requester_email_key)
    .limit(literal_column(str(MOST_ITEMS + 1)))
)
