"""Links by which a user or a customer sets a new password; one at a time, for an hour, used once."""

from sqlalchemy import bindparam, select, update

from db import credentials, outbox, sessions
from db.clock import HOUR
from db.ids import hashed, link_token, new_id
from db.links import Link, invalid_link
from db.sqlite import SqliteDatabase
from db.statements import Statement
from db.tables import EmailAddress, PasswordReset, Workspace
from db.transaction import Transaction
from db.writing import adding, columns

TERM = HOUR


async def request(tx: Transaction, holder_id: str, recipient: str, secret: str) -> None:
    """Queues the mail with a link; the link before ends."""
    await tx.run(END_OPEN, holder_id=holder_id, now=tx.now)
    reset_id = new_id("reset")
    await tx.run(
        adding(PasswordReset),
        id=reset_id,
        holder_id=holder_id,
        token_hash=hashed(link_token(secret, tx.workspace_id, reset_id, 1, "reset")),
        expires_at=tx.now + TERM,
        ended_at=None,
        created_at=tx.now,
    )
    await outbox.queue_reset(tx, reset_id, recipient)


async def open_link(database: SqliteDatabase, workspace_id: str, token: str) -> Link | None:
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
_a, _w = columns(EmailAddress), columns(Workspace)
OPEN_LINK = Statement(
    select(_w.name, _a.email_key).where(
        *_opens,
        _a.workspace_id == bindparam("workspace"),
        (_a.customer_id == _r.holder_id) | (_a.user_id == _r.holder_id),
        _w.workspace_id == bindparam("workspace"),
    )
)
