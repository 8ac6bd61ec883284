"""Migrations: bringing a database in step with the tables, and telling whether it is."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine

from db import planning

SCRIPTS = Path(__file__).parent / "migrations"


class Behind(Exception):  # noqa: N818  an answer to the operator
    """The database is not in step with this version; the message says what to run."""


def configuration(path: Path) -> Config:
    """Alembic's configuration for the database in a file."""
    config = Config()
    config.set_main_option("script_location", SCRIPTS.as_posix())
    config.set_main_option("sqlalchemy.url", f"sqlite:///{path.as_posix()}".replace("%", "%%"))
    return config


def migrate(path: Path) -> str:
    """Creates or upgrades the database; answers the revision it has then. Safe to run again after an interruption."""
    path.parent.mkdir(parents=True, exist_ok=True)
    command.upgrade(configuration(path), "head")
    with closing(sqlite3.connect(path)) as connection:
        planning.tell(connection)
    return newest()


def newest() -> str:
    """The revision that this version's tables have."""
    return ScriptDirectory(SCRIPTS.as_posix()).get_current_head() or ""


def known() -> set[str]:
    """Every revision that this version can bring in step."""
    return {script.revision for script in ScriptDirectory(SCRIPTS.as_posix()).walk_revisions()}


def current(path: Path) -> str | None:
    """The revision a database has; None for one that was never migrated."""
    if not path.exists():
        return None
    engine = create_engine(f"sqlite:///{path.as_posix()}")
    with engine.connect() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
    engine.dispose()
    return revision


def require_current(path: Path) -> None:
    """Refuses a database that is behind its migrations, or ahead of this version."""
    has, wants = current(path), newest()
    if has == wants:
        return
    if has is None:
        raise Behind(f"The database {path} has no tables yet. Run: rolodesk migrate")
    if has not in known():
        raise Behind(
            f"The database {path} is at revision {has}, which this version does not know. Run a newer version."
        )
    raise Behind(f"The database {path} is at revision {has}; this version needs {wants}. Run: rolodesk migrate")


def draft(message: str) -> Path:
    """Writes a migration from what the tables have and the migrations do not; answers its file."""
    number = f"{int(newest() or 0) + 1:04}"
    with TemporaryDirectory() as directory:
        path = Path(directory) / "migrated.db"
        migrate(path)
        command.revision(configuration(path), message, autogenerate=True, rev_id=number)
    name = re.sub(r"[^a-z0-9]+", "_", message.lower()).strip("_")
    drafted, wanted = next((SCRIPTS / "versions").glob(f"{number}_*.py")), SCRIPTS / "versions" / f"{number}_{name}.py"
    return drafted.rename(wanted)


def prepare(connection: Connection) -> None:
    """Foreign keys are off while tables are copied and renamed, on this connection only."""
    connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
