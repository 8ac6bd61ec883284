"""On PostgreSQL too, migrations and tables are the same; and its looks at keys are looks, however little it knows yet."""

import asyncio

import asyncpg
import pytest
from sqlalchemy import Connection

from db.migrating import connected, url_of
from db.tables import Workspace
from tests.conftest import Template, World

pytestmark = pytest.mark.postgres

DESCRIBED = """
SELECT 'column', table_name::text, column_name || ' ' || data_type || ' ' || is_nullable || ' ' || coalesce(collation_name, '')
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT 'index', tablename::text, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'constraint', conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace
"""


async def described(url: str) -> set[tuple[str, str, str]]:
    connection = await asyncpg.connect(url)
    try:
        found = {tuple(row) for row in await connection.fetch(DESCRIBED)}
    finally:
        await connection.close()
    return {row for row in found if row[1] != "alembic_version"}


def create(connection: Connection) -> None:
    Workspace.metadata.create_all(connection)
    connection.commit()


async def test_migrations_and_tables_are_equal(migrated: Template) -> None:
    name = await migrated.server.database()
    try:
        await asyncio.to_thread(connected, url_of(migrated.server.url(name)), create)
        made, given = await described(migrated.server.url(name)), await described(migrated.server.url(migrated.name))
        assert sorted(given - made) == []
        assert sorted(made - given) == []
        assert len(given) > 400
    finally:
        await migrated.server.drop(name)


@pytest.mark.parametrize("table", ["customer", "organization"])
async def test_a_row_that_refers_to_one_reads_that_alone_before_anything_was_counted(world: World, table: str) -> None:
    connection = await asyncpg.connect(str(world.where))
    try:
        look = f'SELECT 1 FROM ONLY "{table}" x WHERE workspace_id = $1 AND id = $2 FOR KEY SHARE OF x'
        await connection.execute(f"PREPARE look(text, text) AS {look}")
        plan = "\n".join([row[0] for row in await connection.fetch("EXPLAIN EXECUTE look('w', 'c')")])
        assert f"Index Scan using {table}_pkey" in plan
    finally:
        await connection.close()
