"""Everything by way of PgBouncer in transaction mode, where each transaction may be another server connection's."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import asyncpg
import httpx2
import pytest
import pytest_asyncio

from db.engines.postgres import PostgresDatabase
from db.errors import StorageBusy
from db.migrating import current, migrate, newest
from server.app import application
from server.settings import Settings
from tests.conftest import Client, Template, World
from tests.importing import counts, imported
from tests.pgbouncer import BINARY, CONNECTIONS, pooling, through
from tests.postgres import PostgresServer
from tests.steps import customer, emails

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(BINARY is None, reason="There is no PgBouncer here: apt install pgbouncer"),
]


@pytest.fixture(scope="module")
def pooler(postgres_server: PostgresServer) -> Iterator[int]:
    """The port of a PgBouncer."""
    with pooling(postgres_server) as port:
        yield port


@pytest_asyncio.fixture
async def pooled(world: World, pooler: int) -> AsyncIterator[World]:
    """Another server over the same database, by way of PgBouncer; notices go past it."""
    url = through(str(world.where), pooler)
    settings = Settings(
        database_url=url,
        listen_url=str(world.where),
        data_dir=str(world.directory),
        rate_limit="off",
        answer_cache="off",
    )
    async with AsyncExitStack() as stack:
        app = application(settings, world.clock)
        await stack.enter_async_context(app.router.lifespan_context(app))
        transport = httpx2.ASGITransport(app=app)
        http = await stack.enter_async_context(httpx2.AsyncClient(transport=transport, base_url="http://pooled"))
        yield World(app, http, world.clock, world.directory, world.workspace_id, world.slug, url)


async def test_reads_and_writes_of_many_at_once(pooled: World) -> None:
    admin = await pooled.key()

    async def one(number: int) -> None:
        for part in range(4):
            await customer(admin, f"c{number}-{part}@example.com", firstName=f"No {number}")
            found = await emails(admin, {"email": {"eq": f"c{number}-{part}@example.com"}})
            assert found == [f"c{number}-{part}@example.com"]

    await asyncio.gather(*(one(number) for number in range(4 * CONNECTIONS)))
    assert (await admin.ask("{ customers { totalCount } }"))["customers"]["totalCount"] == 48
    twice = await pooled.rows("SELECT count(*) - count(DISTINCT number) FROM change")
    assert twice == [(0,)]


async def test_what_is_refused_is_undone(pooled: World) -> None:
    admin = await pooled.key()
    text = "mutation($email: EmailAddress!) { createCustomer(input: {email: $email}) { errors { code } } }"
    answers = await asyncio.gather(*(admin.ask(text, email="ann@example.com") for _ in range(10)))
    said = sorted(str(answer["createCustomer"]["errors"]) for answer in answers)
    assert said == ["[]", *["[{'code': 'EMAIL_TAKEN'}]"] * 9]
    assert await emails(admin) == ["ann@example.com"]


async def test_an_import_with_copy(pooled: World) -> None:
    admin = await pooled.key()
    lines = [f"Ann {n},Lee,ann{n}@example.com,Acme {n % 7}" for n in range(300)]
    content = "\n".join(["First name,Last name,Email,Company", *lines])
    found = await imported(pooled, admin, "importCustomers", content)
    assert (found["status"], counts(found)) == ("SUCCEEDED", {"created": 300})
    assert (await admin.ask("{ organizations { totalCount } }"))["organizations"]["totalCount"] == 7


async def test_changes_are_told_past_it(world: World, pooled: World, admin: Client) -> None:
    database = pooled.database
    assert isinstance(database, PostgresDatabase)
    assert database.notices is not None
    heard: asyncio.Queue[str | None] = asyncio.Queue()
    database.notices.follow(heard.put_nowait)
    async with asyncio.timeout(5):
        while not database.notices.connected:  # noqa: ASYNC110  nothing tells of it
            await asyncio.sleep(0.01)
        await customer(await pooled.key(), "ann@example.com")
        while await heard.get() != world.workspace_id:
            pass
    assert await emails(admin) == ["ann@example.com"]


async def test_a_database_is_migrated_through_it_again_and_again(migrated: Template, pooler: int) -> None:
    name = await migrated.server.database()
    url = through(migrated.server.url(name), pooler)
    try:
        for _ in range(3):
            assert await asyncio.to_thread(migrate, url) == newest()
            assert await asyncio.to_thread(current, url) == newest()
    finally:
        connection = await asyncpg.connect(migrated.server.url("postgres"))
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await connection.close()


async def test_says_what_an_address_of_a_pooler_lacks(
    world: World, pooler: int, caplog: pytest.LogCaptureFixture
) -> None:
    url = through(str(world.where), pooler).partition("?")[0]
    database = await PostgresDatabase.open(url, world.clock)
    try:
        with pytest.raises(StorageBusy, match="cannot be reached"):
            await database.read("SELECT 1")
    finally:
        await database.close()
    assert "?prepared_statements=off" in caplog.text


async def test_no_statement_gets_a_name_that_another_connection_would_not_know(pooled: World) -> None:
    admin = await pooled.key()
    for number in range(2 * CONNECTIONS):
        await customer(admin, f"c{number}@example.com")
        assert len(await emails(admin)) == number + 1

    async def named(*_: object) -> list[int]:
        rows = await pooled.database.read("SELECT count(*) FROM pg_prepared_statements, pg_sleep(0.2)")
        return [row[0] for row in rows]

    assert await asyncio.gather(*map(named, range(CONNECTIONS))) == [[0]] * CONNECTIONS
