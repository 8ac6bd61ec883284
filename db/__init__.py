"""What is kept, and the questions asked of it. Knows no GraphQL and no HTTP."""

import sys

try:
    import pysqlite3 as _sqlite
except (
    ImportError
):  # no wheel for this machine: Python's own SQLite serves, with the limits that `rolodesk doctor` tells
    import sqlite3 as _sqlite

sys.modules["sqlite3"] = _sqlite
sys.modules["sqlite3.dbapi2"] = _sqlite.dbapi2
