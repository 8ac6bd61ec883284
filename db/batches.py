"""Many records at once, set-wise: a statement for each table instead of one for each record.

The rules are the nouns' own (`customers.prepared`, `organizations.prepared`, `tickets.prepared`); who calls these has
looked up what stands in the way, so that a constraint that is broken here is a defect or a race.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, literal_column, select, update

from db import customers, organizations, tickets
from db.customers import NewCustomer
from db.engines.dialects import Dialect
from db.statements import Statement
from db.tables import Customer, CustomerWord, EmailAddress, Organization, Project, Ticket, Workspace
from db.transaction import Transaction
from db.writing import Table, adding, changing, columns, ids_of, listed, removing
from db.writing import living as living_of

Row = Mapping[str, Any]


@cache
def _names(table: Table) -> tuple[str, ...]:
    return tuple(c.name for c in columns(table) if c.name != "workspace_id")


# Looking up


class Holder(NamedTuple):
    """Who holds an address."""

    customer_id: str | None
    user_id: str | None


async def holders(tx: Transaction, keys: Collection[str]) -> dict[str, Holder]:
    """Who holds these addresses, by their keys."""
    return {key: Holder(customer, user) for key, customer, user in await tx.rows(HOLDERS, ids=listed(keys))}


async def by_id(tx: Transaction, table: Table, ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """These records as they are, by their ids."""
    if not ids:
        return {}
    names = _names(table)
    rows = (dict(zip(names, row, strict=True)) for row in await tx.rows(_by_id(table), ids=listed(ids)))
    return {row["id"]: row for row in rows}


async def there(tx: Transaction, table: Table, ids: Collection[str], *, living: bool = False) -> set[str]:
    """Which of these ids are those of records, archived ones too unless only the living count."""
    statement = living_of(table) if living else _there(table)
    return {row[0] for row in await tx.rows(statement, ids=listed(ids))} if ids else set()


async def by_external_id(tx: Transaction, table: Table, values: Collection[str]) -> dict[str, str]:
    """The living records that hold these external ids."""
    return dict(await tx.rows(_by_external_id(table), ids=listed(values))) if values else {}


async def organizations_below(
    tx: Transaction, parents: Collection[str], name_keys: Collection[str]
) -> dict[tuple[str, str], dict[str, Any]]:
    """The living organizations of these names below these parents ('' is the top), by parent and name."""
    if not parents or not name_keys:
        return {}
    names = _names(Organization)
    rows = await tx.rows(BELOW, parents=listed(parents), ids=listed(name_keys))
    found = (dict(zip(names, row, strict=True)) for row in rows)
    return {(row["parent_id"] or "", row["name_key"]): row for row in found}


async def organizations_named(tx: Transaction, name_keys: Collection[str]) -> dict[str, list[dict[str, Any]]]:
    """The living organizations of these names, wherever they are; at most two of each."""
    found: dict[str, list[dict[str, Any]]] = {}
    names = _names(Organization)
    for row in await tx.rows(NAMED, ids=listed(name_keys)) if name_keys else ():
        one = dict(zip(names, row, strict=True))
        if len(alike := found.setdefault(one["name_key"], [])) < 2:  # noqa: PLR2004  enough to be ambiguous
            alike.append(one)
    return found


async def projects_named(tx: Transaction, name_keys: Collection[str]) -> dict[str, str]:
    """The living projects of these names."""
    return dict(await tx.rows(PROJECTS_NAMED, ids=listed(name_keys))) if name_keys else {}


# Customers

_PREPARED = (*customers.NAMES, "email_key")


def new_customer(prepared: Row) -> NewCustomer:
    """A new customer of prepared properties, which may stand among others."""
    return customers.new({c: prepared[c] for c in _PREPARED if c in prepared})


async def add_customers(tx: Transaction, new: Sequence[NewCustomer], *, searchable: bool = True) -> None:
    """Adds customers with their addresses, words and log; tickets that waited for them are theirs.

    Not `searchable`: their words are to follow (`db/import_words.py`).
    """
    own = {"version": 1, "created_at": tx.now, "updated_at": tx.now}
    rows = [one.row for one in new]
    await tx.run_many(adding(Customer), rows, own)
    await _add_addresses(tx, ((row["email_key"], row["id"]) for row in rows))
    if searchable:
        await add_words(tx, ((one.row, one.words) for one in new))
    for row in rows:
        tx.record(row["id"], "CREATED", {}, customers.shown(row))
    await link_tickets(tx, [row["email_key"] for row in rows])


async def change_customers(tx: Transaction, changes: Sequence[tuple[Row, Row]]) -> None:
    """Changes customers' own properties: each as it was, and the columns that move (its `email_key` with its `email`).

    Tickets that waited for an address that a customer takes are the customer's.
    """
    await _readdress(tx, {was["id"]: moved["email_key"] for was, moved in changes if "email_key" in moved})
    by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    reworded: list[Row] = []
    for was, moved in changes:
        becomes = {**was, **moved}
        stored = {**moved, **{name: key for name, key in customers.keys(becomes).items() if was[name] != key}}
        by_columns.setdefault(tuple(sorted(stored)), []).append({"id": was["id"], "now": tx.now, **stored})
        if "name_key" in stored or customers.words_of(becomes) != customers.words_of(was):
            reworded.append({**becomes, **stored})
        names = {name: customers.NAMES[name] for name in moved if name in customers.NAMES}
        before = {shown: was[name] for name, shown in names.items()}
        tx.record(was["id"], "UPDATED", before, {shown: moved[name] for name, shown in names.items()})
    for names_moved, rows in by_columns.items():
        await tx.run_many(changing(Customer, names_moved), rows)
    if reworded:
        await tx.run(removing(CustomerWord, "customer_id"), ids=listed([row["id"] for row in reworded]))
        await add_words(tx, ((row, customers.words_of(row)) for row in reworded))
    await link_tickets(tx, [moved["email_key"] for _, moved in changes if "email_key" in moved])


async def _readdress(tx: Transaction, keys: Mapping[str, str]) -> None:
    """Gives customers these addresses for the ones they had."""
    if keys:
        await tx.run(removing(EmailAddress, "customer_id"), ids=listed(keys))
        await _add_addresses(tx, ((key, one) for one, key in keys.items()))


async def release(tx: Transaction, table: Table, ids: Collection[str], *, addresses: bool = False) -> None:
    """Takes their external ids, or their addresses, from these records. For dry runs: the log knows nothing of it."""
    if ids:
        await tx.run(removing(EmailAddress, "customer_id") if addresses else _releasing(table), ids=listed(ids))


async def _add_addresses(tx: Transaction, held: Iterable[tuple[str, str]]) -> None:
    """Addresses' keys, each with the customer who holds it."""
    rows = [(tx.workspace_id, key, customer_id, None) for key, customer_id in held]
    await tx.run_rows(adding(EmailAddress), ("workspace_id", "email_key", "customer_id", "user_id"), rows)


async def add_words(tx: Transaction, words: Iterable[tuple[Row, Collection[str]]]) -> None:
    """Adds the words of customers, in the order of the index that keeps them: neighbours share its pages."""
    workspace_id = tx.workspace_id
    rows = sorted([(workspace_id, word, row["name_key"], row["id"]) for row, own in words for word in own])
    await tx.run_rows(adding(CustomerWord), ("workspace_id", "word", "name_key", "customer_id"), rows)


# Organizations


async def add_organizations(tx: Transaction, rows: Sequence[Row]) -> None:
    """Adds organizations (whole rows but for version and times), parents before children."""
    own = {"version": 1, "created_at": tx.now, "updated_at": tx.now}
    await tx.run_many(adding(Organization), rows, own)
    names = organizations.NAMES
    for row in rows:
        tx.record(row["id"], "CREATED", {}, {names[c]: row[c] for c in names if row[c] is not None})


async def change_organizations(tx: Transaction, changes: Sequence[tuple[Row, Row]]) -> None:
    """Changes organizations' own properties (not their places): each as it was, and the columns that move."""
    await _change(tx, Organization, organizations.NAMES, changes)


# Tickets


async def add_tickets(tx: Transaction, rows: Sequence[Row]) -> None:
    """Adds tickets (whole rows but for number, version and `updated_at`) under the workspace's next numbers."""
    if not rows:
        return
    reserved = await tx.row(RESERVE_NUMBERS, many=len(rows))
    assert reserved is not None  # noqa: S101  the workspace was found at the start
    first = reserved[0] - len(rows) + 1
    whole = [{**row, "number": first + i, "version": 1, "updated_at": tx.now} for i, row in enumerate(rows)]
    await tx.run_many(adding(Ticket), whole)
    names = tickets.NAMES
    for row in whole:
        tx.record(row["id"], "CREATED", {}, {names[c]: row[c] for c in names if row[c] is not None})


async def change_tickets(tx: Transaction, changes: Sequence[tuple[Row, Row]]) -> None:
    """Changes tickets' own properties: each as it was, and the columns that move."""
    await _change(tx, Ticket, tickets.NAMES, changes)


async def _change(tx: Transaction, table: Table, names: Mapping[str, str], changes: Sequence[tuple[Row, Row]]) -> None:
    for was, moved in changes:
        await tx.run(changing(table, tuple(sorted(moved))), id=was["id"], now=tx.now, **moved)
        shown = [c for c in moved if c in names]
        tx.record(was["id"], "UPDATED", {names[c]: was[c] for c in shown}, {names[c]: moved[c] for c in shown})


async def link_tickets(tx: Transaction, keys: Collection[str]) -> int:
    """Gives the customers who hold these addresses the tickets that waited for them; tells how many."""
    linked = await tx.rows(LINK_TICKETS, ids=listed(keys)) if keys else []
    for ticket_id, customer_id in linked:
        tx.record(ticket_id, "LINKED", {"requesterId": None}, {"requesterId": customer_id})
    return len(linked)


# Statements

_a = columns(EmailAddress)
_o = columns(Organization)
_p = columns(Project)
_t = columns(Ticket)
_w = columns(Workspace)


@cache
def _by_id(table: Table) -> Statement:
    def construct(dialect: Dialect) -> Any:
        c = columns(table)
        return select(*(c[name] for name in _names(table))).where(
            c.workspace_id == bindparam("workspace"), c.id.in_(ids_of(dialect)), c.archived_at.is_(None)
        )

    return Statement(construct)


@cache
def _there(table: Table) -> Statement:
    def construct(dialect: Dialect) -> Any:
        c = columns(table)
        return select(c.id).where(c.workspace_id == bindparam("workspace"), c.id.in_(ids_of(dialect)))

    return Statement(construct)


@cache
def _by_external_id(table: Table) -> Statement:
    def construct(dialect: Dialect) -> Any:
        c = columns(table)
        return select(c.external_id, c.id).where(
            c.workspace_id == bindparam("workspace"), c.external_id.in_(ids_of(dialect)), c.archived_at.is_(None)
        )

    return Statement(construct)


@cache
def _releasing(table: Table) -> Statement:
    def construct(dialect: Dialect) -> Any:
        c = columns(table)
        mine = (c.workspace_id == bindparam("workspace"), c.id.in_(ids_of(dialect)))
        return update(table).where(*mine).values(external_id=None)

    return Statement(construct)


HOLDERS = Statement(
    lambda dialect: select(_a.email_key, _a.customer_id, _a.user_id).where(
        _a.workspace_id == bindparam("workspace"), _a.email_key.in_(ids_of(dialect))
    )
)
BELOW = Statement(
    lambda dialect: select(*(_o[name] for name in _names(Organization))).where(
        _o.workspace_id == bindparam("workspace"),
        func.coalesce(_o.parent_id, literal_column("''")).in_(ids_of(dialect, "parents")),
        _o.name_key.in_(ids_of(dialect)),
        _o.archived_at.is_(None),
    )
)
NAMED = Statement(
    lambda dialect: select(*(_o[name] for name in _names(Organization))).where(
        _o.workspace_id == bindparam("workspace"), _o.name_key.in_(ids_of(dialect)), _o.archived_at.is_(None)
    )
)
PROJECTS_NAMED = Statement(
    lambda dialect: select(_p.name_key, _p.id).where(
        _p.workspace_id == bindparam("workspace"), _p.name_key.in_(ids_of(dialect)), _p.archived_at.is_(None)
    )
)
RESERVE_NUMBERS = Statement(
    update(Workspace)
    .where(_w.workspace_id == bindparam("workspace"))
    .values(ticket_number=_w.ticket_number + bindparam("many"))
    .returning(_w.ticket_number)
)
LINK_TICKETS = Statement(
    lambda dialect: (
        update(Ticket)
        .where(
            _t.workspace_id == bindparam("workspace"),
            _t.requester_email_key.in_(ids_of(dialect)),
            _t.requester_id.is_(None),
            _t.archived_at.is_(None),
        )
        .values(
            requester_id=select(_a.customer_id)
            .where(_a.workspace_id == bindparam("workspace"), _a.email_key == _t.requester_email_key)
            .scalar_subquery()
        )
        .returning(_t.id, _t.requester_id)
    )
)
