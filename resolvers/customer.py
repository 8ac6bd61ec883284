"""What is done to customers."""

from collections.abc import Mapping, Sequence
from typing import Any

from db import access_change, invitations, projects
from db import customers as stored
from db.errors import Forbidden, InvalidValue, Refusal
from db.tables import Customer, Organization
from db.transaction import Transaction
from db.writing import at_most, expect_living
from resolvers.access import answered as changed_access
from resolvers.bulk import answered, check_choice, each, present
from resolvers.context import Context, Outcome
from resolvers.payload import Reference, Root


async def create(
    context: Context,
    *,
    email: str,
    project_ids: Sequence[str] | None = None,
    send_invitation: bool = False,
    dry_run: bool = False,
    **properties: Any,
) -> bytes:
    for asked, where, permission in (
        (send_invitation, "sendInvitation", "INVITATIONS_WRITE"),
        (project_ids, "projectIds", "PROJECTS_WRITE"),
    ):
        if asked and permission not in context.asking.permissions:
            message = f"{where} is outside your role or scopes: {permission} is needed. Nothing was done."
            return await context.refuse(Forbidden(message, (where,)))

    given = {"email": email, **properties}
    try:
        made = stored.new(stored.prepared(given))
    except Refusal:
        made = None  # the transaction refuses it, after what is to be refused before

    async def work(tx: Transaction) -> Outcome:
        at_most(project_ids or (), ("projectIds",), 100)
        customer_id = await (stored.add(tx, made) if made is not None else stored.create(tx, given))
        for i, project_id in enumerate(project_ids or ()):
            await projects.share(tx, project_id, [customer_id], [], ("projectIds", str(i)))
        if send_invitation:
            await invitations.invite(tx, customer_id, context.process.secrets[0])
        return {"customer": Reference(customer_id)}

    return await context.write(work, dry_run=dry_run)


async def update(
    context: Context,
    *,
    customer: Mapping[str, str],
    expected_version: int | None = None,
    dry_run: bool = False,
    **changes: Any,
) -> bytes:
    async def work(tx: Transaction) -> Outcome:
        customer_id = await stored.resolve(tx, customer)
        await stored.update(tx, customer_id, changes, expected_version)
        return {"customer": Reference(customer_id)}

    return await context.write(work, dry_run=dry_run)


async def upsert(
    context: Context,
    *,
    customers: Sequence[Mapping[str, Any]],
    match_by: str,
    error_policy: str,
    dry_run: bool = False,
) -> bytes:
    by = match_by.lower()

    async def one(tx: Transaction, item: Mapping[str, Any], path: tuple[str, ...]) -> tuple[str, str]:
        if not (item.get(by) or "").strip():
            message = f"The item has no {stored.NAMES[by]} to be matched by."
            raise InvalidValue(message, (*path, stored.NAMES[by]), code="REQUIRED")
        matched = await stored.match(tx, by, item[by], (*path, stored.NAMES[by]))
        if matched is None:
            return await stored.create(tx, {"email": None, **item}, path), "CREATED"
        changed = await stored.update(tx, matched, item, None, path)
        return matched, "UPDATED" if changed else "UNCHANGED"

    async def work(tx: Transaction) -> Outcome:
        at_most(customers, ("customers",))
        return answered(await each(tx, customers, "customers", error_policy, one))

    return await context.write(work, dry_run=dry_run)


async def move(
    context: Context,
    *,
    to: Mapping[str, Any],
    error_policy: str,
    customer_ids: Sequence[str] | None = None,
    filter: Mapping[str, Any] | None = None,  # noqa: A002  the contract's name
    dry_run: bool = False,
) -> bytes:
    async def work(tx: Transaction) -> Outcome:
        check_choice(customer_ids, filter)
        target = await _target(tx, to)
        results: list[dict[str, Any]] = []
        if customer_ids is None:
            moving = await stored.matching(tx, filter or {})
        else:
            moving, results = await present(tx, Customer, customer_ids, "customerIds", error_policy)
        access = await access_change.of_customers(tx, moving, target) if dry_run else None
        moved = await stored.move(tx, moving, target)
        for one in results:
            if one["customer"].id in moved:
                one["outcome"] = "UPDATED"
        touched = Root("customers_of_change", {"change": await tx.number() if moved else 0})
        return answered(results) | {"count": len(moved), "customers": touched, "access": changed_access(access)}

    return await context.write(work, dry_run=dry_run)


async def _target(tx: Transaction, to: Mapping[str, Any]) -> str | None:
    """The organization customers go to; None for out of any."""
    if "organization_id" in to:
        await expect_living(tx, Organization, to["organization_id"], ("to", "organizationId"))
        return str(to["organization_id"])
    if to["unassigned"] is not True:
        raise InvalidValue("unassigned must be true: it names where the customers go.", ("to", "unassigned"))
    return None


async def archive(context: Context, *, customer_ids: Sequence[str], error_policy: str, dry_run: bool = False) -> bytes:
    async def work(tx: Transaction) -> Outcome:
        at_most(customer_ids, ("customerIds",))
        leaving, results = await present(tx, Customer, customer_ids, "customerIds", error_policy)
        await stored.archive(tx, leaving)
        return answered([{**r, "outcome": "REFUSED" if r["errors"] else "UPDATED"} for r in results])

    return await context.write(work, dry_run=dry_run)


async def restore(context: Context, *, customer_ids: Sequence[str], error_policy: str, dry_run: bool = False) -> bytes:
    async def one(tx: Transaction, customer_id: str, path: tuple[str, ...]) -> tuple[str, str]:
        return customer_id, "UPDATED" if await stored.restore(tx, customer_id, path) else "UNCHANGED"

    async def work(tx: Transaction) -> Outcome:
        at_most(customer_ids, ("customerIds",))
        return answered(await each(tx, customer_ids, "customerIds", error_policy, one))

    return await context.write(work, dry_run=dry_run)
