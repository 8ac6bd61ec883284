"""API keys of integrations: what can be read of them and what can be done to them."""

from collections.abc import Sequence

import orjson
from sqlalchemy import bindparam, literal_column, select, update

from db.database import Database
from db.errors import InvalidValue
from db.ids import hashed, new_id, new_token
from db.reads.records import Record
from db.statements import Statement
from db.tables import ApiKey
from db.text import required
from db.transaction import Transaction
from db.writing import adding, columns, found

API_KEY = Record(
    kind="api_key",
    table=ApiKey,
    orders={"CREATED_AT": "created_at"},
    default_order=(("CREATED_AT", "DESC"),),
)


async def any_at_all(database: Database) -> bool:
    """Whether any workspace ever had a key. For maintenance."""
    return bool(await database.rows(ANY))


async def create(
    tx: Transaction, name: str, scopes: Sequence[str], expires_at: int | None = None, key: str | None = None
) -> tuple[str, str]:
    """Adds a key (one that the caller made, or a new one); answers its id and the key itself, which is kept nowhere."""
    if not scopes:
        raise InvalidValue("A key needs at least one scope.", ("scopes",), code="REQUIRED")
    if expires_at is not None and expires_at <= tx.now:
        raise InvalidValue("expiresAt lies in the past. Name a later moment, or leave it out.", ("expiresAt",))
    key, key_id = key or new_token("key", tx.workspace_id), new_id("api_key")
    await tx.run(
        adding(ApiKey),
        id=key_id,
        name=required(name, 200, ("name",)),
        prefix=key[: len("rd_key_") + 26 + 7],
        token_hash=hashed(key),
        scopes=orjson.dumps(sorted(set(scopes))).decode(),
        created_by=tx.intent.actor_id,
        created_at=tx.now,
        expires_at=expires_at,
        last_used_at=None,
        revoked_at=None,
    )
    tx.move_answers()
    return key_id, key


async def revoke(tx: Transaction, key_id: str) -> None:
    """Ends a key at once; revoking one that is revoked changes nothing."""
    await found(tx, ApiKey, key_id, ("apiKeyId",))
    if await tx.run(REVOKE, id=key_id, now=tx.now):
        tx.move_access()


async def revoke_of(tx: Transaction, user_id: str) -> None:
    """Ends the keys that a user created."""
    if await tx.run(REVOKE_OF, user_id=user_id, now=tx.now):
        tx.move_access()


_k = columns(ApiKey)
ANY = Statement(select(_k.id).limit(literal_column("1")))
REVOKE = Statement(
    update(ApiKey)
    .where(_k.workspace_id == bindparam("workspace"), _k.id == bindparam("id"), _k.revoked_at.is_(None))
    .values(revoked_at=bindparam("now"))
)
REVOKE_OF = Statement(
    update(ApiKey)
    .where(_k.workspace_id == bindparam("workspace"), _k.created_by == bindparam("user_id"), _k.revoked_at.is_(None))
    .values(revoked_at=bindparam("now"))
)
