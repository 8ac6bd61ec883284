"""`rolodesk demo`: loading the demo workspace."""

import asyncio
from typing import Annotated

import typer

from server.commands.opening import opened
from server.demo.loading import EMAIL, PASSWORD, SLUG, Demo, find, is_empty, load
from server.settings import Settings, read


def add(app: typer.Typer) -> None:
    app.command("demo")(demo)


def demo(
    if_empty: Annotated[
        bool, typer.Option("--if-empty", help="Only where nobody has begun to use the database.")
    ] = False,
) -> None:
    """Load a demo workspace: organizations on four levels, customers, projects and tickets, all made up."""
    settings = read()
    if not settings.development:
        raise typer.BadParameter("The demo has a password that everybody knows; it is for ROLODESK_MODE=development.")
    found = asyncio.run(loaded(settings, if_empty=if_empty))
    if found is None:
        typer.echo("The database is in use already; no demo was loaded.")
    else:
        typer.echo(told(found))


async def loaded(settings: Settings, *, if_empty: bool = False) -> Demo | None:
    """The demo workspace, loaded if it is not there yet; None where only an empty database was to have one."""
    async with opened(settings) as database:
        found = await find(database, settings.secrets)
        if found is not None or (if_empty and not await is_empty(database)):
            return found
    return await load(settings.database, settings.secrets[0], settings.upload_path)


def told(demo: Demo) -> str:
    """What somebody who wants to look at the demo must know."""
    return f"The demo workspace {SLUG}: sign in as {EMAIL} with the password {PASSWORD!r}.\nIts API key: {demo.key}"
