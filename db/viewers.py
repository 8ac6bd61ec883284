"""Who a token belongs to: API keys, sessions of users and sessions of customers, each within its workspace."""

from typing import Any, NamedTuple

import orjson
from sqlalchemy import and_, bindparam, or_, select, update

from db.clock import MINUTE
from db.database import Database
from db.ids import hashed, kind_of, kind_of_token, workspace_of
from db.permissions import CUSTOMER, ROLES, held
from db.statements import Statement
from db.tables import ApiKey, Customer, Session, User, Workspace
from db.transaction import Intent, Transaction


class Found(NamedTuple):
    """A viewer as the database knows it."""

    kind: str
    id: str
    workspace_id: str
    permissions: frozenset[str]
    access_number: int
    credential_id: str
    expires_at: int | None
    last_used_at: int | None


_w: Any = Workspace.__table__.c  # type: ignore[attr-defined]
_k: Any = ApiKey.__table__.c  # type: ignore[attr-defined]
_s: Any = Session.__table__.c  # type: ignore[attr-defined]
_u: Any = User.__table__.c  # type: ignore[attr-defined]
_c: Any = Customer.__table__.c  # type: ignore[attr-defined]
_now: Any = bindparam("now")
_hash: Any = bindparam("hash")
_workspace: Any = bindparam("workspace")

KEY = Statement(
    select(_w.access_number, _k.id, _k.scopes, _k.expires_at, _k.last_used_at).where(
        _w.workspace_id == _workspace,
        _k.workspace_id == _workspace,
        _k.token_hash == _hash,
        _k.revoked_at.is_(None),
        or_(_k.expires_at.is_(None), _k.expires_at > _now),
    )
)
SESSION = Statement(
    select(_w.access_number, _s.id, _s.holder_id, _s.expires_at, _s.last_used_at, _u.role)
    .select_from(
        Workspace.__table__.join(Session.__table__, _s.workspace_id == _w.workspace_id)  # type: ignore[attr-defined]
        .outerjoin(
            User.__table__,  # type: ignore[attr-defined]
            and_(_u.workspace_id == _workspace, _u.id == _s.holder_id, _u.archived_at.is_(None)),
        )
        .outerjoin(
            Customer.__table__,  # type: ignore[attr-defined]
            and_(_c.workspace_id == _workspace, _c.id == _s.holder_id, _c.archived_at.is_(None)),
        )
    )
    .where(
        _w.workspace_id == _workspace,
        _s.workspace_id == _workspace,
        _s.token_hash == _hash,
        _s.expires_at > _now,
        or_(_u.id.is_not(None), _c.id.is_not(None)),
    )
)
ROLE = Statement(
    select(_u.role).where(_u.workspace_id == _workspace, _u.id == bindparam("id"), _u.archived_at.is_(None))
)
USE_KEY = Statement(
    update(ApiKey).where(_k.workspace_id == _workspace, _k.id == bindparam("credential_id")).values(last_used_at=_now)
)
USE_SESSION = Statement(
    update(Session).where(_s.workspace_id == _workspace, _s.id == bindparam("credential_id")).values(last_used_at=_now)
)


async def find(database: Database, token: str) -> Found | None:
    """The viewer a token belongs to; None for a token that is unknown, revoked or expired, all alike."""
    workspace_id, kind = workspace_of(token), kind_of_token(token)
    if workspace_id is None or kind not in {"key", "session"}:
        return None
    statement = KEY if kind == "key" else SESSION
    rows = await database.rows(statement, workspace=workspace_id, hash=hashed(token), now=database.clock())
    if not rows:
        return None
    if kind == "key":
        access_number, key_id, scopes, expires_at, last_used_at = rows[0]
        permissions = held(orjson.loads(scopes))
        return Found("api_key", key_id, workspace_id, permissions, access_number, key_id, expires_at, last_used_at)
    access_number, session_id, holder_id, expires_at, last_used_at, role = rows[0]
    holder = kind_of(holder_id) or "user"
    permissions = CUSTOMER if holder == "customer" else ROLES[role]
    return Found(holder, holder_id, workspace_id, permissions, access_number, session_id, expires_at, last_used_at)


async def permissions_within(tx: Transaction, holder_id: str) -> frozenset[str]:
    """What a user or a customer may do, as a transaction sees it."""
    if kind_of(holder_id) == "customer":
        return CUSTOMER
    row = await tx.row(ROLE, id=holder_id)
    return ROLES[row[0]] if row else frozenset()


async def use(database: Database, workspace_id: str, credential_id: str) -> None:
    """Notes that a key or session was used; called at most once a minute for each."""

    async def work(tx: Transaction) -> None:
        statement = USE_KEY if kind_of(credential_id) == "api_key" else USE_SESSION
        await tx.run(statement, credential_id=credential_id, now=database.clock())

    await database.write(work, Intent(workspace_id, "use"))


USED_AGAIN_AFTER = MINUTE
