"""The SQLite that is used, and how it is set."""

import ctypes
import sqlite3
import sys

import pytest

from db.engines import sqlite_library

pytestmark = [
    pytest.mark.sqlite,
    pytest.mark.skipif(
        sqlite_library.bundled is None or sys.platform != "linux", reason="Python's own SQLite is left as it is"
    ),
]


def test_memory_is_not_counted_behind_a_lock() -> None:
    used = ctypes.CDLL(sqlite_library.bundled.__file__).sqlite3_memory_used
    used.restype = ctypes.c_int64
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE word AS SELECT 'a'")
    assert used() == 0
    connection.close()
