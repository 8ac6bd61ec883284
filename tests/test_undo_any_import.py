"""Whatever a file says, whatever the policy and whenever its worker goes: counts add up, and undone all is as it was."""

import asyncio
import csv
import io
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.errors import RequestRefusal
from db.job_queue import LEASE_MILLISECONDS, claim
from jobs import imports as jobs
from jobs import undo
from tests.conftest import Origin, World, opened
from tests.importing import imported, report, start
from tests.mailing import Caught, worker
from tests.steps import well
from tests.test_undo_import import UNDO, kept, living

NAMES = st.sampled_from(["", "Ann", "ann", "Bob", "Zo\u00eb", "=1+1", " ", "X" * 201])
ADDRESSES = st.sampled_from(
    [*(f"p{n}@example.com" for n in range(8)), "P1@EXAMPLE.com", "z@b\u00fccher.example", "", "wrong"]
)
PLACES = st.sampled_from(["", "Acme", "acme", "Acme / Europe", "Globex", "Globex / Europe / East", "Europe", "East"])
IDS = st.sampled_from(["", "", "1", "2", "3", "4"])
OWN_IDS = st.sampled_from(["", "", "", "0", "1", "2", "unknown"])
"""Which of the records there are a row names by its id."""
STATES = st.sampled_from(["", "OPEN", "closed", "?"])
COLUMNS = {
    "importCustomers": {
        "Email": ADDRESSES, "First Name": NAMES, "Phone": IDS, "Company": PLACES, "Customer Id": IDS,
        "Rolodesk id": OWN_IDS,
    },
    "importOrganizations": {"Name": NAMES, "Parent": PLACES, "External ID": IDS, "Description": NAMES, "Rolodesk id": OWN_IDS},
    "importTickets": {
        "Requester Email": ADDRESSES, "Subject": NAMES, "External ID": IDS, "Status": STATES, "Requester Name": NAMES,
        "Rolodesk id": OWN_IDS,
    },
}  # fmt: skip


class File(NamedTuple):
    """What is imported, and how."""

    field: str
    rows: list[tuple[str, ...]]
    policy: str
    match_by: str | None

    async def text(self, world: World) -> str:
        table = self.field.removeprefix("import").removesuffix("s").lower()
        ids = [one for (one,) in await world.rows(f"SELECT id FROM {table} WHERE archived_at IS NULL ORDER BY id")]

        def whole(row: tuple[str, ...]) -> list[str]:
            *cells, which = row
            return [*cells, ids[int(which) % len(ids)] if which.isdecimal() and ids else which]

        text = io.StringIO()
        csv.writer(text, quoting=csv.QUOTE_ALL).writerows([list(COLUMNS[self.field]), *map(whole, self.rows)])
        return text.getvalue()

    @property
    def how(self) -> dict[str, Any]:
        return {"onExisting": self.policy, "matchBy": self.match_by}


class Interruptions(NamedTuple):
    """After how many chunks the worker goes, again and again; after how many the import is cancelled, if it is."""

    of_import: list[int]
    of_undo: list[int]
    cancel_after: int | None


def files(field: str) -> st.SearchStrategy[File]:
    rows = st.lists(st.tuples(*COLUMNS[field].values()), min_size=1, max_size=12)
    policies = st.sampled_from(["UPDATE", "FILL_EMPTY", "SKIP", "FAIL"])
    found_by = [None, "ID", "EXTERNAL_ID", *(["EMAIL"] if field == "importCustomers" else [])]
    return st.builds(File, st.just(field), rows, policies, st.sampled_from(found_by))


ANY_FILE = st.one_of(*(files(field) for field in COLUMNS))
ENDS = st.lists(st.integers(0, 3), max_size=3)
INTERRUPTIONS = st.builds(Interruptions, ENDS, ENDS, st.none() | st.integers(0, 3))


class Gone(RequestRefusal):
    """Stands for the end of the process: what the transaction wrote is lost, and nobody tries anything else."""


class Ends:
    """Lets the worker go within a transaction, once so many of its chunks were written."""

    def __init__(self, after: list[int], written: Callable[..., Any]) -> None:
        self._after, self._written = list(after), written

    async def __call__(self, *arguments: Any, **named: Any) -> Any:
        result = await self._written(*arguments, **named)
        if self._after:
            self._after[0] -= 1
            if self._after[0] < 0:
                self._after.pop(0)
                raise Gone("gone")
        return result


async def carried_out(world: World, kind: str, carry_out: Callable[..., Any]) -> None:
    """Workers take the job up until it is done."""
    while True:
        world.clock.advance(LEASE_MILLISECONDS + 1)
        job = await claim(world.database, "worker", world.clock(), [kind])
        if job is None:
            return
        try:
            await carry_out(worker(world, Caught()), job)
        except Gone:
            continue


async def scenario(migrated: Origin, directory: Any, earlier: list[File], file: File, ends: Interruptions) -> None:
    async with AsyncExitStack() as stack:
        world = await opened(stack, migrated, directory)
        admin = await world.key()
        for one in earlier:
            await imported(world, admin, one.field, await one.text(world), **one.how)
        before = await living(world)
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for module in (jobs, undo):
            for name in ("FIRST_CHUNK", "LARGEST_CHUNK", "SMALLEST_CHUNK"):
                patch.setattr(module, name, 3)
        patch.setattr(jobs.imports, "report", Ends(ends.of_import, jobs.imports.report))
        patch.setattr(undo.undoing, "settle", Ends(ends.of_undo, undo.undoing.settle))

        import_id = await start(admin, file.field, await file.text(world), **file.how)
        whole = jobs.Run.chunk
        left = -1 if ends.cancel_after is None else ends.cancel_after

        async def chunk(run: jobs.Run, entries: Any, at: int) -> float:
            nonlocal left
            if left == 0:
                await well(admin, "cancelImport", "import { status }", importId=import_id)
            left -= 1
            return await whole(run, entries, at)

        patch.setattr(jobs.Run, "chunk", chunk)
        await carried_out(world, "IMPORT", jobs.carry_out)
        found = await report(admin, import_id)
        assert found["status"] in {"SUCCEEDED", "CANCELLED"}
        if found["status"] == "SUCCEEDED":
            rows = [row for row in file.rows if any(cell.strip() for cell in row)]  # the others are blank lines
            assert found["counts"]["records"] == found["totalRecords"] == len(rows)
        assert len(found["rows"]["nodes"]) == found["counts"]["records"]
        assert [row["recordNumber"] for row in found["rows"]["nodes"]] == sorted(
            {row["recordNumber"] for row in found["rows"]["nodes"]}
        )

        await well(admin, "undoImport", "import { status }", importId=import_id)
        await carried_out(world, "UNDO", undo.carry_out)
        result = (await admin.ask(UNDO, id=import_id))["import"]
        assert (result["status"], result["undo"]["status"], kept(result)) == ("UNDONE", "ENDED", [])
        assert await living(world) == before


def check(migrated: Origin, paths: pytest.TempPathFactory, many: int) -> None:
    @settings(
        max_examples=many, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
    )
    @given(earlier=st.lists(ANY_FILE, max_size=2), file=ANY_FILE, ends=INTERRUPTIONS)
    def holds(earlier: list[File], file: File, ends: Interruptions) -> None:
        asyncio.run(scenario(migrated, paths.mktemp("any"), earlier, file, ends))

    holds()


def test_a_few_files_undone_leave_all_as_it_was(migrated: Origin, tmp_path_factory: pytest.TempPathFactory) -> None:
    check(migrated, tmp_path_factory, 12)


@pytest.mark.long
def test_many_files_undone_leave_all_as_it_was(migrated: Origin, tmp_path_factory: pytest.TempPathFactory) -> None:
    check(migrated, tmp_path_factory, 300)
