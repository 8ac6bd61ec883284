"""Carries out imports: a file's records in chunks, each of them one transaction.

A chunk writes its records, the report about them, the counts, `next_record` and the lease together, so that a process
that is killed at any moment is followed by one that goes on with the next record: every record exactly once. A chunk
is made as large as the writer may be held. A dry run does the same and takes back all but the report; what it would
have made it remembers, so that later chunks find it, and it begins anew when it is taken up by another process.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, repeat
from pathlib import Path
from time import perf_counter
from typing import Any, Final, Protocol

from db import batches, imports, job_queue, uploads
from db.clock import DAY, HOUR, SECOND
from db.customers import NewCustomer
from db.errors import NotFound, Refusal, RequestRefusal
from db.files import reading
from db.files.table import FileRecord, FileRefused, Layout
from db.ids import kind_of
from db.imports import Stopped, Work
from db.job_queue import Claimed
from db.tables import Customer, Organization, Ticket
from db.transaction import Intent, Transaction
from db.writing import Table
from jobs import import_afterwards
from jobs.import_customers import Customers
from jobs.import_entries import Entry, Outcome, Waits, counted, entry_of
from jobs.import_organizations import Organizations
from jobs.import_patience import Patience, TooManyRefused
from jobs.import_tickets import Tickets
from jobs.import_words import Words
from jobs.worker import Worker

log = logging.getLogger("rolodesk.imports")

FIRST_CHUNK = 100
SMALLEST_CHUNK = 10
LARGEST_CHUNK = 2_000
LARGE = 2_000
GROWN: Final = (
    "customer", "email_address", "customer_word", "organization", "ticket", "change", "change_record", "import_row",
)  # fmt: skip
"""What the engine counts anew when an import has written so many records, four times as many, and so on, and at its end:
plans made for small tables would walk through the large ones, and its undo meets all that it wrote."""
GROWTH = 4
WANTED_SECONDS = 0.05
"""How long a chunk should hold the writer; half of the 100 ms that it may."""
FASTEST_GROWTH = 1.25
"""How much larger the next chunk may be: what a chunk costs beside its records makes small ones look slow."""


MOST_LOOKS: Final = 10
LOOKS_APART: Final = SECOND
"""How often a file is looked for that a worker does not find, and how long after each other: another may have it."""
GONE: Final = (
    "The file is gone, or the workers do not share the server's directory of uploads (ROLODESK_DATA_DIR). Send it again by "
    "POST /uploads."
)

ORPHANED_AFTER = HOUR
"""How old a file that the database does not know must be to be removed: a new one may be noted any moment."""


class Kind(Protocol):
    """What a file is read into."""

    def prepare(self, entry: Entry) -> None: ...
    async def carry(self, tx: Transaction, entries: Sequence[Entry]) -> tuple[list[Outcome], Any]: ...
    def made(self, chunk: Any, /) -> Sequence[NewCustomer]: ...
    def remember(self, outcomes: Sequence[Outcome], chunk: Any, /) -> None: ...


KINDS: Final[dict[str, Callable[[Work], Kind]]] = {
    "CUSTOMERS": Customers,
    "ORGANIZATIONS": Organizations,
    "TICKETS": Tickets,
}

TABLES: Final[dict[str, Table]] = {"CUSTOMERS": Customer, "ORGANIZATIONS": Organization, "TICKETS": Ticket}
"""Where the records of a kind are."""


async def carry_out(worker: Worker, job: Claimed) -> None:
    """Carries out an import, or goes on with it, to its end. Cancelled in between, it leaves off between two chunks."""
    work = await imports.work_of(worker.database, job.workspace_id, job.subject_id)
    if work is not None:
        run = Run(worker, job, work)
        try:
            await run.whole()
        except Stopped:
            await run.left()
        except FileNotFoundError:
            if job.attempts < MOST_LOOKS:
                log.warning(
                    "import %s: its file is not in %s; left to another worker", work.id, worker.upload_directory
                )
                await run.leave_to_another()
            else:
                await run.end("FAILED", NotFound(GONE))
        except FileRefused as refusal:
            await run.end("FAILED", refusal)
        return
    await worker.database.write(lambda tx: job_queue.finish(tx, job.id), Intent(job.workspace_id, "job"))


class Run:
    """One worker's go at an import."""

    def __init__(self, worker: Worker, job: Claimed, work: Work) -> None:
        self.worker = worker
        self.job = job
        self.work = work
        self.kind = KINDS[work.kind](work)
        self.longest_hold_seconds = 0.0
        self._patience = Patience(work)
        self._intent = Intent(
            job.workspace_id, imports.OPERATIONS[work.kind], work.actor_id, import_id=None if work.dry_run else work.id
        )
        self._words = Words(worker.database, self._intent, self._hold)

    async def whole(self) -> None:
        """From the next record to the last. Of one that ended, what is left to do."""
        if not self.work.dry_run:
            await self._words.find_left(self.work.id, self.work.next_record)
        if self.work.status not in {"QUEUED", "RUNNING"}:
            await self.left()
            return
        path = uploads.path_of(self.worker.upload_directory, self.work.upload_id)
        layout = await self._begin(path)
        at = 0 if self.work.dry_run else self.work.next_record
        records = self._records(path, layout)
        await asyncio.to_thread(_consume, records, at)
        began, first, size = perf_counter(), at, FIRST_CHUNK
        measure_at, measured = LARGE, 0
        entries = await asyncio.to_thread(self._prepared, records, size)
        while entries:
            held = await self._take(entries, at)
            if self._patience.ended:
                await self.left()
                return
            at += len(entries)
            self.longest_hold_seconds = max(self.longest_hold_seconds, held, await self._words.write_due(size))
            size = _next_size(size, len(entries), held)
            if at - first >= measure_at:
                await self.worker.database.measure(GROWN)
                measured = at - first
                measure_at = measured * GROWTH
            entries = await asyncio.to_thread(self._prepared, records, size)
        self.longest_hold_seconds = max(self.longest_hold_seconds, await self._words.write())
        if 0 < measured < at - first:
            await self.worker.database.measure(GROWN)
        await import_afterwards.carry_out(
            self.worker.database.write, self._hold, self.job.workspace_id, self.work, self.worker.secrets[0]
        )
        await self.end("SUCCEEDED")
        seconds = perf_counter() - began
        log.info(
            "import %s: %d records in %.1f s, the writer held for %.0f ms at the longest",
            self.work.id,
            at - first,
            seconds,
            self.longest_hold_seconds * 1000,
        )

    async def end(self, status: str, why: Refusal | None = None) -> None:
        """Ends the import and its job together."""

        async def work(tx: Transaction) -> None:
            await self._hold(tx)
            await imports.end(tx, self.work, status, why)
            await job_queue.finish(tx, self.job.id)

        try:
            await self._words.write()
            await self.worker.database.write(work, self._intent)
        except Stopped:
            await self.left()

    async def leave_to_another(self) -> None:
        """Gives the job back for a moment, in which a worker that has the file may take it."""

        async def work(tx: Transaction) -> None:
            if await job_queue.extend(tx, self.job.id, self.worker.name):
                await job_queue.postpone(
                    tx, self.job.id, tx.now + LOOKS_APART, "The file is not where this worker looks."
                )

        await self.worker.database.write(work, self._intent)

    async def left(self) -> None:
        """The import ended otherwise: its job is done. Or another worker has it: then it is that one's."""

        async def work(tx: Transaction) -> None:
            if await job_queue.extend(tx, self.job.id, self.worker.name):
                await job_queue.finish(tx, self.job.id)

        try:
            await self._words.write()
        except Stopped:
            return
        await self.worker.database.write(work, self._intent)

    # Reading

    async def _begin(self, path: Path) -> Layout:
        """Reads the file to its end once, to know that it can be, and how many records it has."""
        if self.work.total_records is not None:
            if self.work.dry_run and self.work.next_record:
                await self._begin_anew()
            if self.work.status == "QUEUED":
                await self._note_begun(self.work.layout, self.work.total_records)
            return self.work.layout
        found = await asyncio.to_thread(reading.count, path, self.work.layout)
        await self._note_begun(found.layout, found.records)
        return found.layout

    async def _note_begun(self, layout: Layout, records: int) -> None:
        async def work(tx: Transaction) -> None:
            await self._hold(tx)
            await imports.begin(tx, self.work, layout, records)

        await self.worker.database.write(work, self._intent)

    async def _begin_anew(self) -> None:
        async def work(tx: Transaction) -> int:
            await self._hold(tx)
            forgotten = await imports.forget_rows(tx, self.work.id, LARGEST_CHUNK)
            if not forgotten:
                await imports.begin_anew(tx, self.work.id)
            return forgotten

        while await self.worker.database.write(work, self._intent):
            pass

    def _records(self, path: Path, layout: Layout) -> Iterator[FileRecord]:
        if isinstance(self.kind, Organizations):
            again = (reading.records(path, layout) for _ in repeat(None))
            return self.kind.ordered(reading.records(path, layout), again)
        return reading.records(path, layout)

    def _prepared(self, records: Iterator[FileRecord], size: int) -> list[Entry]:
        """The next records, checked as far as that goes without the database. In a thread, outside any transaction."""
        entries = [entry_of(record, self.work) for record in islice(records, size)]
        for entry in entries:
            self.kind.prepare(entry)
        return entries

    # Writing

    async def _take(self, entries: Sequence[Entry], at: int) -> float:
        """Writes a chunk; answers for how many seconds it held the writer.

        A chunk that fails in a way nobody foresaw is halved, down to the one record that is to blame: it is refused.
        """
        try:
            return await self.chunk(entries, at)
        except (Stopped, RequestRefusal):
            raise
        except Waits as cut:
            return await self._in_parts(entries, cut.records, at)
        except TooManyRefused as reached:
            return await self._take(entries[: reached.records], at)
        except Exception:
            if len(entries) == 1:
                log.exception("import %s: the record on line %d failed", self.work.id, entries[0].line)
                if any(issue["code"] == "INTERNAL" for issue in entries[0].errors):
                    raise
                message = "Something failed here, not in the file. The log of the worker says more."
                entries[0].errors.append(entries[0].issue("INTERNAL", message))
                return await self.chunk(entries, at)
            half = len(entries) // 2
            first = await self._take(entries[:half], at)
            if self._patience.ended:
                return first
            return max(first, await self._take(entries[half:], at + half))

    async def _in_parts(self, entries: Sequence[Entry], size: int, at: int) -> float:
        """Writes a chunk whose records take what others of it gave up: each part up to such a one by itself."""
        longest, taken = 0.0, 0
        while taken < len(entries) and not self._patience.ended:
            part = entries[taken : taken + size]
            longest = max(longest, await self._take(part, at + taken))
            taken, size = taken + len(part), 2 * size
        return longest

    async def chunk(self, entries: Sequence[Entry], at: int) -> float:
        began = 0.0

        async def work(tx: Transaction) -> tuple[list[Outcome], Any]:
            nonlocal began
            began = perf_counter()
            await self._hold(tx, goes_on=not self.work.dry_run)
            await imports.advance(tx, self.work.id, at, at + len(entries))
            outcomes, chunk = await (self._tried(tx, entries) if self.work.dry_run else self.kind.carry(tx, entries))
            why = self._patience.refusal(outcomes)
            rows = [one.row() for one in outcomes]
            if self.work.dry_run:
                await self._leave_out_unmade(tx, rows)
            await imports.report(tx, self.work.id, rows, counted(outcomes))
            if why is not None:
                await imports.end(tx, self.work, "FAILED", why)
            return outcomes, chunk

        outcomes, chunk = await self.worker.database.write(work, self._intent)
        self._patience.note(outcomes)
        held = perf_counter() - began
        if self.work.dry_run:
            self.kind.remember(outcomes, chunk)
        else:
            self._words.note(self.kind.made(chunk), len(entries))
        return held

    async def _tried(self, tx: Transaction, entries: Sequence[Entry]) -> tuple[list[Outcome], Any]:
        """Carries entries, and takes back what that wrote."""
        result: tuple[list[Outcome], Any] | None = None
        try:
            async with tx.savepoint():
                result = await self.kind.carry(tx, entries)
                raise _TakenBack  # noqa: TRY301  the savepoint takes back what is left by an exception
        except _TakenBack:
            assert result is not None  # noqa: S101  set before
            return result

    async def _leave_out_unmade(self, tx: Transaction, rows: Sequence[dict[str, Any]]) -> None:
        """Has a dry run's report name no record that it would have made, neither for its own row nor for a later one."""
        named = {row["record_id"] for row in rows if row["record_id"] is not None}
        there = await batches.there(tx, TABLES[self.work.kind], named)
        for row in rows:
            if row["record_id"] not in there:
                row["record_id"] = None

    async def _hold(self, tx: Transaction, *, goes_on: bool = False) -> None:
        """Extends the lease; refused if another worker took the job over."""
        if not await job_queue.extend(tx, self.job.id, self.worker.name, goes_on=goes_on):
            raise Stopped


class _TakenBack(Exception):  # noqa: N818  a way out
    """A dry run's chunk was carried and is to be undone."""


def _next_size(size: int, written: int, held: float) -> int:
    """How many records to take next, after some held the writer so long. One long hold says little: it counts half."""
    wanted = written * WANTED_SECONDS / held
    return max(SMALLEST_CHUNK, min(LARGEST_CHUNK, int(min(size * FASTEST_GROWTH, (size + wanted) / 2))))


def _consume(records: Iterator[FileRecord], count: int) -> None:
    deque(islice(records, count), maxlen=0)


# Keeping house


async def forget_uploads(worker: Worker) -> None:
    """Removes files that expired and are no import's at work, and parts of files whose sender hung up."""
    found = await asyncio.to_thread(_files, worker.upload_directory)
    needed = await uploads.needed(worker.database, [name for name in found if kind_of(name) == "uploaded_file"])
    now = worker.clock()
    for name, modified_at in found.items():
        whole = kind_of(name) == "uploaded_file"
        ours = whole or (name.endswith(uploads.PARTIAL) and kind_of(name.partition(".")[0]) == "uploaded_file")
        if ours and name not in needed and now - modified_at > (ORPHANED_AFTER if whole else DAY):
            await asyncio.to_thread((worker.upload_directory / name).unlink, missing_ok=True)


def _files(directory: Path) -> dict[str, int]:
    """The files of a directory and when they were last written, in milliseconds."""
    found = {}
    for path in directory.iterdir() if directory.is_dir() else ():
        try:
            found[path.name] = path.stat().st_mtime_ns // 1_000_000
        except FileNotFoundError:
            continue
    return found
