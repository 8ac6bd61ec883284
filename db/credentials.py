"""Passwords of users and customers, as hashes."""

from sqlalchemy import bindparam, delete, func, select, update

from db.database import Database
from db.ids import kind_of
from db.statements import Statement
from db.tables import Credential, User
from db.transaction import Transaction
from db.writing import adding, columns


async def set_password(tx: Transaction, holder_id: str, password_hash: str) -> None:
    """Gives a user or a customer a password, in the place of any before. A user can sign in from then on."""
    await tx.run(REMOVE, holder_id=holder_id)
    await tx.run(adding(Credential), holder_id=holder_id, password_hash=password_hash, changed_at=tx.now)
    if kind_of(holder_id) == "user":
        await tx.run(ACTIVATE_USER, id=holder_id, now=tx.now)


async def hash_of(database: Database, workspace_id: str, holder_id: str) -> str | None:
    """The hash of a password; None for who has none."""
    rows = await database.rows(HASH, workspace=workspace_id, holder_id=holder_id)
    return rows[0][0] if rows else None


_p, _u = columns(Credential), columns(User)
_this = (_p.workspace_id == bindparam("workspace"), _p.holder_id == bindparam("holder_id"))
REMOVE = Statement(delete(Credential).where(*_this))
HASH = Statement(select(_p.password_hash).where(*_this))
ACTIVATE_USER = Statement(
    update(User)
    .where(_u.workspace_id == bindparam("workspace"), _u.id == bindparam("id"))
    .values(activated_at=func.coalesce(_u.activated_at, bindparam("now")))
)
