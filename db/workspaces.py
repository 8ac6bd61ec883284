"""Workspaces, the accounts that own everything: what can be read of them and what can be done to them."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from sqlalchemy import bindparam, func, select
from sqlalchemy import update as update_

from db.database import Database
from db.engines.dialects import quoted
from db.errors import InvalidValue, Path
from db.ids import new_id
from db.reads.records import Part, Record
from db.statements import Statement, columns
from db.tables import Customer, Job, Workspace
from db.text import clean, email, fold, required
from db.transaction import Maintenance, Transaction

WORKSPACE = Record(
    kind="workspace",
    table=Workspace,
    expressions={"id": lambda _r, workspace, _a: workspace.workspace_id},
    relations={"mail_settings": Part("mail_settings")},
    identity="workspace_id",
    visible=lambda reading, workspace: workspace.workspace_id == reading.workspace,
)


MAIL_SETTINGS = Record(
    kind="mail_settings", expressions={"language": lambda _r, workspace, _a: func.upper(workspace.language)}
)


async def create(database: Database, name: str, slug: str | None = None) -> str:
    """Adds a workspace; answers its id. The slug is made of the name, with a number where that one is taken."""
    name = required(name, 200, ("name",))
    wanted = slug or "-".join(sorted_words(name)) or "workspace"
    own = Workspace(
        workspace_id=new_id("workspace"),
        slug=wanted,
        name=name,
        changed_at=database.clock(),
        created_at=database.clock(),
    ).model_dump()

    async def add(maintenance: Maintenance) -> None:
        for free in (wanted, *(f"{wanted}-{n}" for n in range(2, MOST_ALIKE))):
            if await maintenance.run(ADD, **{**own, "slug": free}):
                return
            if slug is not None:
                break
        raise InvalidValue(f"The slug {wanted!r} is taken by another workspace.", ("slug",))

    await database.maintain(add)
    return str(own["workspace_id"])


MOST_ALIKE = 10_000
LIMITS = {"sender_name": 100, "invitation_subject": 100, "invitation_text": 2_000, "link_base_url": 1_000}
MOST_DAYS = 90
NAMES = {
    "name": "name",
    "sender_name": "senderName",
    "reply_to": "replyTo",
    "link_base_url": "linkBaseUrl",
    "invitation_days": "invitationDays",
    "invitation_subject": "invitationSubject",
    "invitation_text": "invitationText",
    "language": "language",
}
"""A workspace's own properties, by column, as the schema and the log name them. All but the first are of its mails."""


def _days(value: int | None, path: Path) -> int:
    if value is None or not 1 <= value <= MOST_DAYS:
        raise InvalidValue(f"A link holds for 1 to {MOST_DAYS} days; {value} were given.", path)
    return value


def _language(value: str | None, path: Path) -> str:
    if value is None:
        raise InvalidValue("Mails need a language. Leave it out to keep the one there is.", path)
    return value.lower()


def _line(text: str | None, limit: int, path: Path) -> str | None:
    """A text for a mail's header: one line, without control characters."""
    kept = clean(text, limit, path)
    if kept is not None and not kept.isprintable():
        raise InvalidValue("The text is for one line of a mail's head: no line breaks, no control characters.", path)
    return kept


def _page(url: str | None, path: Path) -> str | None:
    """Where a workspace's own page is: an address of HTTP, to which a token is added."""
    kept = clean(url, LIMITS["link_base_url"], path)
    if kept is None:
        return None
    try:
        parts = urlsplit(kept)
        sound = parts.scheme in {"http", "https"} and parts.hostname and parts.username is None and kept.isprintable()
    except ValueError:
        sound = False
    if not sound or " " in kept:
        raise InvalidValue(
            "The page must be an address such as https://www.example.com/join, without a user's name.", path
        )
    return kept


CHECKS: Mapping[str, Callable[[Any, Path], Any]] = {
    "name": lambda value, path: required(value, 200, path),
    "sender_name": lambda value, path: _line(value, LIMITS["sender_name"], path),
    "reply_to": lambda value, path: email(value, path).address if value else None,
    "link_base_url": _page,
    "invitation_days": _days,
    "invitation_subject": lambda value, path: _line(value, LIMITS["invitation_subject"], path),
    "invitation_text": lambda value, path: clean(value, LIMITS["invitation_text"], path),
    "language": _language,
}
"""How each property is kept, or refused."""


async def update(tx: Transaction, changes: Mapping[str, Any], paths: Mapping[str, Path]) -> bool:
    """Changes the workspace's properties; tells whether anything moved. `paths` says where each was given."""
    row = await tx.row(OWN)
    assert row is not None  # noqa: S101  the workspace was found at the start
    was = dict(zip(NAMES, row, strict=True))
    kept = {column: CHECKS[column](value, paths[column]) for column, value in changes.items()}
    moved = {column: value for column, value in kept.items() if was[column] != value}
    if not moved:
        return False
    await tx.run(setting(tuple(sorted(moved))), **moved)
    tx.record(tx.workspace_id, "UPDATED", {NAMES[c]: was[c] for c in moved}, {NAMES[c]: moved[c] for c in moved})
    return True


@cache
def setting(changed: tuple[str, ...]) -> Statement:
    """UPDATE of some columns of the workspace."""
    values: dict[str, Any] = {name: bindparam(name) for name in changed}
    return Statement(update_(Workspace).where(_w.workspace_id == bindparam("workspace")).values(**values))


def sorted_words(name: str) -> list[str]:
    """The words of a name in their order, as a slug has them."""
    return re.findall(r"[a-z0-9]+", fold(name))


async def find(database: Database, slug: str) -> str | None:
    """The id of the workspace with this slug."""
    rows = await database.rows(BY_SLUG, slug=slug)
    return rows[0][0] if rows else None


async def exists(database: Database, workspace_id: str) -> bool:
    """Whether there is such a workspace."""
    return bool(await database.rows(NUMBER, workspace=workspace_id))


async def change_number(database: Database, workspace_id: str) -> int:
    """How many transactions a workspace had; 0 for one that does not exist."""
    rows = await database.rows(NUMBER, workspace=workspace_id)
    return int(rows[0][0]) if rows else 0


class Listed(NamedTuple):
    """A workspace as operators name it."""

    id: str
    slug: str
    name: str


async def every(database: Database) -> list[Listed]:
    """Every workspace, the oldest first. For maintenance."""
    return [Listed(*row) for row in await database.rows(EVERY)]


class Census(NamedTuple):
    """How much a database holds."""

    workspaces: int
    customers: int
    jobs: int


async def census(database: Database) -> Census:
    """Counts the workspaces, their customers and the jobs to do. For maintenance."""
    return Census(*(await database.rows(COUNTS))[0])


_w = columns(Workspace)
OWN = Statement(select(*(_w[column] for column in NAMES)).where(_w.workspace_id == bindparam("workspace")))
NUMBER = Statement(select(_w.change_number).where(_w.workspace_id == bindparam("workspace")))
BY_SLUG = Statement(select(_w.workspace_id).where(_w.slug == bindparam("slug")))
EVERY = Statement(select(_w.workspace_id, _w.slug, _w.name).order_by(_w.workspace_id))
COUNTS = Statement(
    select(
        select(func.count()).select_from(Workspace).scalar_subquery(),
        select(func.count()).select_from(Customer).scalar_subquery(),
        select(func.count())
        .select_from(Job)
        .where(columns(Job).status.in_([quoted("WAITING"), quoted("RUNNING")]))
        .scalar_subquery(),
    )
)
ADD = Statement(
    lambda dialect: dialect.insert(Workspace).values({c.name: bindparam(c.name) for c in _w}).on_conflict_do_nothing()
)
