"""What every test starts from: a migrated database of its own, a server over it, and clients that ask as somebody."""

import asyncio
import gc
import os
import re
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest
import pytest_asyncio
from starlette.applications import Starlette

from db import api_keys, sessions, users, workspaces
from db.clock import system_clock
from db.database import Database
from db.engines.opening import Where
from db.errors import MEANINGS
from db.migrating import migrate
from db.transaction import Intent, Transaction
from server.app import application
from server.demo.loading import find as find_demo
from server.demo.loading import load as load_demo
from server.settings import Settings
from tests import sql
from tests.postgres import PostgresServer, running


class Clock:
    """A clock that a test can set. It runs as the system's does until then."""

    def __init__(self) -> None:
        self.offset = 0

    def __call__(self) -> int:
        return system_clock() + self.offset

    def advance(self, milliseconds: int) -> None:
        self.offset += milliseconds


@dataclass
class Client:
    """Asks over HTTP as somebody."""

    http: httpx2.AsyncClient
    token: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    async def post(self, text: str, variables: dict[str, Any] | None = None, **more: Any) -> httpx2.Response:
        headers = dict(self.headers)
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        return await self.http.post(
            "/graphql", json={"query": text, "variables": variables or {}, **more}, headers=headers
        )

    async def ask(self, text: str, **variables: Any) -> dict[str, Any]:
        """The answer's data; fails if there are top-level errors."""
        answer = (await self.post(text, variables)).json()
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    async def refused(self, text: str, **variables: Any) -> dict[str, Any]:
        """The first top-level error."""
        answer = (await self.post(text, variables)).json()
        assert "errors" in answer, answer
        return answer["errors"][0]


@dataclass
class World:
    """A running server, one workspace in it, and somebody for each role."""

    app: Starlette
    http: httpx2.AsyncClient
    clock: Clock
    directory: Path
    workspace_id: str = ""
    slug: str = ""
    where: Where = ""

    @property
    def database(self) -> Database:
        return self.app.state.process.database

    def client(self, token: str | None) -> Client:
        return Client(self.http, token)

    async def write(self, work: Callable[[Transaction], Any], workspace_id: str | None = None) -> Any:
        return await self.database.write(work, Intent(workspace_id or self.workspace_id, "test"))

    async def rows(self, text: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """What a test's own statement reads; `?` stands for a parameter."""
        return await sql.rows(self.database, text, parameters)

    async def run(self, text: str, parameters: Sequence[Any] = ()) -> None:
        """Changes rows behind the back of the log."""
        await sql.run(self.database, text, parameters)

    async def key(self, *scopes: str, workspace_id: str | None = None) -> Client:
        """A client with a new API key."""
        _, key = await self.write(lambda tx: api_keys.create(tx, "test", scopes or ("ADMIN",)), workspace_id)
        return self.client(key)

    async def user(self, role: str, email: str | None = None) -> Client:
        """A client with the session of a new user."""

        async def work(tx: Transaction) -> str:
            user_id = await users.create(tx, email or f"{role.lower()}@staff.example.com", role.title(), role)
            return await sessions.open_(tx, user_id)

        return self.client(await self.write(work))

    async def customer_session(self, customer_id: str) -> Client:
        """A client with a session of this customer."""
        return self.client(await self.write(lambda tx: sessions.open_(tx, customer_id)))

    async def workspace(self, name: str = "Other") -> str:
        """Another workspace."""
        return await workspaces.create(self.database, name)


ANSWERED: set[str] = set()
"""The error codes that were answered to a request in this run."""


async def note(response: httpx2.Response) -> None:
    """Keeps the codes of an answer in JSON."""
    if "json" in response.headers.get("content-type", ""):
        await response.aread()
        ANSWERED.update(code.decode() for code in re.findall(rb'"code":\s?"([A-Z_]+)"', response.content))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """A whole run on SQLite has every error code answered to a request, or fails."""
    config = session.config
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS and not (
        config.option.keyword or config.option.collectonly
    )
    if exitstatus == 0 and whole and config.getoption("--engine") == "sqlite" and config.option.markexpr != "long":
        missing = sorted(set(MEANINGS) - ANSWERED)
        if missing:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
            config.get_terminal_writer().line(f"\nNo test has these codes answered to a request: {', '.join(missing)}")


class Template(NamedTuple):
    """A database of a PostgreSQL server that each test has a copy of."""

    server: PostgresServer
    name: str


Origin = Path | Template
"""What each test's database is a copy of: a file, or a PostgreSQL database."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--engine", choices=("sqlite", "postgres"), default=os.environ.get("ENGINE", "sqlite"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is about the other engine's own ways is left out."""
    other = "sqlite" if config.getoption("--engine") == "postgres" else "postgres"
    left_out = [item for item in items if item.get_closest_marker(other)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker(other)]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server of the tests' own."""
    with running() as server:
        yield server


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Origin:
    """A database without any rows, migrated once."""
    if request.config.getoption("--engine") == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        name = asyncio.run(server.database())
        migrate(server.url(name))
        return Template(server, name)
    path = tmp_path_factory.mktemp("migrated") / "empty.db"
    migrate(path)
    return path


@pytest_asyncio.fixture
async def world(migrated: Origin, tmp_path: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        yield await opened(stack, migrated, tmp_path)


async def copied(stack: AsyncExitStack, origin: Origin, directory: Path) -> dict[str, Any]:
    """The settings of a copy of this database, which goes when the stack is left."""
    if isinstance(origin, Path):
        shutil.copy(origin, directory / "rolodesk.db")
        return {"data_dir": str(directory)}
    name = await origin.server.database(origin.name)
    stack.push_async_callback(origin.server.drop, name)
    return {"data_dir": str(directory), "database_url": origin.server.url(name)}


def at(where: Where) -> str:
    """The setting that says where a database is."""
    return f"sqlite:///{where}" if isinstance(where, Path) else where


async def opened(stack: AsyncExitStack, migrated: Origin, directory: Path, **settings: Any) -> World:
    """A server over a fresh database, with one workspace."""
    here = await copied(stack, migrated, directory)
    clock = Clock()
    chosen = Settings(**{**here, "rate_limit": "off", **settings})
    app = application(chosen, clock)
    await stack.enter_async_context(app.router.lifespan_context(app))
    transport = httpx2.ASGITransport(app=app)
    http = await stack.enter_async_context(
        httpx2.AsyncClient(transport=transport, base_url="http://testserver", event_hooks={"response": [note]})
    )
    world = World(app, http, clock, directory)
    world.workspace_id = await workspaces.create(world.database, "Test")
    world.slug = "test"
    world.where = chosen.database
    return world


@pytest_asyncio.fixture
async def admin(world: World) -> Client:
    """A client with an API key that may do everything."""
    return await world.key()


@pytest.fixture(scope="session")
def demo_uploads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demo's files lie."""
    return tmp_path_factory.mktemp("demo") / "uploads"


@pytest.fixture(scope="session")
def demo_file(migrated: Origin, demo_uploads: Path) -> Origin:
    """A database with the demo workspace, loaded once."""
    secret = Settings().secrets[0]
    if isinstance(migrated, Path):
        path = demo_uploads.parent / "rolodesk.db"
        shutil.copy(migrated, path)
        asyncio.run(load_demo(path, secret, demo_uploads))
        return path
    name = asyncio.run(migrated.server.database(migrated.name))
    asyncio.run(load_demo(migrated.server.url(name), secret, demo_uploads))
    return migrated._replace(name=name)


@pytest_asyncio.fixture
async def demo(demo_file: Origin, demo_uploads: Path, tmp_path: Path) -> AsyncIterator[World]:
    """A server over a copy of the demo workspace."""
    async with AsyncExitStack() as stack:
        shutil.copytree(demo_uploads, tmp_path / "uploads")
        world = await opened(stack, demo_file, tmp_path)
        found = await find_demo(world.database, Settings().secrets)
        assert found is not None
        world.workspace_id, world.slug = found.workspace_id, "demo"
        yield world


@pytest.fixture
def settled_heap() -> Iterator[None]:
    """What the tests before left in memory is collected once and then left alone: its sweep is nobody's time."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest_asyncio.fixture
async def limited(migrated: Origin, tmp_path: Path) -> AsyncIterator[World]:
    """A server that gives everybody 10 points a second, 100 at once. For its limits time stands still."""
    async with AsyncExitStack() as stack:
        world = await opened(stack, migrated, tmp_path, rate_limit="10")
        started = world.clock()
        world.app.state.graphql._limit.clock = lambda: started + world.clock.offset  # noqa: SLF001
        yield world
