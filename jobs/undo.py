"""Carries out an undo: an import's changes from the last to the first, in chunks, each of them one transaction.

A chunk undoes a part of a change and notes how far it came together, so that a worker that is killed is followed by
one that goes on. A dry run does the same and takes back all but the list of what is kept.
"""

import logging
from collections.abc import Sequence
from time import perf_counter

from db import job_queue, projects, undoing
from db.errors import Refusal, RequestRefusal
from db.ids import kind_of
from db.imports import Stopped
from db.job_queue import Claimed
from db.transaction import Intent, Transaction
from db.undoing import Touched, Verdict, Work
from jobs.undo_customers import created_among, undo_customers
from jobs.undo_organizations import undo_organizations
from jobs.undo_tickets import undo_tickets
from jobs.undo_values import Leaving, Slice
from jobs.worker import Worker

log = logging.getLogger("rolodesk.imports")

FIRST_CHUNK = 200
SMALLEST_CHUNK = 10
LARGEST_CHUNK = 2_000
WANTED_SECONDS = 0.05
FASTEST_GROWTH = 1.25

RANKS = {"customer": 0, "ticket": 1, "project": 2, "organization": 3}
"""What is undone first: who is in an organization leaves it before it is looked at."""

UNDONE = ("CREATED", "UPDATED", "MOVED", "LINKED", "SHARED")
"""What is undone of what an import did: an invitation that it sent ends with its customer."""


async def carry_out(worker: Worker, job: Claimed) -> None:
    """Carries out an undo, or goes on with it, to its end."""
    work = await undoing.work_of(worker.database, job.workspace_id, job.subject_id)
    if work is None:
        await worker.database.write(lambda tx: job_queue.finish(tx, job.id), Intent(job.workspace_id, "job"))
        return
    run = Run(worker, job, work)
    try:
        await run.whole()
    except Stopped:
        await run.left()


class Run:
    """One worker's go at an undo."""

    def __init__(self, worker: Worker, job: Claimed, work: Work) -> None:
        self.worker = worker
        self.job = job
        self.work = work
        self.longest_hold_seconds = 0.0
        self._leaving = Leaving()
        self._position = (work.before_number, work.done_in_change)
        import_id = None if work.dry_run else work.import_id
        self._intent = Intent(job.workspace_id, undoing.OPERATION, work.actor_id, import_id=import_id)

    async def whole(self) -> None:
        """From the last change that is left to the first."""
        await self._begin()
        began, size = perf_counter(), FIRST_CHUNK
        database, workspace_id = self.worker.database, self.job.workspace_id
        before, done = self._position
        if done:
            before += 1
        while (number := await undoing.next_change(database, workspace_id, self.work.import_id, before)) is not None:
            touched = ordered(await undoing.touched(database, workspace_id, number))
            while done < len(touched):
                part = _slice(touched, done, size)
                held = await self._take(number, touched, part, done)
                done += len(part)
                self.longest_hold_seconds = max(self.longest_hold_seconds, held)
                size = max(SMALLEST_CHUNK, min(LARGEST_CHUNK, int(size * min(FASTEST_GROWTH, WANTED_SECONDS / held))))
            before, done = number, 0
        await self._end()
        hold = self.longest_hold_seconds * 1000
        seconds = perf_counter() - began
        log.info("undo of %s in %.1f s, the writer held for %.0f ms at the longest", self.work.import_id, seconds, hold)

    async def left(self) -> None:
        """Another worker has the job, or the undo is no longer asked for: then the job is done."""

        async def work(tx: Transaction) -> None:
            if await job_queue.extend(tx, self.job.id, self.worker.name):
                await job_queue.finish(tx, self.job.id)

        await self.worker.database.write(work, self._intent)

    async def _begin(self) -> None:
        async def anew(tx: Transaction) -> int:
            await self._hold(tx)
            return await undoing.forget_kept(tx, self.work.import_id, LARGEST_CHUNK)

        async def begin(tx: Transaction) -> None:
            await self._hold(tx)
            await undoing.begin(tx, self.work)
            if self.work.dry_run:
                await undoing.begin_anew(tx, self.work)

        if self.work.status == "QUEUED" or self.work.dry_run:
            while await self.worker.database.write(anew, self._intent):
                pass
            self._position = (undoing.FROM_THE_LAST, 0)
        await self.worker.database.write(begin, self._intent)

    async def _end(self) -> None:
        async def work(tx: Transaction) -> None:
            await self._hold(tx)
            await undoing.end(tx, self.work)
            await job_queue.finish(tx, self.job.id)

        await self.worker.database.write(work, self._intent)

    # Writing

    async def _take(self, number: int, touched: Sequence[Touched], part: Sequence[Touched], done: int) -> float:
        """Undoes a part; one that fails in a way nobody foresaw is halved, down to the record that is to blame: it is kept."""
        try:
            return await self.chunk(number, touched, part, done)
        except (Stopped, RequestRefusal):
            raise
        except Exception:
            if len(part) == 1:
                log.exception("undo of %s: the record %s failed", self.work.import_id, part[0].record_id)
                return await self.chunk(number, touched, part, done, fails=True)
            half = len(part) // 2
            first = await self._take(number, touched, part[:half], done)
            return max(first, await self._take(number, touched, part[half:], done + half))

    async def chunk(
        self, number: int, touched: Sequence[Touched], part: Sequence[Touched], done: int, *, fails: bool = False
    ) -> float:
        """One transaction; answers for how many seconds it held the writer."""
        began = 0.0
        after = (number, done + len(part))
        left = Leaving()

        async def work(tx: Transaction) -> None:
            nonlocal began, left
            began, left = perf_counter(), Leaving()
            await self._hold(tx, goes_on=not self.work.dry_run)
            await undoing.advance(tx, self.work, self._position, after)
            shares, created = shares_of(touched), created_among(touched)
            piece = Slice(tx, self.work.import_id, shares, created, self._leaving, left)
            verdicts = _failed(part) if fails else await self._undone(piece, part)
            met = [one.record_id for one in part if kind_of(one.record_id) == "organization"]
            again = await undoing.met_before(tx, self.work.import_id, met, number)
            await undoing.settle(tx, self.work, verdicts, again=again)

        await self.worker.database.write(work, self._intent)
        self._position = after
        if self.work.dry_run:
            self._leaving.add(left)
        return perf_counter() - began

    async def _undone(self, piece: Slice, part: Sequence[Touched]) -> list[Verdict]:
        """What became of a part; in a dry run it is taken back."""
        verdicts: list[Verdict] = []
        try:
            async with piece.tx.savepoint():
                verdicts = await undone(piece, part)
                if self.work.dry_run:
                    raise _TakenBack  # noqa: TRY301  the savepoint takes back what is left by an exception
        except _TakenBack:
            pass
        return verdicts

    async def _hold(self, tx: Transaction, *, goes_on: bool = False) -> None:
        """Extends the lease; refused if another worker took the job over."""
        if not await job_queue.extend(tx, self.job.id, self.worker.name, goes_on=goes_on):
            raise Stopped


class _TakenBack(Exception):  # noqa: N818  a way out
    """A dry run's chunk was carried out and is to be taken back."""


def ordered(touched: Sequence[Touched]) -> list[Touched]:
    """What a change touched, in the order in which it is undone; the same whenever it is asked for."""
    return sorted(touched, key=lambda one: (RANKS.get(kind_of(one.record_id) or "", 9), one.record_id))


def _slice(touched: Sequence[Touched], done: int, size: int) -> Sequence[Touched]:
    """The next ones; organizations of one change are undone together, for each may stand in another's way."""
    part = touched[done : done + size]
    if kind_of(part[-1].record_id) == "organization":
        return touched[done:]
    return part


async def undone(piece: Slice, part: Sequence[Touched]) -> list[Verdict]:
    """Undoes a part of a change, kind by kind."""
    verdicts: list[Verdict] = []
    by_kind: dict[str, list[Touched]] = {}
    for one in part:
        if one.action in UNDONE:
            by_kind.setdefault(kind_of(one.record_id) or "", []).append(one)
    if found := by_kind.get("customer"):
        verdicts += await undo_customers(piece, found)
    if found := by_kind.get("ticket"):
        verdicts += await undo_tickets(piece, found)
    for one in by_kind.get("project", ()):
        verdicts += await _unshare(piece, one)
    if found := by_kind.get("organization"):
        verdicts += await undo_organizations(piece, found)
    return verdicts


def shares_of(touched: Sequence[Touched]) -> frozenset[tuple[str, str]]:
    """The shares that a change made: project, and customer or organization."""
    return frozenset(
        (one.record_id, member)
        for one in touched
        if one.action == "SHARED"
        for name in ("customerIds", "organizationIds")
        for member in one.after.get(name, ())
    )


async def _unshare(piece: Slice, one: Touched) -> list[Verdict]:
    """Takes back a project's shares with records that the import did not make: those keep theirs, or are archived."""
    members = {
        name: [member for member in one.after.get(name, ()) if member not in piece.created]
        for name in ("customerIds", "organizationIds")
    }
    try:
        async with piece.tx.savepoint():
            await projects.unshare(piece.tx, one.record_id, members["customerIds"], members["organizationIds"])
    except Refusal as refusal:
        verdict = Verdict(one.record_id)
        verdict.keep(refusal.code, refusal.message)
        return [verdict]
    return []


def _failed(part: Sequence[Touched]) -> list[Verdict]:
    verdict = Verdict(part[0].record_id)
    verdict.keep("INTERNAL", "Something failed here. The log of the worker says more.")
    return [verdict]
