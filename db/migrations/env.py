"""How Alembic reaches the database and the tables."""

from alembic import context
from sqlalchemy import Connection, func, select, text
from sqlmodel import SQLModel

from db import tables
from db.migrating import LOCK, LONGEST_WAIT_MILLISECONDS, connected, prepare

assert tables.Workspace.metadata is SQLModel.metadata  # noqa: S101  importing the page fills the metadata


def run(connection: Connection) -> None:
    server = connection.dialect.name == "postgresql"
    prepare(connection)
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        render_as_batch=True,
        transaction_per_migration=not server,
        user_module_prefix="columns.",
        compare_type=False,
    )
    with context.begin_transaction():
        if server:
            connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
            connection.execute(text(f"SET LOCAL lock_timeout = {LONGEST_WAIT_MILLISECONDS}"))
        context.run_migrations()
    connection.commit()


connected(context.config.get_main_option("sqlalchemy.url") or "", run)
