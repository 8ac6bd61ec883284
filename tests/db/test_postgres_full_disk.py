"""A PostgreSQL whose disk is full: what is refused and how, what goes on, and that all of it goes on when there is room."""

import os
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from db.clock import HOUR
from jobs.runner import drain
from server.app import application
from server.settings import Settings
from tests.conftest import Clock, Template, World
from tests.importing import counts, report, start
from tests.mailing import Caught, worker
from tests.steps import customer, emails

pytestmark = pytest.mark.postgres

MEGABYTES = 40
WHY = "A small file system cannot be mounted here (that takes root, and a container that may)."
UPSERT = "mutation($input: UpsertCustomersInput!) { upsertCustomers(input: $input) { errors { code } } }"


@contextmanager
def mounted(megabytes: int) -> Iterator[Path]:
    """A small disk."""
    with tempfile.TemporaryDirectory(prefix="rolodesk-disk-") as name:
        Path(name).chmod(0o755)
        how = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", name]
        try:
            done = os.getuid() == 0 and subprocess.run(how, check=False, capture_output=True).returncode == 0
        except FileNotFoundError:
            done = False
        if not done:
            pytest.skip(WHY)
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", "--lazy", name], check=True)


@pytest.fixture(scope="module")
def disk(migrated: Template) -> Iterator[Path]:
    """A small disk that PostgreSQL may write to."""
    with mounted(MEGABYTES) as path:
        space = path / "space"
        space.mkdir()
        somebody = migrated.server.somebody
        os.chown(space, somebody["user"], somebody["group"])
        yield space


@pytest_asyncio.fixture
async def small(world: World, migrated: Template, disk: Path, tmp_path: Path) -> AsyncIterator[World]:
    """A server whose tables lie on the small disk."""
    server, name = migrated.server, "on_a_small_disk"
    async with AsyncExitStack() as stack:
        await server.run(f"CREATE TABLESPACE small LOCATION '{disk}'")
        stack.push_async_callback(server.run, "DROP TABLESPACE small")
        await server.run(f"CREATE DATABASE {name} TEMPLATE {migrated.name} TABLESPACE small")
        stack.push_async_callback(server.drop, name)
        clock = Clock()
        settings = Settings(database_url=server.url(name), data_dir=str(tmp_path / "small"), rate_limit="off")
        app = application(settings, clock)
        await stack.enter_async_context(app.router.lifespan_context(app))
        transport = httpx2.ASGITransport(app=app)
        http = await stack.enter_async_context(httpx2.AsyncClient(transport=transport, base_url="http://small"))
        found = World(app, http, clock, tmp_path / "small", slug=world.slug, where=server.url(name))
        found.workspace_id = await found.workspace("Small")
        yield found


class Ballast:
    """What takes the rest of a disk, until it is thrown off."""

    def __init__(self, disk: Path) -> None:
        self._file = disk.parent / "ballast"

    def fill(self) -> None:
        with self._file.open("wb", buffering=0) as file, suppress(OSError):  # there is no space left
            while True:
                file.write(bytes(4096))

    def throw_off(self) -> None:
        self._file.unlink(missing_ok=True)


@pytest.fixture
def ballast(disk: Path) -> Iterator[Ballast]:
    found = Ballast(disk)
    yield found
    found.throw_off()


async def test_writes_are_refused_reads_go_on_and_everything_does_when_there_is_room(
    small: World, ballast: Ballast
) -> None:
    admin = await small.key()
    await customer(admin, "ann@example.com")
    ballast.fill()
    items = [{"email": f"c{n}@example.com", "title": "x" * 200} for n in range(1_000)]
    given = {"input": {"matchBy": "EMAIL", "customers": items}}
    answer = await admin.post(UPSERT, given)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert answer.json()["errors"][0]["extensions"] == {"code": "STORAGE_FULL", "retryAfterSeconds": 30}
    assert await emails(admin) == ["ann@example.com"]
    assert await unlogged(small) == 0
    ballast.throw_off()
    assert (await admin.ask(UPSERT, **given))["upsertCustomers"]["errors"] == []
    assert (await admin.ask("{ customers { totalCount } }"))["customers"]["totalCount"] == 1_001
    assert await unlogged(small) == 0


async def test_an_import_goes_on_when_there_is_room(small: World, ballast: Ballast) -> None:
    admin = await small.key()
    content = "Email,First name\n" + "".join(f"c{n}@example.com,{'x' * 90}\n" for n in range(1_500))
    import_id = await start(admin, "importCustomers", content)
    ballast.fill()
    await drain(worker(small, Caught()))
    during = await report(admin, import_id)
    assert during["status"] in {"QUEUED", "RUNNING"}
    assert during["counts"]["created"] < 1_500
    ballast.throw_off()
    small.clock.advance(HOUR)
    await drain(worker(small, Caught()))
    after = await report(admin, import_id)
    assert (after["status"], counts(after)) == ("SUCCEEDED", {"created": 1_500})
    assert (await admin.ask("{ customers { totalCount } }"))["customers"]["totalCount"] == 1_500
    assert await unlogged(small) == 0


async def unlogged(small: World) -> int:
    """Customers that are there without their change: halves of a write."""
    ((found,),) = await small.rows(
        "SELECT count(*) FROM customer WHERE id NOT IN (SELECT record_id FROM change_record)"
    )
    return int(found)
