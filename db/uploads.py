"""Files that were sent to be imported: their rows, and when they go. Their bytes lie in a directory under their ids."""

import errno
import os
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, delete, exists, func, literal_column, or_, select, update

from db.clock import DAY
from db.database import Database
from db.errors import LimitExceeded, NotFound, NotPossible, StorageFull
from db.reads.records import Record
from db.statements import Statement
from db.tables import Import, Upload
from db.text import shorten
from db.transaction import Transaction
from db.writing import adding, columns, ids_of, listed

KEPT = 3 * DAY
"""How long a file is kept after it was last needed."""

LONGEST_NAME = 200

MAKE_ROOM: Final = (
    "`removeUpload` and DELETE /uploads/{id} make room, and each file goes three days after it was last needed."
)

PARTIAL = ".part"
"""What the name of a file ends in until all of it was received."""


UPLOADED_FILE = Record(
    kind="uploaded_file",
    table=Upload,
    expressions={"preview": lambda _r, file, _a: file.id},  # what it is made of, after the statement
    orders={"CREATED_AT": "created_at"},
    default_order=(("CREATED_AT", "DESC"),),
)


class Space(NamedTuple):
    """How many files a workspace may keep, and how many bytes they may have together; None: any number."""

    files: int | None = None
    size_bytes: int | None = None


UNBOUNDED: Final = Space()


@dataclass(frozen=True, slots=True)
class Taken:
    """How many files there are, and how many bytes they have."""

    files: int = 0
    size_bytes: int = 0

    def __add__(self, other: "Taken") -> "Taken":
        return Taken(self.files + other.files, self.size_bytes + other.size_bytes)


class Found(NamedTuple):
    id: str
    filename: str | None
    size_bytes: int
    expires_at: int


async def add(
    tx: Transaction,
    upload_id: str,
    filename: str | None,
    size_bytes: int,
    media_type: str | None = None,
    *,
    space: Space = UNBOUNDED,
) -> int:
    """Notes a file that was stored under `upload_id`; answers when it expires. Refused where it has no room."""
    if space != UNBOUNDED:
        check_room(space, Taken(1, size_bytes) + Taken(*(await tx.rows(TAKEN, now=tx.now))[0]))
    expires_at = tx.now + KEPT
    await tx.run(
        adding(Upload),
        id=upload_id,
        filename=filename,
        size_bytes=size_bytes,
        media_type=media_type,
        created_by=tx.intent.actor_id,
        created_at=tx.now,
        expires_at=expires_at,
    )
    tx.move_answers()
    return expires_at


def check_room(space: Space, taken: Taken) -> None:
    """Refuses more files, or larger ones, than a workspace may keep."""
    if space.files is not None and taken.files > space.files:
        raise LimitExceeded(f"The workspace keeps as many uploaded files as it may ({space.files:,}). {MAKE_ROOM}")
    if space.size_bytes is not None and taken.size_bytes > space.size_bytes:
        message = f"With this file the workspace's uploads would have {taken.size_bytes:,} bytes; they may have"
        raise LimitExceeded(f"{message} {space.size_bytes:,}. {MAKE_ROOM}")


async def taken(database: Database, workspace_id: str) -> Taken:
    """The files that a workspace keeps."""
    return Taken(*(await database.rows(TAKEN, workspace=workspace_id, now=database.clock()))[0])


def coming(directory: Path, workspace_id: str) -> Taken:
    """The parts of files that are being sent into a workspace, as they lie on this disk."""
    found = Taken()
    with suppress(FileNotFoundError), os.scandir(directory) as entries:
        for entry in entries:
            if entry.name.endswith(PARTIAL) and f".{workspace_id}." in entry.name:
                with suppress(FileNotFoundError):
                    found += Taken(1, entry.stat().st_size)
    return found


def part_of(path: Path, workspace_id: str, viewer_id: str | None = None) -> Path:
    """Where a file lies while it is sent; `viewer_id` if it may be gone on with, by that one alone."""
    return path.with_name(".".join(filter(None, (path.name, workspace_id, viewer_id))) + PARTIAL)


async def remove(tx: Transaction, upload_id: str) -> None:
    """Ends a file's time now; its bytes are removed by who asked. Refused while an import needs it."""
    row = await tx.row(FIND, id=upload_id)
    if row is None or row[3] <= tx.now:
        message = f"No upload has the id {shorten(upload_id)!r}, or it expired."
        raise NotFound(message, ("uploadId",), value=shorten(upload_id))
    if await tx.rows(AT_WORK, id=upload_id):
        raise NotPossible(
            "An import that did not end yet reads the file. Cancel it first.", ("uploadId",), value=upload_id
        )
    await tx.run(KEEP, id=upload_id, expires_at=tx.now)
    await tx.run(REMOVE, id=upload_id)
    tx.move_answers()


async def find(database: Database, workspace_id: str, upload_id: str) -> Found | None:
    """A file of this workspace that has not expired."""
    rows = await database.rows(FIND, workspace=workspace_id, id=upload_id)
    return Found(*rows[0]) if rows and rows[0][3] > database.clock() else None


async def latest(database: Database, workspace_id: str) -> str | None:
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


def plain_name(name: str | None) -> str | None:
    """A file's name without any path, as it is kept."""
    plain = re.split(r"[/\\]", name or "")[-1].encode("utf-8", "replace").decode()
    return "".join(c for c in plain if c.isprintable()).strip()[:LONGEST_NAME] or None


def path_of(directory: Path, upload_id: str) -> Path:
    """Where the bytes of a file lie."""
    return directory / upload_id


@contextmanager
def refusing_full_disk() -> Iterator[None]:
    """Makes a refusal of what the system says when there is no room for a file."""
    try:
        yield
    except OSError as fault:
        if fault.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise StorageFull("The disk is full. Nothing was kept; try again later.") from fault
        raise


@contextmanager
def removed_unless_kept(path: Path) -> Iterator[Callable[[object], None]]:
    """Removes a file at the end, unless what it yields was called."""
    kept = False

    def keep(_: object) -> None:
        nonlocal kept
        kept = True

    try:
        yield keep
    finally:
        if not kept:
            path.unlink(missing_ok=True)


async def needed(database: Database, ids: Collection[str]) -> set[str]:
    """Which of these files may not go: those that have not expired, and those of imports at work. For maintenance."""
    rows = await database.rows(NEEDED, ids=listed(sorted(ids)), now=database.clock())
    return {row[0] for row in rows}


async def forget(tx: Transaction) -> None:
    """Removes the rows of expired files that no import speaks of."""
    if await tx.run(FORGET, now=tx.now):
        tx.move_answers()


_u = columns(Upload)
_i = columns(Import)
_of_it: Any = select(literal_column("1")).where(_i.workspace_id == _u.workspace_id, _i.upload_id == _u.id)
FORGET = Statement(
    delete(Upload).where(_u.workspace_id == bindparam("workspace"), _u.expires_at <= bindparam("now"), ~exists(_of_it))
)
NEEDED = Statement(
    lambda dialect: select(_u.id).where(
        _u.id.in_(ids_of(dialect)),
        or_(_u.expires_at > bindparam("now"), exists(_of_it.where(_i.finished_at.is_(None)))),
    )
)
_this = (_u.workspace_id == bindparam("workspace"), _u.id == bindparam("id"))
LATEST = Statement(select(func.max(columns(Upload).id)).where(columns(Upload).workspace_id == bindparam("workspace")))
FIND = Statement(select(_u.id, _u.filename, _u.size_bytes, _u.expires_at).where(*_this))
TAKEN = Statement(
    select(func.count(), func.coalesce(func.sum(_u.size_bytes), literal_column("0"))).where(
        _u.workspace_id == bindparam("workspace"), _u.expires_at > bindparam("now")
    )
)
AT_WORK = Statement(
    select(_i.id).where(
        _i.workspace_id == bindparam("workspace"), _i.upload_id == bindparam("id"), _i.finished_at.is_(None)
    )
)
REMOVE = Statement(delete(Upload).where(*_this, ~exists(_of_it)))
KEEP = Statement(update(Upload).where(*_this).values(expires_at=bindparam("expires_at")))
