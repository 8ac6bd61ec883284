"""What is done to invitations."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from db import customers, guessing, sessions, workspaces
from db import invitations as stored
from db.errors import Refusal, RequestRefusal
from db.ids import workspace_of
from db.links import invalid_link
from db.permissions import CUSTOMER
from db.reads.scope import Scope
from db.tables import Customer
from db.transaction import Transaction
from db.writing import at_most, found
from resolvers.bulk import answered, check_choice, each
from resolvers.context import Context, Outcome, Process
from resolvers.handing import handing
from resolvers.passwords import check
from resolvers.payload import Reference

LINKS_TRIED = 60
"""Links that one client may try within five minutes. A link has 256 bits; this spares the server, not the link."""


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


async def clear_bounce(context: Context, *, invitation_id: str, dry_run: bool = False) -> bytes:
    async def work(tx: Transaction) -> Outcome:
        await stored.clear_bounce(tx, invitation_id)
        return {"invitation": Reference(invitation_id)}

    return await context.write(work, dry_run=dry_run)


class Accepting(NamedTuple):
    """A link that may be right, with the password that is to be set by it."""

    workspace_id: str
    token: str
    password: str
    password_hash: str
    names: Mapping[str, str | None]

    async def accept(self, tx: Transaction) -> tuple[str, str]:
        """Uses up the link and signs in; answers the customer's id and the session's token."""
        customer_id = await stored.accept(tx, self.token, self.password_hash, self.names)
        row = await found(tx, Customer, customer_id, ())
        check(self.password, about=(row["email"], row["first_name"], row["last_name"]))
        return customer_id, await sessions.open_(tx, customer_id)


async def accepting(
    process: Process, client: str, token: str, password: str, names: Mapping[str, str | None]
) -> Accepting:
    """What comes before the transaction that accepts an invitation, by the mutation and by the page alike.

    Unknown, spent, revoked, expired and foreign links are told alike, and take as long.
    """
    await guessing.attempt(process.database, None, (guessing.client("link", client, LINKS_TRIED),))
    workspace_id = workspace_of(token, "invitation")
    if workspace_id is None:
        raise invalid_link()
    check(password)
    password_hash = await process.passwords.hash(password)
    if not await workspaces.exists(process.database, workspace_id):
        raise invalid_link()
    return Accepting(workspace_id, token, password, password_hash, names)


async def accept(
    context: Context,
    *,
    token: str,
    password: str,
    first_name: str | None = None,
    last_name: str | None = None,
    session: str = "TOKEN",
) -> bytes:
    """Accepts an invitation and signs in."""
    try:
        hands = handing(context, session)
        names = {"first_name": first_name, "last_name": last_name}
        ready = await accepting(context.process, context.client, token, password, names)
    except RequestRefusal:
        raise
    except Refusal as refusal:
        return await context.refuse(refusal)

    async def work(tx: Transaction) -> Outcome:
        customer_id, opened = await ready.accept(tx)
        return hands.shown({"customer": Reference(customer_id), "token": opened})

    def as_customer(outcome: Outcome, now: int) -> Scope:
        customer_id = outcome["customer"].id
        return Scope(ready.workspace_id, customer_id, customer_id, tuple(sorted(CUSTOMER)), now)

    return await context.write(work, workspace_id=ready.workspace_id, scope=as_customer, then=hands.keep)
