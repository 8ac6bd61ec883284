"""Slow work as rows: added with what caused it, claimed by a lease, finished or tried again."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, delete, func, literal_column, or_, select, tuple_, update

from db.database import Database
from db.engines.dialects import Dialect
from db.ids import new_id
from db.statements import Statement
from db.tables import Job
from db.transaction import Maintenance, Transaction
from db.writing import adding, columns, ids_of, listed

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


async def claim(database: Database, worker: str, now: int, kinds: Sequence[str] = ("IMPORT", "MAIL")) -> Claimed | None:
    """Takes the job of these kinds that is due longest, or one whose worker let its lease end. Across workspaces: maintenance."""
    due = {"now": now, "kinds": listed(kinds)}
    if not await database.rows(ANY_DUE, **due):
        return None

    async def take(maintenance: Maintenance) -> Claimed | None:
        row = await maintenance.row(CLAIM, worker=worker, leased_until=now + LEASE_MILLISECONDS, **due)
        return Claimed(*row) if row else None

    return await database.maintain(take)


async def backlog(database: Database, now: int) -> list[Backlog]:
    """What waits for a worker. Across workspaces: maintenance."""
    return [Backlog(*row) for row in await database.rows(BACKLOG, now=now)]


async def extend(tx: Transaction, job_id: str, worker: str, *, goes_on: bool = False) -> bool:
    """Holds a claimed job longer; False if another worker took it over meanwhile.

    One that goes on counts as begun once: only those that get nowhere are given up.
    """
    statement = GO_ON if goes_on else EXTEND
    return await tx.run(statement, id=job_id, worker=worker, leased_until=tx.now + LEASE_MILLISECONDS) == 1


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


_j = columns(Job)


def _waiting(dialect: Dialect) -> Any:
    return and_(_j.status == "WAITING", _j.due_at <= bindparam("now"), _j.kind.in_(ids_of(dialect, "kinds")))


def _abandoned(dialect: Dialect) -> Any:
    return and_(_j.status == "RUNNING", _j.leased_until <= bindparam("now"), _j.kind.in_(ids_of(dialect, "kinds")))


def _claim(dialect: Dialect) -> Any:
    """The row is found once, locked, and passed over where another worker is at it."""
    due = (
        select(_j.workspace_id, _j.id)
        .where(or_(_waiting(dialect), _abandoned(dialect)))
        .order_by(_j.due_at, _j.id)
        .limit(literal_column("1"))
        .with_for_update(skip_locked=True)
    )
    return (
        update(Job)
        .where(tuple_(_j.workspace_id, _j.id) == due.scalar_subquery())
        .values(
            status="RUNNING",
            leased_by=bindparam("worker"),
            leased_until=bindparam("leased_until"),
            attempts=_j.attempts + 1,
        )
        .returning(_j.workspace_id, _j.id, _j.kind, _j.subject_id, _j.attempts)
    )


ANY_DUE = Statement(
    lambda dialect: (
        select(literal_column("1"))
        .where(_waiting(dialect))
        .union_all(select(literal_column("1")).where(_abandoned(dialect)))
        .limit(literal_column("1"))
    )
)
CLAIM = Statement(_claim)
BACKLOG = Statement(
    select(_j.kind, func.count(), func.min(_j.due_at))
    .where(_j.status == "WAITING", _j.due_at <= bindparam("now"))
    .group_by(_j.kind)
)
_mine = (_j.workspace_id == bindparam("workspace"), _j.id == bindparam("id"))
_extending = (
    update(Job)
    .where(*_mine, _j.leased_by == bindparam("worker"), _j.status == "RUNNING")
    .values(leased_until=bindparam("leased_until"))
)
EXTEND = Statement(_extending)
GO_ON = Statement(_extending.values(attempts=1))
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
