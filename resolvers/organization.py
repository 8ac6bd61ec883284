"""What is done to organizations."""

from collections.abc import Mapping
from typing import Any

from db import access_change
from db import organizations as stored
from db.errors import InvalidValue
from db.transaction import Transaction
from resolvers.access import answered as changed_access
from resolvers.context import Context, Outcome
from resolvers.payload import Reference


async def create(context: Context, *, name: str, dry_run: bool = False, **properties: Any) -> bytes:
    async def work(tx: Transaction) -> Outcome:
        return {"organization": Reference(await stored.create(tx, {"name": name, **properties}))}

    return await context.write(work, dry_run=dry_run)


async def update(
    context: Context,
    *,
    organization: Mapping[str, str],
    expected_version: int | None = None,
    dry_run: bool = False,
    **changes: Any,
) -> bytes:
    async def work(tx: Transaction) -> Outcome:
        organization_id = await stored.resolve(tx, organization)
        await stored.update(tx, organization_id, changes, expected_version)
        return {"organization": Reference(organization_id)}

    return await context.write(work, dry_run=dry_run)


async def move(
    context: Context,
    *,
    organization_id: str,
    to: Mapping[str, Any],
    expected_version: int | None = None,
    dry_run: bool = False,
) -> bytes:
    async def work(tx: Transaction) -> Outcome:
        if to.get("top_level") is False:
            raise InvalidValue("topLevel must be true: it names where the organization goes.", ("to", "topLevel"))
        parent_id = to.get("parent_id")
        if not dry_run:
            await stored.move(tx, organization_id, parent_id, expected_version)
            return {"organization": Reference(organization_id)}
        tree = await stored.below(tx, organization_id)
        groups = await access_change.groups_below(tx, tree)
        before = await access_change.projects_of(tx, groups)
        await stored.move(tx, organization_id, parent_id, expected_version)
        change = access_change.compare(groups, before, await access_change.projects_of(tx, groups))
        return {"organization": Reference(organization_id), "access": changed_access(change)}

    return await context.write(work, dry_run=dry_run)


async def archive(
    context: Context,
    *,
    organization_id: str,
    contents: str | None = None,
    expected_version: int | None = None,
    dry_run: bool = False,
) -> bytes:
    async def work(tx: Transaction) -> Outcome:
        count = await stored.archive(tx, organization_id, contents, expected_version)
        return {"organization": Reference(organization_id), "count": count}

    return await context.write(work, dry_run=dry_run)


async def restore(context: Context, *, organization_id: str, dry_run: bool = False) -> bytes:
    async def work(tx: Transaction) -> Outcome:
        return {"count": await stored.restore(tx, organization_id), "organization": Reference(organization_id)}

    return await context.write(work, dry_run=dry_run)
