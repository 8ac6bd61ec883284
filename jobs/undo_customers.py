"""Undoing what an import did to customers: those it made are archived, those it changed take their values back."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, exists, select

from db import batches, customers
from db.errors import Refusal, Unique
from db.statements import Statement
from db.tables import Change, ChangeRecord, Customer, Invitation, Organization, ProjectCustomer, Ticket
from db.transaction import Transaction
from db.undoing import Touched, Verdict
from db.writing import columns, ids_of, listed, living
from jobs.undo_tickets import unlink
from jobs.undo_values import Slice, gone, keep_edited, restorable, settle, unlike

COLUMNS = {name: column for column, name in customers.NAMES.items()}
Row = Mapping[str, Any]


async def undo_customers(part: Slice, touched: Sequence[Touched]) -> list[Verdict]:
    """Undoes what one change did to these customers."""
    rows = await batches.by_id(part.tx, Customer, [one.record_id for one in touched])
    verdicts = {one.record_id: Verdict(one.record_id) for one in touched}
    for one in touched:
        if one.record_id not in rows:
            gone(verdicts[one.record_id], one)
    there = [one for one in touched if one.record_id in rows]
    await _restore(part, [one for one in there if one.action != "CREATED"], rows, verdicts)
    await _archive(part, [one for one in there if one.action == "CREATED"], rows, verdicts)
    return list(verdicts.values())


# Those that the import made


async def _archive(
    part: Slice, made: Sequence[Touched], rows: Mapping[str, dict[str, Any]], verdicts: Mapping[str, Verdict]
) -> None:
    if not made:
        return
    for one in made:
        row = rows[one.record_id]
        keep_edited(verdicts[one.record_id], unlike(row, one, customers.NAMES))
        if row["activated_at"] is not None:
            verdicts[one.record_id].keep("JOINED", "The customer joined since the import.")
    await _keep_used(part, [one.record_id for one in made], verdicts)
    leaving = [one.record_id for one in made if not verdicts[one.record_id].issues]
    if not leaving:
        return
    await customers.archive(part.tx, leaving)
    await unlink(part.tx, [row[0] for row in await part.tx.rows(TICKETS_OF, ids=listed(leaving))])
    for customer_id in leaving:
        if (organization_id := rows[customer_id]["organization_id"]) is not None:
            part.left.customers[organization_id] += 1


async def _keep_used(part: Slice, customer_ids: Sequence[str], verdicts: Mapping[str, Verdict]) -> None:
    """Keeps those that were invited, shared with or given tickets since."""
    ids = listed(customer_ids)
    for (customer_id,) in await part.tx.rows(INVITED, ids=ids, id=part.import_id):
        verdicts[customer_id].keep("INVITED", "The customer was invited since the import.")
    for customer_id, project_id in await part.tx.rows(SHARED, ids=ids):
        if (project_id, customer_id) not in part.shares:
            verdicts[customer_id].keep("SHARED", f"The project {project_id} was shared with it since the import.")
    for (customer_id,) in await part.tx.rows(GIVEN_TICKETS, ids=ids):
        verdicts[customer_id].keep("HAS_TICKETS", "It was given tickets of another address since the import.")


# Those that it changed


async def _restore(
    part: Slice, changed: Sequence[Touched], rows: Mapping[str, dict[str, Any]], verdicts: Mapping[str, Verdict]
) -> None:
    wanted = {one.record_id: restorable(rows[one.record_id], one, COLUMNS, verdicts[one.record_id]) for one in changed}
    await _without_lost_places(part.tx, wanted, verdicts)
    for moved in wanted.values():
        if "email" in moved:
            moved["email_key"] = customers.prepared({"email": moved["email"]})["email_key"]
    waiting = {one: moved for one, moved in wanted.items() if moved}
    try:
        await _change(part.tx, waiting, rows)
        done: Mapping[str, Row] = waiting
    except (Unique, Refusal):
        done = await _one_by_one(part.tx, waiting, rows, verdicts)
    for customer_id, restored in done.items():
        if "organization_id" in restored:
            part.left.customers[str(rows[customer_id]["organization_id"])] += 1
            part.left.customers[str(restored["organization_id"])] -= 1
    for customer_id in wanted:
        settle(verdicts[customer_id], restored=len(done.get(customer_id, ())))


async def _without_lost_places(
    tx: Transaction, wanted: Mapping[str, dict[str, Any]], verdicts: Mapping[str, Verdict]
) -> None:
    """An organization that was archived since takes nobody back."""
    places = {moved["organization_id"] for moved in wanted.values() if moved.get("organization_id") is not None}
    if not places:
        return
    there = {row[0] for row in await tx.rows(living(Organization), ids=listed(sorted(places)))}
    for one, moved in wanted.items():
        if moved.get("organization_id") is not None and moved["organization_id"] not in there:
            message = f"The organization it was in, {moved.pop('organization_id')}, is archived."
            verdicts[one].keep("NOT_FOUND", message, "organizationId")


async def _change(tx: Transaction, wanted: Mapping[str, Row], rows: Mapping[str, Row]) -> None:
    """Gives customers these values, and those who take an address back that address; all of them or none."""
    async with tx.savepoint():
        await batches.change_customers(tx, [(rows[one], moved) for one, moved in wanted.items()])


async def _one_by_one(
    tx: Transaction, wanted: Mapping[str, dict[str, Any]], rows: Mapping[str, Row], verdicts: Mapping[str, Verdict]
) -> dict[str, Row]:
    """Restores each by itself, again as long as one frees what another waits for; what is taken for good is listed."""
    done: dict[str, Row] = {}
    moving = True
    while moving:
        ready = [one for one in wanted if one not in done and await _managed(tx, one, wanted[one], rows)]
        done |= {one: wanted[one] for one in ready}
        moving = bool(ready)
    for one in [one for one in wanted if one not in done]:
        done[one] = await _in_part(tx, one, wanted[one], verdicts[one])
    return done


async def _in_part(tx: Transaction, customer_id: str, moved: Mapping[str, Any], verdict: Verdict) -> Row:
    """Restores what can be restored of values that cannot all be; lists those that are taken."""
    done: dict[str, Any] = {}
    taken = {"email": "EMAIL_TAKEN", "external_id": "EXTERNAL_ID_TAKEN"}
    rest = {name: value for name, value in moved.items() if name not in {*taken, "email_key"}}
    parts = [rest, *({c: moved[c] for c in (name, f"{name}_key") if c in moved} for name in taken)]
    for part in parts:
        present = await batches.by_id(tx, Customer, [customer_id])
        if part and await _managed(tx, customer_id, part, present):
            done |= part
        elif part:
            name = next(iter(part))
            message = f"{part[name]!r} belongs to another record now."
            verdict.keep(taken.get(name, "NOT_POSSIBLE"), message, customers.NAMES[name])
    return done


async def _managed(tx: Transaction, one: str, moved: Row, rows: Mapping[str, Row]) -> bool:
    try:
        await _change(tx, {one: moved}, rows)
    except (Unique, Refusal):
        return False
    return True


def created_among(touched: Iterable[Touched]) -> frozenset[str]:
    return frozenset(one.record_id for one in touched if one.action == "CREATED")


_c, _i, _p, _t = columns(Customer), columns(Invitation), columns(ProjectCustomer), columns(Ticket)
_n, _e = columns(Change), columns(ChangeRecord)
_workspace: Any = bindparam("workspace")
INVITED = Statement(
    lambda dialect: (
        select(_i.customer_id)
        .where(
            _i.workspace_id == _workspace,
            _i.customer_id.in_(ids_of(dialect)),
            ~exists(
                select(_e.number).where(
                    _e.workspace_id == _workspace,
                    _e.record_id == _i.id,
                    _n.workspace_id == _workspace,
                    _n.number == _e.number,
                    _n.import_id == bindparam("id"),
                )
            ),
        )
        .distinct()
    )
)
SHARED = Statement(
    lambda dialect: select(_p.customer_id, _p.project_id).where(
        _p.workspace_id == _workspace, _p.customer_id.in_(ids_of(dialect))
    )
)
GIVEN_TICKETS = Statement(
    lambda dialect: (
        select(_t.requester_id)
        .where(
            _t.workspace_id == _workspace,
            _t.requester_id.in_(ids_of(dialect)),
            _t.archived_at.is_(None),
            _c.workspace_id == _workspace,
            _c.id == _t.requester_id,
            _c.email_key != _t.requester_email_key,
        )
        .distinct()
    )
)
TICKETS_OF = Statement(
    lambda dialect: select(_t.id).where(
        _t.workspace_id == _workspace, _t.requester_id.in_(ids_of(dialect)), _t.archived_at.is_(None)
    )
)
