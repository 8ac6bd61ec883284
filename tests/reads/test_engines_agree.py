"""The same rows on SQLite and on PostgreSQL: whatever is asked, both answer the same, cursors, orders and refusals too."""

import json
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from db.copying import copy
from db.engines.opening import open_database
from db.migrating import migrate
from server.app import application
from server.settings import Settings
from tests.conftest import Client, Template
from tests.reads.test_reference import Seeded, prepared

pytestmark = [pytest.mark.postgres, pytest.mark.asyncio(loop_scope="module")]

MANY = int(os.environ.get("GENERATED_QUERIES", "10000"))


@dataclass
class Both:
    """A seeded world on PostgreSQL, and the client of a server over a copy of it in a file."""

    seeded: Seeded
    file: httpx2.AsyncClient

    async def compare(self, number: int) -> str:
        """Asks both a generated query; what it came to. Answers are compared with the order of their keys."""
        client, _, query = self.seeded.generated(number)
        given = (await client.post(query.text, query.variables)).content
        other = (await Client(self.file, client.token).post(query.text, query.variables)).content
        assert told(given) == told(other), f"query {number}:\n{query.text}\n{query.variables}"
        if b'"errors"' in given:
            return "refused"
        return "cursors" if b"Cursor" in given or b'"cursor"' in given else "answered"


def told(answer: bytes) -> str:
    """An answer without spaces between its parts, and without what a request is called."""
    found: dict[str, Any] = json.loads(answer)
    return json.dumps(found, ensure_ascii=False)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(migrated: Template, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Both]:
    directory = tmp_path_factory.mktemp("both")
    path: Path = directory / "rolodesk.db"
    migrate(path)
    async with AsyncExitStack() as stack:
        seeded = await prepared(stack, migrated, directory)  # type: ignore[arg-type]  # a template, on this engine
        file = await open_database(path, seeded.world.clock)
        await copy(seeded.world.database, file)
        await file.close()
        app = application(Settings(data_dir=str(directory), rate_limit="off"), seeded.world.clock)
        await stack.enter_async_context(app.router.lifespan_context(app))
        transport = httpx2.ASGITransport(app=app)
        http = await stack.enter_async_context(httpx2.AsyncClient(transport=transport, base_url="http://file"))
        yield Both(seeded, http)


async def agreement(both: Both, numbers: range) -> None:
    found = Counter([await both.compare(number) for number in numbers])
    assert found["cursors"] > len(numbers) / 20, found
    assert found["answered"] > len(numbers) / 4, found


async def test_three_hundred_generated_queries_are_answered_alike(both: Both) -> None:
    await agreement(both, range(20_000, 20_300))


@pytest.mark.long
async def test_ten_thousand_generated_queries_are_answered_alike(both: Both) -> None:
    await agreement(both, range(20_300, 20_300 + MANY))
