"""`rolodesk key`: making API keys."""

import asyncio
from typing import Annotated

import typer

from db import api_keys
from db.permissions import PERMISSIONS, granted
from server.commands.opening import WorkspaceOption, write


def add(app: typer.Typer) -> None:
    group = typer.Typer(help="Make API keys.", no_args_is_help=True)
    group.callback()(lambda: None)
    group.command("create")(create)
    app.add_typer(group, name="key")


def create(
    workspace: WorkspaceOption,
    scopes: Annotated[str, typer.Option(help="What it may do, separated by commas: admin, customers:read, …")],
    name: Annotated[str, typer.Option(help="What it is for.")] = "rolodesk command",
) -> None:
    """Make an API key; prints the key, which is shown this once."""
    wanted = [granted(scope) for scope in scopes.split(",") if scope.strip()]
    unknown = [scope for scope in wanted if scope not in PERMISSIONS]
    if unknown or not wanted:
        wrong = f"Unknown: {', '.join(scope.lower() for scope in unknown)}. " if unknown else ""
        raise typer.BadParameter(f"{wrong}The scopes are: {', '.join(map(shown, PERMISSIONS))}.", param_hint="--scopes")
    _, key = asyncio.run(write(workspace, "createApiKey", lambda tx: api_keys.create(tx, name, wanted)))
    typer.echo(key)


def shown(permission: str) -> str:
    """A permission as people write it."""
    return permission.lower().replace("_", ":")
