"""A PostgreSQL whose log (`pg_wal`) has no room left: the server ends; when it is back, all that was answered is there."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from db.migrating import migrate
from tests.conftest import Template, World, opened
from tests.db.test_postgres_full_disk import mounted
from tests.postgres import QUICK, STARTS_WITHIN_SECONDS, PostgresServer, running
from tests.steps import emails

pytestmark = pytest.mark.postgres

KEPT = (
    *QUICK,
    "synchronous_commit=on",
    "archive_mode=on",
    "archive_command=false",
    "max_wal_size=32MB",
    "restart_after_crash=on",
)
"""Nothing of the log is thrown away before it is archived, and it cannot be."""
MANY = 1_000
UPSERT = "mutation($input: UpsertCustomersInput!) { upsertCustomers(input: $input) { errors { code } } }"


@pytest.fixture
def disk() -> Iterator[Path]:
    with mounted(64) as path:
        yield path


@pytest.fixture
def server(disk: Path) -> Iterator[PostgresServer]:
    """A server whose log lies on the small disk."""
    with running(KEPT) as found:
        found.stop()
        log = found.directory / "data" / "pg_wal"
        shutil.copytree(log, disk / "pg_wal")
        if somebody := found.somebody:
            for path in (disk, disk / "pg_wal", *(disk / "pg_wal").rglob("*")):
                shutil.chown(path, somebody["user"], somebody["group"])
        (disk / "pg_wal").chmod(0o700)
        shutil.rmtree(log)
        log.symlink_to(disk / "pg_wal")
        found.start()
        yield found


@pytest_asyncio.fixture
async def small(server: PostgresServer, tmp_path: Path) -> AsyncIterator[World]:
    name = await server.database()
    await asyncio.to_thread(migrate, server.url(name))
    async with AsyncExitStack() as stack:
        yield await opened(stack, Template(server, name), tmp_path)


async def test_all_that_was_answered_is_there_when_the_log_has_room_again(
    small: World, server: PostgresServer, disk: Path
) -> None:
    admin = await small.key()
    answered, refused = 0, None
    for number in range(100):
        items = [{"email": f"c{number}-{n}@example.com", "title": "x" * 200} for n in range(MANY)]
        answer = await admin.post(UPSERT, {"input": {"matchBy": "EMAIL", "customers": items}})
        if answer.status_code != 200:
            refused = answer
            break
        answered += 1
    assert refused is not None
    assert answered
    assert refused.status_code == 503
    assert refused.json()["errors"][0]["extensions"]["code"] in {"STORAGE_BUSY", "STORAGE_FULL"}
    assert server.process is not None
    # it recovers as from a crash, finds no room for that either, and ends
    await asyncio.to_thread(server.process.wait, STARTS_WITHIN_SECONDS)
    assert (await admin.post("{ customers { totalCount } }")).status_code == 503
    await (await asyncio.create_subprocess_exec("mount", "-o", "remount,size=400m", str(disk))).wait()
    server.start()
    ((kept,),) = await small.rows("SELECT count(*) FROM customer")
    assert kept in {
        MANY * answered,
        MANY * (answered + 1),
    }  # the last one may have been kept before its answer was lost
    unlogged = "SELECT count(*) FROM customer WHERE id NOT IN (SELECT record_id FROM change_record)"
    assert await small.rows(unlogged) == [(0,)]
    await admin.ask(UPSERT, input={"matchBy": "EMAIL", "customers": [{"email": "ann@example.com"}]})
    assert await emails(admin, {"email": {"eq": "ann@example.com"}}) == ["ann@example.com"]
