"""Workspaces, the accounts that own everything: what can be read of them and what can be done to them."""

import re
from typing import Any, NamedTuple

from db.errors import InvalidValue
from db.ids import new_id
from db.records import Record
from db.sqlite import SqliteDatabase
from db.tables import Workspace
from db.text import fold, required

WORKSPACE = Record(
    kind="workspace",
    table=Workspace,
    expressions={"id": lambda _r, workspace, _a: workspace.workspace_id},
    identity="workspace_id",
    visible=lambda reading, workspace: workspace.workspace_id == reading.workspace,
)


async def create(database: SqliteDatabase, name: str, slug: str | None = None) -> str:
    """Adds a workspace; answers its id. The slug is made of the name, with a number where that one is taken."""
    name = required(name, 200, ("name",))
    wanted = slug or "-".join(sorted_words(name)) or "workspace"
    workspace_id, now = new_id("workspace"), database.clock()

    def add(connection: Any) -> str:
        taken = {row[0] for row in connection.execute("SELECT slug FROM workspace")}
        if slug is not None and slug in taken:
            raise InvalidValue(f"The slug {slug!r} is taken by another workspace.", ("slug",))
        free = next(s for s in (wanted, *(f"{wanted}-{n}" for n in range(2, 10_000))) if s not in taken)
        row = Workspace(workspace_id=workspace_id, slug=free, name=name, changed_at=now, created_at=now)
        values = row.model_dump()
        places = ", ".join("?" for _ in values)
        connection.execute(f"INSERT INTO workspace ({', '.join(values)}) VALUES ({places})", list(values.values()))  # noqa: S608
        return free

    await database.maintain(add)
    return workspace_id


def sorted_words(name: str) -> list[str]:
    """The words of a name in their order, as a slug has them."""
    return re.findall(r"[a-z0-9]+", fold(name))


async def find(database: SqliteDatabase, slug: str) -> str | None:
    """The id of the workspace with this slug."""
    rows = await database.read("SELECT workspace_id FROM workspace WHERE slug = ?", (slug,))
    return rows[0][0] if rows else None


async def exists(database: SqliteDatabase, workspace_id: str) -> bool:
    """Whether there is such a workspace."""
    return bool(await database.read("SELECT 1 FROM workspace WHERE workspace_id = ?", (workspace_id,)))


async def change_number(database: SqliteDatabase, workspace_id: str) -> int:
    """How many transactions a workspace had; 0 for one that does not exist."""
    rows = await database.read("SELECT change_number FROM workspace WHERE workspace_id = ?", (workspace_id,))
    return int(rows[0][0]) if rows else 0


class Listed(NamedTuple):
    """A workspace as operators name it."""

    id: str
    slug: str
    name: str


async def every(database: SqliteDatabase) -> list[Listed]:
    """Every workspace, the oldest first. For maintenance."""
    rows = await database.read("SELECT workspace_id, slug, name FROM workspace ORDER BY workspace_id")
    return [Listed(*row) for row in rows]


class Census(NamedTuple):
    """How much a database holds."""

    workspaces: int
    customers: int
    jobs: int


async def census(database: SqliteDatabase) -> Census:
    """Counts the workspaces, their customers and the jobs to do. For maintenance."""
    return Census(*(await database.read(COUNTS))[0])


COUNTS = """
SELECT (SELECT count(*) FROM workspace), (SELECT count(*) FROM customer),
    (SELECT count(*) FROM job WHERE status IN ('WAITING', 'RUNNING'))
"""
