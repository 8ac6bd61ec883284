"""What is done to API keys."""

from collections.abc import Sequence

from db import api_keys as stored
from db.errors import Forbidden
from db.permissions import held
from db.transaction import Transaction
from resolvers.context import Context, Outcome
from resolvers.payload import Reference


async def create(context: Context, *, name: str, scopes: Sequence[str], expires_at: int | None = None) -> bytes:
    beyond = held(frozenset(scopes)) - context.asking.permissions
    if beyond:
        message = f"A key may not have more than its creator: {', '.join(sorted(beyond))}."
        return await context.refuse(Forbidden(message, ("scopes",)))

    async def work(tx: Transaction) -> Outcome:
        key_id, key = await stored.create(tx, name, scopes, expires_at)
        return {"api_key": Reference(key_id), "key": key}

    return await context.write(work)


async def revoke(context: Context, *, api_key_id: str) -> bytes:
    async def work(tx: Transaction) -> Outcome:
        await stored.revoke(tx, api_key_id)
        return {"api_key": Reference(api_key_id)}

    return await context.write(work)
