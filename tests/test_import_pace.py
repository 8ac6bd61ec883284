"""How fast an import is, and how long it takes yet."""

from typing import Any

import pytest

from jobs import imports as jobs
from jobs.runner import drain
from tests.conftest import Client, World
from tests.importing import start
from tests.mailing import Caught, worker

PACE = "query($id: ID!) { import(id: $id) { status recordsPerSecond secondsLeft } }"


async def pace(client: Client, import_id: str) -> tuple[Any, ...]:
    return tuple((await client.ask(PACE, id=import_id))["import"].values())


@pytest.mark.parametrize(
    ("next_record", "total", "milliseconds", "expected"),
    [
        (0, 1_000, 0, (None, None)),
        (50, 200, 0, (None, None)),
        (50, 200, 2_000, (25, 6)),
        (50, 201, 2_000, (25, 7)),
        (200, 200, 2_000, (100, 0)),
        (5_000_000, 10_000_000, 1_000_000, (5_000, 1_000)),
        (1, 3, 5_000, (0, 10)),
    ],
)
async def test_tells_the_rate_of_what_was_read_and_how_long_the_rest_takes(
    world: World, admin: Client, next_record: int, total: int, milliseconds: int, expected: tuple[int | None, ...]
) -> None:
    import_id = await start(admin, "importCustomers", "Email\na@example.com\n")
    text = "UPDATE import SET status = 'RUNNING', total_records = ?, next_record = ?, started_at = ?, advanced_at = ?"
    await world.run(text, (total, next_record, 1_000, 1_000 + milliseconds))
    assert await pace(admin, import_id) == ("RUNNING", *expected)
    await world.run("UPDATE import SET status = 'CANCELLED'")
    await world.run("UPDATE workspace SET change_number = change_number + 1")
    assert await pace(admin, import_id) == ("CANCELLED", None, None)


@pytest.mark.parametrize("dry_run", [False, True])
async def test_each_chunk_says_when_it_was_read(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch, *, dry_run: bool
) -> None:
    for name in ("FIRST_CHUNK", "LARGEST_CHUNK", "SMALLEST_CHUNK"):
        monkeypatch.setattr(jobs, name, 2)
    advance = jobs.imports.advance

    async def slowly(*given: Any) -> None:
        world.clock.advance(1_000)
        await advance(*given)

    monkeypatch.setattr(jobs.imports, "advance", slowly)
    rows = "".join(f"a{n}@example.com\n" for n in range(6))
    import_id = await start(admin, "importCustomers", "Email\n" + rows, dryRun=dry_run)
    assert await pace(admin, import_id) == ("QUEUED", None, None)
    await drain(worker(world, Caught()))
    assert await pace(admin, import_id) == ("SUCCEEDED", None, None)
    ((started_at, advanced_at, finished_at),) = await world.rows(
        "SELECT started_at, advanced_at, finished_at FROM import"
    )
    assert started_at + 2_000 <= advanced_at <= finished_at
