"""The write-ahead log: put into the file by who writes, between two transactions, when nobody waits for an answer."""

import logging
import sqlite3
from collections.abc import Callable
from time import monotonic
from typing import Final

from db.engines.sqlite_connections import FIRST_SOUND_VERSION, library_version

log = logging.getLogger("rolodesk.database")

LARGE: Final = 8_000
"""From so many pages on (32 MB) what is not in the file yet is put there, at most once in a while."""
LARGEST: Final = 32_000
"""From so many pages on it is put there at once. A page that several commits touched goes into the file once."""
A_WHILE: Final = 1.0
"""Seconds; who writes much in them is not held up again."""


class Log:
    """The log, as the one connection of a process that writes sees it."""

    def __init__(self, connection: sqlite3.Connection, seconds: Callable[[], float] = monotonic) -> None:
        self._connection = connection
        self._seconds = seconds
        self._done_at = -A_WHILE
        self._tells = library_version() >= FIRST_SOUND_VERSION
        if self._tells:  # an older library cannot say how long its log is: there the commits go on putting it back
            connection.execute("PRAGMA wal_autocheckpoint = 0")

    def is_due(self) -> bool:
        """Whether so much of it is not in the file that it should be."""
        if not self._tells:
            return False
        try:
            _, pages, in_file = self._connection.execute("PRAGMA wal_checkpoint(NOOP)").fetchone()
        except sqlite3.Error:
            return False  # somebody has the file to himself
        left = pages - in_file
        return left >= LARGEST or (left >= LARGE and self._seconds() - self._done_at >= A_WHILE)

    def put_back(self, connection: sqlite3.Connection) -> None:
        """Puts into the file what no reader needs where it is. Other processes go on reading and writing meanwhile."""
        try:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except sqlite3.Error as error:  # a full disk: what is in the log is kept, and tried again later
            log.warning("the write-ahead log is not put into the file: %s", error)
        self._done_at = self._seconds()
