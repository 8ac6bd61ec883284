"""How the tables are spread over a cluster, told to functions that stand in for Citus's and keep what they were told.

Citus itself was not at hand: that its own functions take these statements is not shown here.
"""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio
from alembic import command
from sqlalchemy import Connection
from sqlmodel import SQLModel

from db.engines.distributing import ON_THE_COORDINATOR, WHOLE, distributable, distribute
from db.migrating import configuration, connected, migrate, newest, url_of
from tests.conftest import Template

pytestmark = pytest.mark.postgres

STANDS_IN = """
CREATE TABLE pg_dist_partition (logicalrelid regclass);
CREATE TABLE told (number serial, what text, mode text, rows int, keys int);
CREATE FUNCTION create_reference_table(one regclass) RETURNS void LANGUAGE sql AS $$
  INSERT INTO pg_dist_partition VALUES (one);
  INSERT INTO told (what, mode) VALUES (one::text, current_setting('citus.multi_shard_modify_mode')) $$;
CREATE FUNCTION create_distributed_table(
  one regclass, by_column text, how text DEFAULT 'hash', colocate_with text DEFAULT 'default'
) RETURNS void LANGUAGE plpgsql AS $$
  DECLARE had int;
  BEGIN
    INSERT INTO pg_dist_partition VALUES (one);
    EXECUTE format('SELECT count(*) FROM %s', one) INTO had;
    INSERT INTO told (what, mode, rows, keys) VALUES (
      format('%s by %s (%s) with %s', one, by_column, how, colocate_with),
      current_setting('citus.multi_shard_modify_mode'),
      had,
      (SELECT count(*) FROM pg_constraint WHERE conrelid = one AND contype = 'f'));
  END $$;
INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
  VALUES (99999, 'citus', 10, 'public'::regnamespace, false, '13.0');
"""

WORDS = """
WITH one AS (
  INSERT INTO workspace (workspace_id, slug, name, change_number, access_number, ticket_number, changed_at, created_at,
    invitation_days, language) VALUES ('w', 'mill', 'Mill', 0, 0, 0, 1, 1, 14, 'en')),
two AS (
  INSERT INTO customer (workspace_id, id, version, created_at, updated_at, email, email_key, first_name_key, last_name_key,
    name_key) VALUES ('w', 'c', 1, 1, 1, 'ann@example.com', 'ann@example.com', 'ann', 'lee', 'ann lee'))
INSERT INTO customer_word (workspace_id, customer_id, word) VALUES ('w', 'c', 'ann')
"""
"""A customer and a word of its, as of before words had an order."""


@pytest_asyncio.fixture
async def cluster(migrated: Template) -> AsyncIterator[str]:
    """The address of an empty database in which something stands in for Citus."""
    name = await migrated.server.database()
    url = migrated.server.url(name)
    await run(url, STANDS_IN)
    yield url
    await migrated.server.drop(name)


async def run(url: str, text: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url)
    try:
        if text is STANDS_IN:
            await connection.execute(text)
            return []
        return [tuple(row) for row in await connection.fetch(text)]
    finally:
        await connection.close()


def placed(connection: Connection) -> None:
    distribute(connection)
    connection.commit()


TOLD = "SELECT what FROM told ORDER BY number"


async def test_migrating_places_every_table_once(cluster: str) -> None:
    assert await asyncio.to_thread(migrate, cluster) == newest()
    told = [what for (what,) in await run(cluster, TOLD)]
    first, *others = distributable()
    assert told == [
        "workspace",
        f"{first} by workspace_id (hash) with default",
        *(f'{shown(name)} by workspace_id (hash) with "{first}"' for name in others),
    ]
    assert await run(cluster, "SELECT DISTINCT mode FROM told") == [("sequential",)]
    assert await asyncio.to_thread(migrate, cluster) == newest()
    assert len(await run(cluster, TOLD)) == len(told)


def shown(name: str) -> str:
    """A table's name as PostgreSQL prints it: one is a word of SQL."""
    return f'"{name}"' if name == "user" else name


async def test_a_table_that_came_later_is_placed_beside_the_others(cluster: str) -> None:
    await asyncio.to_thread(migrate, cluster)
    await run(cluster, "DELETE FROM pg_dist_partition WHERE logicalrelid = 'ticket'::regclass")
    await run(cluster, "DELETE FROM told")
    await asyncio.to_thread(migrate, cluster)
    assert await run(cluster, TOLD) == [(f'ticket by workspace_id (hash) with "{distributable()[0]}"',)]


async def test_a_table_that_a_migration_makes_anew_is_placed_before_it_is_filled(cluster: str) -> None:
    await asyncio.to_thread(command.upgrade, configuration(cluster), "0007")
    await asyncio.to_thread(connected, url_of(cluster), placed)
    await run(cluster, WORDS)
    await run(cluster, "DELETE FROM told")
    assert await asyncio.to_thread(migrate, cluster) == newest()
    assert await run(cluster, TOLD) == [(f'customer_word by workspace_id (hash) with "{distributable()[0]}"',)]
    assert await run(cluster, "SELECT mode, rows, keys FROM told") == [("sequential", 0, 0)]
    assert await run(cluster, "SELECT * FROM customer_word") == [("w", "c", "ann", "ann lee")]
    name = "SELECT conname FROM pg_constraint WHERE conrelid = 'customer_word'::regclass AND contype = 'f'"
    assert await run(cluster, name) == [("fk_customer_customer_id",)]


async def test_without_the_extension_nothing_is_placed(cluster: str) -> None:
    await run(cluster, "DELETE FROM pg_extension WHERE extname = 'citus'")
    await asyncio.to_thread(migrate, cluster)
    assert await run(cluster, TOLD) == []


def test_every_table_is_placed_after_those_that_it_refers_to() -> None:
    names = distributable()
    assert len(names) == len(set(names))
    assert {*names, WHOLE, *ON_THE_COORDINATOR} == set(SQLModel.metadata.tables)
    for name in names:
        table = SQLModel.metadata.tables[name]
        referred = {key.column.table.name for key in table.foreign_keys} - {name, WHOLE}
        assert all(names.index(other) < names.index(name) for other in referred), name
        assert not referred & ON_THE_COORDINATOR
        assert "workspace_id" in table.primary_key.columns
