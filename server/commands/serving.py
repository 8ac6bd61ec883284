"""`rolodesk serve`: the server, and a worker beside it."""

import asyncio
import os
import signal
import socket
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from uvicorn.supervisors import Multiprocess

from db.engines.sqlite_connections import FIRST_SOUND_VERSION, library_version
from db.migrating import migrate as bring_in_step
from db.migrating import require_current
from server.beside import Beside
from server.commands.demo import loaded
from server.commands.opening import opened
from server.demo.loading import EMAIL, PASSWORD, Demo, find
from server.logs import configure
from server.observing import share
from server.serving import Server, configuration
from server.settings import Settings, read


def add(app: typer.Typer) -> None:
    app.command("serve")(serve)


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="The port. Left out: PORT, or 8000.", min=1, max=65535)] = None,
    workers: Annotated[int, typer.Option(help="How many server processes.", min=1, max=64)] = 1,
    migrate: Annotated[bool, typer.Option("--migrate", help="Bring the database in step first.")] = False,
    demo: Annotated[bool, typer.Option("--demo", help="Load the demo first, if the database is empty.")] = False,
) -> None:
    """Serve the API, with one worker process beside it for imports and mails."""
    if port is not None:
        os.environ["PORT"] = str(port)
    settings = read()
    configure(settings.log_level, settings.log_format)
    if workers > 1 and isinstance(settings.database, Path) and library_version() < FIRST_SOUND_VERSION:
        raise typer.BadParameter(unsound(), param_hint="--workers")
    if migrate:
        bring_in_step(settings.database)
    require_current(settings.database)
    found = asyncio.run(_demo(settings, load=demo)) if settings.development else None
    if settings.metrics_token:
        share(settings.metrics_path)
    listening = listen(host, settings.port)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, _end)  # what is opened here is closed, whenever the signal comes
    with Beside():
        config = configuration(host, settings.port, workers)
        if workers == 1:
            Server(config, announce=lambda: announce(settings, host, found)).run([listening])
        else:
            announce(settings, host, found)
            Multiprocess(config, [listening]).run()


def _end(*_: object) -> None:
    raise typer.Exit(0)


async def _demo(settings: Settings, *, load: bool) -> Demo | None:
    if load:
        return await loaded(settings, if_empty=True)
    async with opened(settings) as database:
        return await find(database, settings.secrets)


def listen(host: str, port: int) -> socket.socket:
    """The socket to serve on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as fault:
        listening.close()
        raise typer.TyperException(
            f"{host}:{port} cannot be listened on: {fault.strerror}. Choose another port with PORT or --port."
        ) from None
    listening.set_inheritable(True)
    return listening


def announce(settings: Settings, host: str, demo: Demo | None) -> None:
    """Says where the server is, and in development how to try it."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"[bold]Rolodesk[/] serves [cyan]{settings.url}/graphql[/] (stop with Ctrl+C)")
    if not settings.development:
        return
    console.print(f"  GraphiQL:     [cyan]{settings.url}/[/]")
    if demo is not None:
        console.print(f"  Demo API key: {demo.key}")
        console.print(f"  Demo user:    {EMAIL}, password: {PASSWORD} (workspace demo)")
    if host not in {"127.0.0.1", "::1", "localhost"}:
        console.print(
            f"  [yellow]Careful:[/] ROLODESK_MODE is development, and {host} can be reached from elsewhere: "
            "GraphiQL shows the demo's key to everybody."
        )


def unsound() -> str:
    """Why several processes are refused."""
    here, sound = (".".join(map(str, version)) for version in (library_version(), FIRST_SOUND_VERSION))
    return (
        f"SQLite {here} can corrupt a database that several processes write to; one process it is, or SQLite {sound}."
    )
