"""An import whose worker goes away is gone on with by another: every record once, whatever the moment."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from db.database import Database
from db.errors import RequestRefusal
from db.job_queue import LEASE_MILLISECONDS
from jobs import imports as jobs
from jobs.runner import drain
from tests import sql
from tests.conftest import Client, World
from tests.importing import COUNTS, counts, report, start
from tests.jobs.killing import killed_again_and_again
from tests.mailing import Caught, worker


def people(count: int) -> str:
    """Customers in a few organizations, every tenth row twice, every fiftieth wrong."""
    rows = []
    for n in range(count):
        address = "wrong" if n % 50 == 7 else f"p{n - 1 if n % 10 == 9 else n}@example.com"
        rows.append(f"{address},Given {n},Family {n % 17},Acme {n % 5} / Branch {n % 3},id-{n}\n")
    return "Email,First Name,Last Name,Company,Customer Id\n" + "".join(rows)


async def sound(database: Database, import_id: str, count: int) -> None:
    """The report has each record once and agrees with the counts and with what there is."""
    rows = await sql.rows(
        database, "SELECT record_number, status FROM import_row WHERE import_id = ? ORDER BY 1", (import_id,)
    )
    assert [number for number, _ in rows] == list(range(1, count + 1))
    (kept,) = await sql.rows(database, f"SELECT {', '.join(COUNTS)} FROM import WHERE id = ?", (import_id,))
    statuses = [status.lower() for _, status in rows]
    assert tuple(kept) == tuple(statuses.count(name) for name in COUNTS)
    expected = {n - 1 if n % 10 == 9 else n for n in range(count) if n % 50 != 7}
    found = await sql.rows(database, "SELECT email FROM customer ORDER BY email")
    assert [email for (email,) in found] == sorted(f"p{n}@example.com" for n in expected)
    words = {
        (f"p{n}@example.com", word)
        for n in expected
        for word in ("com", "example", f"p{n}", "given", str(n), "family", str(n % 17), "id")
    }
    kept = await sql.rows(
        database, "SELECT c.email, w.word FROM customer_word w JOIN customer c ON c.id = w.customer_id"
    )
    assert sorted(kept) == sorted(words)
    assert await sql.rows(
        database, "SELECT count(*), count(DISTINCT name_key || coalesce(parent_id, '')) FROM organization"
    ) == [(20, 20)]
    once = "SELECT count(*), count(DISTINCT record_id) FROM change_record WHERE action = 'CREATED' AND record_id LIKE 'cus%'"
    assert await sql.rows(database, once) == [(len(expected), len(expected))]


class Gone(RequestRefusal):
    """Stands for the end of the process: what the transaction wrote is lost, and nobody tries anything else."""


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRST_CHUNK", "LARGEST_CHUNK", "SMALLEST_CHUNK"):
        monkeypatch.setattr(jobs, name, 20)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("dry_run", [False, True])
async def test_another_worker_goes_on_when_a_lease_ends(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch, dry_run: bool
) -> None:
    import_id = await start(admin, "importCustomers", people(200), dryRun=dry_run)
    whole = jobs.Run.chunk
    stuck = asyncio.Event()

    async def chunk(run: jobs.Run, entries: Any, at: int) -> float:
        if at == 100 and run.worker.name == "first":
            stuck.set()
            await asyncio.Event().wait()
        return await whole(run, entries, at)

    monkeypatch.setattr(jobs.Run, "chunk", chunk)
    first = asyncio.create_task(drain(worker(world, Caught(), name="first")))
    await asyncio.wait_for(stuck.wait(), 10)
    assert counts(await report(admin, import_id))["created"] < 100
    await drain(worker(world, Caught(), name="second"))
    assert (await report(admin, import_id))["status"] == "RUNNING"
    world.clock.advance(LEASE_MILLISECONDS + 1)
    await drain(worker(world, Caught(), name="second"))
    found = await report(admin, import_id)
    assert (found["status"], found["counts"]["records"]) == ("SUCCEEDED", 200)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert await report(admin, import_id) == found
    assert await world.rows("SELECT status FROM job") == [("DONE",)]
    if not dry_run:
        await sound(world.database, import_id, 200)
    else:
        assert await world.rows("SELECT count(*) FROM customer") == [(0,)]
        rows = await world.rows("SELECT count(*), count(DISTINCT record_number) FROM import_row")
        assert rows == [(200, 200)]


@pytest.mark.usefixtures("small")
async def test_one_whose_lease_was_taken_over_writes_nothing_more(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = await start(admin, "importCustomers", people(200))
    whole = jobs.Run.chunk

    async def chunk(run: jobs.Run, entries: Any, at: int) -> float:
        if at == 60 and run.worker.name == "slow":
            world.clock.advance(LEASE_MILLISECONDS + 1)
            await drain(worker(world, Caught(), name="quick"))
        return await whole(run, entries, at)

    monkeypatch.setattr(jobs.Run, "chunk", chunk)
    await drain(worker(world, Caught(), name="slow"))
    assert (await report(admin, import_id))["status"] == "SUCCEEDED"
    await sound(world.database, import_id, 200)


@pytest.mark.usefixtures("small")
async def test_a_chunk_that_does_not_commit_leaves_nothing(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process ends within a transaction, again and again, at another chunk each time."""
    import_id = await start(admin, "importCustomers", people(200))
    written = jobs.imports.report
    ends = iter((0, 1, 3, 0, 2))
    left = next(ends)

    async def then_end(*arguments: Any) -> None:
        nonlocal left
        await written(*arguments)
        left -= 1
        if left < 0:
            raise Gone("gone")

    monkeypatch.setattr(jobs.imports, "report", then_end)
    for again in ends:
        job = await worker_takes(world)
        with pytest.raises(Gone):
            await jobs.carry_out(worker(world, Caught()), job)
        left = again
    left = 1_000
    await jobs.carry_out(worker(world, Caught()), await worker_takes(world))
    assert await world.rows("SELECT attempts FROM job") == [(1,)]  # of those since it went on
    assert (await report(admin, import_id))["status"] == "SUCCEEDED"
    await sound(world.database, import_id, 200)


async def worker_takes(world: World) -> Any:
    world.clock.advance(LEASE_MILLISECONDS + 1)
    job = await jobs.job_queue.claim(world.database, "worker", world.clock())
    assert job is not None
    return job


@pytest.mark.long
async def test_goes_on_after_being_killed_at_any_moment(world: World, admin: Client, tmp_path: Path) -> None:
    count = 4_000
    import_id = await start(admin, "importCustomers", people(count))

    async def state() -> tuple[str, str]:
        (row,) = await world.rows("SELECT status, next_record FROM import WHERE id = ?", (import_id,))
        return row[0], str(row[1])

    killed = await killed_again_and_again(world, tmp_path / "child.py", state, {"QUEUED", "RUNNING"}, most=20)
    assert killed > 5
    found = await report(admin, import_id)
    assert (found["status"], found["counts"]["records"]) == ("SUCCEEDED", count)
    await sound(world.database, import_id, count)
    if world.database.dialect.name == "sqlite":
        assert await world.rows("PRAGMA integrity_check") == [("ok",)]
