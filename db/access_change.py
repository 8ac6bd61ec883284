"""What a move would change in who sees which project: worked out by organization, not by customer."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, select

from db import access
from db.engines.dialects import Dialect
from db.reads.reading import Reader, Reading
from db.reads.scope import Scope
from db.reads.selection import Slot
from db.statements import Statement
from db.tables import Customer, Project, ProjectCustomer
from db.transaction import Transaction
from db.writing import columns, ids_of, listed

Projects = Mapping[str | None, frozenset[str]]


class Group(NamedTuple):
    """Customers of one organization: how many, and how many of them have a share of their own by project."""

    size: int
    direct: Mapping[str, int]


class Change(NamedTuple):
    """By project, how many customers gain the sight of it and how many lose it."""

    gained: Mapping[str, int]
    lost: Mapping[str, int]


async def of_customers(tx: Transaction, customer_ids: Sequence[str], target: str | None) -> Change:
    """What moving these customers into `target` (None: out of any) changes."""
    groups = await _groups(tx, customer_ids)
    before = await projects_of(tx, groups)
    there = (await projects_of(tx, [target]))[target]
    return compare(groups, before, dict.fromkeys(groups, there))


async def groups_below(tx: Transaction, organization_ids: Sequence[str]) -> Mapping[str | None, Group]:
    """The living customers of these organizations, by organization."""
    rows = await tx.rows(MEMBERS, ids=listed(organization_ids))
    return await _groups(tx, [row[0] for row in rows])


async def _groups(tx: Transaction, customer_ids: Sequence[str]) -> Mapping[str | None, Group]:
    ids = listed(customer_ids)
    direct: dict[str | None, dict[str, int]] = {}
    for organization_id, project_id, count in await tx.rows(DIRECT, ids=ids):
        direct.setdefault(organization_id, {})[project_id] = count
    counted = await tx.rows(COUNTED, ids=ids)
    return {organization_id: Group(count, direct.get(organization_id, {})) for organization_id, count in counted}


async def projects_of(tx: Transaction, organization_ids: Iterable[str | None]) -> Projects:
    """The living projects shared with each of these organizations or with one above it."""
    reader, scope = _shared(tx.dialect), Scope(tx.workspace_id, None, None, (), tx.now)
    found: dict[str | None, frozenset[str]] = {None: frozenset()}
    for one in organization_ids:
        if one is not None:
            rows = await tx.connection.rows(reader.text, reader.parameters({"organization": one}, scope))
            found[one] = frozenset(row[0] for row in rows)
    return found


def compare(groups: Mapping[str | None, Group], before: Projects, after: Projects) -> Change:
    """The difference, a customer's own shares left aside: they stay whatever moves."""
    gained: dict[str, int] = {}
    lost: dict[str, int] = {}
    for organization_id, group in groups.items():
        for into, more, less in ((gained, after, before), (lost, before, after)):
            for project_id in more[organization_id] - less[organization_id]:
                number = group.size - group.direct.get(project_id, 0)
                if number:
                    into[project_id] = into.get(project_id, 0) + number
    return Change(gained, lost)


_readers: dict[str, Reader] = {}


def _shared(dialect: Dialect) -> Reader:
    if dialect.name not in _readers:
        reading = Reading(dialect, {}, for_customer=False)
        project = reading.rows(Project)
        ids = access.projects_shared_with(reading, reading.value(Slot(("organization",))))
        living = project.row.archived_at.is_(None)
        statement = (
            select(project.row.id).select_from(project.clause).where(*project.where, living, project.row.id.in_(ids))
        )
        _readers[dialect.name] = reading.finish(statement)
    return _readers[dialect.name]


_c: Any = columns(Customer)
_d: Any = columns(ProjectCustomer)
_mine = _c.workspace_id == bindparam("workspace")
MEMBERS = Statement(
    lambda dialect: select(_c.id).where(_mine, _c.organization_id.in_(ids_of(dialect)), _c.archived_at.is_(None))
)
COUNTED = Statement(
    lambda dialect: (
        select(_c.organization_id, func.count()).where(_mine, _c.id.in_(ids_of(dialect))).group_by(_c.organization_id)
    )
)
DIRECT = Statement(
    lambda dialect: (
        select(_c.organization_id, _d.project_id, func.count())
        .where(
            _mine,
            _d.workspace_id == bindparam("workspace"),
            _d.customer_id == _c.id,
            _c.id.in_(ids_of(dialect)),
        )
        .group_by(_c.organization_id, _d.project_id)
    )
)
