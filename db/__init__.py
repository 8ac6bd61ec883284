"""What is kept, and the questions asked of it. Knows no GraphQL and no HTTP."""

import sys

from db.engines.sqlite_library import module

sys.modules["sqlite3"] = module
sys.modules["sqlite3.dbapi2"] = module.dbapi2
