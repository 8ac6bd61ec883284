"""Links by which a password is set, anew or for the first time; one at a time for each holder, used once."""

from sqlalchemy import bindparam, delete, exists, select, update

from db import credentials, outbox, sessions
from db.clock import DAY, HOUR
from db.database import Database
from db.ids import hashed, link_token, new_id
from db.links import Link, invalid_link
from db.statements import Statement
from db.tables import EmailAddress, Mail, PasswordReset, Workspace
from db.transaction import Transaction
from db.writing import adding, columns

TERM = HOUR


async def request(tx: Transaction, holder_id: str, recipient: str, secret: str) -> None:
    """Queues the mail with a link for who forgot the password; the link before ends."""
    await outbox.queue_reset(tx, await _open(tx, holder_id, secret, TERM), recipient)


async def invite(tx: Transaction, user_id: str, recipient: str, secret: str) -> None:
    """Queues the mail with a link by which an invited user joins; the link before ends."""
    days = await tx.row(DAYS)
    assert days is not None  # noqa: S101  the workspace was found at the start
    await outbox.queue_user_invitation(tx, await _open(tx, user_id, secret, days[0] * DAY), recipient)


async def end(tx: Transaction, holder_id: str) -> None:
    """Ends the links of somebody who may not use them any more."""
    await tx.run(END_OPEN, holder_id=holder_id, now=tx.now)


async def forget(tx: Transaction, before: int) -> None:
    """Removes links that ended before this moment, and that no mail holds any more."""
    if await tx.run(FORGET, before=before):
        tx.move_answers()


async def _open(tx: Transaction, holder_id: str, secret: str, term: int) -> str:
    """A new link in the place of any before; its id."""
    await end(tx, holder_id)
    reset_id = new_id("reset")
    await tx.run(
        adding(PasswordReset),
        id=reset_id,
        holder_id=holder_id,
        requested_by=tx.intent.actor_id,
        token_hash=hashed(link_token(secret, tx.workspace_id, reset_id, 1, "reset")),
        expires_at=tx.now + term,
        ended_at=None,
        created_at=tx.now,
    )
    return reset_id


async def open_link(database: Database, workspace_id: str, token: str) -> Link | None:
    """Whose password a token may set, without using it up; None where it opens nothing."""
    rows = await database.rows(OPEN_LINK, workspace=workspace_id, token_hash=hashed(token), now=database.clock())
    return Link(*rows[0]) if rows else None


async def use(tx: Transaction, token: str, password_hash: str) -> tuple[str, str]:
    """Uses up a link: sets the password and ends all sessions. Answers whose it is, and the key of the address."""
    row = await tx.row(USE, token_hash=hashed(token), now=tx.now)
    address = await sessions.address_of(tx, row[0]) if row else None
    if row is None or address is None:
        raise invalid_link()
    await change(tx, row[0], password_hash)
    await sessions.end_all(tx, row[0])
    return row[0], address


async def change(tx: Transaction, holder_id: str, password_hash: str) -> None:
    """Sets a password; links that would set another end."""
    await credentials.set_password(tx, holder_id, password_hash)
    await tx.run(END_OPEN, holder_id=holder_id, now=tx.now)


_r = columns(PasswordReset)
_mine = _r.workspace_id == bindparam("workspace")
END_OPEN = Statement(
    update(PasswordReset)
    .where(_mine, _r.holder_id == bindparam("holder_id"), _r.ended_at.is_(None))
    .values(ended_at=bindparam("now"))
)
_opens = (
    _mine,
    _r.token_hash == bindparam("token_hash"),
    _r.ended_at.is_(None),
    _r.expires_at > bindparam("now"),
)
USE = Statement(
    update(PasswordReset)
    .where(_mine, _r.token_hash == bindparam("token_hash"), _r.ended_at.is_(None), _r.expires_at > bindparam("now"))
    .values(ended_at=bindparam("now"))
    .returning(_r.holder_id)
)
_a, _w, _m = columns(EmailAddress), columns(Workspace), columns(Mail)
DAYS = Statement(select(_w.invitation_days).where(_w.workspace_id == bindparam("workspace")))
FORGET = Statement(
    delete(PasswordReset).where(
        _mine,
        _r.expires_at < bindparam("before"),
        ~exists(select(_m.id).where(_m.workspace_id == bindparam("workspace"), _m.reset_id == _r.id)),
    )
)
OPEN_LINK = Statement(
    select(_w.name, _a.email_key).where(
        *_opens,
        _a.workspace_id == bindparam("workspace"),
        (_a.customer_id == _r.holder_id) | (_a.user_id == _r.holder_id),
        _w.workspace_id == bindparam("workspace"),
    )
)
