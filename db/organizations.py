"""Organizations: what can be read of them and what can be done to them."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NoReturn

from sqlalchemy import and_, bindparam, func, literal_column, select

from db import access, customers
from db.database import Database
from db.engines.dialects import Dialect
from db.errors import (
    ExternalIdTaken,
    InvalidValue,
    NameTaken,
    NotEmpty,
    NotFound,
    OrganizationCycle,
    Path,
    Unique,
)
from db.ids import new_id
from db.reads.filtering import archived_filter, id_filter, moment_filter, text_filter
from db.reads.reading import Reader, Reading
from db.reads.records import Arguments, Record, Relation, Row, Source
from db.reads.scope import Scope
from db.reads.selection import Slot
from db.statements import Statement
from db.tables import Customer, Organization
from db.text import clean, fold, required, shorten, storable
from db.transaction import Transaction
from db.tree import DEEPEST, depth, downward, height, upward
from db.writing import (
    adding,
    archiving,
    blank,
    changing,
    columns,
    expect,
    expect_living,
    found,
    found_living,
    ids_of,
    listed,
    living,
    logging,
)


def _ancestors(reading: Reading, organization: Any, _arguments: Arguments) -> Source:
    source = reading.records_of("organization")
    chain = upward(reading, organization.parent_id)
    source.clause = source.clause.join(chain, chain.c.id == source.row.id)
    source.order = [chain.c.level.desc()]
    return source


def _customers_on(_reading: Reading, organization: Any, customer: Row, arguments: Arguments) -> list[Any]:
    return [] if arguments.get("include_descendants") else [customer.organization_id == organization.id]


def _with_descendants(reading: Reading, organization: Any, arguments: Arguments) -> Any:
    """The organization and those below it, where a list is to reach down."""
    return select(downward(reading, organization.id).c.id) if arguments.get("include_descendants") else None


def _customer_count(reading: Reading, organization: Any, arguments: Arguments) -> Any:
    members = reading.records_of("customer")
    belongs = _customers_on(reading, organization, members.row, arguments)
    tree = _with_descendants(reading, organization, arguments)
    led = members if tree is None else reading.led_by(tree, members, "organization_id")
    count = select(func.count()).select_from(led.clause)
    return count.where(*led.where, led.row.archived_at.is_(None), *belongs).scalar_subquery()


def _project_filter(reading: Reading, organization: Row, given: Any) -> Any:
    project = reading.value(given)
    shared = project.in_(access.projects_shared_with(reading, organization.id))
    return and_(shared, *reading.in_sight("project", project))


def _in_tree(reading: Reading, organization: Row, given: Any) -> Any:
    top = reading.value(given)
    below = organization.id.in_(select(downward(reading, top).c.id))
    return and_(below, *reading.in_sight("organization", top))


def _parent(reading: Reading, organization: Row, given: Any) -> Any:
    parent = reading.value(given)
    below = and_(organization.parent_id.is_not(None), organization.parent_id == parent)
    return and_(below, *reading.in_sight("organization", parent))


def _visible(reading: Reading, organization: Row) -> Any:
    return organization.id.in_(select(downward(reading, access.viewers_organization(reading)).c.id))


def _root(reading: Reading, organization: Row, given: Any) -> Any:
    """The top of what is in sight: for a customer, its own organization."""
    if reading.for_customer:
        own = access.viewers_organization(reading)
        return organization.id == own if given else organization.id != own
    return organization.parent_id.is_(None) if given else organization.parent_id.is_not(None)


def _depth(reading: Reading, organization: Any, arguments: Arguments) -> Any:
    """How many organizations are above, of those in sight."""
    if not reading.for_customer:
        return depth(reading, organization.id)
    above = _ancestors(reading, organization, arguments)
    return select(func.count()).select_from(above.clause).where(*above.where).scalar_subquery()


ORGANIZATION = Record(
    kind="organization",
    table=Organization,
    expressions={"depth": _depth, "customer_count": _customer_count},
    relations={
        "parent": Relation("organization", "one", lambda _r, o, parent, _a: [parent.id == o.parent_id]),
        "ancestors": Relation("organization", "list", source=_ancestors, page=50),
        "children": Relation("organization", "connection", lambda _r, o, child, _a: [child.parent_id == o.id]),
        "descendants": Relation(
            "organization",
            "connection",
            lambda _r, o, below, _a: [below.id != o.id],
            among=lambda r, o, _a: select(downward(r, o.id).c.id),
        ),
        "customers": Relation("customer", "connection", _customers_on, among=_with_descendants, by="organization_id"),
        "projects": Relation("project", "connection", among=lambda r, o, _a: access.projects_shared_with(r, o.id)),
        "history": Relation("change_record", "connection", lambda _r, o, entry, _a: [entry.record_id == o.id]),
    },
    filters={
        "ids": id_filter,
        "root": _root,
        "parent": _parent,
        "in_tree_of": _in_tree,
        "project": _project_filter,
        "name": text_filter("name_key"),
        "external_id": text_filter("external_id", str),
        "website": text_filter("website", str),
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

LIMITS = {"name": 200, "external_id": 200, "website": 500, "description": 5_000}
NAMES = {
    "name": "name",
    "external_id": "externalId",
    "website": "website",
    "description": "description",
    "parent_id": "parentId",
}
"""An organization's own properties, by column, as the schema and the log name them."""


def prepared(properties: Mapping[str, Any], path: Path = ()) -> dict[str, Any]:
    """Properties as they are kept, each checked; with `name` goes its `name_key`."""
    kept: dict[str, Any] = {}
    for column, value in properties.items():
        if column == "name":
            name = required(value, LIMITS["name"], (*path, "name"))
            kept |= {"name": name, "name_key": fold(name)}
        elif column in LIMITS:
            kept[column] = clean(value, LIMITS[column], (*path, NAMES[column]))
        else:
            kept[column] = value
    return kept


async def create(tx: Transaction, properties: Mapping[str, Any], path: Path = ()) -> str:
    """Adds an organization, at the top level or below `parent_id`."""
    row: dict[str, Any] = blank(Organization)
    row |= prepared(properties, path)
    if row["parent_id"] is not None:
        await expect_living(tx, Organization, row["parent_id"], (*path, "parentId"))
        await _check_depth(tx, row["parent_id"], 1, (*path, "parentId"))
    row |= {"id": new_id("organization"), "version": 1, "created_at": tx.now, "updated_at": tx.now}
    try:
        await tx.attempt(adding(Organization), **row)
    except Unique as taken:
        await _refuse(tx, taken, row, path)
    tx.record(row["id"], "CREATED", {}, {NAMES[c]: row[c] for c in NAMES if row[c] is not None})
    return str(row["id"])


async def update(
    tx: Transaction,
    organization_id: str,
    changes: Mapping[str, Any],
    expected_version: int | None = None,
    path: Path = (),
) -> bool:
    """Changes an organization's properties (not its place); tells whether anything moved."""
    row = await found_living(tx, Organization, organization_id, (*path, "organization"))
    expect(row, expected_version)
    moved = {name: value for name, value in prepared(changes, path).items() if row[name] != value}
    if not moved:
        return False
    try:
        await tx.attempt(changing(Organization, tuple(sorted(moved))), id=organization_id, now=tx.now, **moved)
    except Unique as taken:
        await _refuse(tx, taken, {**row, **moved}, path)
    names = [c for c in moved if c in NAMES]
    tx.record(organization_id, "UPDATED", {NAMES[c]: row[c] for c in names}, {NAMES[c]: moved[c] for c in names})
    return True


async def move(
    tx: Transaction, organization_id: str, parent_id: str | None, expected_version: int | None = None
) -> bool:
    """Puts an organization below another, or at the top level; one row is written, whatever hangs below it."""
    row = await found_living(tx, Organization, organization_id, ("organizationId",))
    expect(row, expected_version)
    if row["parent_id"] == parent_id:
        return False
    if parent_id is not None:
        await _check_place(tx, organization_id, parent_id, ("to", "parentId"))
    try:
        await tx.attempt(changing(Organization, ("parent_id",)), id=organization_id, now=tx.now, parent_id=parent_id)
    except Unique as taken:
        await _refuse(tx, taken, {**row, "parent_id": parent_id}, ())
    tx.record(organization_id, "MOVED", {"parentId": row["parent_id"]}, {"parentId": parent_id})
    return True


async def _check_place(tx: Transaction, organization_id: str, parent_id: str, path: Path) -> None:
    """Refuses a place that is gone, that lies below the organization itself, or too deep."""
    await expect_living(tx, Organization, parent_id, path)
    above = [found for (found,) in await _run(tx, _upward(tx.dialect), parent_id)]
    if organization_id in above:
        message = "An organization cannot be moved under itself or under one below it. Choose another place."
        raise OrganizationCycle(message, path, organization=parent_id)
    ((height,),) = await _run(tx, _height(tx.dialect), organization_id)
    await _check_depth(tx, parent_id, height, path)


async def put_back(tx: Transaction, row: Mapping[str, Any], moved: Mapping[str, Any]) -> None:
    """Gives an organization other values and another place at once."""
    if moved.get("parent_id") is not None:
        await _check_place(tx, row["id"], moved["parent_id"], ("parentId",))
    stored = dict(moved) | ({"name_key": fold(moved["name"])} if "name" in moved else {})
    try:
        await tx.run(changing(Organization, tuple(sorted(stored))), id=row["id"], now=tx.now, **stored)
    except Unique as taken:
        await _refuse(tx, taken, {**row, **stored}, ())
    before, after = {NAMES[c]: row[c] for c in moved}, {NAMES[c]: moved[c] for c in moved}
    tx.record(row["id"], "MOVED" if set(moved) == {"parent_id"} else "UPDATED", before, after)


async def levels_above(tx: Transaction, parent_id: str) -> int:
    """How many levels are above what lies below this organization, itself included."""
    return len(await _run(tx, _upward(tx.dialect), parent_id))


async def below(tx: Transaction, organization_id: str) -> list[str]:
    """The ids of an organization and of the living ones below it."""
    return [row[0] for row in await _run(tx, _downward(tx.dialect), organization_id)]


async def archive(
    tx: Transaction, organization_id: str, contents: str | None, expected_version: int | None = None
) -> int:
    """Archives an organization; what it holds moves up or is archived with it. Tells how many records were touched."""
    row = await found_living(tx, Organization, organization_id, ("organizationId",))
    expect(row, expected_version)
    tree = await below(tx, organization_id)
    members = [found for (found,) in await tx.rows(MEMBERS, ids=listed(tree))]
    if contents is None and (members or len(tree) > 1):
        message = (
            f"The organization holds {len(members):,} customers and {len(tree) - 1:,} organizations. "
            "Say with `contents` whether they move up or are archived with it."
        )
        raise NotEmpty(message, ("contents",), customer_count=len(members), organization_count=len(tree) - 1)
    if contents == "MOVE_UP":
        await leave(tx, [organization_id])
        children = [found for (found,) in await tx.rows(CHILDREN, parent_id=organization_id)]
        for child in children:
            await move(tx, child, row["parent_id"])
        own = [found for (found,) in await tx.rows(MEMBERS, ids=listed([organization_id]))]
        return 1 + len(children) + len(await customers.move(tx, own, row["parent_id"]))
    await customers.archive(tx, members)
    await leave(tx, tree)
    return len(members) + len(tree)


async def leave(tx: Transaction, organization_ids: Sequence[str]) -> None:
    """Archives these organizations and nothing else; their names are free from here on."""
    number, ids = await tx.number(), listed(organization_ids)
    await tx.run(LOG_ARCHIVE, ids=ids, number=number)
    await tx.run(ARCHIVE, ids=ids, number=number, now=tx.now)
    await tx.count(len(organization_ids))


async def restore(tx: Transaction, organization_id: str) -> int:
    """Brings back an organization and all that was archived with it; tells how many records came back."""
    row = await found(tx, Organization, organization_id, ("organizationId",))
    if row["archived_at"] is None:
        return 0
    change = row["archived_by_change"]
    tree = [one for (one,) in await tx.rows(ARCHIVED_WITH, change=change)]
    for one in tree:
        await _restore_one(tx, await found(tx, Organization, one, ()), set(tree))
    for one in tree:
        await _check_depth(tx, one, 0, ("organizationId",))
    members = [found for (found,) in await tx.rows(CUSTOMERS_ARCHIVED_WITH, change=change)]
    for customer_id in members:
        await customers.restore(tx, customer_id, ("organizationId",))
    return len(tree) + len(members)


async def _restore_one(tx: Transaction, row: Mapping[str, Any], coming: set[str]) -> None:
    """Brings one back; to the top level if what was above it is gone and does not come back with it."""
    parent = row["parent_id"]
    if parent is not None and parent not in coming and not await tx.rows(living(Organization), ids=listed([parent])):
        parent = None
    back = {"archived_at": None, "archived_by_change": None, "parent_id": parent}
    try:
        await tx.attempt(changing(Organization, tuple(back)), id=row["id"], now=tx.now, **back)
    except Unique as taken:
        await _refuse(tx, taken, {**row, "parent_id": parent}, ())
    before = {"parentId": row["parent_id"]} if parent != row["parent_id"] else {}
    tx.record(row["id"], "RESTORED", before, dict.fromkeys(before))


async def find(database: Database, workspace_id: str, external_id: str) -> str | None:
    """The id of the living organization with this external id."""
    rows = await database.rows(BY_EXTERNAL_ID, workspace=workspace_id, external_id=external_id)
    return rows[0][0] if rows else None


async def resolve(tx: Transaction, reference: Mapping[str, str], path: Path = ("organization",)) -> str:
    """The id of the organization a reference names."""
    ((by, value),) = reference.items()
    if by == "id":
        return value
    where = (*path, "externalId")
    row = await tx.row(BY_EXTERNAL_ID, external_id=storable(value, where).strip())
    if row is None:
        raise NotFound(f"No organization has the externalId {shorten(value)!r}.", where, value=shorten(value))
    return str(row[0])


async def _refuse(tx: Transaction, taken: Unique, row: Mapping[str, Any], path: Path) -> NoReturn:
    """Names what a uniqueness refused."""
    if "external_id" in taken.what:
        holder = await tx.row(BY_EXTERNAL_ID, external_id=row["external_id"])
        message = f"The external id {row['external_id']!r} already belongs to another organization."
        raise ExternalIdTaken(message, (*path, "externalId"), holder=holder and holder[0])
    holder = await tx.row(BY_NAME, name_key=row["name_key"], parent=row["parent_id"] or "")
    where_it_is = "in the same organization" if row["parent_id"] else "at the top level"
    message = (
        f"An organization named {row['name']!r} already exists {where_it_is}. Choose another name or use that one."
    )
    raise NameTaken(message, (*path, "name"), holder=holder and holder[0])


async def _check_depth(tx: Transaction, parent_id: str, height: int, path: Path) -> None:
    above = await levels_above(tx, parent_id)
    if above + height > DEEPEST:
        message = f"Organizations nest at most {DEEPEST} deep; this would make {above + height} levels."
        raise InvalidValue(message, path, code="TOO_DEEP")


# Statements over the tree, kept for each engine


@cache
def _upward(dialect: Dialect) -> Reader:
    reading = Reading(dialect, {}, for_customer=False)
    return reading.finish(select(upward(reading, reading.value(Slot(("start",)))).c.id))


@cache
def _downward(dialect: Dialect) -> Reader:
    reading = Reading(dialect, {}, for_customer=False)
    return reading.finish(select(downward(reading, reading.value(Slot(("start",)))).c.id))


@cache
def _height(dialect: Dialect) -> Reader:
    """Levels of an organization's own tree, itself included."""
    reading = Reading(dialect, {}, for_customer=False)
    return reading.finish(select(height(reading, reading.value(Slot(("start",))))))


async def _run(tx: Transaction, reader: Reader, start: str) -> list[Any]:
    scope = Scope(tx.workspace_id, None, None, (), tx.now)
    return await tx.connection.rows(reader.text, reader.parameters({"start": start}, scope))


_o = columns(Organization)
_c = columns(Customer)
_mine = _o.workspace_id == bindparam("workspace")
BY_EXTERNAL_ID = Statement(
    select(_o.id).where(_mine, _o.external_id == bindparam("external_id"), _o.archived_at.is_(None))
)
BY_NAME = Statement(
    select(_o.id).where(
        _mine,
        func.coalesce(_o.parent_id, literal_column("''")) == bindparam("parent"),
        _o.name_key == bindparam("name_key"),
        _o.archived_at.is_(None),
    )
)
CHILDREN = Statement(select(_o.id).where(_mine, _o.parent_id == bindparam("parent_id"), _o.archived_at.is_(None)))
MEMBERS = Statement(
    lambda dialect: select(_c.id).where(
        _c.workspace_id == bindparam("workspace"), _c.organization_id.in_(ids_of(dialect)), _c.archived_at.is_(None)
    )
)
LOG_ARCHIVE = logging(Organization, "ARCHIVED", (), ())
ARCHIVE = archiving(Organization)
ARCHIVED_WITH = Statement(
    select(_o.id)
    .where(_mine, _o.archived_by_change == bindparam("change"), _o.archived_at.is_not(None))
    .order_by(_o.id)
)
CUSTOMERS_ARCHIVED_WITH = Statement(
    select(_c.id).where(
        _c.workspace_id == bindparam("workspace"),
        _c.archived_by_change == bindparam("change"),
        _c.archived_at.is_not(None),
    )
)
