"""What an import does to the customers it took, once all of them are there: sharing projects, sending invitations.

Both look at what is there already, so that an import that is taken up again goes on and does nothing twice. It is done
in transactions that are not the import's own: undoing the import leaves in place whom people heard from.
"""

from collections.abc import Awaitable, Callable

from db import imports, invitations, projects
from db.errors import NotFound, NotPossible
from db.imports import Work
from db.transaction import Intent, Transaction

CHUNK = 100
Hold = Callable[[Transaction], Awaitable[None]]
Write = Callable[[Callable[[Transaction], Awaitable[int | None]], Intent], Awaitable[int | None]]


async def carry_out(write: Write, hold: Hold, workspace_id: str, work: Work, secret: str) -> None:
    """Shares and invites, a hundred rows of the report at a time."""
    afterwards = work.afterwards
    if work.dry_run or not (afterwards.project_ids or afterwards.send_invitations):
        return
    intent, after = Intent(workspace_id, "importContacts", work.actor_id), 0

    async def chunk(tx: Transaction) -> int | None:
        await hold(tx)
        taken = await imports.taken(tx, work.id, after, CHUNK)
        if not taken:
            return None
        living = [one.customer_id for one in taken if one.is_living]
        for project_id in afterwards.project_ids:
            await _share(tx, project_id, living)
        if afterwards.send_invitations:
            for one in taken:
                if one.is_living and one.status == "CREATED" and not one.is_invited:
                    await _invite(tx, one.customer_id, secret)
        return taken[-1].record_number

    while (last := await write(chunk, intent)) is not None:
        after = last


async def _share(tx: Transaction, project_id: str, customer_ids: list[str]) -> None:
    """A project that was archived meanwhile is shared with nobody."""
    try:
        await projects.share(tx, project_id, customer_ids, [])
    except NotFound:
        return


async def _invite(tx: Transaction, customer_id: str, secret: str) -> None:
    """Who joined meanwhile, or cannot be reached, is not invited."""
    try:
        await invitations.invite(tx, customer_id, secret)
    except NotPossible:
        return
