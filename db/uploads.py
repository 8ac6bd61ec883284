"""Files that were sent to be imported: their rows, and when they go. Their bytes lie in a directory under their ids."""

from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from sqlalchemy import bindparam, func, select, update

from db.clock import DAY
from db.errors import NotFound
from db.sqlite import SqliteDatabase
from db.statements import Statement
from db.tables import Upload
from db.text import shorten
from db.transaction import Transaction
from db.writing import adding, columns

KEPT = 3 * DAY
"""How long a file is kept after it was last needed."""

PARTIAL = ".part"
"""What the name of a file ends in until all of it was received."""


class Found(NamedTuple):
    id: str
    filename: str | None
    size_bytes: int
    expires_at: int


async def add(tx: Transaction, upload_id: str, filename: str | None, size_bytes: int) -> int:
    """Notes a file that was stored under `upload_id`; answers when it expires."""
    expires_at = tx.now + KEPT
    await tx.run(
        adding(Upload),
        id=upload_id,
        filename=filename,
        size_bytes=size_bytes,
        created_by=tx.intent.actor_id,
        created_at=tx.now,
        expires_at=expires_at,
    )
    tx.move_answers()
    return expires_at


async def find(database: SqliteDatabase, workspace_id: str, upload_id: str) -> Found | None:
    """A file of this workspace that has not expired."""
    rows = await database.rows(FIND, workspace=workspace_id, id=upload_id)
    return Found(*rows[0]) if rows and rows[0][3] > database.clock() else None


async def latest(database: SqliteDatabase, workspace_id: str) -> str | None:
    """The id of the file that was sent last."""
    return (await database.rows(LATEST, workspace=workspace_id))[0][0]  # type: ignore[no-any-return]


async def need(tx: Transaction, upload_id: str) -> Found:
    """A file that is needed from now on: kept that much longer. Refused if there is none, or it expired."""
    row = await tx.row(FIND, id=upload_id)
    if row is None or row[3] <= tx.now:
        message = f"No upload has the id {shorten(upload_id)!r}, or it expired. Send the file again by POST /uploads."
        raise NotFound(message, ("uploadId",), value=shorten(upload_id))
    await tx.run(KEEP, id=upload_id, expires_at=tx.now + KEPT)
    return Found(*row)


async def keep(tx: Transaction, upload_id: str) -> None:
    """Lets a file's time begin anew."""
    await tx.run(KEEP, id=upload_id, expires_at=tx.now + KEPT)


def path_of(directory: Path, upload_id: str) -> Path:
    """Where the bytes of a file lie."""
    return directory / upload_id


async def needed(database: SqliteDatabase, ids: Collection[str]) -> set[str]:
    """Which of these files may not go: those that have not expired, and those of imports at work. For maintenance."""
    listed = orjson.dumps(sorted(ids)).decode()
    return {row[0] for row in await database.read(NEEDED, (listed, database.clock()))}


async def forget(database: SqliteDatabase) -> None:
    """Removes the rows of expired files that no import speaks of. For maintenance."""
    now = database.clock()

    def remove(connection: Any) -> None:
        connection.execute(FORGET, (now,))

    if await database.read(ANY_TO_FORGET, (now,)):
        await database.maintain(remove)


NEEDED = """
SELECT id FROM upload WHERE id IN (SELECT value FROM json_each(?)) AND (expires_at > ? OR EXISTS (
    SELECT 1 FROM import
    WHERE import.workspace_id = upload.workspace_id AND import.upload_id = upload.id AND import.finished_at IS NULL))
"""
UNUSED = """expires_at <= ? AND NOT EXISTS (
    SELECT 1 FROM import WHERE import.workspace_id = upload.workspace_id AND import.upload_id = upload.id)"""
ANY_TO_FORGET = f"SELECT 1 FROM upload WHERE {UNUSED} LIMIT 1"  # noqa: S608  text of this module
FORGET = f"DELETE FROM upload WHERE {UNUSED}"  # noqa: S608  text of this module

_u = columns(Upload)
_this = (_u.workspace_id == bindparam("workspace"), _u.id == bindparam("id"))
LATEST = Statement(select(func.max(columns(Upload).id)).where(columns(Upload).workspace_id == bindparam("workspace")))
FIND = Statement(select(_u.id, _u.filename, _u.size_bytes, _u.expires_at).where(*_this))
KEEP = Statement(update(Upload).where(*_this).values(expires_at=bindparam("expires_at")))
