"""`rolodesk doctor`: what is configured, what is reachable, and what is known to be wrong here."""

import asyncio
import os
import platform
import sqlite3
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import asyncpg
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy.exc import DBAPIError

from db.engines.opening import shown
from db.engines.postgres_server import Address
from db.engines.sqlite_connections import FIRST_SOUND_VERSION, library_version
from db.migrating import Behind, require_current
from db.workspaces import census
from server.commands.opening import opened
from server.demo.loading import find
from server.pages.graphiql import BUNDLE
from server.settings import Settings, read, variable

OPENING_SECONDS = 3
COLOURS = {"ok": "green", "note": "yellow", "wrong": "red"}


class Finding(NamedTuple):
    """One thing looked at: ok, note (it works, and one should know) or wrong."""

    what: str
    state: str
    said: str


def add(app: typer.Typer) -> None:
    app.command("doctor")(doctor)


def doctor() -> None:
    """Say what is configured, what is reachable, and what is known to be wrong. Fails if anything is."""
    settings = read()
    console = Console(highlight=False, soft_wrap=True)
    console.print(_configured(settings))
    findings = [*looked_at(settings), *asyncio.run(asked(settings))]
    for finding in findings:
        console.print(f"[{COLOURS[finding.state]}]{finding.state:>5}[/]  {finding.what}: {escape(finding.said)}")
    if any(finding.state == "wrong" for finding in findings):
        raise typer.Exit(1)


def _configured(settings: Settings) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("Setting", no_wrap=True)
    table.add_column("Value", overflow="fold")
    table.add_column("Meaning")
    for field in fields(settings):
        value = getattr(settings, field.name)
        shown = ("set" if value else "not set") if field.metadata.get("secret") else _without_password(str(value))
        changed = value != field.default
        table.add_row(
            variable(field.name), escape(f"{shown}{'' if changed else ' (default)'}"), escape(field.metadata["help"])
        )
    return table


def _without_password(value: str) -> str:
    parts = urlsplit(value) if "://" in value else None
    if parts is None or parts.password is None:
        return value
    return value.replace(f":{parts.password}@", ":…@")


def looked_at(settings: Settings) -> Iterator[Finding]:
    """What can be told without asking anybody."""
    yield Finding("Python", "ok", f"{platform.python_version()} on {platform.platform()}")
    if isinstance(settings.database, Path):
        yield _sqlite()
    yield _directory(settings.data_path)
    if settings.development:
        built = (BUNDLE / "index.html").exists()
        yield Finding("GraphiQL", "ok" if built else "note", "bundle" if built else "the page without dependencies")
        yield Finding("mode", "note", "development: links are signed with a secret that everybody knows")


def _sqlite() -> Finding:
    here, sound = library_version(), ".".join(map(str, FIRST_SOUND_VERSION))
    version = f"{sqlite3.sqlite_version} from {sqlite3.__name__}"
    if here < FIRST_SOUND_VERSION:
        said = (
            f"{version}. Before {sound}, several processes that write can, very rarely, corrupt the database, and "
            "queries over more than a few nested levels are refused. `pip install pysqlite3` brings a newer one."
        )
        return Finding("SQLite", "note", said)
    return Finding("SQLite", "ok", version)


def _directory(path: Path) -> Finding:
    there = next(parent for parent in (path, *path.absolute().parents) if parent.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        return Finding("data directory", "wrong", f"{there} cannot be written by this user")
    return Finding("data directory", "ok", str(path.absolute()))


async def asked(settings: Settings) -> list[Finding]:
    """What others answer: the database and the mail server."""
    return [*await _database(settings), *await _replica(settings), await _mail(settings)]


async def _database(settings: Settings) -> list[Finding]:
    try:
        require_current(settings.database)
    except Behind as behind:
        return [Finding("database", "wrong", str(behind))]
    except DBAPIError as fault:
        return [Finding("database", "wrong", f"{shown(settings.database)} cannot be used: {fault.orig}")]
    async with opened(settings) as database:
        damage = await database.damage()
        held = await census(database)
        demo = await find(database, settings.secrets)
    said = f"{shown(settings.database)}, in step: {held.workspaces:,} workspaces, {held.customers:,} customers"
    return [
        Finding("database", "wrong" if damage else "ok", f"it is damaged: {damage}" if damage else said),
        Finding("jobs", "ok", f"{held.jobs:,} to do"),
        Finding("demo", "ok", f"workspace {demo.workspace_id}" if demo else "none"),
    ]


async def _replica(settings: Settings) -> list[Finding]:
    if not settings.replica_url:
        return []
    address = Address(settings.replica_url)
    try:
        connection = await address.connect(OPENING_SECONDS)
        follows = await connection.fetchval("SELECT pg_is_in_recovery()")
        await connection.close()
    except (OSError, TimeoutError, asyncpg.PostgresError) as fault:
        return [Finding("replica", "wrong", f"{address.shown} cannot be reached: {fault or 'no answer'}")]
    if not follows:
        return [Finding("replica", "note", f"{address.shown} answers, and follows no other server")]
    return [Finding("replica", "ok", f"{address.shown} answers")]


async def _mail(settings: Settings) -> Finding:
    if settings.mail_url == "console":
        return Finding("mail", "ok" if settings.development else "wrong", "printed to the console, sent to nobody")
    parts = urlsplit(settings.mail_url)
    port = parts.port or (465 if parts.scheme == "smtps" else 587 if parts.username else 25)
    where = f"{parts.hostname}:{port}"
    try:
        async with asyncio.timeout(OPENING_SECONDS):
            _, writer = await asyncio.open_connection(parts.hostname, port)
            writer.close()
    except (OSError, TimeoutError) as fault:
        return Finding("mail", "wrong", f"{where} cannot be reached: {fault or 'no answer'}")
    return Finding("mail", "ok", f"{where} answers")
