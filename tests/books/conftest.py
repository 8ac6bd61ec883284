"""Providers on loopback, and worlds whose settings lead to them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.books.google import GoogleServer
from tests.books.microsoft import MicrosoftServer
from tests.books.serving import serving
from tests.books.steps import configured, world_of
from tests.conftest import Client, World


@pytest_asyncio.fixture
async def google() -> AsyncIterator[GoogleServer]:
    async with serving(GoogleServer()) as server:
        assert isinstance(server, GoogleServer)
        yield server


@pytest_asyncio.fixture
async def microsoft() -> AsyncIterator[MicrosoftServer]:
    async with serving(MicrosoftServer(account="ann@contoso.example")) as server:
        assert isinstance(server, MicrosoftServer)
        yield server


@pytest_asyncio.fixture
async def books(
    migrated: Path, tmp_path: Path, google: GoogleServer, microsoft: MicrosoftServer
) -> AsyncIterator[World]:
    """A server whose settings lead to both."""
    settings = {**configured("GOOGLE", google), **configured("MICROSOFT", microsoft)}
    async with world_of(migrated, tmp_path, cors_origins="https://desk.example.com", **settings) as world:
        yield world


@pytest_asyncio.fixture
async def agent(books: World) -> Client:
    return await books.user("AGENT")
