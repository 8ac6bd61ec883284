"""Reads from a server that follows: it answers where it has everything, and nobody is shown what is older."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import asyncpg
import httpx2
import pytest
import pytest_asyncio

from db.engines import replica as replicas
from db.engines.postgres import PostgresDatabase
from db.engines.replica import Replica
from server.app import application
from server.commands.doctor import asked
from server.settings import Settings
from tests.conftest import Client, World
from tests.postgres import PostgresServer, running
from tests.steps import customer, emails, well

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def follower(postgres_server: PostgresServer) -> Iterator[PostgresServer]:
    """A server that follows the tests' one."""
    with running(follows=postgres_server) as server:
        yield server


@dataclass
class Reading:
    """A second process that reads from the follower, of the same workspace as `world`."""

    world: World
    admin: Client
    replica: Replica
    follower: PostgresServer
    name: str

    async def ask_follower(self, text: str) -> object:
        connection = await asyncpg.connect(self.follower.url(self.name))
        try:
            return await connection.fetchval(text)
        finally:
            await connection.close()

    async def caught_up(self) -> None:
        """Returns when the follower has all that is written."""
        ((number,),) = await self.world.rows("SELECT change_number FROM workspace")
        ends = time.monotonic() + 20
        while time.monotonic() < ends:
            try:
                if await self.ask_follower("SELECT max(change_number) FROM workspace") == number:
                    return
            except asyncpg.PostgresError:  # the database itself has not arrived
                pass
            await asyncio.sleep(0.05)
        raise AssertionError("The follower does not catch up.")

    async def stop_replay(self) -> None:
        """What is written from now on does not arrive until `go_on`."""
        await self.caught_up()
        await self.ask_follower("SELECT pg_wal_replay_pause()")
        for _ in range(500):
            if await self.ask_follower("SELECT pg_get_wal_replay_pause_state()") == "paused":
                return
            await asyncio.sleep(0.01)
        raise AssertionError("The follower does not pause.")

    async def go_on(self) -> None:
        await self.ask_follower("SELECT pg_wal_replay_resume()")
        await self.caught_up()


@pytest_asyncio.fixture
async def reading(world: World, follower: PostgresServer) -> AsyncIterator[Reading]:
    assert isinstance(world.where, str)
    name = world.where.rpartition("/")[2]
    settings = Settings(
        database_url=world.where,
        replica_url=follower.url(name),
        data_dir=str(world.directory),
        rate_limit="off",
    )
    async with AsyncExitStack() as stack:
        app = application(settings, world.clock)
        await stack.enter_async_context(app.router.lifespan_context(app))
        transport = httpx2.ASGITransport(app=app)
        http = await stack.enter_async_context(httpx2.AsyncClient(transport=transport, base_url="http://second"))
        database = app.state.process.database
        assert isinstance(database, PostgresDatabase)
        assert database.replica is not None
        admin = Client(http, (await world.key()).token)
        found = Reading(world, admin, database.replica, follower, name)
        await found.caught_up()
        try:
            yield found
        finally:
            if follower.running:
                await found.ask_follower("SELECT pg_wal_replay_resume()")


async def test_the_follower_answers_what_it_has(reading: Reading) -> None:
    await customer(reading.admin, "ann@example.com")
    await reading.caught_up()
    assert await emails(reading.admin) == ["ann@example.com"]
    assert (reading.replica.answered, reading.replica.behind) == (1, 0)
    assert await emails(reading.admin) == ["ann@example.com"]  # kept, and it still holds: nobody else is asked
    assert (reading.replica.answered, reading.replica.behind) == (1, 0)
    assert (await reading.admin.ask("{ customers { totalCount } }"))["customers"]["totalCount"] == 1
    assert (reading.replica.answered, reading.replica.behind) == (2, 0)


async def test_whoever_wrote_reads_it_while_the_follower_is_behind(reading: Reading) -> None:
    await customer(reading.admin, "ann@example.com")
    await reading.stop_replay()
    await customer(reading.admin, "bob@example.com")
    assert await emails(reading.admin) == ["ann@example.com", "bob@example.com"]
    assert (reading.replica.answered, reading.replica.behind) == (0, 1)
    await reading.go_on()
    assert (await reading.admin.ask("{ customers { totalCount } }"))["customers"]["totalCount"] == 2
    assert reading.replica.answered == 1


async def test_what_another_process_wrote_is_read_while_the_follower_is_behind(reading: Reading) -> None:
    elsewhere = await reading.world.key()
    await reading.stop_replay()
    await customer(elsewhere, "ann@example.com")
    assert await emails(reading.admin) == ["ann@example.com"]
    assert reading.replica.behind == 1


async def test_a_kept_answer_and_its_tag_are_not_taken_for_new_while_the_follower_is_behind(reading: Reading) -> None:
    text = "{ customers { nodes { email } } }"
    await customer(reading.admin, "ann@example.com")
    await reading.caught_up()
    first = await reading.admin.post(text)
    tagged = Client(reading.admin.http, reading.admin.token, {"if-none-match": first.headers["etag"]})
    assert (await tagged.post(text)).status_code == 304
    await reading.stop_replay()
    await customer(await reading.world.key(), "bob@example.com")
    second = await tagged.post(text)
    assert second.status_code == 200
    assert second.json()["data"]["customers"]["nodes"] == [{"email": "ann@example.com"}, {"email": "bob@example.com"}]


async def test_a_revoked_key_stays_revoked_where_the_follower_does_not_know_it_yet(reading: Reading) -> None:
    owner = await reading.world.user("OWNER")
    made = await well(owner, "createApiKey", "apiKey { id } key", name="partner", scopes=["CUSTOMERS_READ"])
    partner = Client(reading.admin.http, made["key"])
    await reading.stop_replay()
    assert await emails(partner) == []
    assert reading.replica.answered == 1
    await well(owner, "revokeApiKey", "apiKey { id }", apiKeyId=made["apiKey"]["id"])
    assert (await partner.refused("{ customers { nodes { email } } }"))["extensions"]["code"] == "UNAUTHENTICATED"
    assert (await partner.refused("{ customers { totalCount } }"))["extensions"]["code"] == "UNAUTHENTICATED"


async def test_reads_go_on_without_the_follower_and_return_to_it(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replicas, "AWAY_SECONDS", (0.5, 0.5))
    await customer(reading.admin, "ann@example.com")
    await reading.caught_up()
    assert await emails(reading.admin) == ["ann@example.com"]
    reading.follower.stop()
    try:
        began = time.monotonic()
        assert (await reading.admin.ask("{ customers { totalCount } }"))["customers"]["totalCount"] == 1
        assert time.monotonic() - began < 2
        assert not reading.replica.willing
        assert await emails(reading.admin) == [
            "ann@example.com"
        ]  # kept; it is compared with the first server's numbers
        await customer(reading.admin, "bob@example.com")
        assert await emails(reading.admin) == ["ann@example.com", "bob@example.com"]
    finally:
        reading.follower.start()
    await reading.caught_up()
    await asyncio.sleep(0.6)
    assert (await reading.admin.ask("{ customers { nodes { version } } }"))["customers"]["nodes"] == [
        {"version": 1},
        {"version": 1},
    ]
    assert reading.replica.answered == 2


async def test_what_a_client_asks_too_much_of_does_not_end_the_followers_part(reading: Reading, world: World) -> None:
    await reading.caught_up()
    slow = (
        "SELECT workspace.access_number, workspace.change_number, pg_sleep(60) FROM workspace WHERE workspace_id = $1"
    )
    database = await PostgresDatabase.open(
        str(world.where), world.clock, replica_url=f"{reading.follower.url(reading.name)}"
    )
    assert database.replica is not None
    try:
        with pytest.raises(replicas.TimedOut):
            await database.read_current(world.workspace_id, slow, (world.workspace_id,))
        assert database.replica.willing
    finally:
        await database.close()


async def test_the_doctor_looks_at_the_follower(reading: Reading) -> None:
    settings = Settings(database_url=str(reading.world.where), replica_url=reading.follower.url(reading.name))
    (found,) = [one for one in await asked(settings) if one.what == "replica"]
    assert (found.state, found.said) == ("ok", f"postgresql://127.0.0.1:{reading.follower.port}/{reading.name} answers")
    itself = Settings(database_url=settings.database_url, replica_url=settings.database_url)
    (found,) = [one for one in await asked(itself) if one.what == "replica"]
    assert (found.state, found.said.partition(" ")[2]) == ("note", "answers, and follows no other server")
    gone = Settings(database_url=settings.database_url, replica_url="postgresql://me:secret@127.0.0.1:1/none")
    (found,) = [one for one in await asked(gone) if one.what == "replica"]
    assert found.state == "wrong"
    assert found.said.startswith("postgresql://127.0.0.1:1/none cannot be reached: ")
