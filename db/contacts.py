"""Contacts: what can be read of the copies of address books, and how a page of one is kept."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

import orjson
from sqlalchemy import bindparam, delete, exists, literal_column, select, update

from db.engines.dialects import Dialect
from db.errors import LimitExceeded, Refusal
from db.ids import new_id
from db.reads.reading import Reading
from db.reads.records import Arguments, Record, Relation, Row, Search
from db.statements import Statement
from db.tables import Contact, ContactAddress, EmailAddress
from db.text import email, fold, words
from db.transaction import Transaction
from db.writing import adding, columns, ids_of, listed

MOST_ADDRESSES = 20
MOST_SEARCHED = 20
LONGEST = 400
CHUNK = 500


def _customer(reading: Reading, contact: Any, customer: Row, _arguments: Arguments) -> list[Any]:
    """The customer who holds the first of the contact's addresses that one holds."""
    held, own = reading.rows(EmailAddress), reading.rows(ContactAddress)
    first = (
        select(held.row.customer_id)
        .select_from(own.clause, held.clause)
        .where(
            *own.where,
            *held.where,
            own.row.contact_id == contact.id,
            held.row.email_key == own.row.email_key,
            held.row.customer_id.is_not(None),
        )
        .order_by(own.row.position)
        .limit(literal_column("1"))
    )
    return [customer.id == first.scalar_subquery()]


def _search(reading: Reading, given: Any, _order: Any) -> Search:
    """Every word typed begins one of the contact's words. A book is walked: it is one person's."""

    def typed(text: str) -> list[str]:
        found = sorted(words(text))
        if len(found) > MOST_SEARCHED:
            raise LimitExceeded(f"A search takes at most {MOST_SEARCHED} words; it has {len(found)}.", ("search",))
        return [f" {word}" for word in found]

    def has_all(contact: Row) -> Any:
        each = reading.each(given, typed)
        missing = ~reading.dialect.contains(contact.search_key, each.c.value)
        return ~exists(select(literal_column("1")).select_from(each).where(missing))

    return Search(has_all)


def of_source(reading: Reading, _parent: Any, contact: Row, arguments: Arguments) -> list[Any]:
    """The contacts of one source, or of all of them."""
    shown = [~contact.pending]
    if arguments.get("source_id") is not None:
        shown.append(contact.source_id == reading.value(arguments["source_id"]))
    return shown


CONTACT = Record(
    kind="contact",
    table=Contact,
    relations={"customer": Relation("customer", "one", _customer)},
    orders={"NAME": "name_key"},
    default_order=(("NAME", "ASC"),),
    search=_search,
    owner="user_id",
)


# Keeping pages


class Fetched(Protocol):
    """A contact as a provider answers it."""

    @property
    def id(self) -> str: ...
    @property
    def emails(self) -> tuple[str, ...]: ...
    @property
    def name(self) -> str | None: ...
    @property
    def first_name(self) -> str | None: ...
    @property
    def last_name(self) -> str | None: ...
    @property
    def company(self) -> str | None: ...
    @property
    def title(self) -> str | None: ...
    @property
    def phone(self) -> str | None: ...
    @property
    def tag(self) -> str | None: ...


class Known(Protocol):
    """A contact of which no more than its id and tag are known."""

    @property
    def id(self) -> str: ...
    @property
    def tag(self) -> str | None: ...


class Shelf(NamedTuple):
    """Where contacts are kept: the source, its user, and the fetch that finds them."""

    source_id: str
    user_id: str
    round: int


async def keep(tx: Transaction, shelf: Shelf, contacts: Iterable[Fetched]) -> None:
    """Keeps contacts as they are now, new ones and those that changed."""
    by_id = {one.id: one for one in contacts}
    known = await _known(tx, shelf, by_id)
    rows, addresses = [], []
    for remote_name, one in by_id.items():
        row = {"id": known[remote_name][0] if remote_name in known else new_id("contact"), **_row(shelf, one)}
        rows.append(row)
        addresses += [
            {"contact_id": row["id"], "position": i, "email_key": email_key(text)}
            for i, text in enumerate(orjson.loads(row["emails"]))
        ]
    old = [row["id"] for row in rows if row["remote_name"] in known]
    if old:
        await tx.run(FORGET_ADDRESSES, ids=listed(old))
    await tx.run_many(CHANGE, [row for row in rows if row["remote_name"] in known])
    await tx.run_many(adding(Contact), [row for row in rows if row["remote_name"] not in known])
    await tx.run_many(adding(ContactAddress), addresses)


async def note(tx: Transaction, shelf: Shelf, entries: Iterable[Known]) -> None:
    """Notes contacts that were listed: those that are new or have another tag are pending until they are fetched."""
    by_id = {one.id: one for one in entries}
    known = await _known(tx, shelf, by_id)
    same = [i for i, one in by_id.items() if i in known and one.tag is not None and known[i][1] == one.tag]
    await tx.run(SEEN, ids=listed([known[i][0] for i in same]), round=shelf.round)
    await tx.run_many(
        AWAIT, [{"id": known[i][0], "round": shelf.round} for i in by_id if i in known and i not in set(same)]
    )
    blank = {"name": "", "name_key": "", "emails": "[]", "search_key": "", "tag": None, "pending": True}
    nothing = dict.fromkeys(("first_name", "last_name", "company", "title", "phone"))
    place = {"source_id": shelf.source_id, "user_id": shelf.user_id, "round": shelf.round}
    new = [{"id": new_id("contact"), "remote_name": i, **place, **blank, **nothing} for i in by_id if i not in known]
    await tx.run_many(adding(Contact), new)


async def pending(tx: Transaction, source_id: str, most: int) -> list[str]:
    """The next contacts that were listed and not fetched, by the provider's ids."""
    return [row[0] for row in await tx.rows(PENDING, source_id=source_id, most=most)]


async def remove(tx: Transaction, source_id: str, remote_names: Sequence[str]) -> None:
    """Forgets contacts that are gone from the book, by the provider's ids."""
    if remote_names:
        found = await tx.rows(KNOWN, source_id=source_id, ids=listed(remote_names))
        await _forget(tx, [row[1] for row in found])


async def sweep(tx: Transaction, shelf: Shelf, most: int = CHUNK) -> bool:
    """Forgets contacts that a fetch of the whole book did not find, so many at a time; tells whether any is left."""
    found = [row[0] for row in await tx.rows(OLDER, source_id=shelf.source_id, round=shelf.round, most=most)]
    await _forget(tx, found)
    return len(found) == most


async def forget_all(tx: Transaction, source_id: str) -> None:
    """Forgets every contact of a source."""
    await tx.run(FORGET_ALL_ADDRESSES, source_id=source_id)
    await tx.run(FORGET_ALL, source_id=source_id)


async def _forget(tx: Transaction, ids: Sequence[str]) -> None:
    if ids:
        await tx.run(FORGET_ADDRESSES, ids=listed(ids))
        await tx.run(FORGET, ids=listed(ids))


async def _known(tx: Transaction, shelf: Shelf, remote_names: Iterable[str]) -> dict[str, tuple[str, str | None]]:
    """The ids and tags of these contacts that are kept already."""
    rows = await tx.rows(KNOWN, source_id=shelf.source_id, ids=listed(remote_names))
    return {remote_name: (contact_id, tag) for remote_name, contact_id, tag in rows}


def _row(shelf: Shelf, one: Fetched) -> dict[str, Any]:
    first, last, company = _told(one.first_name, 200), _told(one.last_name, 200), _told(one.company, 200)
    emails = list(dict.fromkeys(told for text in one.emails if (told := _told(text, LONGEST))))[:MOST_ADDRESSES]
    both = " ".join(part for part in (first, last) if part)
    name = _told(one.name, LONGEST) or both or company or (emails[0] if emails else "")
    return {
        "remote_name": one.id,
        "source_id": shelf.source_id,
        "user_id": shelf.user_id,
        "round": shelf.round,
        "tag": one.tag,
        "pending": False,
        "name": name,
        "name_key": fold(name),
        "first_name": first,
        "last_name": last,
        "company": company,
        "title": _told(one.title, 200),
        "phone": _told(one.phone, 100),
        "emails": orjson.dumps(emails).decode(),
        "search_key": "".join(f" {word}" for word in sorted(words(name, both, company, *emails))),
    }


def _told(text: str | None, limit: int) -> str | None:
    """A text of a provider as it is kept: one line of characters that every engine keeps alike, cut to its limit."""
    if not isinstance(text, str):
        return None
    sound = text.encode("utf-8", "replace").decode()
    line = " ".join("".join(c if c.isprintable() else " " for c in sound).split())
    return line[:limit].strip() or None


def email_key(text: str) -> str:
    """The key of an address; of a text that is none, one that nobody holds."""
    try:
        return email(text).key
    except Refusal:
        return ""


# Statements

_c = columns(Contact)
_a = columns(ContactAddress)
_mine = _c.workspace_id == bindparam("workspace")
_addresses = _a.workspace_id == bindparam("workspace")
_of_source = (_mine, _c.source_id == bindparam("source_id"))
_FIXED = {"workspace_id", "id", "remote_name", "source_id", "user_id"}


def _one_of(dialect: Dialect, column: Any) -> Any:
    return column.in_(ids_of(dialect))


KNOWN = Statement(
    lambda dialect: select(_c.remote_name, _c.id, _c.tag).where(*_of_source, _one_of(dialect, _c.remote_name))
)
CHANGE = Statement(
    update(Contact)
    .where(_mine, _c.id == bindparam("id"))
    .values({c.name: bindparam(c.name) for c in _c if c.name not in _FIXED})
)
SEEN = Statement(lambda dialect: update(Contact).where(_mine, _one_of(dialect, _c.id)).values(round=bindparam("round")))
AWAIT = Statement(
    update(Contact)
    .where(_mine, _c.id == bindparam("id"))
    .values(round=bindparam("round"), pending=bindparam("pending", value=True))
)
PENDING = Statement(
    select(_c.remote_name)
    .where(*_of_source, _c.pending == bindparam("pending", value=True))
    .order_by(_c.remote_name)
    .limit(bindparam("most"))
)
OLDER = Statement(
    select(_c.id).where(*_of_source, _c.round < bindparam("round")).order_by(_c.id).limit(bindparam("most"))
)
FORGET = Statement(lambda dialect: delete(Contact).where(_mine, _one_of(dialect, _c.id)))
FORGET_ADDRESSES = Statement(lambda dialect: delete(ContactAddress).where(_addresses, _one_of(dialect, _a.contact_id)))
FORGET_ALL = Statement(delete(Contact).where(*_of_source))
FORGET_ALL_ADDRESSES = Statement(
    delete(ContactAddress).where(_addresses, _a.contact_id.in_(select(_c.id).where(*_of_source)))
)
