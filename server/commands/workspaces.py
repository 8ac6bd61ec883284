"""`rolodesk workspace`: making workspaces, and listing them."""

import asyncio
from typing import Annotated

import typer

from db import workspaces
from server.commands.opening import opened


def add(app: typer.Typer) -> None:
    group = typer.Typer(help="Make and list workspaces.", no_args_is_help=True)
    group.command("create")(create)
    group.command("list")(list_)
    app.add_typer(group, name="workspace")


def create(
    name: Annotated[str, typer.Argument(help="Its name.")],
    slug: Annotated[str | None, typer.Option(help="Its name where users sign in. Left out: made of the name.")] = None,
) -> None:
    """Make a workspace; prints its id."""

    async def act() -> str:
        async with opened() as database:
            return await workspaces.create(database, name, slug)

    typer.echo(asyncio.run(act()))


def list_() -> None:
    """List the workspaces: id, slug and name."""

    async def act() -> list[workspaces.Listed]:
        async with opened() as database:
            return await workspaces.every(database)

    for row in asyncio.run(act()):
        typer.echo("  ".join(row))
