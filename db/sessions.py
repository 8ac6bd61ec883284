"""Sessions of signed-in users and customers, their passwords, and the limit on guessing."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import bindparam, case, delete, select

from db.clock import DAY, MINUTE
from db.dialects import Dialect
from db.errors import RateLimited
from db.ids import hashed, new_id, new_token
from db.sqlite import SqliteDatabase
from db.statements import Statement
from db.tables import Credential, EmailAddress, GuessingLimit, Session
from db.transaction import Transaction
from db.writing import adding, columns

TERM = 30 * DAY
MOST_FAILURES = 10
WINDOW = 5 * MINUTE


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


async def _ended(tx: Transaction, count: int) -> bool:
    if count:
        tx.move_access()
    return count > 0


async def holder(database: SqliteDatabase, workspace_id: str, email_key: str) -> Holder | None:
    """Who may sign in with an address."""
    values = {"workspace": workspace_id, "email_key": email_key}
    rows = await database.read(HOLDER.text(database.dialect), HOLDER.parameters(database.dialect, values))
    return Holder(rows[0][0] or rows[0][1], rows[0][2]) if rows else None


# Guessing


async def check_guessing(database: SqliteDatabase, workspace_id: str, doors: Sequence[str]) -> None:
    """Refuses while a door had too many failures; the owner can still get in by mail."""
    now = database.clock()
    for door in doors:
        values = {"workspace": workspace_id, "door": hashed(door), "now": now}
        rows = await database.read(FAILURES.text(database.dialect), FAILURES.parameters(database.dialect, values))
        if rows and rows[0][0] >= MOST_FAILURES:
            seconds = max(1, (rows[0][1] - now) // 1000)
            raise RateLimited(f"Too many attempts failed. Wait {seconds} seconds.", seconds)


async def note_failure(tx: Transaction, doors: Sequence[str]) -> None:
    """Counts a failed attempt against each door."""
    for door in doors:
        await tx.run(FAIL, door=hashed(door), window_ends_at=tx.now + WINDOW, now=tx.now)


_s = columns(Session)
_mine = _s.workspace_id == bindparam("workspace")
END = Statement(delete(Session).where(_mine, _s.id == bindparam("id")))
END_ALL = Statement(delete(Session).where(_mine, _s.holder_id == bindparam("holder_id")))
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
_g = columns(GuessingLimit)
FAILURES = Statement(
    select(_g.failures, _g.window_ends_at).where(
        _g.workspace_id == bindparam("workspace"), _g.door == bindparam("door"), _g.window_ends_at > bindparam("now")
    )
)


def _fail(dialect: Dialect) -> object:
    added = dialect.insert(GuessingLimit).values(
        workspace_id=bindparam("workspace"),
        door=bindparam("door"),
        failures=1,
        window_ends_at=bindparam("window_ends_at"),
    )
    over = _g.window_ends_at <= bindparam("now")
    return added.on_conflict_do_update(
        index_elements=["workspace_id", "door"],
        set_={
            "failures": case((over, 1), else_=_g.failures + 1),
            "window_ends_at": case((over, bindparam("window_ends_at")), else_=_g.window_ends_at),
        },
    )


FAIL = Statement(_fail)
