"""`rolodesk migrate` for operators, `rolodesk migration` for whoever changed a table."""

from typing import Annotated

import typer

from db.engines.opening import shown
from db.migrating import draft
from db.migrating import migrate as bring_in_step
from server.settings import read


def add(app: typer.Typer) -> None:
    app.command("migrate")(migrate)
    app.command("migration", hidden=True)(migration)


def migrate() -> None:
    """Create the database, or bring it in step with this version. Safe to run again."""
    where = read().database
    typer.echo(f"{shown(where)} is at revision {bring_in_step(where)}.")


def migration(message: Annotated[str, typer.Argument(help="What changes, in a few words.")]) -> None:
    """Draft a migration from what the tables have and the migrations do not. Read it before it is committed."""
    typer.echo(f"Drafted {draft(message)}. SQLite hides changes of indexes over expressions: add those by hand.")
