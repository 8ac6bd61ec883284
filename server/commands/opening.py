"""What the commands share: the settings, the database in step with its migrations, and a workspace that exists."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, TypeVar

import typer

from db import workspaces
from db.clock import system_clock
from db.database import Database
from db.engines.opening import open_database
from db.migrating import require_current
from db.transaction import Intent, Transaction
from server.settings import Settings, read

Result = TypeVar("Result")

WorkspaceOption = Annotated[str, typer.Option("--workspace", help="The workspace: its id or its slug.")]


@asynccontextmanager
async def opened(settings: Settings | None = None) -> AsyncIterator[Database]:
    """The database of these settings or of the environment's; refused while it is behind its migrations."""
    settings = settings or read()
    require_current(settings.database)
    database = await open_database(settings.database, system_clock, settings.listen_url)
    try:
        yield database
    finally:
        await database.close()


async def workspace(database: Database, named: str) -> str:
    """The id of the workspace with this id or slug."""
    found = named if await workspaces.exists(database, named) else await workspaces.find(database, named)
    if found is None:
        raise typer.BadParameter(
            f"No workspace has the id or the slug {named!r}. `rolodesk workspace list` shows them."
        )
    return found


async def write(named: str, operation: str, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
    """Runs a piece of work in the workspace with this id or slug, by nobody of its users."""
    async with opened() as database:
        return await database.write(work, Intent(await workspace(database, named), operation))
