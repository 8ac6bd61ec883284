"""Imports while others write: two of the same people at once, what they name archived meanwhile, a cancel in the middle."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from db import imports as stored
from db.transaction import Intent
from jobs import imports as jobs
from jobs.runner import drain
from server.app import application
from server.settings import Settings
from tests.conftest import Client, Origin, World, at, opened
from tests.importing import counts, issues, report, start, upload
from tests.jobs.killing import begin
from tests.mailing import Caught, worker
from tests.steps import emails, organization, well


def people(count: int, phone: str) -> str:
    rows = (f"p{n}@example.com,{phone},Acme {n % 7} / Branch {n % 3},id-{n}\n" for n in range(count))
    return "Email,Phone,Company,Customer Id\n" + "".join(rows)


@pytest_asyncio.fixture
async def two(migrated: Origin, tmp_path: Path) -> AsyncIterator[tuple[World, Client, Any]]:
    """A server, its client, and the database once more, over connections of its own."""
    async with AsyncExitStack() as stack:
        world = await opened(stack, migrated, tmp_path)
        second = application(
            Settings(data_dir=str(tmp_path), rate_limit="off", database_url=at(world.where)), world.clock
        )
        await stack.enter_async_context(second.router.lifespan_context(second))
        yield world, await world.key(), second.state.process.database


async def agree(world: World, admin: Client, ids: list[str], count: int) -> None:
    """Every person is there once, made by one of the imports and met by the others; so is every organization."""
    found = [await report(admin, one) for one in ids]
    assert [one["status"] for one in found] == ["SUCCEEDED"] * len(ids)
    assert [one["counts"]["records"] for one in found] == [count] * len(ids)
    assert [one["counts"]["refused"] for one in found] == [0] * len(ids)
    assert sum(one["counts"]["created"] for one in found) == count
    people_there = await world.rows(
        "SELECT count(*), count(DISTINCT email_key) FROM customer WHERE archived_at IS NULL"
    )
    assert people_there == [(count, count)]
    places = "SELECT count(*), count(DISTINCT name_key || coalesce(parent_id, '')) FROM organization WHERE archived_at IS NULL"
    assert await world.rows(places) == [(28, 28)]
    created = "SELECT count(*), count(DISTINCT record_id) FROM change_record WHERE action = 'CREATED' AND record_id LIKE 'cus%'"
    assert await world.rows(created) == [(count, count)]


async def test_two_imports_of_the_same_people_at_once_make_each_once(
    two: tuple[World, Client, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, admin, database = two
    for name in ("FIRST_CHUNK", "LARGEST_CHUNK", "SMALLEST_CHUNK"):
        monkeypatch.setattr(jobs, name, 20)
    ids = [await start(admin, "importCustomers", people(400, phone)) for phone in ("1", "2")]
    both = asyncio.Barrier(2)
    took: set[str] = set()
    whole = jobs.Run.chunk

    async def chunk(run: jobs.Run, entries: Any, place: int) -> float:
        if run.worker.name not in took:
            took.add(run.worker.name)
            async with asyncio.timeout(30):
                await both.wait()  # each has one, at its first row
        return await whole(run, entries, place)

    monkeypatch.setattr(jobs.Run, "chunk", chunk)
    await asyncio.gather(
        drain(worker(world, Caught(), name="one")), drain(worker(world, Caught(), name="other", database=database))
    )
    assert took == {"one", "other"}
    await agree(world, admin, ids, 400)


@pytest.mark.long
async def test_two_processes_import_the_same_people_at_once(world: World, admin: Client, tmp_path: Path) -> None:
    ids = [await start(admin, "importCustomers", people(2_000, phone)) for phone in ("1", "2", "3")]
    workers = [begin(world, tmp_path / "child.py", f"worker {n}") for n in range(2)]
    deadline = time.monotonic() + 120
    try:
        while await world.rows("SELECT count(*) FROM import WHERE status IN ('QUEUED', 'RUNNING')") != [(0,)]:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.2)
    finally:
        for one in workers:
            one.kill()
            one.wait()
    await agree(world, admin, ids, 2_000)


def archive_acme_meanwhile(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch, contents: str, after: int = 4
) -> None:
    """Has imports take two rows at a time, and Acme archived after so many."""
    for name in ("FIRST_CHUNK", "LARGEST_CHUNK", "SMALLEST_CHUNK"):
        monkeypatch.setattr(jobs, name, 2)
    whole = jobs.Run.chunk

    async def chunk(run: jobs.Run, entries: Any, place: int) -> float:
        if place == after:
            ((acme,),) = await world.rows("SELECT id FROM organization WHERE name = 'Acme'")
            await well(admin, "archiveOrganization", organizationId=acme, contents=contents)
        return await whole(run, entries, place)

    monkeypatch.setattr(jobs.Run, "chunk", chunk)


async def test_an_organization_that_is_archived_meanwhile_is_made_anew(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive_acme_meanwhile(world, admin, monkeypatch, "MOVE_UP")
    text = "Email,Company\n" + "".join(f"p{n}@example.com,Acme\n" for n in range(8))
    import_id = await start(admin, "importCustomers", text)
    await drain(worker(world, Caught()))
    found = await report(admin, import_id)
    assert (found["status"], counts(found)) == ("SUCCEEDED", {"created": 8, "warnings": 8})
    there = await admin.ask(
        "{ organizations { nodes { name customers { totalCount } } } customers { totalCount } "
        "free: customers(filter: {unassigned: true}) { totalCount } }"
    )
    assert there == {
        "organizations": {"nodes": [{"name": "Acme", "customers": {"totalCount": 4}}]},
        "customers": {"totalCount": 8},
        "free": {"totalCount": 4},
    }
    await well(admin, "undoImport", "import { status }", importId=import_id)
    await drain(worker(world, Caught()))
    assert await emails(admin, {"unassigned": True}) == [f"p{n}@example.com" for n in range(4)]  # moved by hand since
    assert (await admin.ask("{ organizations { totalCount } }"))["organizations"]["totalCount"] == 0


async def test_the_organization_that_was_asked_for_is_archived_meanwhile(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who comes after it is in none, and the rows say so."""
    archive_acme_meanwhile(world, admin, monkeypatch, "MOVE_UP", after=2)
    acme = await organization(admin, "Acme")
    upload_id = await upload(admin, "Email,Name\n" + "".join(f"p{n}@example.com,P {n}\n" for n in range(6)))
    directory = world.app.state.process.upload_directory
    look = await stored.look_at(world.database, directory, world.workspace_id, upload_id)
    asked = Intent(world.workspace_id, "importCustomers")
    afterwards = stored.Afterwards(acme)
    import_id = await world.database.write(
        lambda tx: stored.start(tx, "CUSTOMERS", upload_id, look=look, afterwards=afterwards), asked
    )
    await drain(worker(world, Caught()))
    found = await report(admin, import_id)
    assert (found["status"], counts(found)) == ("SUCCEEDED", {"created": 6, "warnings": 4})
    assert [(line, code) for line, code, _, _ in issues(found, "warnings")] == [
        (line, "ORGANIZATION_GONE") for line in (4, 5, 6, 7)
    ]
    assert len(await emails(admin, {"unassigned": True})) == 6


async def test_a_cancel_in_the_middle_of_a_chunk_ends_the_import_with_it(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FIRST_CHUNK", "LARGEST_CHUNK", "SMALLEST_CHUNK"):
        monkeypatch.setattr(jobs, name, 50)
    import_id = await start(admin, "importCustomers", people(1_000, "1"))
    whole = jobs.Run.chunk
    cancelling: list[asyncio.Task[Any]] = []
    begun: list[int] = []

    async def chunk(run: jobs.Run, entries: Any, place: int) -> float:
        begun.append(place)
        if place == 200:
            cancelling.append(asyncio.create_task(well(admin, "cancelImport", "import { status }", importId=import_id)))
        return await whole(run, entries, place)

    monkeypatch.setattr(jobs.Run, "chunk", chunk)
    await drain(worker(world, Caught()))
    assert (await cancelling[0])["import"] == {"status": "CANCELLED"}
    found = await report(admin, import_id)
    assert found["status"] == "CANCELLED"
    assert found["counts"]["records"] in {200, 250, 300}  # that chunk, and at most the one begun beside the cancel
    assert found["counts"]["records"] >= begun[-1]
    assert len(await emails(admin)) == min(250, found["counts"]["created"])


@pytest.mark.parametrize("contents", ["MOVE_UP", "ARCHIVE"])
async def test_a_parent_that_is_archived_meanwhile_takes_nothing_in(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch, contents: str
) -> None:
    """Rows whose parent was made by this file are refused then, and say so; the parent stays archived."""
    archive_acme_meanwhile(world, admin, monkeypatch, contents)
    text = "Name,Parent\nAcme,\n" + "".join(f"Child {n},Acme\n" for n in range(3)) + "Late,Acme\nFar,Acme / Between\n"
    import_id = await start(admin, "importOrganizations", text)
    await drain(worker(world, Caught()))
    found = await report(admin, import_id)
    assert [(row["line"], row["status"]) for row in found["rows"]["nodes"]] == [
        (2, "CREATED"), (3, "CREATED"), (4, "CREATED"), (5, "CREATED"), (6, "REFUSED"), (7, "REFUSED"),
    ]  # fmt: skip
    assert [(line, code, column) for line, code, column, _ in issues(found)] == [
        (6, "ORGANIZATION_GONE", "Parent"),
        (7, "ORGANIZATION_GONE", "Parent"),
    ]
    left = await admin.ask("{ organizations(first: 50) { nodes { name parent { name } } } }")
    assert left["organizations"]["nodes"] == (
        [{"name": f"Child {n}", "parent": None} for n in range(3)] if contents == "MOVE_UP" else []
    )


async def test_a_file_that_one_worker_does_not_have_is_left_to_another(
    world: World, admin: Client, tmp_path: Path
) -> None:
    here, elsewhere = worker(world, Caught()), worker(world, Caught(), name="elsewhere", upload_directory=tmp_path)
    import_id = await start(admin, "importCustomers", "Email\nann@example.com\n")
    assert await drain(elsewhere) == 1
    assert (await report(admin, import_id))["status"] == "QUEUED"
    assert await drain(here) == 0
    world.clock.advance(1_000)
    await drain(here)
    assert counts(await report(admin, import_id))["created"] == 1


async def test_a_file_that_no_worker_has_ends_the_import_and_says_so(
    world: World, admin: Client, tmp_path: Path
) -> None:
    elsewhere = worker(world, Caught(), upload_directory=tmp_path)
    import_id = await start(admin, "importCustomers", "Email\nann@example.com\n")
    for _ in range(9):
        assert await drain(elsewhere) == 1
        world.clock.advance(1_000)
    assert (await report(admin, import_id))["status"] == "QUEUED"
    assert await drain(elsewhere) == 1
    found = await report(admin, import_id)
    assert (found["status"], found["errorCode"]) == ("FAILED", "NOT_FOUND")
    assert "do not share the server's directory of uploads (ROLODESK_DATA_DIR)" in found["errorMessage"]
    assert await drain(elsewhere) == 0
