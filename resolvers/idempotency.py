"""From a request's Idempotency-Key to the claim of one field of its mutation, and to what was answered before."""

import hashlib
import hmac
from typing import Any

import orjson

from db import idempotency
from db.idempotency import Claim
from resolvers.context import Context


def claimed(context: Context, path: str, name: str, asked: Any, *, keeps_answer: bool) -> Claim:
    """The claim of a field. `asked` is hashed with the server's secrets: inputs hold passwords."""
    assert context.idempotency_key is not None  # noqa: S101  asked with one
    text = orjson.dumps(asked, default=str, option=orjson.OPT_SORT_KEYS)
    hashes = [hmac.new(secret.encode(), text, hashlib.sha256).hexdigest() for secret in context.process.secrets]
    return Claim(context.asking.id, context.idempotency_key, f"{path}:{name}", hashes, keeps_answer)


async def replay(context: Context, claim: Claim) -> bytes | None:
    """The payload that was answered under this key, or None."""
    viewer = context.asking
    return await idempotency.earlier(context.process.database, viewer.workspace_id, viewer.access_number, claim)
