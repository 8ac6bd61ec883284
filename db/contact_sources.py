"""Address books that users connected: asking for consent, keeping what was given, and how far a fetch has come.

A source is its user's alone. What lets the server into a book is sealed before it comes here, and leaves with the source.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, delete, func, literal_column, select, update

from db import contacts, job_queue
from db.clock import DAY, MINUTE
from db.contacts import Shelf
from db.database import Database
from db.engines.dialects import quoted
from db.errors import NotFound, NotPossible
from db.ids import hashed, new_id
from db.statements import Statement
from db.tables import Contact, ContactConsent, ContactSource, Job
from db.text import fold, shorten
from db.transaction import Transaction
from db.writing import adding, blank, columns

CONSENT_TERM = 15 * MINUTE
KEPT_CONSENTS = DAY
MOST_SOURCES = 20
"""Address books that one user can connect."""

OPEN, USED, DENIED, FAILED, CONNECTED = None, "USED", "DENIED", "FAILED", "CONNECTED"
STATUSES: Final = ("SYNCING", "READY", "WAITING", "REVOKED", "FAILED")


def place(workspace_id: str, row_id: str) -> str:
    """What a row's secrets are sealed for."""
    return f"{workspace_id} {row_id}"


# Asking for consent


class Consent(NamedTuple):
    """A browser's way to a provider and back."""

    id: str
    user_id: str
    asking_session: str
    provider: str
    verifier: str
    return_to: str | None
    outcome: str | None
    expires_at: int


async def ask(
    tx: Transaction,
    consent_id: str,
    *,
    user_id: str,
    asking_session: str,
    provider: str,
    state: str,
    verifier: str,
    return_to: str | None,
) -> None:
    """Notes that a user of a session is asked for consent. Answers are taken for a quarter of an hour, once."""
    await tx.run(
        adding(ContactConsent),
        id=consent_id,
        user_id=user_id,
        asking_session=asking_session,
        provider=provider,
        state_hash=hashed(state),
        verifier=verifier,
        return_to=return_to,
        outcome=OPEN,
        expires_at=tx.now + CONSENT_TERM,
        created_at=tx.now,
    )


async def asked(database: Database, workspace_id: str, state: str) -> Consent | None:
    """The consent that a state belongs to, whatever became of it."""
    rows = await database.rows(ASKED, workspace=workspace_id, state_hash=hashed(state))
    return Consent(*rows[0]) if rows else None


async def take(tx: Transaction, consent_id: str) -> bool:
    """Uses a consent up; False where it was, or its time is over."""
    return await tx.run(TAKE, id=consent_id, now=tx.now) == 1


async def settle(tx: Transaction, consent_id: str, outcome: str) -> None:
    """Says what became of a consent that was taken."""
    await tx.run(SETTLE, id=consent_id, outcome=outcome)


async def forget_consents(tx: Transaction) -> None:
    await tx.run(FORGET_CONSENTS, before=tx.now - KEPT_CONSENTS)


# Sources


class Shown(NamedTuple):
    """A source as its user sees it."""

    source_id: str
    provider: str
    server: str
    account: str
    status: str
    message: str | None
    retry_at: int | None
    last_synced_at: int | None
    contact_count: int


async def of_user(database: Database, workspace_id: str, user_id: str) -> list[Shown]:
    """The sources that a user connected, the first one first."""
    rows = await database.rows(OF_USER, workspace=workspace_id, user_id=user_id)
    return [Shown(*row) for row in rows]


async def own(tx: Transaction, user_id: str) -> list[Shown]:
    """The same, as a transaction sees it."""
    return [Shown(*row) for row in await tx.rows(OF_USER, user_id=user_id)]


async def last_outcomes(database: Database, workspace_id: str, user_id: str) -> dict[str, str | None]:
    """What became of a user's last consent at each provider, of those of the last day."""
    rows = await database.rows(OUTCOMES, workspace=workspace_id, user_id=user_id)
    return dict(rows)


class Held(NamedTuple):
    """A source with what lets the server in, sealed."""

    id: str
    user_id: str
    provider: str
    server: str
    credentials: str


async def held(database: Database, workspace_id: str, user_id: str, source_id: str) -> Held | None:
    """A source of this user."""
    rows = await database.rows(HELD, workspace=workspace_id, user_id=user_id, id=source_id)
    return Held(*rows[0]) if rows else None


async def need(tx: Transaction, user_id: str | None, source_id: str) -> Any:
    """A source of this user; refused as absent where it is none of theirs."""
    row = await tx.row(HELD, user_id=user_id, id=source_id)
    if row is None:
        message = f"You have no address book with the id {shorten(source_id)!r}."
        raise NotFound(message, ("sourceId",), value=shorten(source_id))
    return Held(*row)


async def connect(
    tx: Transaction, user_id: str, provider: str, server: str, account: str, seal: Callable[[str], str]
) -> str:
    """Keeps a source and begins to fetch it; an account that is connected already takes the new credentials."""
    account_key = fold(account)
    row = await tx.row(SAME, user_id=user_id, provider=provider, server=server, account_key=account_key)
    if row is not None:
        source_id = str(row[0])
        await tx.run(RENEW, id=source_id, credentials=seal(place(tx.workspace_id, source_id)))
    else:
        (count,) = (await tx.row(COUNT, user_id=user_id)) or (0,)
        if count >= MOST_SOURCES:
            raise NotPossible(f"At most {MOST_SOURCES} address books can be connected. Disconnect one first.")
        source_id = new_id("contact_source")
        await tx.run(
            adding(ContactSource),
            **blank(ContactSource)
            | {
                "id": source_id,
                "user_id": user_id,
                "provider": provider,
                "server": server,
                "account": account,
                "account_key": account_key,
                "credentials": seal(place(tx.workspace_id, source_id)),
                "status": "SYNCING",
                "round": 1,
                "whole": True,
                "failures": 0,
                "created_at": tx.now,
            },
        )
    await fetch(tx, source_id)
    return source_id


async def fetch(tx: Transaction, source_id: str) -> None:
    """Has a source fetched, unless that is under way; a pause that its provider wants is kept."""
    if await tx.row(AT_WORK, source_id=source_id) is None:
        await tx.run(BEGIN, id=source_id)
        await job_queue.add(tx, "CONTACTS", source_id)
    tx.move_answers()


async def disconnect(tx: Transaction, source_id: str) -> None:
    """Forgets a source: what lets the server in, and every contact. A fetch under way finds nothing to go on with."""
    await contacts.forget_all(tx, source_id)
    await tx.run(FORGET, id=source_id)
    await tx.run(DROP_JOBS, source_id=source_id)
    tx.move_answers()


async def forget_of(tx: Transaction, user_id: str) -> None:
    """Forgets all sources of a user."""
    for (source_id,) in await tx.rows(IDS, user_id=user_id):
        await disconnect(tx, source_id)
    await tx.run(DROP_CONSENTS, user_id=user_id)


# Fetching


class Work(NamedTuple):
    """A source as a worker takes it up."""

    id: str
    user_id: str
    provider: str
    server: str
    credentials: str
    status: str
    sync_token: str | None
    position: str | None
    round: int
    whole: bool
    failures: int

    @property
    def shelf(self) -> Shelf:
        return Shelf(self.id, self.user_id, self.round)


class Stopped(Exception):  # noqa: N818  an answer
    """The source was disconnected, or another worker fetches it."""


async def work_of(database: Database, workspace_id: str, source_id: str) -> Work | None:
    rows = await database.rows(WORK, workspace=workspace_id, id=source_id)
    return Work(*rows[0]) if rows else None


async def go_on(tx: Transaction, work: Work, position: str) -> Work:
    """Notes where the next page begins, in the transaction that keeps this one; nobody else can."""
    await _run(tx, GO_ON, work, to=position)
    return work._replace(position=position, failures=0)


async def end(tx: Transaction, work: Work, sync_token: str | None) -> None:
    """Ends a fetch: the book is read up to now. Without a sync token the next fetch reads it whole again."""
    whole = sync_token is None
    await _run(tx, END, work, sync_token=sync_token, whole=whole, round=work.round + whole, now=tx.now)


async def start_over(tx: Transaction, work: Work) -> Work:
    """Begins to fetch everything anew. What was fetched stays until that came to its end."""
    await _run(tx, START_OVER, work, round=work.round + 1)
    return work._replace(position=None, sync_token=None, whole=True, round=work.round + 1)


async def renew(tx: Transaction, work: Work, credentials: str) -> Work:
    """Keeps fresh credentials."""
    await _run(tx, CREDENTIALS, work, credentials=credentials)
    return work._replace(credentials=credentials)


async def tell(
    tx: Transaction, work: Work, status: str, message: str | None, *, retry_at: int | None = None, failures: int = 0
) -> None:
    """Says what keeps a source from being fetched; its position stays."""
    await _run(tx, TELL, work, status=status, message=message, retry_at=retry_at, failures=failures)


async def _run(tx: Transaction, statement: Statement, work: Work, **values: Any) -> None:
    if not await tx.run(statement, id=work.id, expected=work.position or "", **values):
        raise Stopped
    tx.move_answers()


# Statements

_s = columns(ContactSource)
_n = columns(ContactConsent)
_j = columns(Job)
_mine = _s.workspace_id == bindparam("workspace")
_this = (_mine, _s.id == bindparam("id"))
_theirs = (_mine, _s.user_id == bindparam("user_id"))
_consent = (_n.workspace_id == bindparam("workspace"), _n.id == bindparam("id"))
_jobs = (
    _j.workspace_id == bindparam("workspace"),
    _j.subject_id == bindparam("source_id"),
    _j.status.in_([quoted("WAITING"), quoted("RUNNING")]),
)
_at = (*_this, func.coalesce(_s.position, literal_column("''")) == bindparam("expected"))

ASKED = Statement(
    select(
        _n.id, _n.user_id, _n.asking_session, _n.provider, _n.verifier, _n.return_to, _n.outcome, _n.expires_at
    ).where(_n.workspace_id == bindparam("workspace"), _n.state_hash == bindparam("state_hash"))
)
TAKE = Statement(
    update(ContactConsent)
    .where(*_consent, _n.outcome.is_(None), _n.expires_at > bindparam("now"))
    .values(outcome=USED, verifier="")
)
SETTLE = Statement(update(ContactConsent).where(*_consent).values(outcome=bindparam("outcome")))
FORGET_CONSENTS = Statement(
    delete(ContactConsent).where(_n.workspace_id == bindparam("workspace"), _n.created_at < bindparam("before"))
)
DROP_CONSENTS = Statement(
    delete(ContactConsent).where(_n.workspace_id == bindparam("workspace"), _n.user_id == bindparam("user_id"))
)
OUTCOMES = Statement(
    select(_n.provider, _n.outcome)
    .where(_n.workspace_id == bindparam("workspace"), _n.user_id == bindparam("user_id"))
    .order_by(_n.id)
)
_c = columns(Contact)
_counted = (
    select(func.count())
    .where(_c.workspace_id == bindparam("workspace"), _c.source_id == _s.id, ~_c.pending)
    .correlate(ContactSource.__table__)  # type: ignore[attr-defined]
    .scalar_subquery()
)
OF_USER = Statement(
    select(
        _s.id,
        _s.provider,
        _s.server,
        _s.account,
        _s.status,
        _s.status_message,
        _s.retry_at,
        _s.last_synced_at,
        _counted,
    )
    .where(*_theirs)
    .order_by(_s.id)
)
IDS = Statement(select(_s.id).where(*_theirs))
COUNT = Statement(select(func.count()).where(*_theirs))
HELD = Statement(
    select(_s.id, _s.user_id, _s.provider, _s.server, _s.credentials).where(*_theirs, _s.id == bindparam("id"))
)
SAME = Statement(
    select(_s.id).where(
        *_theirs,
        _s.provider == bindparam("provider"),
        _s.server == bindparam("server"),
        _s.account_key == bindparam("account_key"),
    )
)
RENEW = Statement(
    update(ContactSource)
    .where(*_this)
    .values(credentials=bindparam("credentials"), status="SYNCING", status_message=None, retry_at=None, failures=0)
)
AT_WORK = Statement(select(_j.id).where(*_jobs).limit(literal_column("1")))
DROP_JOBS = Statement(delete(Job).where(*_jobs))
BEGIN = Statement(
    update(ContactSource).where(*_this).values(status="SYNCING", status_message=None, retry_at=None, failures=0)
)
FORGET = Statement(delete(ContactSource).where(*_this))
WORK = Statement(
    select(
        _s.id,
        _s.user_id,
        _s.provider,
        _s.server,
        _s.credentials,
        _s.status,
        _s.sync_token,
        _s.position,
        _s.round,
        _s.whole,
        _s.failures,
    ).where(*_this)
)
GO_ON = Statement(
    update(ContactSource)
    .where(*_at)
    .values(position=bindparam("to"), status="SYNCING", status_message=None, retry_at=None, failures=0)
)
END = Statement(
    update(ContactSource)
    .where(*_at)
    .values(
        position=None,
        sync_token=bindparam("sync_token"),
        whole=bindparam("whole"),
        round=bindparam("round"),
        status="READY",
        status_message=None,
        retry_at=None,
        failures=0,
        last_synced_at=bindparam("now"),
    )
)
START_OVER = Statement(
    update(ContactSource)
    .where(*_at)
    .values(position=None, sync_token=None, whole=bindparam("whole", value=True), round=bindparam("round"))
)
CREDENTIALS = Statement(update(ContactSource).where(*_at).values(credentials=bindparam("credentials")))
TELL = Statement(
    update(ContactSource)
    .where(*_at)
    .values(
        status=bindparam("status"),
        status_message=bindparam("message"),
        retry_at=bindparam("retry_at"),
        failures=bindparam("failures"),
    )
)
