"""Slow work as rows: added with what caused it, claimed by a lease, finished or tried again."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import bindparam, delete, func, select, update

from db.ids import new_id
from db.sqlite import SqliteDatabase
from db.statements import Statement
from db.tables import Job
from db.transaction import Transaction
from db.writing import adding, columns

LEASE_MILLISECONDS = 30_000


class Backlog(NamedTuple):
    """Jobs of a kind whose time has come and that no worker has."""

    kind: str
    due: int
    oldest_due_at: int


class Claimed(NamedTuple):
    """A job that this worker holds until its lease ends."""

    workspace_id: str
    id: str
    kind: str
    subject_id: str
    attempts: int


async def add(tx: Transaction, kind: str, subject_id: str, due_at: int | None = None) -> str:
    """Adds a job in the transaction that causes it."""
    job_id = new_id("job")
    await tx.run(
        adding(Job),
        id=job_id,
        kind=kind,
        subject_id=subject_id,
        status="WAITING",
        due_at=tx.now if due_at is None else due_at,
        leased_until=None,
        leased_by=None,
        attempts=0,
        last_error=None,
        created_at=tx.now,
    )
    return job_id


async def claim(
    database: SqliteDatabase, worker: str, now: int, kinds: Sequence[str] = ("IMPORT", "MAIL")
) -> Claimed | None:
    """Takes the job of these kinds that is due longest, or one whose worker let its lease end. Across workspaces: maintenance."""
    wanted = orjson.dumps(list(kinds)).decode()
    if not await database.read(ANY_DUE, (now, wanted, now, wanted)):
        return None

    def take(connection: Any) -> Claimed | None:
        row = connection.execute(CLAIM, (worker, now + LEASE_MILLISECONDS, now, now, wanted)).fetchone()
        return Claimed(*row) if row else None

    return await database.maintain(take)


async def backlog(database: SqliteDatabase, now: int) -> list[Backlog]:
    """What waits for a worker. Across workspaces: maintenance."""
    return [Backlog(*row) for row in await database.rows(BACKLOG, now=now)]


async def extend(tx: Transaction, job_id: str, worker: str) -> bool:
    """Holds a claimed job longer; False if another worker took it over meanwhile."""
    return await tx.run(EXTEND, id=job_id, worker=worker, leased_until=tx.now + LEASE_MILLISECONDS) == 1


async def finish(tx: Transaction, job_id: str) -> None:
    """Ends a job for good."""
    await tx.run(FINISH, id=job_id)


async def postpone(tx: Transaction, job_id: str, due_at: int, reason: str) -> None:
    """Gives a job back, to be tried again at `due_at`."""
    await tx.run(POSTPONE, id=job_id, due_at=due_at, last_error=reason[:1000])


async def hand_back(tx: Transaction, job_id: str, worker: str) -> None:
    """Gives back a job that this worker still holds and did not finish, for another to begin at once."""
    await tx.run(HAND_BACK, id=job_id, worker=worker, due_at=tx.now)


async def give_up(tx: Transaction, job_id: str, reason: str) -> None:
    """Ends a job that failed too often; its row keeps the reason."""
    await tx.run(GIVE_UP, id=job_id, last_error=reason[:1000])


async def forget(tx: Transaction, before: int) -> None:
    """Removes jobs that were done, and that are older than this moment."""
    await tx.run(FORGET, before=before)


ANY_DUE = """
SELECT 1 FROM job WHERE status = 'WAITING' AND due_at <= ? AND kind IN (SELECT value FROM json_each(?)) UNION ALL
SELECT 1 FROM job WHERE status = 'RUNNING' AND leased_until <= ? AND kind IN (SELECT value FROM json_each(?)) LIMIT 1
"""
CLAIM = """
UPDATE job SET status = 'RUNNING', leased_by = ?, leased_until = ?, attempts = attempts + 1
WHERE (workspace_id, id) = (
    SELECT workspace_id, id FROM job
    WHERE ((status = 'WAITING' AND due_at <= ?) OR (status = 'RUNNING' AND leased_until <= ?))
        AND kind IN (SELECT value FROM json_each(?))
    ORDER BY due_at, id LIMIT 1
)
RETURNING workspace_id, id, kind, subject_id, attempts
"""

_j = columns(Job)
BACKLOG = Statement(
    select(_j.kind, func.count(), func.min(_j.due_at))
    .where(_j.status == "WAITING", _j.due_at <= bindparam("now"))
    .group_by(_j.kind)
)
_mine = (_j.workspace_id == bindparam("workspace"), _j.id == bindparam("id"))
EXTEND = Statement(
    update(Job)
    .where(*_mine, _j.leased_by == bindparam("worker"), _j.status == "RUNNING")
    .values(leased_until=bindparam("leased_until"))
)
FINISH = Statement(update(Job).where(*_mine).values(status="DONE", leased_by=None, leased_until=None))
POSTPONE = Statement(
    update(Job)
    .where(*_mine)
    .values(
        status="WAITING",
        due_at=bindparam("due_at"),
        last_error=bindparam("last_error"),
        leased_by=None,
        leased_until=None,
    )
)
HAND_BACK = Statement(
    update(Job)
    .where(*_mine, _j.leased_by == bindparam("worker"), _j.status == "RUNNING")
    .values(status="WAITING", due_at=bindparam("due_at"), leased_by=None, leased_until=None, attempts=_j.attempts - 1)
)
GIVE_UP = Statement(
    update(Job)
    .where(*_mine)
    .values(status="FAILED", last_error=bindparam("last_error"), leased_by=None, leased_until=None)
)
FORGET = Statement(
    delete(Job).where(
        _j.workspace_id == bindparam("workspace"), _j.status == "DONE", _j.created_at < bindparam("before")
    )
)
