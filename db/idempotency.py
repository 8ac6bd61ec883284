"""Mutations that are asked again with the same key: done once, and answered alike.

After the draft "The Idempotency-Key HTTP Header Field" of the IETF, section 2. A key stands for one field of a mutation,
of one viewer in one workspace, for 24 hours. It is claimed first thing in that field's own transaction, and the answer is
kept at its end: what is undone leaves no claim, and what was done is never done again.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import and_, bindparam, delete, select, update

from db.clock import DAY
from db.database import Database
from db.errors import AccessMoved, KeyInFlight, KeyUsed
from db.statements import Statement, columns
from db.tables import IdempotencyKey, Workspace
from db.transaction import Transaction
from db.writing import adding_if_absent

TERM = DAY


class Claim(NamedTuple):
    """One field of a mutation, asked under a key."""

    viewer_id: str
    key: str
    field: str
    request_hashes: Sequence[str]
    """What is asked, hashed with each secret in force; the first is the one that is kept."""
    keeps_answer: bool
    """Whether the answer may be kept; one that holds a secret may not."""


async def earlier(database: Database, workspace_id: str, access_number: int, claim: Claim) -> bytes | None:
    """What was answered under this key; None where nothing was done yet.

    Raises `KeyUsed` where the key stood for something else, or where the answer was not kept, and `AccessMoved`
    where rights changed since the viewer was looked up.
    """
    (found,) = await database.rows(
        FIND,
        workspace=workspace_id,
        actor_id=claim.viewer_id,
        client_key=claim.key,
        field=claim.field,
        after=database.clock() - TERM,
    ) or [(None, None, None)]
    number, request_hash, answer = found
    if number != access_number:
        raise AccessMoved
    if request_hash is None:
        return None
    if request_hash not in claim.request_hashes:
        message = (
            "This Idempotency-Key was sent with another request. Nothing was done; take a new key for a new request."
        )
        raise KeyUsed(message, (claim.field,))
    if answer is None:
        message = (
            "This was done before under this Idempotency-Key. Its answer held a secret and was not kept; "
            "nothing was done again."
        )
        raise KeyUsed(message, (claim.field,))
    return bytes(answer, "utf-8")


async def take(tx: Transaction, claim: Claim) -> None:
    """Claims a key for this transaction; refused with `KeyInFlight` where another took it since `earlier` looked."""
    await tx.run(END, actor_id=claim.viewer_id, client_key=claim.key, field=claim.field, before=tx.now - TERM)
    taken = await tx.run(
        adding_if_absent(IdempotencyKey),
        actor_id=claim.viewer_id,
        client_key=claim.key,
        field=claim.field,
        request_hash=claim.request_hashes[0],
        answer=None,
        created_at=tx.now,
    )
    if not taken:
        message = "The request with this Idempotency-Key is being carried out. Send it again for its answer."
        raise KeyInFlight(message, (claim.field,))


async def keep(tx: Transaction, claim: Claim, answer: bytes) -> None:
    """Keeps the answer for who asks again."""
    if claim.keeps_answer:
        await tx.run(KEEP, actor_id=claim.viewer_id, client_key=claim.key, field=claim.field, answer=answer.decode())


async def forget(tx: Transaction) -> None:
    """Removes keys whose time is over."""
    await tx.run(FORGET, before=tx.now - TERM)


_k, _w = columns(IdempotencyKey), columns(Workspace)
_mine = _k.workspace_id == bindparam("workspace")
_this = and_(
    _mine,
    _k.actor_id == bindparam("actor_id"),
    _k.client_key == bindparam("client_key"),
    _k.field == bindparam("field"),
)
FIND = Statement(
    select(_w.access_number, _k.request_hash, _k.answer)
    .select_from(
        Workspace.__table__.outerjoin(  # type: ignore[attr-defined]
            IdempotencyKey.__table__,  # type: ignore[attr-defined]
            and_(_this, _k.created_at > bindparam("after")),
        )
    )
    .where(_w.workspace_id == bindparam("workspace"))
)
END = Statement(delete(IdempotencyKey).where(_this, _k.created_at <= bindparam("before")))
KEEP = Statement(update(IdempotencyKey).where(_this).values(answer=bindparam("answer")))
FORGET = Statement(delete(IdempotencyKey).where(_mine, _k.created_at <= bindparam("before")))
