"""Projects and their shares: what can be read of them and what can be done to them."""

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from sqlalchemy import and_, bindparam, delete, func, select

from db import access
from db.errors import ExternalIdTaken, NameTaken, NotFound, Path, Unique
from db.ids import kind_of, new_id
from db.reads.filtering import archived_filter, id_filter, moment_filter, text_filter
from db.reads.reading import Reading
from db.reads.records import Arguments, Record, Relation, Row
from db.statements import Statement
from db.tables import Customer, Organization, Project, ProjectCustomer, ProjectOrganization
from db.text import clean, fold, required, shorten, storable
from db.transaction import Transaction
from db.writing import (
    Table,
    adding,
    adding_if_absent,
    blank,
    changing,
    columns,
    expect,
    expect_living,
    found,
    found_living,
    listed,
    living,
)


def _customer_count(reading: Reading, project: Any, _arguments: Arguments) -> Any:
    members = reading.led_by(access.customers_of(reading, project.id), reading.records_of("customer"))
    count = select(func.count()).select_from(members.clause)
    return count.where(*members.where, members.row.archived_at.is_(None)).scalar_subquery()


def _shared_with(reading: Reading, project: Row, given: Any) -> Any:
    """The customer with this id sees the project."""
    customer_id = reading.value(given)
    member = reading.rows(Customer)
    organization = select(member.row.organization_id).select_from(member.clause)
    organization = organization.where(*member.where, member.row.id == customer_id)
    sees = project.id.in_(access.projects_of(reading, customer_id, organization.scalar_subquery()))
    return and_(sees, *reading.in_sight("customer", customer_id))


def _visible(reading: Reading, project: Row) -> Any:
    mine = access.projects_of(reading, reading.viewing_customer, access.viewers_organization(reading))
    return project.id.in_(mine)


PROJECT = Record(
    kind="project",
    table=Project,
    expressions={"customer_count": _customer_count},
    relations={
        "customers": Relation("customer", "connection", branches=access.members_of),
        "organizations": Relation(
            "organization", "connection", among=lambda r, p, _a: access.organizations_of(r, p.id)
        ),
        "tickets": Relation("ticket", "connection", lambda _r, p, ticket, _a: [ticket.project_id == p.id]),
        "history": Relation("change_record", "connection", lambda _r, p, entry, _a: [entry.record_id == p.id]),
    },
    filters={
        "ids": id_filter,
        "customer": _shared_with,
        "name": text_filter("name_key"),
        "external_id": text_filter("external_id", str),
        "created_at": moment_filter("created_at"),
        "updated_at": moment_filter("updated_at"),
        "archived": archived_filter,
    },
    orders={"NAME": "name_key", "CREATED_AT": "created_at", "UPDATED_AT": "updated_at"},
    default_order=(("NAME", "ASC"),),
    visible=_visible,
    archives=True,
)


# Writing

LIMITS = {"name": 200, "external_id": 200, "description": 5_000}
NAMES = {"name": "name", "external_id": "externalId", "description": "description"}
"""A project's own properties, by column, as the schema and the log name them."""


def prepared(properties: Mapping[str, Any], path: Path = ()) -> dict[str, Any]:
    """Properties as they are kept, each checked; with `name` goes its `name_key`."""
    kept: dict[str, Any] = {}
    for column, value in properties.items():
        if column == "name":
            name = required(value, LIMITS["name"], (*path, "name"))
            kept |= {"name": name, "name_key": fold(name)}
        else:
            kept[column] = clean(value, LIMITS[column], (*path, NAMES[column]))
    return kept


async def create(tx: Transaction, properties: Mapping[str, Any], path: Path = ()) -> str:
    """Adds a project, shared with nobody."""
    row: dict[str, Any] = blank(Project)
    row |= prepared(properties, path)
    row |= {"id": new_id("project"), "version": 1, "created_at": tx.now, "updated_at": tx.now}
    try:
        await tx.attempt(adding(Project), **row)
    except Unique as taken:
        await _refuse(tx, taken, row, path)
    tx.record(row["id"], "CREATED", {}, {NAMES[c]: row[c] for c in NAMES if row[c] is not None})
    return str(row["id"])


async def update(
    tx: Transaction, project_id: str, changes: Mapping[str, Any], expected_version: int | None = None, path: Path = ()
) -> bool:
    """Changes a project's properties; tells whether anything moved."""
    row = await found_living(tx, Project, project_id, (*path, "project"))
    expect(row, expected_version)
    moved = {name: value for name, value in prepared(changes, path).items() if row[name] != value}
    if not moved:
        return False
    try:
        await tx.attempt(changing(Project, tuple(sorted(moved))), id=project_id, now=tx.now, **moved)
    except Unique as taken:
        await _refuse(tx, taken, {**row, **moved}, path)
    names = [c for c in moved if c in NAMES]
    tx.record(project_id, "UPDATED", {NAMES[c]: row[c] for c in names}, {NAMES[c]: moved[c] for c in names})
    return True


async def share(
    tx: Transaction,
    project_id: str,
    customer_ids: Sequence[str],
    organization_ids: Sequence[str],
    path: Path = ("projectId",),
) -> int:
    """Shares a project with living customers and organizations; tells how many shares are new."""
    await expect_living(tx, Project, project_id, path)
    new: dict[str, list[str]] = {}
    for table, column, ids, name in _shares(customer_ids, organization_ids):
        known = {row[0] for row in await tx.rows(living(table), ids=listed(ids))} if ids else set()
        for i, one in enumerate(ids):
            if one not in known:
                what = table.__name__.lower()
                raise NotFound(f"No living {what} has the id {one[:80]!r}.", (name, str(i)), value=one[:80])
            values = {"project_id": project_id, column: one, "created_at": tx.now}
            if await tx.run(adding_if_absent(SHARES[column]), **values):
                new.setdefault(name, []).append(one)
    if new:
        tx.record(project_id, "SHARED", {}, new)
    return sum(map(len, new.values()))


async def unshare(
    tx: Transaction, project_id: str, customer_ids: Sequence[str], organization_ids: Sequence[str]
) -> int:
    """Ends shares of a project; tells how many there were."""
    await expect_living(tx, Project, project_id, ("projectId",))
    ended: dict[str, list[str]] = {}
    for _, column, ids, name in _shares(customer_ids, organization_ids):
        for one in ids:
            if await tx.run(UNSHARE[column], project_id=project_id, member=one):
                ended.setdefault(name, []).append(one)
    if ended:
        tx.record(project_id, "UNSHARED", ended, {})
    return sum(map(len, ended.values()))


def _shares(
    customer_ids: Sequence[str], organization_ids: Sequence[str]
) -> list[tuple[type[Customer | Organization], str, Sequence[str], str]]:
    return [
        (Customer, "customer_id", customer_ids, "customerIds"),
        (Organization, "organization_id", organization_ids, "organizationIds"),
    ]


async def archive(tx: Transaction, project_id: str, expected_version: int | None = None) -> None:
    """Archives a project; its shares stay for when it comes back."""
    expect(await found_living(tx, Project, project_id, ("projectId",)), expected_version)
    await tx.run(changing(Project, ("archived_at",)), id=project_id, now=tx.now, archived_at=tx.now)
    tx.record(project_id, "ARCHIVED")


async def restore(tx: Transaction, project_id: str) -> None:
    """Brings a project back with its shares."""
    row = await found(tx, Project, project_id, ("projectId",))
    if row["archived_at"] is None:
        return
    try:
        await tx.attempt(changing(Project, ("archived_at",)), id=project_id, now=tx.now, archived_at=None)
    except Unique as taken:
        await _refuse(tx, taken, row, ())
    tx.record(project_id, "RESTORED")


async def resolve(tx: Transaction, reference: Mapping[str, str], path: Path = ("project",)) -> str:
    """The id of the project a reference names."""
    ((by, value),) = reference.items()
    if by == "id":
        return value
    where = (*path, "externalId")
    row = await tx.row(BY_EXTERNAL_ID, external_id=storable(value, where).strip())
    if row is None:
        raise NotFound(f"No project has the externalId {shorten(value)!r}.", where, value=shorten(value))
    return str(row[0])


async def called(tx: Transaction, text: str) -> str:
    """The id of the living project of this id, external id or name."""
    if kind_of(text) == "project":
        return str((await found_living(tx, Project, text, ()))["id"])
    known = storable(text).strip()
    row = await tx.row(BY_EXTERNAL_ID, external_id=known) or await tx.row(BY_NAME, name_key=fold(known))
    if row is None:
        raise NotFound(f"No project has the name or the external id {shorten(text)!r}.", value=shorten(text))
    return str(row[0])


async def _refuse(tx: Transaction, taken: Unique, row: Mapping[str, Any], path: Path) -> NoReturn:
    """Names what a uniqueness refused."""
    if "external_id" in taken.what:
        holder = await tx.row(BY_EXTERNAL_ID, external_id=row["external_id"])
        message = f"The external id {row['external_id']!r} already belongs to another project."
        raise ExternalIdTaken(message, (*path, "externalId"), holder=holder and holder[0])
    holder = await tx.row(BY_NAME, name_key=row["name_key"])
    message = f"A project named {row['name']!r} already exists. Choose another name or use that one."
    raise NameTaken(message, (*path, "name"), holder=holder and holder[0])


_p: Any = columns(Project)
_mine = _p.workspace_id == bindparam("workspace")
BY_EXTERNAL_ID = Statement(
    select(_p.id).where(_mine, _p.external_id == bindparam("external_id"), _p.archived_at.is_(None))
)
BY_NAME = Statement(select(_p.id).where(_mine, _p.name_key == bindparam("name_key"), _p.archived_at.is_(None)))
SHARES: Mapping[str, Table] = {"customer_id": ProjectCustomer, "organization_id": ProjectOrganization}
UNSHARE = {
    column: Statement(
        delete(table).where(
            columns(table).workspace_id == bindparam("workspace"),
            columns(table).project_id == bindparam("project_id"),
            columns(table)[column] == bindparam("member"),
        )
    )
    for column, table in SHARES.items()
}
