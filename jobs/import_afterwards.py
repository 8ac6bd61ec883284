"""What an import does to the customers it took, once all of them are there: sharing projects, sending invitations.

Both look at what is there already, so that an import that is taken up again goes on and does nothing twice. Shares are the
import's own changes and undone with it; invitations are not, since nobody can take back a mail that was read.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from db import imports, invitations, projects
from db.errors import NotFound, NotPossible
from db.imports import Taken, Work
from db.transaction import Intent, Transaction

CHUNK = 100
Act = Callable[[Transaction, Sequence[Taken]], Awaitable[None]]
Hold = Callable[[Transaction], Awaitable[None]]
Write = Callable[[Callable[[Transaction], Awaitable[int | None]], Intent], Awaitable[int | None]]


async def carry_out(write: Write, hold: Hold, workspace_id: str, work: Work, secret: str) -> None:
    """Shares and invites, a hundred rows of the report at a time."""
    afterwards = work.afterwards
    if work.dry_run or not (afterwards.project_ids or afterwards.send_invitations):
        return
    own = Intent(workspace_id, imports.OPERATIONS[work.kind], work.actor_id, import_id=work.id)

    async def share(tx: Transaction, taken: Sequence[Taken]) -> None:
        for project_id in afterwards.project_ids:
            await _share(tx, project_id, [one.customer_id for one in taken if one.is_living])

    async def invite(tx: Transaction, taken: Sequence[Taken]) -> None:
        for one in taken:
            if one.is_living and one.status == "CREATED" and not one.is_invited:
                await _invite(tx, one.customer_id, secret)

    for wanted, act, intent in (
        (bool(afterwards.project_ids), share, own),
        (afterwards.send_invitations, invite, replace(own, operation="inviteCustomers", import_id=None)),
    ):
        if wanted:
            await _each(write, hold, work, act, intent)


async def _each(write: Write, hold: Hold, work: Work, act: Act, intent: Intent) -> None:
    """Does something with all customers that the import took."""
    after = 0

    async def chunk(tx: Transaction) -> int | None:
        await hold(tx)
        taken = await imports.taken(tx, work.id, after, CHUNK)
        await act(tx, taken)
        return taken[-1].record_number if taken else None

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
