"""A copy of the database file, taken while it is written to, and put back."""

import sqlite3
from contextlib import closing
from pathlib import Path

from db.migrating import Behind, current, known

PAGES_AT_A_TIME = -1
"""All in one step: a copy in several begins anew whenever another process writes meanwhile."""


class Unsound(Exception):  # noqa: N818  an answer to the operator
    """A file that cannot be taken for a database; the message says why."""


def backup(database: Path, copy: Path) -> None:
    """Copies the database as its last commit left it; writers go on meanwhile. `copy` appears whole or not at all."""
    if copy.exists():
        raise FileExistsError(17, "There is such a file already", str(copy))
    partial = copy.with_name(copy.name + ".partial")
    partial.unlink(missing_ok=True)
    try:
        with closing(_reading(database)) as source, closing(sqlite3.connect(partial)) as target:
            source.backup(target, pages=PAGES_AT_A_TIME)
            target.execute("PRAGMA journal_mode = DELETE")  # one file, nothing beside it
        require_sound(partial)
        partial.replace(copy)
    finally:
        partial.unlink(missing_ok=True)


def restore(copy: Path, database: Path) -> None:
    """Puts a copy in the database's place. What is there already is refused: an operator moves it away first."""
    for there in (database, database.with_name(database.name + "-wal")):
        if there.exists():
            raise FileExistsError(
                17, "There is a database already; end what uses it and move it away with its -wal", str(there)
            )
    require_sound(copy)
    database.parent.mkdir(parents=True, exist_ok=True)
    backup(copy, database)


def require_sound(path: Path) -> None:
    """Refuses a file that is no database of this program, is damaged, or comes from a newer version."""
    if not path.exists():
        raise FileNotFoundError(2, "There is no such file", str(path))
    try:
        with closing(_reading(path)) as connection:
            told = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            orphan = connection.execute("PRAGMA foreign_key_check").fetchone()
        revision = current(path) if told == "ok" else None
    except sqlite3.DatabaseError as fault:
        raise Unsound(f"{path} cannot be read as a database: {fault}.") from fault
    if told != "ok":
        raise Unsound(f"{path} is damaged: {told}.")
    if orphan is not None:
        raise Unsound(f"{path} is damaged: a row of {orphan[0]} refers to one of {orphan[2]} that is not there.")
    if revision not in known():
        raise Behind(f"{path} is at revision {revision}, which this version does not know. Use a newer version.")


def _reading(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path.as_posix().replace('?', '%3f').replace('#', '%23')}?mode=ro", uri=True)
