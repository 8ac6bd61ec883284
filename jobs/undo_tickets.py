"""Undoing what an import did to tickets: those it made are archived, those it changed take their values back."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, exists, select, update

from db import batches, tickets
from db.errors import Unique
from db.statements import Statement
from db.tables import Customer, EmailAddress, Ticket
from db.transaction import Transaction
from db.undoing import Touched, Verdict
from db.writing import archiving, columns, ids_of, listed, living, logging
from jobs.undo_values import Slice, gone, keep_edited, restorable, settle, unlike

COLUMNS = {name: column for column, name in tickets.NAMES.items()}
REQUESTER = ("requester_id",)
"""Follows from the address, now as then, and is no edit by itself."""


async def undo_tickets(part: Slice, touched: Sequence[Touched]) -> list[Verdict]:
    """Undoes what one change did to these tickets; those that it linked are no longer where nobody holds their address."""
    tx = part.tx
    await unlink(tx, [one.record_id for one in touched if one.action == "LINKED"])
    own = [one for one in touched if one.action != "LINKED"]
    rows = await batches.by_id(tx, Ticket, [one.record_id for one in own])
    holders = await batches.holders(tx, {row["requester_email_key"] for row in rows.values()})
    verdicts = {one.record_id: Verdict(one.record_id) for one in own}
    leaving = []
    for one in own:
        row, verdict = rows.get(one.record_id), verdicts[one.record_id]
        if row is None:
            gone(verdict, one)
        elif one.action == "CREATED":
            keep_edited(verdict, unlike(row, one, tickets.NAMES, REQUESTER))
            holder = holders.get(row["requester_email_key"])
            by_itself = row["requester_id"] is None or (holder and holder.customer_id == row["requester_id"])
            if not by_itself and row["requester_id"] != one.after.get("requesterId"):
                verdict.keep("EDITED", "It was given to another requester since the import.", "requesterId")
            if not verdict.issues:
                leaving.append(one.record_id)
        else:
            await _restore(tx, row, one, verdict)
    if leaving:
        number, ids = await tx.number(), listed(leaving)
        await tx.run(LOG_ARCHIVE, ids=ids, number=number)
        await tx.run(ARCHIVE, ids=ids, number=number, now=tx.now)
        await tx.count(len(leaving))
    return list(verdicts.values())


async def _restore(tx: Transaction, row: Mapping[str, Any], one: Touched, verdict: Verdict) -> None:
    moved = restorable(row, one, COLUMNS, verdict, REQUESTER)
    if "requester_email" in moved:
        moved |= tickets.prepared({"requester_email": moved["requester_email"]})
        moved["requester_id"] = await _requester(tx, moved["requester_email_key"], one.before.get("requesterId"))
    try:
        async with tx.savepoint():
            await batches.change_tickets(tx, [(row, moved)] if moved else [])
    except Unique:
        message = f"{moved.pop('external_id')!r} belongs to another ticket now."
        verdict.keep("EXTERNAL_ID_TAKEN", message, "externalId")
        await batches.change_tickets(tx, [(row, moved)] if moved else [])
    settle(verdict, restored=len(moved))


async def _requester(tx: Transaction, email_key: str, before: str | None) -> str | None:
    """Who a ticket belonged to, or who holds the address it has again."""
    if before is not None and await tx.rows(living(Customer), ids=listed([before])):
        return before
    holder = (await batches.holders(tx, [email_key])).get(email_key)
    return holder.customer_id if holder else None


async def unlink(tx: Transaction, ticket_ids: Collection[str]) -> None:
    """Takes tickets from requesters who do not hold their addresses any more: they wait for whoever does."""
    rows = await tx.rows(LINKED_FOR_NOTHING, ids=listed(ticket_ids)) if ticket_ids else []
    for ticket_id, requester_id in rows:
        tx.record(ticket_id, "UNLINKED", {"requesterId": requester_id}, {"requesterId": None})
    if rows:
        await tx.run(UNLINK, ids=listed([row[0] for row in rows]))


_t, _a = columns(Ticket), columns(EmailAddress)
_workspace: Any = bindparam("workspace")
LINKED_FOR_NOTHING = Statement(
    lambda dialect: select(_t.id, _t.requester_id).where(
        _t.workspace_id == _workspace,
        _t.id.in_(ids_of(dialect)),
        _t.requester_id.is_not(None),
        ~exists(
            select(_a.email_key).where(
                _a.workspace_id == _workspace,
                _a.email_key == _t.requester_email_key,
                _a.customer_id == _t.requester_id,
            )
        ),
    )
)
UNLINK = Statement(
    lambda dialect: (
        update(Ticket).where(_t.workspace_id == _workspace, _t.id.in_(ids_of(dialect))).values(requester_id=None)
    )
)
LOG_ARCHIVE = logging(Ticket, "ARCHIVED", (), ())
ARCHIVE = archiving(Ticket)
