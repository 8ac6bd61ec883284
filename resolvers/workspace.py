"""What is done to the workspace itself."""

from collections.abc import Mapping
from typing import Any

from db import workspaces as stored
from db.transaction import Transaction
from resolvers.context import Context, Outcome
from resolvers.payload import Reference


async def update(
    context: Context, *, mail_settings: Mapping[str, Any] | None = None, dry_run: bool = False, **own: Any
) -> bytes:
    of_mails = mail_settings or {}
    paths: dict[str, tuple[str, ...]] = {column: (stored.NAMES[column],) for column in own}
    paths |= {column: ("mailSettings", stored.NAMES[column]) for column in of_mails}

    async def work(tx: Transaction) -> Outcome:
        await stored.update(tx, {**own, **of_mails}, paths)
        return {"workspace": Reference(tx.workspace_id)}

    return await context.write(work, dry_run=dry_run)
