"""Connections to a file: how each is set, and what its errors stand for."""

import sqlite3
from pathlib import Path

from db.errors import LimitExceeded, StorageBusy, StorageFull, TimedOut, Unique

BUSY_MILLISECONDS = 5_000
LONGEST_SECONDS = 10
FIRST_SOUND_VERSION = (3, 51, 3)
"""Before it, several connections that write and checkpoint at once can, very rarely, corrupt a WAL database."""

PRAGMAS = (
    ("journal_mode", "WAL"),  # readers see the last commit and never wait for the writer
    ("foreign_keys", "ON"),  # off by default in SQLite
    ("busy_timeout", str(BUSY_MILLISECONDS)),  # another process writes: wait, then refuse
    ("synchronous", "FULL"),  # an answered write survives a power cut
    ("mmap_size", "0"),  # an I/O error stays an error instead of a signal
    ("cache_size", "-65536"),  # 64 MiB for each connection
    ("temp_store", "MEMORY"),  # sorting needs no temporary file
    ("wal_autocheckpoint", "8000"),  # pages (32 MB): one that several commits touched goes into the file once
)

LARGE_CACHE = "-131072"
"""Pages of 128 MiB, for who writes much: at a million customers, new ones touch more than fit into half of it."""

LITTLE_CACHE = "-8192"
"""Pages of 8 MiB, for connections that read little: most of what is read, the first reader reads."""

LIMITS = (
    "parser stack overflow",
    "Expression tree is too large",
    "too many arguments on function",
    "too many SQL variables",
    "too many columns",
    "at most 64 tables in a join",
    "statement too long",
    "string or blob too big",
)
"""How SQLite says that a statement is beyond what it was built for; its own parser nests less deep than newer ones."""


def library_version() -> tuple[int, ...]:
    """The version of the SQLite library in use."""
    return tuple(int(part) for part in sqlite3.sqlite_version.split("."))


def translated(error: sqlite3.Error) -> Exception:
    """The refusal that an engine's error stands for, or the error itself where it is a defect of ours."""
    text = str(error)
    if isinstance(error, sqlite3.IntegrityError) and text.startswith("UNIQUE constraint failed: "):
        return Unique(text.removeprefix("UNIQUE constraint failed: "))
    if "locked" in text or "busy" in text:
        return StorageBusy("The database is held by another process. Nothing was written; try again in a second.")
    if "full" in text or "disk I/O error" in text:
        return StorageFull("The disk is full or cannot be written. Nothing was written; reads go on.")
    if "interrupted" in text:
        return TimedOut(
            f"The operation took longer than {LONGEST_SECONDS} seconds and was cancelled. Nothing was written."
        )
    if any(limit in text for limit in LIMITS):
        return LimitExceeded(
            "The query is larger than this server's SQLite can take. Ask for fewer levels or fields at a time."
        )
    return error


def connected(path: Path, *, read_only: bool) -> sqlite3.Connection:
    uri = f"file:{path.as_posix().replace('?', '%3f').replace('#', '%23')}?mode={'ro' if read_only else 'rwc'}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, cached_statements=512, check_same_thread=False)


def reading(path: Path, *, little: bool = False, waits: bool = True) -> sqlite3.Connection:
    """A connection that reads; with `little` memory for pages, which the system keeps as well."""
    connection = connected(path, read_only=True)
    own = {"busy_timeout": "0"} if not waits else {}
    own |= {"cache_size": LITTLE_CACHE} if little else {}
    for name, value in ({**dict(PRAGMAS), **own, "query_only": "ON"}).items():
        if name != "journal_mode":
            connection.execute(f"PRAGMA {name} = {value}")
    return connection
