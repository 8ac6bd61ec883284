"""The database a benchmark runs on: one workspace of a size, made once through the migrated schema and kept."""

import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Table

import db  # noqa: F401  puts the bundled SQLite in its place
from db import tables
from db.ids import hashed, token
from db.migrating import migrate, newest
from db.text import fold, words

import sqlite3  # isort: skip  the one that db put in its place

DIRECTORY = Path(".rolodesk/bench")
FORM = 3
"""Raised when the data change, so that kept files are made anew."""
BORN = 1_760_000_000_000
MINUTE = 60_000
CUSTOMERS_OF_EACH = 20
PROJECTS = 8
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
FIRST = [
    "Ada",
    "Bela",
    "Chloé",
    "Dmitri",
    "Émile",
    "Fatma",
    "Grace",
    "Håkon",
    "Ines",
    "Jürgen",
    "Keiko",
    "Linus",
    "Mária",
    "Noor",
    "Oscar",
    "Priya",
    "Quentin",
    "Rosa",
]
LAST = [
    "Abel",
    "Brontë",
    "Curie",
    "Dvořák",
    "Euler",
    "Fermat",
    "Gauß",
    "Hopper",
    "Ibsen",
    "Joule",
    "Kovács",
    "Lovelace",
    "Müller",
    "Noether",
    "Ørsted",
]
TITLES = ("Engineer", "Accountant", "Director", "Buyer", "Assistant", "Mechanic", "Nurse", "Teacher")


@dataclass(frozen=True)
class World:
    """What the requests of a run are made of."""

    path: Path
    workspace_id: str
    key: str
    customers: list[tuple[str, str]]
    """Id and name key, by name."""
    organizations: list[tuple[str, str]]
    tops: list[str]
    """The organizations at the top; below each lies as much."""
    projects: list[str]


def identity(prefix: str, number: int, chance: random.Random) -> str:
    """An id of our form (three letters and a ULID), made from a number and chance."""
    value = (BORN + number) << 80 | chance.getrandbits(80)
    return f"{prefix}_" + "".join(ALPHABET[value >> shift & 31] for shift in range(125, -1, -5))


def database(size: int) -> Path:
    """The file of this size; made where there is none yet."""
    path = DIRECTORY / f"{size}-{FORM}-{newest()}.db"
    if not path.exists():
        making = path.with_suffix(".making")
        for old in (making, *DIRECTORY.glob(f"{making.name}-*")):
            old.unlink(missing_ok=True)
        make(making, size)
        making.rename(path)
    return path


def make(path: Path, size: int) -> None:
    """A new file of this size."""
    migrate(path)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("BEGIN")
    _fill(connection, size)
    connection.execute("COMMIT")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def copied(size: int, name: str) -> Path:
    """A copy of the file for one server to write to."""
    target = DIRECTORY / f"run-{name}.db"
    removed(name)
    shutil.copy(database(size), target)
    return target


def removed(name: str) -> None:
    for old in DIRECTORY.glob(f"run-{name}.db*"):
        old.unlink()


def world(path: Path) -> World:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    ((workspace_id,),) = connection.execute("SELECT workspace_id FROM workspace")
    customers = connection.execute("SELECT id, name_key FROM customer ORDER BY name_key, id").fetchall()
    organizations = connection.execute("SELECT id, name_key FROM organization ORDER BY name_key, id").fetchall()
    tops = [row[0] for row in connection.execute("SELECT id FROM organization WHERE parent_id IS NULL ORDER BY id")]
    projects = [row[0] for row in connection.execute("SELECT id FROM project ORDER BY id")]
    connection.close()
    return World(path, workspace_id, _key(workspace_id), customers, organizations, tops, projects)


def _key(workspace_id: str) -> str:
    return token("key", workspace_id, hashed("benchmark"))


def _fill(connection: Any, size: int) -> None:
    chance = random.Random(size)
    workspace = identity("wsp", 0, chance)
    _insert(connection, tables.Workspace, workspace, [_workspace()])
    _insert(connection, tables.ApiKey, workspace, [_api_key(workspace, chance)])
    organizations = list(_organizations(max(1, size // CUSTOMERS_OF_EACH), chance))
    _insert(connection, tables.Organization, workspace, organizations)
    customers = list(_customers(size, [o["id"] for o in organizations], chance))
    _insert(connection, tables.Customer, workspace, customers)
    _insert(
        connection,
        tables.EmailAddress,
        workspace,
        ({"email_key": c["email_key"], "customer_id": c["id"]} for c in customers),
    )
    _insert(connection, tables.CustomerWord, workspace, (row for c in customers for row in _words(c)))
    _insert(connection, tables.Invitation, workspace, _invitations(customers, chance))
    projects = [_project(n, chance) for n in range(PROJECTS)]
    _insert(connection, tables.Project, workspace, projects)
    ids = [p["id"] for p in projects]
    _insert(connection, tables.ProjectOrganization, workspace, _shares(ids, [o["id"] for o in organizations]))
    _insert(
        connection,
        tables.ProjectCustomer,
        workspace,
        (
            {"project_id": chance.choice(ids), "customer_id": c["id"], "created_at": BORN}
            for c in customers
            if chance.random() < 0.2
        ),
    )


def _insert(connection: Any, table: Any, workspace: str, rows: Any) -> None:
    core: Table = table.__table__
    usual = {name: one.get_default() for name, one in table.model_fields.items() if not one.is_required()}
    usual["workspace_id"] = workspace
    names = [column.name for column in core.c]
    text = f"INSERT INTO {core.name} ({', '.join(names)}) VALUES ({', '.join('?' for _ in names)})"
    connection.executemany(text, ([{**usual, **row}.get(name) for name in names] for row in rows))


def _workspace() -> dict[str, Any]:
    numbers = dict.fromkeys(("change_number", "access_number", "ticket_number"), 0)
    return numbers | {"slug": "bench", "name": "Bench", "changed_at": BORN, "created_at": BORN, "invitation_days": 14}


def _api_key(workspace: str, chance: random.Random) -> dict[str, Any]:
    return {
        "id": identity("key", 0, chance),
        "name": "benchmark",
        "prefix": "rd_key_",
        "token_hash": hashed(_key(workspace)),
        "scopes": '["ADMIN"]',
        "created_at": BORN,
    }


def _versioned(prefix: str, number: int, chance: random.Random) -> dict[str, Any]:
    at = BORN + number * MINUTE
    return {"id": identity(prefix, number, chance), "version": 1, "created_at": at, "updated_at": at}


def _organizations(count: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    """4 at the top, 4 below each, 5 below each of those; what is left lies evenly on a fourth level."""
    ids: list[str] = []
    for n in range(count):
        if n < 4:
            parent = None
        elif n < 20:
            parent = ids[n % 4]
        elif n < 100:
            parent = ids[4 + n % 16]
        else:
            parent = ids[20 + n % 80]
        name = f"{chance.choice(LAST)} & {chance.choice(LAST)} {n:05}"
        row = _versioned("org", n, chance) | {"name": name, "name_key": fold(name), "parent_id": parent}
        ids.append(row["id"])
        yield row | {"website": f"https://{n}.example.com", "external_id": f"o-{n}"}


def _customers(count: int, organizations: list[str], chance: random.Random) -> Iterator[dict[str, Any]]:
    for n in range(count):
        first, last = chance.choice(FIRST), chance.choice(LAST)
        email = f"{fold(first)}.{fold(last)}.{n}@customer.example.com"
        yield _versioned("cus", n, chance) | {
            "email": email,
            "email_key": email,
            "first_name": first,
            "first_name_key": fold(first),
            "last_name": last,
            "last_name_key": fold(last),
            "name_key": fold(f"{first} {last}"),
            "phone": f"+36 1 {n:07}",
            "title": chance.choice(TITLES),
            "external_id": f"c-{n}",
            "organization_id": organizations[n % len(organizations)],
            "activated_at": BORN if n % 5 == 0 else None,
        }


def _words(customer: dict[str, Any]) -> Iterator[dict[str, str]]:
    found = words(customer["first_name"], customer["last_name"], customer["email_key"], customer["external_id"])
    for word in found:
        yield {"word": word, "customer_id": customer["id"], "name_key": customer["name_key"]}


def _invitations(customers: list[dict[str, Any]], chance: random.Random) -> Iterator[dict[str, Any]]:
    """One customer in a hundred is invited."""
    for n, customer in enumerate(customers[3::100]):
        if customer["activated_at"] is None:
            row = {"id": identity("inv", n, chance), "customer_id": customer["id"], "token_hash": f"{n}"}
            times = {"expires_at": BORN * 2, "last_sent_at": BORN, "created_at": BORN, "updated_at": BORN}
            yield row | times | {"delivery": "SENT"}


def _project(number: int, chance: random.Random) -> dict[str, Any]:
    name = f"Project {number}"
    return _versioned("prj", number, chance) | {"name": name, "name_key": fold(name), "external_id": f"p-{number}"}


def _shares(projects: list[str], organizations: list[str]) -> Iterator[dict[str, Any]]:
    """Half of the projects with an organization of the second level, the others with six of the third."""
    second, third = organizations[4:20], organizations[20:100]
    for n, project_id in enumerate(projects):
        for organization_id in second[n : n + 1] if n < 4 else third[n * 6 : n * 6 + 6]:
            yield {"project_id": project_id, "organization_id": organization_id, "created_at": BORN}
