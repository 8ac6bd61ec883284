"""Undoing what an import did to organizations: those it made are archived where they are empty, others put back."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, func, select

from db import batches, organizations
from db.errors import Refusal
from db.statements import Statement
from db.tables import Customer, Organization, ProjectOrganization
from db.transaction import Transaction
from db.undoing import Touched, Verdict
from db.writing import columns, ids_of, listed
from jobs.undo_values import Slice, gone, keep_edited, restorable, settle, unlike

COLUMNS = {name: column for column, name in organizations.NAMES.items()}
Row = dict[str, Any]


async def undo_organizations(part: Slice, touched: Sequence[Touched]) -> list[Verdict]:
    """Undoes what one change did to these organizations, in whatever order it can be done."""
    tx = part.tx
    rows = await batches.by_id(tx, Organization, [one.record_id for one in touched])
    verdicts = {one.record_id: Verdict(one.record_id) for one in touched}
    wanted: dict[str, Row] = {}
    made: set[str] = set()
    for one in touched:
        verdict = verdicts[one.record_id]
        if one.record_id not in rows:
            gone(verdict, one)
        elif one.action == "CREATED":
            keep_edited(verdict, unlike(rows[one.record_id], one, organizations.NAMES))
            made.add(one.record_id)
        else:
            wanted[one.record_id] = restorable(rows[one.record_id], one, COLUMNS, verdict)
    for organization_id, project_id in await tx.rows(SHARED, ids=listed(made)) if made else ():
        if (project_id, organization_id) not in part.shares:
            message = f"The project {project_id} was shared with it since the import."
            verdicts[organization_id].keep("SHARED", message)
    made = {one for one in made if not verdicts[one].issues}
    restored = await _undone(part, rows, wanted, made)
    for organization_id, left in wanted.items():
        verdict = verdicts[organization_id]
        count = restored.get(organization_id, 0) + await _in_part(part, rows[organization_id], left, verdict)
        settle(verdict, restored=count)
    for organization_id, (members, children) in (await _contents(part, made)).items():
        message = f"It holds {members:,} customers and {children:,} organizations that stay."
        verdicts[organization_id].keep("IN_USE", message)
    return list(verdicts.values())


async def _undone(part: Slice, rows: Mapping[str, Row], wanted: dict[str, Row], made: set[str]) -> dict[str, int]:
    """Does what can be done, as long as one makes way for another; takes that out of `wanted` and `made`."""
    restored: dict[str, int] = {}
    moving = True
    while moving:
        moving = False
        for one in [one for one, moved in wanted.items() if moved]:
            if await _put_back(part, rows[one], wanted[one]) is None:
                restored[one] = len(wanted[one])
                wanted[one] = {}
                moving = True
        held = await _contents(part, made)
        empty = [one for one in made if one not in held]
        if empty:
            await organizations.leave(part.tx, empty)
            for one in empty:
                made.discard(one)
                if (parent_id := rows[one]["parent_id"]) is not None:
                    part.left.children[parent_id] += 1
            moving = True
    return restored


async def _in_part(part: Slice, row: Row, wanted: Row, verdict: Verdict) -> int:
    """Restores what can be restored of values that cannot all be; lists the others."""
    count = 0
    if wanted:
        row = (await batches.by_id(part.tx, Organization, [row["id"]]))[row["id"]]
    for names in (("external_id",), ("parent_id", "name"), ("website", "description")):
        alone = {name: wanted[name] for name in names if name in wanted}
        refusal = await _put_back(part, row, alone) if alone else None
        if refusal is not None:
            verdict.keep(refusal.code, refusal.message, organizations.NAMES[next(iter(alone))])
        else:
            count += len(alone)
            row = {**row, **alone}
    return count


async def _put_back(part: Slice, row: Row, moved: Mapping[str, Any]) -> Refusal | None:
    try:
        async with part.tx.savepoint():
            await organizations.put_back(part.tx, row, moved)
    except Refusal as refusal:
        return refusal
    if "parent_id" in moved:
        part.left.children[str(row["parent_id"])] += 1
        part.left.children[str(moved["parent_id"])] -= 1
    return None


async def _contents(part: Slice, ids: Collection[str]) -> dict[str, tuple[int, int]]:
    """How many customers and organizations these still hold, those that hold any."""
    if not ids:
        return {}
    members = await _counted(part.tx, MEMBERS, ids)
    children = await _counted(part.tx, CHILDREN, ids)
    before = part.left_before
    held = {
        one: (members.get(one, 0) - before.customers[one], children.get(one, 0) - before.children[one]) for one in ids
    }
    return {one: counts for one, counts in held.items() if counts[0] > 0 or counts[1] > 0}


async def _counted(tx: Transaction, statement: Statement, ids: Collection[str]) -> dict[str, int]:
    return dict(await tx.rows(statement, ids=listed(ids)))


_o, _c, _p = columns(Organization), columns(Customer), columns(ProjectOrganization)
_workspace: Any = bindparam("workspace")
SHARED = Statement(
    lambda dialect: select(_p.organization_id, _p.project_id).where(
        _p.workspace_id == _workspace, _p.organization_id.in_(ids_of(dialect))
    )
)
MEMBERS = Statement(
    lambda dialect: (
        select(_c.organization_id, func.count())
        .where(_c.workspace_id == _workspace, _c.organization_id.in_(ids_of(dialect)), _c.archived_at.is_(None))
        .group_by(_c.organization_id)
    )
)
CHILDREN = Statement(
    lambda dialect: (
        select(_o.parent_id, func.count())
        .where(_o.workspace_id == _workspace, _o.parent_id.in_(ids_of(dialect)), _o.archived_at.is_(None))
        .group_by(_o.parent_id)
    )
)
