"""`rolodesk copy`: from one database to another, ids unchanged."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from db.copying import Copied, NotCopied, copy, tables
from db.migrating import migrate
from server.commands.opening import opened
from server.settings import Settings, elsewhere, read


def add(app: typer.Typer) -> None:
    app.command("copy")(copy_database)


def copy_database(
    to: Annotated[str, typer.Option("--to", help="The URL of the database to copy into, as in ROLODESK_DATABASE_URL.")],
) -> None:
    """Copy everything into another database, and compare. Interrupted, the same command goes on where it was."""
    source, target = read(), elsewhere(to)
    if target.database == source.database:
        raise typer.BadParameter("That is the database in use. Name another one.", param_hint="--to")
    migrate(target.database)
    try:
        copied = asyncio.run(_copy(source, target))
    except NotCopied as refusal:
        raise typer.TyperException(str(refusal)) from None
    rows = sum(copied.rows.values())
    typer.echo(
        f"{rows:,} rows of {len(copied.rows)} tables are alike on both sides; {copied.written:,} were written now."
    )


async def _copy(source: Settings, target: Settings) -> Copied:
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=2 * len(tables()))
        at: list[str] = []

        def told(what: str, done: int, whole: int) -> None:
            if done >= whole and what not in at:
                at.append(what)
            progress.update(task, description=f"{what}: {done:,} of {whole:,}", completed=len(at))

        async with opened(source) as here, opened(target) as there:
            return await copy(here, there, told)
