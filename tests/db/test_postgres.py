"""What is PostgreSQL's own: a server that comes back, a pool that is used up, works that stand in each other's way."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from db import customers, workspaces
from db.clock import system_clock
from db.copying import copy
from db.engines.opening import open_database
from db.engines.postgres import PostgresDatabase
from db.engines.postgres_server import Address
from db.errors import StorageBusy, TimedOut
from db.migrating import migrate, newest
from db.transaction import Intent, Maintenance, Transaction
from jobs import imports
from tests import sql
from tests.conftest import Client, Template, World
from tests.importing import imported
from tests.steps import customer, emails

pytestmark = pytest.mark.postgres


@pytest_asyncio.fixture
async def second(world: World) -> AsyncIterator[PostgresDatabase]:
    """Another process's database, as it would be behind a pooler."""
    database = await open_database(f"{world.where}?prepared_statements=off", world.clock)
    assert isinstance(database, PostgresDatabase)
    yield database
    await database.close()


async def test_goes_on_after_the_server_was_started_again(migrated: Template, admin: Client) -> None:
    await customer(admin, "ann@example.com")
    migrated.server.stop()
    answer = await admin.post("{ customers { nodes { email } } }")
    assert answer.status_code == 503
    assert answer.json()["errors"][0]["extensions"]["code"] == "STORAGE_BUSY"
    assert answer.headers["retry-after"] == "1"
    ready, alive = await admin.http.get("/readyz"), await admin.http.get("/healthz")
    assert (ready.status_code, ready.json()["status"], alive.status_code) == (503, "unavailable", 200)
    migrated.server.start()
    assert (await admin.http.get("/readyz")).status_code == 200
    assert await emails(admin) == ["ann@example.com"]
    await customer(admin, "bob@example.com")
    assert await emails(admin) == ["ann@example.com", "bob@example.com"]


async def test_a_read_over_a_connection_that_was_cut_is_asked_again(world: World, admin: Client) -> None:
    await customer(admin, "ann@example.com")
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = $1"
    async with AsyncExitStack() as stack:
        other = await open_database(world.where, world.clock)
        stack.push_async_callback(other.close)
        await other.read(cut, (world.where.rpartition("/")[2] if isinstance(world.where, str) else "",))
    assert await emails(admin) == ["ann@example.com"]


async def test_a_commit_whose_answer_was_lost_is_not_told_as_undone(world: World, second: PostgresDatabase) -> None:
    async def work(maintenance: Maintenance) -> None:
        ((mine,),) = await maintenance.connection.rows("SELECT pg_backend_pid()", ())
        assert await second.read("SELECT pg_terminate_backend($1)", (mine,))

    with pytest.raises(StorageBusy, match="so it may have been"):
        await world.database.maintain(work)


async def test_a_read_that_a_deadlock_ended_is_asked_again(world: World, admin: Client) -> None:
    await customer(admin, "ann@example.com")
    other = await asyncpg.connect(str(world.where))
    try:
        await other.execute("SET deadlock_timeout = '20s'")  # so that it is the read that finds the deadlock
        holding = other.transaction()
        await holding.start()
        await other.execute("LOCK TABLE customer IN ACCESS EXCLUSIVE MODE")
        reading = asyncio.create_task(emails(admin))
        while not await other.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await other.execute("LOCK TABLE workspace IN ACCESS EXCLUSIVE MODE")
        await holding.rollback()
        assert await asyncio.wait_for(reading, 5) == ["ann@example.com"]
    finally:
        await other.close()


async def test_refuses_within_five_seconds_where_every_connection_is_taken(world: World) -> None:
    async with AsyncExitStack() as stack:
        small = await PostgresDatabase.open(str(world.where), world.clock, connections=1)
        stack.push_async_callback(small.close)
        holding = asyncio.create_task(small.read("SELECT pg_sleep(7)"))
        await asyncio.sleep(0.2)
        began = time.monotonic()
        with pytest.raises(StorageBusy):
            await small.read("SELECT 1")
        assert 4 < time.monotonic() - began < 6
        await holding
        assert [tuple(row) for row in await small.read("SELECT 1")] == [(1,)]


async def test_a_statement_that_takes_too_long_is_cancelled(world: World) -> None:
    began = time.monotonic()
    with pytest.raises(TimedOut):
        await world.database.read("SELECT pg_sleep(60)")
    assert 9 < time.monotonic() - began < 12


async def test_two_works_that_wait_for_each_other_are_both_done(world: World, second: PostgresDatabase) -> None:
    other = await world.workspace()
    runs: list[str] = []
    lock = "UPDATE workspace SET name = name WHERE workspace_id = $1"

    async def both(database: PostgresDatabase, first: str, then: str) -> None:
        async def work(maintenance: Maintenance) -> None:
            runs.append(first)
            await maintenance.connection.run(lock, (first,))
            await asyncio.sleep(0.3)
            await maintenance.connection.run(lock, (then,))

        await database.maintain(work)

    assert isinstance(world.database, PostgresDatabase)
    await asyncio.gather(both(world.database, world.workspace_id, other), both(second, other, world.workspace_id))
    assert len(runs) == 3


async def test_works_without_prepared_statements(world: World, second: PostgresDatabase) -> None:
    async def work(tx: Transaction) -> int:
        tx.move_answers()
        return tx.now

    for _ in range(3):
        assert await second.write(work, Intent(world.workspace_id, "test"))
    number = "SELECT change_number FROM workspace WHERE workspace_id = $1"
    seen = [tuple(row) for row in await second.read(number, (world.workspace_id,))]
    assert seen == await world.rows("SELECT change_number FROM workspace WHERE workspace_id = ?", (world.workspace_id,))


async def test_processes_that_migrate_at_once_wait_for_each_other(migrated: Template) -> None:
    name = await migrated.server.database()
    url = migrated.server.url(name)
    try:
        script = f"from db.migrating import migrate; print(migrate({url!r}))"
        started = [
            await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE)
            for _ in range(3)
        ]
        told = [(await process.communicate())[0].decode().strip() for process in started]
        assert told == [newest()] * 3
        assert [process.returncode for process in started] == [0] * 3
    finally:
        await migrated.server.drop(name)


@pytest.mark.parametrize("options", ["", "?prepared_statements=off"])
async def test_a_tree_is_planned_as_narrow_however_it_is_reached(world: World, options: str) -> None:
    database = await open_database(f"{world.where}{options}", world.clock)
    text = (
        "SELECT current_setting('recursive_worktable_factor', true), current_setting('server_version_num')::int / 10000"
    )
    try:
        ((factor, version),) = await database.read(text)
        assert factor == ("0.1" if version >= 15 else None)
    finally:
        await database.close()


def test_an_address_is_shown_without_its_password() -> None:
    address = Address("postgresql://me:secret@db.example.com:6432/desk?prepared_statements=off")
    assert address.shown == "postgresql://db.example.com:6432/desk"
    assert address.prepares is False
    assert address.url == "postgresql://me:secret@db.example.com:6432/desk"


async def test_everything_is_copied_from_a_file(migrated: Template, tmp_path: Path) -> None:
    path = tmp_path / "rolodesk.db"
    await asyncio.to_thread(migrate, path)
    async with AsyncExitStack() as stack:
        name = await migrated.server.database(migrated.name)
        stack.push_async_callback(migrated.server.drop, name)
        source = await open_database(path, system_clock)
        stack.push_async_callback(source.close)
        target = await open_database(migrated.server.url(name), system_clock)
        stack.push_async_callback(target.close)
        workspace_id = await workspaces.create(source, "Moving")
        row = {"email": "ann@example.com", "first_name": "Zoë"}
        await source.write(lambda tx: customers.create(tx, row), Intent(workspace_id, "test"))
        assert (await copy(source, target, lambda *_: None)).rows["customer"] == 1
        assert (await copy(source, target, lambda *_: None)).written == 0
        text = "SELECT id, email_key, first_name, created_at FROM customer"
        assert await sql.rows(target, text) == await sql.rows(source, text)


async def test_a_large_import_has_its_tables_counted_for_the_planner(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "LARGE", 50)
    counted = "SELECT relname, reltuples FROM pg_class WHERE relname IN ('customer', 'import_row') ORDER BY relname"
    content = "Email,First name\n" + "".join(f"c{n}@example.com,No {n}\n" for n in range(50))
    await imported(world, admin, "importCustomers", content.replace("@", "-before@", 1).rpartition("c49")[0])
    assert await world.rows(counted) == [("customer", -1), ("import_row", -1)]
    await imported(world, admin, "importCustomers", content)
    assert await world.rows(counted) == [("customer", 51), ("import_row", 99)]
