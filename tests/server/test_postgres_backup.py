"""What docs/operations.md says about keeping a PostgreSQL database safe: dumped, put back, and followed by another server."""

import asyncio
import subprocess
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import httpx2
import pytest

from db.clock import system_clock
from db.copying import copy
from db.engines.opening import open_database
from db.migrating import migrate, newest, require_current
from server.app import application
from server.settings import Settings
from tests import steps
from tests.conftest import Client, Template, World
from tests.postgres import PostgresServer, binaries, running

pytestmark = pytest.mark.postgres

HALVES = "SELECT count(*) FROM customer WHERE id NOT IN (SELECT record_id FROM change_record)"


def dump(url: str, file: Path) -> None:
    subprocess.run([binaries() / "pg_dump", "--format=custom", f"--file={file}", url], check=True, capture_output=True)


def put_back(file: Path, url: str) -> None:
    command = [
        binaries() / "pg_restore",
        "--exit-on-error",
        "--single-transaction",
        "--no-owner",
        f"--dbname={url}",
        file,
    ]
    subprocess.run(command, check=True, capture_output=True)


async def differences(one: str, other: str) -> int:
    """Rows that the second database lacks; refused where counts or checksums differ otherwise."""
    async with AsyncExitStack() as stack:
        source, target = await open_database(one, system_clock), await open_database(other, system_clock)
        stack.push_async_callback(source.close)
        stack.push_async_callback(target.close)
        return (await copy(source, target)).written


async def number(url: str, text: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval(text))
    finally:
        await connection.close()


async def test_what_is_put_back_is_what_was_there(
    world: World, admin: Client, migrated: Template, tmp_path: Path
) -> None:
    for position in range(20):
        await steps.customer(admin, f"c{position}@example.com")
    dump(str(world.where), tmp_path / "rolodesk.dump")
    async with AsyncExitStack() as stack:
        name = await migrated.server.database()
        stack.push_async_callback(migrated.server.drop, name)
        url = migrated.server.url(name)
        put_back(tmp_path / "rolodesk.dump", url)
        assert await asyncio.to_thread(migrate, url) == newest()
        await asyncio.to_thread(require_current, url)
        assert await differences(str(world.where), url) == 0
        app = application(Settings(database_url=url, data_dir=str(tmp_path), rate_limit="off"), world.clock)
        await stack.enter_async_context(app.router.lifespan_context(app))
        transport = httpx2.ASGITransport(app=app)
        http = await stack.enter_async_context(httpx2.AsyncClient(transport=transport, base_url="http://restored"))
        client = Client(http, admin.token)  # keys stay valid
        assert len(await steps.emails(client)) == 20
        await steps.customer(client, "new@example.com")


async def test_writers_go_on_and_a_dump_holds_whole_changes(
    world: World, admin: Client, migrated: Template, tmp_path: Path
) -> None:
    async def writing() -> None:
        for position in range(100):
            await steps.customer(admin, f"w{position}@example.com")

    writers = asyncio.create_task(writing())
    for position in range(2):
        await asyncio.to_thread(dump, str(world.where), tmp_path / f"{position}.dump")
    await writers
    for position in range(2):
        name = await migrated.server.database()
        try:
            put_back(tmp_path / f"{position}.dump", migrated.server.url(name))
            assert await number(migrated.server.url(name), HALVES) == 0
        finally:
            await migrated.server.drop(name)
    assert await number(str(world.where), "SELECT count(*) FROM customer") == 100


async def test_a_follower_that_is_promoted_holds_everything_and_takes_writes(
    world: World, admin: Client, postgres_server: PostgresServer
) -> None:
    for position in range(20):
        await steps.customer(admin, f"c{position}@example.com")
    name = str(world.where).rpartition("/")[2]
    with running(follows=postgres_server) as follower:
        url = follower.url(name)
        assert await number(url, "SELECT pg_is_in_recovery()::int") == 1
        await number(url, "SELECT pg_promote()::int")
        assert await number(url, "SELECT pg_is_in_recovery()::int") == 0
        assert await differences(str(world.where), url) == 0
        async with AsyncExitStack() as stack:
            settings = Settings(database_url=url, data_dir=str(world.directory), rate_limit="off")
            app = application(settings, world.clock)
            await stack.enter_async_context(app.router.lifespan_context(app))
            transport = httpx2.ASGITransport(app=app)
            http = await stack.enter_async_context(httpx2.AsyncClient(transport=transport, base_url="http://promoted"))
            client = Client(http, admin.token)
            await steps.customer(client, "new@example.com")
            assert len(await steps.emails(client)) == 21
    assert await number(str(world.where), "SELECT count(*) FROM customer") == 20
