"""Chosen contacts as a file that an import reads: one row a person, whatever number of books and addresses they are in."""

import csv
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy import bindparam, select

from db.contacts import email_key
from db.database import Database
from db.errors import LimitExceeded, NotFound
from db.organization_paths import escaped
from db.statements import Statement
from db.tables import Contact, ContactSource, EmailAddress
from db.text import shorten
from db.uploads import PARTIAL
from db.writing import columns, ids_of, listed

MOST_IDS = 1_000

COLUMNS: Final = {
    "E-mail": "email",
    "First name": "firstName",
    "Last name": "lastName",
    "Name": "name",
    "Company": "organization",
    "Title": "title",
    "Phone": "phone",
    "Other addresses": "otherEmails",
    "Contact": None,
}
"""The columns of the file, and the property each is read into."""


class Person(NamedTuple):
    """One contact, with its addresses in order: each as text and, where it is an address, by its key."""

    id: str
    name: str
    first_name: str | None
    last_name: str | None
    company: str | None
    title: str | None
    phone: str | None
    emails: list[tuple[str, str]]


async def chosen(database: Database, workspace_id: str, user_id: str, selection: Mapping[str, Any]) -> list[Any]:
    """The rows of the contacts of a user that a selection names: some by their ids, those of a source, or all."""
    given: dict[str, Any] = {"workspace": workspace_id, "user_id": user_id}
    ids = selection.get("ids")
    if ids is not None and len(ids) > MOST_IDS:
        message = f"At most {MOST_IDS:,} contacts can be named at once; {len(ids):,} were given. Choose a source."
        raise LimitExceeded(message, ("contacts", "ids"))
    if ids is not None:
        rows = await database.rows(BY_IDS, **given, ids=listed(ids))
        _refuse_absent(ids, {row[0] for row in rows})
        return rows
    if selection.get("source_id") is None:
        return await database.rows(ALL, **given)
    source_id = selection["source_id"]
    if not await database.rows(SOURCE, **given, source_id=source_id):
        message = f"You have no address book with the id {shorten(source_id)!r}."
        raise NotFound(message, ("contacts", "sourceId"), value=shorten(source_id))
    return await database.rows(OF_SOURCE, **given, source_id=source_id)


def people_of(rows: Iterable[Any]) -> list[Person]:
    """The persons in rows, each once."""
    return merged(_person(*row) for row in rows)


def _person(
    contact_id: str,
    name: str,
    first_name: str | None,
    last_name: str | None,
    company: str | None,
    title: str | None,
    phone: str | None,
    emails: str,
) -> Person:
    known = [(text, email_key(text)) for text in orjson.loads(emails)]
    return Person(contact_id, name, first_name, last_name, company, title, phone, known)


async def held(database: Database, workspace_id: str, people: Iterable[Person]) -> set[str]:
    """The keys of their addresses that a customer has already."""
    keys = {key for one in people for _, key in one.emails if key}
    return {row[0] for row in await database.rows(HELD, workspace=workspace_id, ids=listed(sorted(keys)))}


def _refuse_absent(ids: Sequence[str], known: set[str]) -> None:
    for i, one in enumerate(ids):
        if one not in known:
            message = f"You have no contact with the id {shorten(one)!r}."
            raise NotFound(message, ("contacts", "ids", str(i)), value=shorten(one))


def merged(people: Iterable[Person]) -> list[Person]:
    """Each person once: those who share an address are one, the first of them leads and the others fill what it lacks."""
    found: list[Person | None] = []
    place: dict[str, int] = {}
    for one in people:
        keys = [key for _, key in one.emails if key]
        same = sorted({place[key] for key in keys if key in place})
        if not same:
            found.append(one)
            at = len(found) - 1
        else:
            at = same[0]
            for other in (*(found[i] for i in same[1:]), one):
                first = found[at]
                if first is not None and other is not None:
                    found[at] = _joined(first, other)
            for i in same[1:]:
                found[i] = None
        place |= dict.fromkeys((key for _, key in (found[at] or one).emails if key), at)
    return [one for one in found if one is not None]


def _joined(first: Person, other: Person) -> Person:
    known = {key for _, key in first.emails if key}
    emails = first.emails + [one for one in other.emails if one[1] not in known]
    values = {name: getattr(first, name) or getattr(other, name) for name in ("company", "title", "phone")}
    if not (first.first_name or first.last_name):
        values |= {"first_name": other.first_name, "last_name": other.last_name, "name": other.name or first.name}
    return first._replace(**values, emails=emails)


def cells(person: Person, held: Collection[str]) -> list[str]:
    """A person's row. The address is the one that a customer has already, or else the first that is an address."""
    emails = sorted(person.emails, key=lambda one: (one[1] not in held, not one[1]))
    texts = [text for text, _ in emails]
    has_name = bool(person.first_name or person.last_name)
    whole = "" if has_name or person.name in {person.company, *texts} else person.name
    return [
        texts[0] if texts else "",
        person.first_name or "",
        person.last_name or "",
        whole,
        escaped(person.company or ""),
        person.title or "",
        person.phone or "",
        ", ".join(texts[1:]),
        person.id,
    ]


def write(path: Path, people: Iterable[Person], held: Collection[str]) -> int:
    """Writes the file to its place, which it takes only when it is whole; answers its size in bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + PARTIAL)
    try:
        with partial.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(COLUMNS)
            rows.writerows(cells(one, held) for one in people)
            file.flush()
            os.fsync(file.fileno())
        size = partial.stat().st_size
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return size


_c = columns(Contact)
_h = columns(EmailAddress)
_s = columns(ContactSource)
_theirs = (_c.workspace_id == bindparam("workspace"), _c.user_id == bindparam("user_id"), ~_c.pending)
_people = select(_c.id, _c.name, _c.first_name, _c.last_name, _c.company, _c.title, _c.phone, _c.emails)
_in_order = (_c.name_key, _c.id)
ALL = Statement(_people.where(*_theirs).order_by(*_in_order))
OF_SOURCE = Statement(_people.where(*_theirs, _c.source_id == bindparam("source_id")).order_by(*_in_order))
BY_IDS = Statement(lambda dialect: _people.where(*_theirs, _c.id.in_(ids_of(dialect))).order_by(*_in_order))
SOURCE = Statement(
    select(_s.id).where(
        _s.workspace_id == bindparam("workspace"),
        _s.user_id == bindparam("user_id"),
        _s.id == bindparam("source_id"),
    )
)
HELD = Statement(
    lambda dialect: select(_h.email_key).where(
        _h.workspace_id == bindparam("workspace"), _h.email_key.in_(ids_of(dialect)), _h.customer_id.is_not(None)
    )
)
