"""What every test starts from: a migrated database of its own, a server over it, and clients that ask as somebody."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from starlette.applications import Starlette

from db import api_keys, sessions, users, workspaces
from db.clock import system_clock
from db.database import Database
from db.migrating import migrate
from db.transaction import Intent, Transaction
from server.app import application
from server.demo.loading import find as find_demo
from server.demo.loading import load as load_demo
from server.settings import Settings
from tests import sql


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


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database without any rows, migrated once."""
    path = tmp_path_factory.mktemp("migrated") / "empty.db"
    migrate(path)
    return path


@pytest_asyncio.fixture
async def world(migrated: Path, tmp_path: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        yield await opened(stack, migrated, tmp_path)


async def opened(stack: AsyncExitStack, migrated: Path, directory: Path, **settings: Any) -> World:
    """A server over a fresh database, with one workspace."""
    shutil.copy(migrated, directory / "rolodesk.db")
    clock = Clock()
    app = application(Settings(**{"data_dir": str(directory), "rate_limit": "off", **settings}), clock)
    await stack.enter_async_context(app.router.lifespan_context(app))
    transport = httpx2.ASGITransport(app=app)
    http = await stack.enter_async_context(httpx2.AsyncClient(transport=transport, base_url="http://testserver"))
    world = World(app, http, clock, directory)
    world.workspace_id = await workspaces.create(world.database, "Test")
    world.slug = "test"
    return world


@pytest_asyncio.fixture
async def admin(world: World) -> Client:
    """A client with an API key that may do everything."""
    return await world.key()


@pytest.fixture(scope="session")
def demo_file(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the demo workspace, loaded once."""
    path = tmp_path_factory.mktemp("demo") / "rolodesk.db"
    shutil.copy(migrated, path)
    asyncio.run(load_demo(path, Settings().secrets[0], path.parent / "uploads"))
    return path


@pytest_asyncio.fixture
async def demo(demo_file: Path, tmp_path: Path) -> AsyncIterator[World]:
    """A server over a copy of the demo workspace."""
    async with AsyncExitStack() as stack:
        shutil.copytree(demo_file.parent / "uploads", tmp_path / "uploads")
        world = await opened(stack, demo_file, tmp_path)
        found = await find_demo(world.database, Settings().secrets)
        assert found is not None
        world.workspace_id, world.slug = found.workspace_id, "demo"
        yield world
