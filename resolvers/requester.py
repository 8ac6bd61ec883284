"""What is done to those who requested tickets and are no customers yet."""

from collections.abc import Mapping
from typing import Any

from db import invitations
from db import requesters as stored
from db.errors import Forbidden, InvalidValue, LimitExceeded
from db.tables import Organization
from db.text import email
from db.transaction import Transaction
from db.writing import MOST_ITEMS, at_most, expect_living
from resolvers.bulk import answered, each
from resolvers.context import Context, Outcome


async def create_customers(
    context: Context,
    *,
    requesters: Mapping[str, Any],
    error_policy: str,
    organization_id: str | None = None,
    send_invitations: bool = False,
    dry_run: bool = False,
) -> bytes:
    if send_invitations and "INVITATIONS_WRITE" not in context.asking.permissions:
        message = "sendInvitations is outside your role or scopes: INVITATIONS_WRITE is needed. Nothing was done."
        return await context.refuse(Forbidden(message, ("sendInvitations",)))

    async def work(tx: Transaction) -> Outcome:
        addresses = await _chosen(tx, requesters)
        if organization_id is not None:
            await expect_living(tx, Organization, organization_id, ("organizationId",))
        made: dict[str, str] = {}

        async def one(tx: Transaction, address: str, path: tuple[str, ...]) -> tuple[str, str]:
            where = ("requesters", "emails", path[-1]) if "emails" in requesters else ("requesters", "all")
            key = email(address, where).key
            if key in made:
                return made[key], "UNCHANGED"
            customer_id = await stored.make_customer(tx, address, organization_id, where)
            if send_invitations:
                await invitations.invite(tx, customer_id, context.process.secrets[0])
            made[key] = customer_id
            return customer_id, "CREATED"

        return answered(await each(tx, addresses, "emails", error_policy, one))

    return await context.write(work, dry_run=dry_run)


async def _chosen(tx: Transaction, requesters: Mapping[str, Any]) -> list[str]:
    """The addresses that a selection names."""
    if "emails" in requesters:
        at_most(requesters["emails"], ("requesters", "emails"))
        return list(requesters["emails"])
    if requesters["all"] is not True:
        raise InvalidValue("all must be true: it names all requesters.", ("requesters", "all"))
    addresses = await stored.first_of_all(tx)
    if len(addresses) > MOST_ITEMS:
        message = (
            f"More than {MOST_ITEMS:,} requesters are unmatched. Page through `unmatchedRequesters` and give `emails`, "
            f"at most {MOST_ITEMS:,} at once."
        )
        raise LimitExceeded(message, ("requesters", "all"))
    return addresses
