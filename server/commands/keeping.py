"""`rolodesk backup` and `rolodesk restore`: the database in a file of its own, and back."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from db.backup import backup as copy_database
from db.backup import restore as put_back
from db.clock import system_clock
from db.engines.sqlite import SqliteDatabase
from db.migrating import require_current
from db.workspaces import Census, census
from server.settings import read


def add(app: typer.Typer) -> None:
    app.command("backup")(backup)
    app.command("restore")(restore)


def backup(file: Annotated[Path, typer.Argument(help="Where the copy goes. There must be no such file yet.")]) -> None:
    """Copy the database while it is served and written to. Uploads that wait for their import are not in it."""
    database = _file()
    require_current(database)
    copy_database(database, file)
    typer.echo(f"{file} holds {_told(asyncio.run(_held(file)))}.")


def restore(file: Annotated[Path, typer.Argument(help="A copy that `rolodesk backup` made.")]) -> None:
    """Put a backup in the database's place. End server and workers first, and move away what is there."""
    database = _file()
    put_back(file, database)
    typer.echo(f"{database} holds {_told(asyncio.run(_held(database)))}. Next: rolodesk migrate")


def _file() -> Path:
    where = read().database
    if isinstance(where, Path):
        return where
    raise typer.TyperException("PostgreSQL brings its own: take a backup with pg_dump, put it back with pg_restore.")


async def _held(path: Path) -> Census:
    database = await SqliteDatabase.open(path, system_clock, readers=1)
    try:
        return await census(database)
    finally:
        await database.close()


def _told(held: Census) -> str:
    return f"{held.workspaces:,} workspaces, {held.customers:,} customers, {held.jobs:,} jobs to do"
