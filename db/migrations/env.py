"""How Alembic reaches the database and the tables."""

from alembic import context
from sqlalchemy import create_engine
from sqlmodel import SQLModel

from db import tables
from db.migrating import prepare

assert tables.Workspace.metadata is SQLModel.metadata  # noqa: S101  importing the page fills the metadata


def run() -> None:
    engine = create_engine(context.config.get_main_option("sqlalchemy.url") or "")
    with engine.connect() as connection:
        prepare(connection)
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=SQLModel.metadata,
            render_as_batch=True,
            transaction_per_migration=True,
            user_module_prefix="columns.",
            compare_type=False,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
    engine.dispose()


run()
