"""`rolodesk user`: adding users, the first owner of a workspace among them."""

import asyncio
import sys
from typing import Annotated

import typer

from db import users
from db.credentials import set_password
from db.permissions import ROLES
from db.transaction import Transaction
from resolvers.passwords import Passwords, check
from server.commands.opening import WorkspaceOption, write


def add(app: typer.Typer) -> None:
    group = typer.Typer(help="Add users, the staff of a workspace.", no_args_is_help=True)
    group.callback()(lambda: None)
    group.command("create")(create)
    app.add_typer(group, name="user")


def create(
    workspace: WorkspaceOption,
    email: Annotated[str, typer.Option(help="Their address.")],
    name: Annotated[str, typer.Option(help="Their name.")],
    role: Annotated[str, typer.Option(help="owner, admin, agent or viewer.")],
    password: Annotated[
        bool, typer.Option("--password", help="Give them a password: asked for, or the first line of the input.")
    ] = False,
) -> None:
    """Add a user; prints the id."""
    if role.upper() not in ROLES:
        raise typer.BadParameter(f"The roles are: {', '.join(ROLES).lower()}.", param_hint="--role")
    secret = asked() if password else None
    if secret is not None:
        check(secret, about=(email, name))

    async def act() -> str:
        passwords = Passwords()
        hashed = await passwords.hash(secret) if secret is not None else None
        passwords.close()

        async def work(tx: Transaction) -> str:
            user_id = await users.create(tx, email, name, role.upper())
            if hashed is not None:
                await set_password(tx, user_id, hashed)
            return user_id

        return await write(workspace, "createUser", work)

    typer.echo(asyncio.run(act()))


def asked() -> str:
    """A password, typed twice without being shown, or the first line of what is piped in."""
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")
