"""Search finds an import's customers soon after it made them, and whatever became of the import: all of them."""

from typing import Any

import pytest

from db.errors import RequestRefusal
from db.job_queue import LEASE_MILLISECONDS
from jobs import import_words
from jobs import imports as jobs
from jobs.runner import drain
from tests.conftest import Client, World
from tests.importing import counts, report, start
from tests.mailing import Caught, worker
from tests.steps import well

CHUNK = 20


class Gone(RequestRefusal):
    """Stands for the end of the process: what the transaction wrote is lost, and nobody tries anything else."""


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRST_CHUNK", "LARGEST_CHUNK", "SMALLEST_CHUNK"):
        monkeypatch.setattr(jobs, name, CHUNK)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No words are written before the import is at its end."""
    monkeypatch.setattr(import_words, "FIRST", 1_000)


def people(count: int) -> str:
    return "Email,First Name\n" + "".join(f"p{n}@example.com,Given{n}\n" for n in range(count))


async def found(client: Client, words: str) -> int:
    return (await client.ask("query($s: String) { customers(search: $s) { totalCount } }", s=words))["customers"][
        "totalCount"
    ]


async def words(world: World) -> list[tuple[str, str]]:
    return await world.rows(
        "SELECT c.email, w.word FROM customer_word w JOIN customer c ON c.id = w.customer_id ORDER BY c.email, w.word"
    )


def all_words(count: int) -> list[tuple[str, str]]:
    return sorted(
        (f"p{n}@example.com", word) for n in range(count) for word in ("com", "example", f"given{n}", f"p{n}")
    )


class Ends:
    """Ends an import at a chunk, as if its process had."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int, how: Any) -> None:
        self.whole, self.at, self.how = jobs.Run.chunk, at, how
        ends = self

        async def chunk(run: jobs.Run, entries: Any, at: int) -> float:
            if at == ends.at:
                ends.at = -1
                await ends.how()
            return await ends.whole(run, entries, at)

        monkeypatch.setattr(jobs.Run, "chunk", chunk)


async def gone() -> None:
    raise Gone("gone")


@pytest.mark.usefixtures("patient")
async def test_who_goes_on_with_an_import_writes_the_words_that_are_left(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = await start(admin, "importCustomers", people(100))
    Ends(monkeypatch, at=60, how=gone)
    await drain(worker(world, Caught(), name="first"))
    assert counts(await report(admin, import_id)) == {"created": 60}
    assert await words(world) == []
    world.clock.advance(LEASE_MILLISECONDS + 1)
    await drain(worker(world, Caught(), name="second"))
    assert (await report(admin, import_id))["status"] == "SUCCEEDED"
    assert await words(world) == all_words(100)


@pytest.mark.usefixtures("patient")
async def test_a_cancelled_import_leaves_no_customer_unfound(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = await start(admin, "importCustomers", people(100))

    async def cancel() -> None:
        await well(admin, "cancelImport", "import { status }", importId=import_id)

    Ends(monkeypatch, at=60, how=cancel)
    await drain(worker(world, Caught()))
    assert (await report(admin, import_id))["status"] == "CANCELLED"
    assert await words(world) == all_words(60)
    assert await world.rows("SELECT status FROM job") == [("DONE",)]


@pytest.mark.usefixtures("patient")
async def test_nor_does_one_whose_worker_goes_away_once_it_was_cancelled(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = await start(admin, "importCustomers", people(100))

    async def cancel_and_go() -> None:
        await well(admin, "cancelImport", "import { status }", importId=import_id)
        raise Gone("gone")

    Ends(monkeypatch, at=60, how=cancel_and_go)
    await drain(worker(world, Caught(), name="first"))
    assert await words(world) == []
    world.clock.advance(LEASE_MILLISECONDS + 1)
    await drain(worker(world, Caught(), name="second"))
    assert (await report(admin, import_id))["status"] == "CANCELLED"
    assert await words(world) == all_words(60)
    assert await world.rows("SELECT status FROM job") == [("DONE",)]


@pytest.mark.usefixtures("patient")
async def test_nor_does_one_that_gives_up(world: World, admin: Client) -> None:
    text = people(50) + "wrong,Nobody\n" + "later@example.com,Later\n"
    import_id = await start(admin, "importCustomers", text, mostRefused=0)
    await drain(worker(world, Caught()))
    assert (await report(admin, import_id))["status"] == "FAILED"
    assert await words(world) == all_words(50)
    assert await world.rows("SELECT status FROM job") == [("DONE",)]


@pytest.mark.usefixtures("patient")
async def test_who_was_changed_meanwhile_is_found_by_what_was_written_then(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = await start(admin, "importCustomers", people(60))

    async def rename() -> None:
        customer = {"email": "p3@example.com"}
        await well(admin, "updateCustomer", "customer { id }", customer=customer, firstName="Otherwise")

    Ends(monkeypatch, at=40, how=rename)
    await drain(worker(world, Caught()))
    assert (await report(admin, import_id))["status"] == "SUCCEEDED"
    assert (await found(admin, "otherwise"), await found(admin, "given3"), await found(admin, "given4")) == (1, 10, 11)
    others = [(email, word) for email, word in all_words(60) if email != "p3@example.com"]
    assert await words(world) == sorted(
        [*others, *(("p3@example.com", word) for word in ("com", "example", "otherwise", "p3"))]
    )


@pytest.mark.usefixtures("patient")
async def test_words_follow_within_so_many_records(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of records most of which make no customer too: who goes on looks no further back."""
    monkeypatch.setattr(import_words, "FURTHEST", 60)
    text = people(1) + "p0@example.com,Again\n" * 199 + "last@example.com,Last\n"
    import_id = await start(admin, "importCustomers", text)
    whole, seen = jobs.Run.chunk, []

    async def chunk(run: jobs.Run, entries: Any, at: int) -> float:
        seen.append((at, len(await words(world))))
        return await whole(run, entries, at)

    monkeypatch.setattr(jobs.Run, "chunk", chunk)
    await drain(worker(world, Caught()))
    assert seen[:5] == [(0, 0), (20, 0), (40, 0), (60, 4), (80, 4)]
    assert counts(await report(admin, import_id)) == {"created": 2, "skipped": 199, "warnings": 199}
    assert await found(admin, "last") == 1


async def test_many_words_are_written_while_the_import_goes_on(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FIRST", "SMALLEST", "LARGEST"):
        monkeypatch.setattr(import_words, name, 30)
    await start(admin, "importCustomers", people(100))
    whole, seen = jobs.Run.chunk, []

    async def chunk(run: jobs.Run, entries: Any, at: int) -> float:
        seen.append((at, (await world.rows("SELECT count(DISTINCT customer_id) FROM customer_word"))[0][0]))
        return await whole(run, entries, at)

    monkeypatch.setattr(jobs.Run, "chunk", chunk)
    await drain(worker(world, Caught()))
    assert seen == [(0, 0), (20, 0), (40, 30), (60, 60), (80, 60)]
    assert await words(world) == all_words(100)


async def test_a_dry_run_leaves_no_words(world: World, admin: Client) -> None:
    import_id = await start(admin, "importCustomers", people(50), dryRun=True)
    await drain(worker(world, Caught()))
    assert counts(await report(admin, import_id)) == {"created": 50}
    assert await words(world) == []
