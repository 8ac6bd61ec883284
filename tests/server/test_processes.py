"""Several servers and workers over one database, ended and killed at any moment: nothing answered is lost."""

import asyncio
import os
import random
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, ExitStack, closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import asyncpg
import httpx2
import pytest
import pytest_asyncio

from tests.postgres import PostgresServer
from tests.serving import Asking, Serving, command

CREATE = (
    "mutation($email: EmailAddress!) { createCustomer(input: {email: $email}) { customer { id } errors { code } } }"
)
EMAILS = "SELECT email FROM customer"
UNLOGGED = "SELECT count(*) FROM customer WHERE id NOT IN (SELECT record_id FROM change_record)"
COUNT = "{ customers { totalCount } }"
WRITERS = 8
KILLS = int(os.environ.get("KILLS", "50"))


@dataclass
class Desk:
    """A database with one workspace, and a client that asks in it."""

    directory: Path
    ask: Asking
    settings: Mapping[str, str] = field(default_factory=dict)
    """Where the database is, if it is no file in the directory."""
    answered: set[str] = field(default_factory=set)
    """The addresses of customers whose creation was answered."""
    numbers: "count[int]" = field(default_factory=count)

    async def write(self, urls: list[str], until: asyncio.Event) -> None:
        """Creates one customer after the other until it is told to stop, at another server each time."""
        while not until.is_set():
            number = next(self.numbers)
            email = f"c{number}@example.com"
            said = await self.ask(urls[number % len(urls)], CREATE, email=email)
            if said is None:
                await asyncio.sleep(0.02)  # it is down for the moment
            elif not said["createCustomer"]["errors"]:
                self.answered.add(email)

    def serving(self, *arguments: str, **settings: str) -> Serving:
        return Serving(self.directory, arguments, {**self.settings, **settings})

    async def kept(self) -> set[str]:
        """The addresses in the database, which is sound, and whose every customer has its change."""
        if url := self.settings.get("database_url"):
            server = await asyncpg.connect(url)
            try:
                assert await server.fetchval(UNLOGGED) == 0
                return {email for (email,) in await server.fetch(EMAILS)}
            finally:
                await server.close()
        with closing(sqlite3.connect(self.directory / "rolodesk.db")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert connection.execute("PRAGMA foreign_key_check").fetchone() is None
            assert connection.execute(UNLOGGED).fetchone() == (0,)
            return {email for (email,) in connection.execute(EMAILS)}


@pytest_asyncio.fixture
async def desk(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    async with AsyncExitStack() as stack:
        settings = {}
        if request.config.getoption("--engine") == "postgres":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            name = await server.database()
            stack.push_async_callback(server.drop, name)
            await server.run(f"ALTER DATABASE {name} SET synchronous_commit = on")  # what is answered outlasts a crash
            settings["database_url"] = server.url(name)
        data = {"data_dir": str(tmp_path), **settings}
        command("migrate", **data)
        workspace = command("workspace", "create", "Test", **data)
        key = command("key", "create", "--workspace", workspace, "--scopes", "admin", **data)
        http = await stack.enter_async_context(httpx2.AsyncClient(timeout=30))
        yield Desk(tmp_path, Asking(key, http), settings)


async def test_two_servers_with_their_workers_are_killed_in_turn(desk: Desk) -> None:
    """Each is started again; the other goes on meanwhile, and both answer alike in the end."""
    with ExitStack() as stack:
        servers = [stack.enter_context(desk.serving()) for _ in range(2)]
        urls, until = [server.url for server in servers], asyncio.Event()
        writers = [asyncio.create_task(desk.write(urls, until)) for _ in range(WRITERS)]
        for server in servers:
            await asyncio.sleep(0.5)
            (worker,) = server.children()
            os.kill(worker, signal.SIGKILL)
            before = len(desk.answered)
            await asyncio.to_thread(server.kill)
            await asyncio.sleep(0.5)
            assert len(desk.answered) > before  # the other one answers
            assert await asyncio.to_thread(server.start) < 10
        until.set()
        await asyncio.gather(*writers)
        counts = [await desk.ask(url, COUNT) for url in urls]
    assert desk.answered <= await desk.kept()
    assert counts == [{"customers": {"totalCount": len(await desk.kept())}}] * 2


async def test_a_server_of_several_processes_lets_running_requests_finish(desk: Desk) -> None:
    """SIGTERM while eight write: every request that was taken is answered, and every process is gone."""
    with desk.serving("--workers", "2") as server:
        children = server.children()
        assert len(children) >= 3
        until = asyncio.Event()
        writers = [asyncio.create_task(desk.write([server.url], until)) for _ in range(WRITERS)]
        await asyncio.sleep(1)
        ended = await asyncio.to_thread(server.stop)
        until.set()
        await asyncio.gather(*writers)
    assert ended == 0
    assert desk.answered
    assert desk.answered == await desk.kept()
    assert not any(alive(pid) for pid in children)


async def test_figures_of_all_processes_are_shown_by_any(desk: Desk) -> None:
    token = "a-token-for-prometheus"
    with desk.serving("--workers", "2", metrics_token=token) as server:
        for _ in range(20):  # each on a connection of its own, so that both processes answer some
            async with httpx2.AsyncClient() as http:
                await Asking(desk.ask.key, http)(server.url, COUNT)
        async with httpx2.AsyncClient() as http:
            text = (await http.get(f"{server.url}/metrics", headers={"authorization": f"Bearer {token}"})).text
    assert 'rolodesk_request_seconds_count{operation_type="query",status="200"} 20.0' in text


@pytest.mark.long
async def test_every_answered_write_outlasts_kills_at_random_moments(desk: Desk) -> None:
    chance, slowest = random.Random(11), 0.0
    server = desk.serving()
    until = asyncio.Event()
    server.start()
    writers = [asyncio.create_task(desk.write([server.url], until)) for _ in range(WRITERS)]
    try:
        for number in range(KILLS):
            await asyncio.sleep(0.05 + chance.random() * 0.4)
            await asyncio.to_thread(server.kill)
            if number % 10 == 0:
                assert desk.answered <= await desk.kept()
            slowest = max(slowest, await asyncio.to_thread(server.start))
    finally:
        until.set()
        await asyncio.gather(*writers)
        await asyncio.to_thread(server.stop)
    assert desk.answered <= await desk.kept()
    assert len(await desk.kept() - desk.answered) <= KILLS * WRITERS  # what was written as the server died
    assert len(desk.answered) > KILLS
    assert slowest < 5


@pytest.mark.postgres
async def test_every_answered_write_outlasts_a_crash_of_the_database(
    desk: Desk, postgres_server: PostgresServer
) -> None:
    """Eight write through two servers; PostgreSQL ends three times without a checkpoint and recovers."""
    with ExitStack() as stack:
        urls = [stack.enter_context(desk.serving()).url for _ in range(2)]
        until = asyncio.Event()
        writers = [asyncio.create_task(desk.write(urls, until)) for _ in range(WRITERS)]
        for _ in range(3):
            await asyncio.sleep(0.7)
            await asyncio.to_thread(postgres_server.stop, signal.SIGQUIT)
            answered = set(desk.answered)
            await asyncio.to_thread(postgres_server.start)
            assert answered <= await desk.kept()
            await asyncio.sleep(1)
            assert len(desk.answered) > len(answered)  # connected again
        until.set()
        await asyncio.gather(*writers)
        counts = [await desk.ask(url, COUNT) for url in urls]
    assert desk.answered <= await desk.kept()
    assert counts == [{"customers": {"totalCount": len(await desk.kept())}}] * 2


def alive(pid: int) -> bool:
    """Whether there is such a process in two seconds still."""
    for _ in range(40):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.05)
    return True
