"""Customers: what can be read of them and what can be done to them."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

from sqlalchemy import and_, bindparam, case, false, func, or_, select
from sqlalchemy import update as sql_update

from db import access, tickets
from db.engines.dialects import Dialect, quoted
from db.errors import EmailTaken, ExternalIdTaken, NotFound, Path, Unique
from db.ids import kind_of, new_id
from db.leading import LEADS, invited
from db.reads.filtering import archived_filter, id_filter, mentions, moment_filter, reference_filter, text_filter, where
from db.reads.reading import Reader, Reading
from db.reads.records import Arguments, Record, Relation, Row
from db.reads.scope import Scope
from db.reads.searching import search
from db.statements import Statement
from db.tables import Customer, CustomerWord, EmailAddress, Invitation, Organization, Session
from db.text import address_key, clean, email, fold, required, shorten, storable, words
from db.transaction import Transaction
from db.tree import downward
from db.writing import (
    adding,
    adding_if_absent,
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
    removing,
)


def _status(reading: Reading, customer: Any, _arguments: Arguments) -> Any:
    return case(
        (customer.archived_at.is_not(None), quoted("ARCHIVED")),
        (customer.activated_at.is_not(None), quoted("ACTIVE")),
        (invited(reading, customer), quoted("INVITED")),
        else_=quoted("CREATED"),
    )


def _name(_reading: Reading, customer: Any, _arguments: Arguments) -> Any:
    both = func.trim(
        func.coalesce(customer.first_name, quoted(""))
        .concat(quoted(" "))
        .concat(func.coalesce(customer.last_name, quoted("")))
    )
    return func.coalesce(func.nullif(both, quoted("")), customer.email)


def _status_filter(reading: Reading, customer: Row, given: Any) -> Any:
    """One condition for each status, so that a single one can be read along an index."""
    living, joined = customer.archived_at.is_(None), customer.activated_at.is_not(None)
    ways: Mapping[str, Callable[[], Any]] = {
        "ARCHIVED": lambda: customer.archived_at.is_not(None),
        "ACTIVE": lambda: and_(living, joined),
        "INVITED": lambda: and_(living, ~joined, invited(reading, customer)),
        "CREATED": lambda: and_(living, ~joined, ~invited(reading, customer)),
    }
    return or_(false(), *(ways[name]() for name in dict.fromkeys(given)))


def _in_tree(reading: Reading, customer: Row, given: Any) -> Any:
    top = reading.value(given)
    belongs = customer.organization_id.in_(select(downward(reading, top).c.id))
    return and_(customer.organization_id.is_not(None), belongs, *reading.in_sight("organization", top))


def _unassigned(_reading: Reading, customer: Row, given: Any) -> Any:
    return customer.organization_id.is_(None) if given else customer.organization_id.is_not(None)


def _of_project(reading: Reading, customer: Row, given: Any) -> Any:
    return access.sees(reading, customer, reading.value(given))


def _visible(reading: Reading, customer: Row) -> Any:
    return customer.id == reading.viewing_customer


CUSTOMER = Record(
    kind="customer",
    table=Customer,
    expressions={"name": _name, "status": _status},
    relations={
        "organization": Relation("organization", "one", lambda _r, c, o, _a: [o.id == c.organization_id]),
        "projects": Relation(
            "project", "connection", among=lambda r, c, _a: access.projects_of(r, c.id, c.organization_id)
        ),
        "access": Relation("project_access", "list", source=access.reasons),
        "tickets": Relation("ticket", "connection", lambda _r, c, ticket, _a: [ticket.requester_id == c.id]),
        "invitation": Relation("invitation", "one", lambda _r, c, i, _a: [i.id == _latest_invitation(_r, c)]),
        "history": Relation("change_record", "connection", lambda _r, c, entry, _a: [entry.record_id == c.id]),
    },
    filters={
        "ids": id_filter,
        "organization": reference_filter("organization_id"),
        "unassigned": _unassigned,
        "in_tree_of": _in_tree,
        "project": _of_project,
        "status": _status_filter,
        "email": text_filter("email_key", address_key),
        "first_name": text_filter("first_name_key", fold),
        "last_name": text_filter("last_name_key", fold),
        "name": text_filter("name_key", fold),
        "external_id": text_filter("external_id", str),
        "created_at": moment_filter("created_at"),
        "updated_at": moment_filter("updated_at"),
        "archived": archived_filter,
    },
    leads=LEADS,
    orders={
        "NAME": "name_key",
        "LAST_NAME": "last_name_key",
        "EMAIL": "email_key",
        "CREATED_AT": "created_at",
        "UPDATED_AT": "updated_at",
    },
    default_order=(("NAME", "ASC"),),
    search=search,
    visible=_visible,
    archives=True,
)


def _organization_name(reading: Reading, reason: Any, _arguments: Arguments) -> Any:
    named = reading.rows(Organization)
    name = select(named.row.name).select_from(named.clause)
    return name.where(*named.where, named.row.id == reason.organization_id).scalar_subquery()


PROJECT_ACCESS = Record(
    kind="project_access",
    expressions={"organization_name": _organization_name},
    relations={
        "project": Relation("project", "one", lambda _r, a, project, _a: [project.id == a.project_id]),
        "organization": Relation("organization", "one", lambda _r, a, o, _a: [o.id == a.organization_id]),
    },
)


def _latest_invitation(reading: Reading, customer: Any) -> Any:
    sent = reading.rows(Invitation)
    return (
        select(func.max(sent.row.id))
        .select_from(sent.clause)
        .where(*sent.where, sent.row.customer_id == customer.id)
        .scalar_subquery()
    )


# Writing

INTERNATIONAL = "xn--"
"""Begins a part of a domain that is not ASCII, as the key of an address has it."""

LIMITS = {"first_name": 200, "last_name": 200, "phone": 100, "title": 200, "external_id": 200}
"""Characters that each property keeps at the most."""

NAMES = {
    "email": "email",
    "first_name": "firstName",
    "last_name": "lastName",
    "phone": "phone",
    "title": "title",
    "external_id": "externalId",
    "organization_id": "organizationId",
}
"""A customer's own properties, by column, as the schema and the log name them."""


def prepared(properties: Mapping[str, Any], path: Path = ()) -> dict[str, Any]:
    """Properties as they are kept, each checked; with `email` goes its `email_key`."""
    kept: dict[str, Any] = {}
    for name, value in properties.items():
        if name == "email":
            address = email(required(value, 254, (*path, "email")), (*path, "email"))
            kept |= {"email": address.address, "email_key": address.key}
        elif name in LIMITS:
            kept[name] = clean(value, LIMITS[name], (*path, NAMES[name]))
        else:
            kept[name] = value
    return kept


def keys(row: Mapping[str, Any]) -> dict[str, str]:
    """The sort keys that follow from a customer's properties."""
    first, last = fold(row.get("first_name")), fold(row.get("last_name"))
    whole = f"{first} {last}" if first and last else first or last
    return {"first_name_key": first, "last_name_key": last, "name_key": whole or fold(row["email"])}


def words_of(row: Mapping[str, Any]) -> set[str]:
    """The words that find a customer: those of its address as it is written, and where its domain is not ASCII, of both forms."""
    shown = row["email"] if INTERNATIONAL in row["email_key"] else None
    return words(row.get("first_name"), row.get("last_name"), row["email_key"], row.get("external_id"), shown)


def shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """A customer's own properties as the log shows them, absent ones left out."""
    return {name: row[column] for column, name in NAMES.items() if row.get(column) is not None}


class NewCustomer(NamedTuple):
    """A customer to be: its row but for version, times and place, and the words that find it."""

    row: dict[str, Any]
    words: Collection[str]


def new(values: Mapping[str, Any]) -> NewCustomer:
    """A new customer of prepared properties; no transaction has to be held for that."""
    row = blank(Customer)
    row.update(values)
    row |= keys(row) | {"id": new_id("customer")}
    return NewCustomer(row, words_of(row))


async def create(tx: Transaction, properties: Mapping[str, Any], path: Path = ()) -> str:
    """Adds a customer; takes its address, and any tickets that waited for it."""
    return await add(tx, new(prepared(properties, path)), path)


async def add(tx: Transaction, customer: NewCustomer, path: Path = ()) -> str:
    """Adds a customer that was prepared before."""
    row = {**customer.row, "version": 1, "created_at": tx.now, "updated_at": tx.now}
    if row["organization_id"] is not None:
        await expect_living(tx, Organization, row["organization_id"], (*path, "organizationId"))
    try:
        await tx.attempt(adding(Customer), **row)
    except Unique:
        await _refuse_external_id(tx, row["external_id"], path)
    await _take_address(tx, row["id"], row["email"], row["email_key"], path)
    await _add_words(tx, row, customer.words)
    tx.record(row["id"], "CREATED", {}, shown(row))
    await tickets.find_requester(tx, row["id"], row["email_key"])
    return str(row["id"])


async def update(
    tx: Transaction, customer_id: str, changes: Mapping[str, Any], expected_version: int | None = None, path: Path = ()
) -> bool:
    """Changes a customer's properties; tells whether anything moved."""
    row = await found_living(tx, Customer, customer_id, (*path, "customer"))
    expect(row, expected_version)
    wanted = prepared(changes, path)
    moved = {name: value for name, value in wanted.items() if row[name] != value}
    if not moved:
        return False
    if moved.get("organization_id") is not None:
        await expect_living(tx, Organization, moved["organization_id"], (*path, "organizationId"))
    after = {**row, **moved}
    stored = moved | {name: key for name, key in keys(after).items() if row[name] != key}
    try:
        await tx.attempt(changing(Customer, tuple(sorted(stored))), id=customer_id, now=tx.now, **stored)
    except Unique:
        await _refuse_external_id(tx, after["external_id"], path)
    if "email_key" in moved:
        await tx.run(RELEASE_ADDRESSES, ids=listed([customer_id]))
        await _take_address(tx, customer_id, after["email"], after["email_key"], path)
        await tickets.find_requester(tx, customer_id, after["email_key"])
    if "name_key" in stored or words_of(after) != words_of(row):
        await tx.run(removing(CustomerWord, "customer_id"), ids=listed([customer_id]))
        named = {**after, **stored}
        await _add_words(tx, named, words_of(named))
    columns_moved = [name for name in moved if name in NAMES]
    tx.record(
        customer_id,
        "UPDATED",
        {NAMES[name]: row[name] for name in columns_moved},
        {NAMES[name]: after[name] for name in columns_moved},
    )
    return True


async def holder_of(tx: Transaction, email_key: str) -> str | None:
    """The id of the customer or user who holds an address."""
    row = await tx.row(HOLDER, email_key=email_key)
    return (row[0] or row[1]) if row else None


async def _take_address(tx: Transaction, customer_id: str, address: str, key: str, path: Path) -> None:
    """Holds an address for a customer; the primary key decides who has it."""
    taken = await tx.run(adding_if_absent(EmailAddress), email_key=key, customer_id=customer_id, user_id=None)
    if not taken:
        holder = await holder_of(tx, key)
        who = f"a {kind_of(holder or '')}"
        message = f"{address} already belongs to {who} of this workspace. Use another address, or change that record."
        raise EmailTaken(message, (*path, "email"), holder=holder)


async def _refuse_external_id(tx: Transaction, external_id: str, path: Path) -> NoReturn:
    holder = await tx.row(BY_EXTERNAL_ID, external_id=external_id)
    message = f"The external id {external_id!r} already belongs to another customer."
    raise ExternalIdTaken(message, (*path, "externalId"), holder=holder and holder[0])


async def _add_words(tx: Transaction, row: Mapping[str, Any], found_by: Iterable[str]) -> None:
    of = (tx.workspace_id, row["id"])
    await tx.run_rows(
        adding(CustomerWord),
        ("workspace_id", "customer_id", "word", "name_key"),
        [(*of, word, row["name_key"]) for word in sorted(found_by)],
    )


async def match(tx: Transaction, by: str, value: str, path: Path = ("email",)) -> str | None:
    """The living customer with an address (`email`) or an external id (`external_id`)."""
    if by == "email":
        row = await tx.row(HOLDER, email_key=email(value, path).key)
        return row and row[0]
    row = await tx.row(BY_EXTERNAL_ID, external_id=storable(value, path).strip())
    return row and row[0]


async def resolve(tx: Transaction, reference: Mapping[str, str], path: Path = ("customer",)) -> str:
    """The id of the customer a reference names."""
    ((by, value),) = reference.items()
    if by == "id":
        return value
    customer_id = await match(tx, by, value, (*path, NAMES[by]))
    if customer_id is None:
        message = f"No customer has the {NAMES[by]} {shorten(value)!r}."
        raise NotFound(message, (*path, NAMES[by]), value=shorten(value))
    return customer_id


# Moving, archiving, restoring: set-wise


async def matching(tx: Transaction, given: Mapping[str, Any]) -> list[str]:
    """The ids of the living customers that a filter matches."""
    reader = selecting(tx.dialect, given)
    scope = Scope(tx.workspace_id, None, None, (), tx.now)
    return [row[0] for row in await tx.connection.rows(reader.text, reader.parameters({}, scope))]


def selecting(dialect: Dialect, given: Mapping[str, Any]) -> Reader:
    """The statement of a filter's ids."""
    reading = Reading(dialect, {"customer": CUSTOMER}, for_customer=False)
    source = reading.rows(Customer)
    if not mentions(given, "archived"):
        source.where.append(source.row.archived_at.is_(None))
    source.where.append(where(reading, CUSTOMER, source.row, given, ("filter",)))
    return reading.finish(select(source.row.id).select_from(source.clause).where(*source.where))


async def move(tx: Transaction, customer_ids: Sequence[str], organization_id: str | None) -> set[str]:
    """Moves these living customers; tells which of them lay elsewhere before."""
    moving = [row[0] for row in await tx.rows(ELSEWHERE, ids=listed(customer_ids), organization_id=organization_id)]
    if moving:
        number = await tx.number()
        ids = listed(moving)
        await tx.run(LOG_MOVE, ids=ids, number=number, after_organizationId=organization_id)
        await tx.run(MOVE, ids=ids, organization_id=organization_id, now=tx.now)
        await tx.count(len(moving))
    return set(moving)


async def archive(tx: Transaction, customer_ids: Sequence[str]) -> None:
    """Archives these living customers: their addresses are free, their sessions and open links end."""
    if not customer_ids:
        return
    number, ids = await tx.number(), listed(customer_ids)
    await tx.run(LOG_ARCHIVE, ids=ids, number=number)
    await tx.run(ARCHIVE, ids=ids, number=number, now=tx.now)
    await tx.run(RELEASE_ADDRESSES, ids=ids)
    await tx.run(END_INVITATIONS, ids=ids, now=tx.now)
    if await tx.run(removing(Session, "holder_id"), ids=ids):
        tx.move_access()
    await tx.count(len(customer_ids))


async def restore(tx: Transaction, customer_id: str, path: Path = ()) -> bool:
    """Brings one customer back with its address; tells whether it was archived."""
    row = await found(tx, Customer, customer_id, path)
    if row["archived_at"] is None:
        return False
    await _take_address(tx, customer_id, row["email"], row["email_key"], path)
    back = {"archived_at": None, "archived_by_change": None, "organization_id": row["organization_id"]}
    if row["organization_id"] is not None and not await tx.rows(
        living(Organization), ids=listed([row["organization_id"]])
    ):
        back["organization_id"] = None
    try:
        await tx.attempt(changing(Customer, tuple(back)), id=customer_id, now=tx.now, **back)
    except Unique:
        await _refuse_external_id(tx, row["external_id"], path)
    before = {"organizationId": row["organization_id"]} if back["organization_id"] != row["organization_id"] else {}
    tx.record(customer_id, "RESTORED", before, dict.fromkeys(before))
    await tickets.find_requester(tx, customer_id, row["email_key"])
    return True


_c = columns(Customer)
_a = columns(EmailAddress)
_mine = _c.workspace_id == bindparam("workspace")
HOLDER = Statement(
    select(_a.customer_id, _a.user_id).where(
        _a.workspace_id == bindparam("workspace"), _a.email_key == bindparam("email_key")
    )
)
BY_EXTERNAL_ID = Statement(
    select(_c.id).where(_mine, _c.external_id == bindparam("external_id"), _c.archived_at.is_(None))
)
ELSEWHERE = Statement(
    lambda dialect: select(_c.id).where(
        _mine,
        _c.id.in_(ids_of(dialect)),
        _c.archived_at.is_(None),
        _c.organization_id.is_distinct_from(bindparam("organization_id")),
    )
)
LOG_MOVE = logging(Customer, "MOVED", (("organizationId", "organization_id"),), ("organizationId",))
MOVE = Statement(
    lambda dialect: (
        sql_update(Customer)
        .where(_mine, _c.id.in_(ids_of(dialect)))
        .values(organization_id=bindparam("organization_id"), version=_c.version + 1, updated_at=bindparam("now"))
    )
)
LOG_ARCHIVE = logging(Customer, "ARCHIVED", (), ())
ARCHIVE = archiving(Customer)
RELEASE_ADDRESSES = removing(EmailAddress, "customer_id")
_i = columns(Invitation)
END_INVITATIONS = Statement(
    lambda dialect: (
        sql_update(Invitation)
        .where(
            _i.workspace_id == bindparam("workspace"),
            _i.customer_id.in_(ids_of(dialect)),
            _i.accepted_at.is_(None),
            _i.revoked_at.is_(None),
        )
        .values(revoked_at=bindparam("now"), updated_at=bindparam("now"))
    )
)
