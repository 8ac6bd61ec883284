"""The worker: takes jobs that are due, carries them out, and holds each by a lease that others respect.

A worker that is killed lets its leases end, and others take its jobs over; one that is asked to stop hands them back.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Final

from db import (
    contact_sources,
    guessing,
    idempotency,
    job_queue,
    outbox,
    password_resets,
    sessions,
    undoing,
    uploads,
    workspaces,
)
from db import imports as stored_imports
from db.clock import DAY, HOUR, SECOND
from db.errors import NotPossible, RequestRefusal
from db.job_queue import Claimed
from db.transaction import Intent, Transaction
from jobs import contacts, imports, mail, undo
from jobs.pace import Pace
from jobs.worker import Worker

__all__ = ["Worker", "drain", "run"]

log = logging.getLogger("rolodesk.jobs")

Carry = Callable[[Worker, Claimed], Awaitable[None]]

CARRY: Final[Mapping[str, Carry]] = {
    "MAIL": mail.carry_out,
    "IMPORT": imports.carry_out,
    "CONTACTS": contacts.carry_out,
    "UNDO": undo.carry_out,
}
"""How each kind of job is carried out. Each finishes or postpones its job itself, with what it did."""

AT_ONCE: Final[Mapping[str, int]] = {"MAIL": 4, "IMPORT": 1, "CONTACTS": 4, "UNDO": 1}
"""Jobs of a kind that one worker carries out at the same time: mails do not wait for an import to end."""

IDLE_SECONDS = 0.25
HOLD_SECONDS = job_queue.LEASE_MILLISECONDS / 1000 / 3
GRACE_SECONDS = 5
HOUSEKEEPING_SECONDS = 300
KEEP_DONE_JOBS = 7 * DAY
KEEP_MAILS = 90 * DAY
FIRST_RETRY = 5 * SECOND
LAST_RETRY = HOUR
MOST_ATTEMPTS: Final[Mapping[str, int]] = {"MAIL": 50, "IMPORT": 12, "CONTACTS": 500, "UNDO": 12}
"""How often a job is begun and does not go on, as an import or an undo does with each chunk. Mails are given up by their age,
address books by their failures in a row; this is for what ends its worker each time."""


async def run(worker: Worker, stop: asyncio.Event, kinds: Collection[str] = tuple(CARRY)) -> None:
    """Carries out jobs of these kinds until `stop` is set; then lets those at hand end, or hands them back."""
    at_hand: dict[asyncio.Task[None], str] = {}
    pace = Pace(worker.mails_a_minute, worker.clock)
    keeping = asyncio.create_task(_keep_house(worker))
    try:
        while not stop.is_set():
            job = await _claimed(worker, at_hand, kinds if pace.ready() else [k for k in kinds if k != "MAIL"])
            if job is not None:
                if job.kind == "MAIL":
                    pace.took()
                at_hand[asyncio.create_task(_carry_out(worker, job))] = job.kind
            else:
                await _rest(stop, at_hand)
            for ended in [task for task in at_hand if task.done()]:
                del at_hand[ended]
    finally:
        keeping.cancel()
        if at_hand:
            _, unfinished = await asyncio.wait(at_hand, timeout=GRACE_SECONDS)
            for task in unfinished:
                task.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)
        await asyncio.gather(keeping, return_exceptions=True)


async def drain(worker: Worker) -> int:
    """Carries out what is due, one job after the other; answers how many there were. For tests and commands."""
    count = 0
    while (job := await job_queue.claim(worker.database, worker.name, worker.clock(), list(CARRY))) is not None:
        await _carry_out(worker, job)
        count += 1
    return count


async def _claimed(
    worker: Worker, at_hand: Mapping[asyncio.Task[None], str], wanted: Collection[str]
) -> Claimed | None:
    busy = list(at_hand.values())
    kinds = [kind for kind in wanted if busy.count(kind) < AT_ONCE[kind]]
    if not kinds:
        return None
    try:
        return await job_queue.claim(worker.database, worker.name, worker.clock(), kinds)
    except RequestRefusal as refusal:  # the database is busy or full: there will be a better moment
        log.warning("no job can be claimed: %s", refusal.message)
        return None


async def _rest(stop: asyncio.Event, at_hand: Mapping[asyncio.Task[None], str]) -> None:
    """Waits a moment, or until something ends."""
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({stopping, *at_hand}, timeout=IDLE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()


async def _carry_out(worker: Worker, job: Claimed) -> None:
    """Carries out one job while its lease is extended; whatever happens, the job is somebody's afterwards."""

    async def settle(work: Callable[[Transaction], Awaitable[None]]) -> None:
        try:
            await worker.database.write(work, Intent(job.workspace_id, "job"))
        except RequestRefusal as refusal:
            log.warning("job %s is left to its lease: %s", job.id, refusal.message)

    if job.attempts > MOST_ATTEMPTS[job.kind]:
        await settle(await _giving_up(worker, job))
        return
    carrying = asyncio.ensure_future(CARRY[job.kind](worker, job))
    holding = asyncio.create_task(_hold(worker, job))
    try:
        await asyncio.wait({carrying, holding}, return_when=asyncio.FIRST_COMPLETED)
        if not carrying.done():
            log.warning("job %s was taken over by another worker", job.id)
            await _cancelled(carrying)
            return
        carrying.result()
    except asyncio.CancelledError:
        await _cancelled(carrying)
        await settle(lambda tx: job_queue.hand_back(tx, job.id, worker.name))
        raise
    except Exception as fault:
        log.exception("job %s (%s) failed, attempt %d", job.id, job.kind, job.attempts)
        wait, reason = _backoff(job.attempts), f"{type(fault).__name__}: {fault}"
        await settle(lambda tx: job_queue.postpone(tx, job.id, tx.now + wait, reason))
    finally:
        await _cancelled(holding)


async def _giving_up(worker: Worker, job: Claimed) -> Callable[[Transaction], Awaitable[None]]:
    """What ends a job that never came to its end, and says so where people look for it."""
    reason = "It was begun too often and never ended."
    sent = await outbox.find(worker.database, job.workspace_id, job.subject_id) if job.kind == "MAIL" else None
    read = await stored_imports.work_of(worker.database, job.workspace_id, job.subject_id) if sent is None else None
    book = await contact_sources.work_of(worker.database, job.workspace_id, job.subject_id)
    undone = await undoing.work_of(worker.database, job.workspace_id, job.subject_id) if job.kind == "UNDO" else None

    async def work(tx: Transaction) -> None:
        if sent is not None and sent.status in {"QUEUED", "DEFERRED"}:
            await outbox.note(tx, sent, "GIVEN_UP", reason)
        if read is not None and read.status in {"QUEUED", "RUNNING"}:
            await stored_imports.end(tx, read, "FAILED", NotPossible(reason))
        if book is not None:
            await contact_sources.tell(tx, book, "FAILED", reason)
        if undone is not None:
            await undoing.end(tx, undone, reason)
        await job_queue.give_up(tx, job.id, reason)

    return work


async def _hold(worker: Worker, job: Claimed) -> None:
    """Extends a job's lease until it is cancelled; returns when another worker holds the job."""
    while True:
        await asyncio.sleep(HOLD_SECONDS)
        try:
            if not await worker.database.write(
                lambda tx: job_queue.extend(tx, job.id, worker.name), Intent(job.workspace_id, "job")
            ):
                return
        except RequestRefusal as refusal:
            log.warning("the lease of job %s was not extended: %s", job.id, refusal.message)


async def _cancelled(task: "asyncio.Future[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _backoff(attempts: int) -> int:
    """Milliseconds until a job that failed is tried again."""
    return min(FIRST_RETRY << min(attempts - 1, 20), LAST_RETRY)


async def _keep_house(worker: Worker) -> None:
    """Removes what expired, now and then."""
    while True:
        try:
            await keep_house(worker)
        except Exception:
            log.exception("housekeeping failed")
        await asyncio.sleep(HOUSEKEEPING_SECONDS)


async def keep_house(worker: Worker) -> None:
    """Removes what expired, in every workspace: sessions, consents, keys of requests, limits on guessing, jobs, mails, uploads."""

    async def forget(tx: Transaction) -> None:
        await sessions.forget_expired(tx)
        await idempotency.forget(tx)
        await contact_sources.forget_consents(tx)
        await job_queue.forget(tx, tx.now - KEEP_DONE_JOBS)
        await outbox.forget(tx, tx.now - KEEP_MAILS)
        await password_resets.forget(tx, tx.now - KEEP_MAILS)
        await uploads.forget(tx)

    await guessing.forget_old(worker.database)
    for workspace_id, _, _ in await workspaces.every(worker.database):
        await worker.database.write(forget, Intent(workspace_id, "housekeeping"))
    await imports.forget_uploads(worker)
