"""What is done to imports."""

from collections.abc import Mapping, Sequence
from typing import Any

from db import imports as stored
from db.transaction import Transaction
from resolvers.context import Context, Outcome
from resolvers.payload import Reference


async def import_customers(context: Context, **given: Any) -> bytes:
    return await _start(context, "CUSTOMERS", **given)


async def import_organizations(context: Context, **given: Any) -> bytes:
    return await _start(context, "ORGANIZATIONS", **given)


async def import_tickets(context: Context, **given: Any) -> bytes:
    return await _start(context, "TICKETS", **given)


async def _start(
    context: Context,
    kind: str,
    *,
    upload_id: str,
    on_existing: str,
    mapping: Sequence[Mapping[str, str]] | None = None,
    encoding: str | None = None,
    dry_run: bool = False,
) -> bytes:
    async def work(tx: Transaction) -> Outcome:
        import_id = await stored.start(
            tx, kind, upload_id, mapping=mapping, on_existing=on_existing, encoding=encoding, dry_run=dry_run
        )
        return {"import": Reference(import_id)}

    return await context.write(work)


async def cancel(context: Context, *, import_id: str) -> bytes:
    async def work(tx: Transaction) -> Outcome:
        await stored.cancel(tx, import_id)
        return {"import": Reference(import_id)}

    return await context.write(work)
