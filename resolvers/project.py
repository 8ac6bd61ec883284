"""What is done to projects and their shares."""

from collections.abc import Mapping, Sequence
from typing import Any

from db import projects as stored
from db.transaction import Transaction
from db.writing import at_most
from resolvers.context import Context, Outcome
from resolvers.payload import Reference


async def create(context: Context, *, name: str, dry_run: bool = False, **properties: Any) -> bytes:
    async def work(tx: Transaction) -> Outcome:
        return {"project": Reference(await stored.create(tx, {"name": name, **properties}))}

    return await context.write(work, dry_run=dry_run)


async def update(
    context: Context,
    *,
    project: Mapping[str, str],
    expected_version: int | None = None,
    dry_run: bool = False,
    **changes: Any,
) -> bytes:
    async def work(tx: Transaction) -> Outcome:
        project_id = await stored.resolve(tx, project)
        await stored.update(tx, project_id, changes, expected_version)
        return {"project": Reference(project_id)}

    return await context.write(work, dry_run=dry_run)


async def share(
    context: Context,
    *,
    project_id: str,
    customer_ids: Sequence[str] | None = None,
    organization_ids: Sequence[str] | None = None,
    dry_run: bool = False,
) -> bytes:
    async def work(tx: Transaction) -> Outcome:
        at_most(customer_ids or (), ("customerIds",))
        at_most(organization_ids or (), ("organizationIds",))
        count = await stored.share(tx, project_id, customer_ids or (), organization_ids or ())
        return {"project": Reference(project_id), "count": count}

    return await context.write(work, dry_run=dry_run)


async def unshare(
    context: Context,
    *,
    project_id: str,
    customer_ids: Sequence[str] | None = None,
    organization_ids: Sequence[str] | None = None,
    dry_run: bool = False,
) -> bytes:
    async def work(tx: Transaction) -> Outcome:
        at_most(customer_ids or (), ("customerIds",))
        at_most(organization_ids or (), ("organizationIds",))
        count = await stored.unshare(tx, project_id, customer_ids or (), organization_ids or ())
        return {"project": Reference(project_id), "count": count}

    return await context.write(work, dry_run=dry_run)


async def archive(
    context: Context, *, project_id: str, expected_version: int | None = None, dry_run: bool = False
) -> bytes:
    async def work(tx: Transaction) -> Outcome:
        await stored.archive(tx, project_id, expected_version)
        return {"project": Reference(project_id)}

    return await context.write(work, dry_run=dry_run)


async def restore(context: Context, *, project_id: str, dry_run: bool = False) -> bytes:
    async def work(tx: Transaction) -> Outcome:
        await stored.restore(tx, project_id)
        return {"project": Reference(project_id)}

    return await context.write(work, dry_run=dry_run)
