"""Sessions of signed-in users and customers."""

from typing import NamedTuple

from sqlalchemy import bindparam, delete, select

from db.clock import DAY
from db.database import Database
from db.ids import hashed, new_id, new_token
from db.statements import Statement
from db.tables import Credential, EmailAddress, Session
from db.transaction import Transaction
from db.writing import adding, columns

TERM = 30 * DAY


class Holder(NamedTuple):
    """Who holds an address, and the hash of its password."""

    id: str
    password_hash: str | None


async def open_(tx: Transaction, holder_id: str) -> str:
    """Opens a session; answers its token, which is kept nowhere."""
    token = new_token("session", tx.workspace_id)
    await tx.run(
        adding(Session),
        id=new_id("session"),
        holder_id=holder_id,
        token_hash=hashed(token),
        created_at=tx.now,
        expires_at=tx.now + TERM,
        last_used_at=tx.now,
    )
    return token


async def end(tx: Transaction, session_id: str) -> bool:
    """Ends one session at once."""
    return await _ended(tx, await tx.run(END, id=session_id))


async def end_all(tx: Transaction, holder_id: str) -> bool:
    """Ends all sessions of a user or customer at once."""
    return await _ended(tx, await tx.run(END_ALL, holder_id=holder_id))


async def end_others(tx: Transaction, holder_id: str, session_id: str) -> bool:
    """Ends all sessions of a user or customer but this one."""
    return await _ended(tx, await tx.run(END_OTHERS, holder_id=holder_id, id=session_id))


async def forget_expired(tx: Transaction) -> None:
    """Removes sessions that ended by themselves; nobody has to be looked up again for it."""
    await tx.run(FORGET_EXPIRED, now=tx.now)


async def _ended(tx: Transaction, count: int) -> bool:
    if count:
        tx.move_access()
    return count > 0


async def address_of(tx: Transaction, holder_id: str) -> str | None:
    """The key of the address by which somebody signs in; None for who was archived or never was."""
    row = await tx.row(ADDRESS, holder_id=holder_id)
    return row and row[0]


async def holder(database: Database, workspace_id: str, email_key: str) -> Holder | None:
    """Who may sign in with an address."""
    rows = await database.rows(HOLDER, workspace=workspace_id, email_key=email_key)
    return Holder(rows[0][0] or rows[0][1], rows[0][2]) if rows else None


_s = columns(Session)
_mine = _s.workspace_id == bindparam("workspace")
END = Statement(delete(Session).where(_mine, _s.id == bindparam("id")))
END_ALL = Statement(delete(Session).where(_mine, _s.holder_id == bindparam("holder_id")))
END_OTHERS = Statement(delete(Session).where(_mine, _s.holder_id == bindparam("holder_id"), _s.id != bindparam("id")))
FORGET_EXPIRED = Statement(delete(Session).where(_mine, _s.expires_at <= bindparam("now")))
_a, _p = columns(EmailAddress), columns(Credential)
HOLDER = Statement(
    select(_a.customer_id, _a.user_id, _p.password_hash)
    .select_from(
        EmailAddress.__table__.outerjoin(  # type: ignore[attr-defined]
            Credential.__table__,  # type: ignore[attr-defined]
            (_p.workspace_id == bindparam("workspace"))
            & ((_p.holder_id == _a.customer_id) | (_p.holder_id == _a.user_id)),
        )
    )
    .where(_a.workspace_id == bindparam("workspace"), _a.email_key == bindparam("email_key"))
)
ADDRESS = Statement(
    select(_a.email_key).where(
        _a.workspace_id == bindparam("workspace"),
        (_a.customer_id == bindparam("holder_id")) | (_a.user_id == bindparam("holder_id")),
    )
)
