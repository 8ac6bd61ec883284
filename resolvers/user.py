"""What is done to users."""

from typing import Any

from db import api_keys
from db import users as stored
from db.transaction import Transaction
from db.users import Rights
from resolvers.context import Context, Outcome
from resolvers.payload import Reference


def rights(context: Context) -> Rights:
    """What who asks may do to users."""
    viewer = context.asking
    return Rights(viewer.permissions, viewer.id if viewer.kind == "user" else None)


async def invite(context: Context, *, email: str, name: str, role: str, dry_run: bool = False) -> bytes:
    async def work(tx: Transaction) -> Outcome:
        secret = context.process.secrets[0]
        return {"user": Reference(await stored.invite(tx, rights(context), email, name, role, secret))}

    return await context.write(work, dry_run=dry_run)


async def invite_again(context: Context, *, user_id: str, dry_run: bool = False) -> bytes:
    async def work(tx: Transaction) -> Outcome:
        await stored.invite_again(tx, rights(context), user_id, context.process.secrets[0])
        return {"user": Reference(user_id)}

    return await context.write(work, dry_run=dry_run)


async def update(
    context: Context, *, user_id: str, expected_version: int | None = None, dry_run: bool = False, **changes: Any
) -> bytes:
    async def work(tx: Transaction) -> Outcome:
        await stored.update(tx, rights(context), user_id, changes, expected_version)
        return {"user": Reference(user_id)}

    return await context.write(work, dry_run=dry_run)


async def remove(
    context: Context,
    *,
    user_id: str,
    revoke_api_keys: bool = False,
    expected_version: int | None = None,
    dry_run: bool = False,
) -> bytes:
    async def work(tx: Transaction) -> Outcome:
        await stored.remove(tx, rights(context), user_id, expected_version)
        if revoke_api_keys:
            await api_keys.revoke_of(tx, user_id)
        return {"user": Reference(user_id)}

    return await context.write(work, dry_run=dry_run)
