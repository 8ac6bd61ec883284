"""What is done to invitations."""

from collections.abc import Mapping, Sequence
from typing import Any

from db import customers, sessions
from db import invitations as stored
from db.errors import NotPossible, Refusal
from db.ids import workspace_of
from db.permissions import CUSTOMER
from db.scope import Scope
from db.transaction import Transaction
from db.writing import at_most
from resolvers.bulk import answered, check_choice, each
from resolvers.context import Context, Outcome
from resolvers.passwords import check
from resolvers.payload import Reference


async def invite(
    context: Context,
    *,
    error_policy: str,
    customer_ids: Sequence[str] | None = None,
    filter: Mapping[str, Any] | None = None,  # noqa: A002  the contract's name
    message: str | None = None,
    dry_run: bool = False,
) -> bytes:
    async def one(tx: Transaction, customer_id: str, path: tuple[str, ...]) -> tuple[str, str]:
        await stored.invite(tx, customer_id, context.process.secrets[0], message, path)
        return customer_id, "UPDATED"

    async def work(tx: Transaction) -> Outcome:
        check_choice(customer_ids, filter)
        ids = customer_ids
        if ids is None:
            not_joined = {"and": [filter, {"status": ["CREATED", "INVITED"]}]}
            ids = await customers.matching(tx, not_joined)
            at_most(ids, ("filter",))
        return answered(await each(tx, ids, "customerIds", error_policy, one))

    return await context.write(work, dry_run=dry_run)


async def resend(context: Context, *, invitation_id: str, dry_run: bool = False) -> bytes:
    async def work(tx: Transaction) -> Outcome:
        await stored.resend(tx, invitation_id, context.process.secrets[0])
        return {"invitation": Reference(invitation_id)}

    return await context.write(work, dry_run=dry_run)


async def extend(context: Context, *, invitation_id: str, expires_at: int, dry_run: bool = False) -> bytes:
    async def work(tx: Transaction) -> Outcome:
        await stored.extend(tx, invitation_id, expires_at)
        return {"invitation": Reference(invitation_id)}

    return await context.write(work, dry_run=dry_run)


async def revoke(context: Context, *, invitation_id: str, dry_run: bool = False) -> bytes:
    async def work(tx: Transaction) -> Outcome:
        await stored.revoke(tx, invitation_id)
        return {"invitation": Reference(invitation_id)}

    return await context.write(work, dry_run=dry_run)


async def accept(
    context: Context,
    *,
    token: str,
    password: str,
    first_name: str | None = None,
    last_name: str | None = None,
) -> bytes:
    """Accepts an invitation and signs in. Unknown, spent, revoked, expired and foreign links are told alike."""
    workspace_id = workspace_of(token, "invitation")
    if workspace_id is None:
        return await context.refuse(NotPossible(stored.INVALID_LINK, ("token",), code="INVALID_LINK"))
    try:
        check(password)
    except Refusal as weak:
        return await context.refuse(weak)
    hashed = await context.process.passwords.hash(password)

    async def work(tx: Transaction) -> Outcome:
        customer_id = await stored.accept(tx, token, hashed, {"first_name": first_name, "last_name": last_name})
        return {"customer": Reference(customer_id), "token": await sessions.open_(tx, customer_id)}

    def as_customer(outcome: Outcome, now: int) -> Scope:
        customer_id = outcome["customer"].id
        return Scope(workspace_id, customer_id, customer_id, tuple(sorted(CUSTOMER)), now)

    return await context.write(work, workspace_id=workspace_id, scope=as_customer)
