"""Migrations: bringing a database in step with the tables, and telling whether it is."""

import asyncio
import logging
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeVar
from uuid import uuid4

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, create_engine, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from db.engines import planning
from db.engines.distributing import distribute
from db.engines.opening import Where, shown
from db.engines.postgres_server import Address

Result = TypeVar("Result")
log = logging.getLogger("rolodesk.migrating")
UNNAMED = {"statement_cache_size": 0, "prepared_statement_name_func": lambda: f"rolodesk_{uuid4().hex}"}
"""No statement's name is met again: behind a pooler a connection to the server may still have another's of that name."""
LOCK: Final = 0x526F6C6F6465736B
"""Held while a PostgreSQL database is brought in step: a second process waits, and then finds nothing left to do."""
LONGEST_WAIT_MILLISECONDS: Final = 2_000
"""How long a migration waits for a table that is in use: whoever comes after it waits that long too, and not five seconds."""
IN_USE: Final = (asyncpg.LockNotAvailableError.sqlstate, asyncpg.DeadlockDetectedError.sqlstate)
ATTEMPTS: Final = 60
SCRIPTS = Path(__file__).parent / "migrations"


class Behind(Exception):  # noqa: N818  an answer to the operator
    """The database is not in step with this version; the message says what to run."""


def url_of(where: Where) -> str:
    """The database's URL as SQLAlchemy has it."""
    if isinstance(where, Path):
        return f"sqlite:///{where.as_posix()}"
    return f"postgresql+asyncpg://{Address(where).url.partition('://')[2]}"


def configuration(where: Where) -> Config:
    """Alembic's configuration for a database."""
    config = Config()
    config.set_main_option("script_location", SCRIPTS.as_posix())
    config.set_main_option("sqlalchemy.url", url_of(where).replace("%", "%%"))
    return config


def migrate(where: Where) -> str:
    """Creates or upgrades the database; answers the revision it has then. Safe to run again after an interruption."""
    if isinstance(where, Path):
        where.parent.mkdir(parents=True, exist_ok=True)
    _require_known(where, current(where))
    with _reached(where):
        _upgrade(where)
        if not isinstance(where, Path):
            connected(url_of(where), _distributed)
    if isinstance(where, Path):
        with closing(sqlite3.connect(where)) as connection:
            planning.tell(connection)
    return newest()


def _upgrade(where: Where) -> None:
    """Runs what is missing; begins anew after a moment where a table was in use for too long, so that others get to it."""
    for attempt in range(ATTEMPTS):
        try:
            command.upgrade(configuration(where), "head")
        except DBAPIError as fault:
            if getattr(fault.orig, "sqlstate", None) not in IN_USE:
                raise
            log.info("A table is in use; the migration begins anew (%d of %d).", attempt + 1, ATTEMPTS)
            time.sleep(1)
        else:
            return
    raise Behind(f"Tables of {shown(where)} are in use all the time. Nothing was changed; run rolodesk migrate again.")


def _distributed(connection: Connection) -> None:
    """Spreads the tables over a cluster, where this is one; processes that do so at once wait for each other."""
    connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
    distribute(connection)
    connection.commit()


@contextmanager
def _reached(where: Where) -> Iterator[None]:
    """Tells an operator in one line that the server of a database is not there."""
    try:
        yield
    except (OSError, asyncpg.PostgresError) as fault:
        if isinstance(where, Path):
            raise
        raise Behind(f"The database {shown(where)} cannot be reached: {fault}") from fault


def connected(url: str, function: Callable[[Connection], Result]) -> Result:
    """Runs a function with a connection of any engine."""
    if url.startswith("sqlite"):
        engine = create_engine(url)
        try:
            with engine.connect() as connection:
                return function(connection)
        finally:
            engine.dispose()

    async def whole() -> Result:
        server = create_async_engine(url, poolclass=NullPool, connect_args=UNNAMED)
        async with server.connect() as connection:
            return await connection.run_sync(function)

    with ThreadPoolExecutor(1) as aside:  # there may be an event loop in this thread
        return aside.submit(asyncio.run, whole()).result()


def newest() -> str:
    """The revision that this version's tables have."""
    return ScriptDirectory(SCRIPTS.as_posix()).get_current_head() or ""


def known() -> set[str]:
    """Every revision that this version can bring in step."""
    return {script.revision for script in ScriptDirectory(SCRIPTS.as_posix()).walk_revisions()}


def current(where: Where) -> str | None:
    """The revision a database has; None for one that was never migrated."""
    if isinstance(where, Path) and not where.exists():
        return None
    with _reached(where):
        return connected(url_of(where), lambda c: MigrationContext.configure(c).get_current_revision())


def require_current(where: Where) -> None:
    """Refuses a database that is behind its migrations, or ahead of this version."""
    has, wants = current(where), newest()
    if has == wants:
        return
    if has is None:
        raise Behind(f"The database {shown(where)} has no tables yet. Run: rolodesk migrate")
    _require_known(where, has)
    raise Behind(f"The database {shown(where)} is at revision {has}; this version needs {wants}. Run: rolodesk migrate")


def _require_known(where: Where, has: str | None) -> None:
    """Refuses a database that a newer version brought in step."""
    if has is not None and has not in known():
        raise Behind(
            f"The database {shown(where)} is at revision {has}, which this version does not know. Run a newer version."
        )


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
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
