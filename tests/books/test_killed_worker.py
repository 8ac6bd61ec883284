"""A worker process that is killed in the middle of an address book: the next one goes on, and nothing comes twice."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from db.clock import MINUTE
from tests.books.consenting import CLIENT_ID, CLIENT_SECRET
from tests.books.google import GoogleServer, person
from tests.books.steps import connected, fetched, names, source
from tests.conftest import Client, World
from tests.serving import environment


@pytest.mark.parametrize("page", [1, 3])
async def test_a_killed_worker_is_followed_by_one_that_goes_on(
    books: World, agent: Client, google: GoogleServer, page: int
) -> None:
    google.put(*(person(i, f"p{i}@example.com", name=f"Person {i}") for i in range(8)))
    google.largest_page = 2
    await connected(books, agent, "GOOGLE")
    google.fail(f"pageToken=1-{2 * page}", 0)  # no answer ever comes
    google.asked.clear()
    settings = environment(
        data_dir=str(books.directory),
        database_url=books.where if isinstance(books.where, str) else "",
        google_client_id=CLIENT_ID,
        google_client_secret=CLIENT_SECRET,
        google_endpoints=google.endpoints,
    )
    root = Path(__file__).parents[2]
    child = subprocess.Popen([sys.executable, "-m", "server", "work"], cwd=root, env={**os.environ, **settings})  # noqa: ASYNC220  it is killed below
    try:
        async with asyncio.timeout(30):
            while not google.asked_for(f"pageToken=1-{2 * page}"):  # noqa: ASYNC110  another process asks
                await asyncio.sleep(0.02)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert (await source(agent, "GOOGLE"))["contactCount"] == 2 * page
    books.clock.advance(MINUTE)  # its lease ends
    google.asked.clear()
    await fetched(books, name="next")
    assert await names(agent) == [f"Person {i}" for i in range(8)]
    assert google.asked_for("/connections") == 4 - page
