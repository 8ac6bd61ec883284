"""Which SQLite is used, and how it is set before anything opens a file with it."""

import ctypes
import sys
from typing import Final

try:
    import pysqlite3 as module
    from pysqlite3 import _sqlite3 as bundled
except ImportError:  # no wheel for this machine: Python's own SQLite, with the limits that `rolodesk doctor` tells
    import sqlite3 as module

    bundled = None

__all__ = ["module"]

WITHOUT_STATISTICS: Final = (9, 0)
"""SQLITE_CONFIG_MEMSTATUS, off (https://sqlite.org/c3ref/c_config_covering_index_scan.html)."""


def count_no_memory() -> None:
    """Has the library not count what memory it uses: the count is behind one lock, on which reading threads wait.

    It can be told before it starts only, so it is stopped first. That is for the bundled library alone: Python's own may be in use
    by others already. Whatever it answers, it serves; with the count it is slower, and nothing else.
    """
    if bundled is None or sys.platform != "linux":
        return  # elsewhere a call of any number of arguments is not made as it is here
    functions = ctypes.CDLL(bundled.__file__)
    try:
        stop, configure, start = functions.sqlite3_shutdown, functions.sqlite3_config, functions.sqlite3_initialize
    except AttributeError:
        return  # its functions are not shown
    stop()
    configure(*WITHOUT_STATISTICS)
    start()


count_no_memory()
