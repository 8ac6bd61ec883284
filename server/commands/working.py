"""`rolodesk work`: a worker and nothing else, for imports and mails."""

import asyncio
import gc
import os
import signal
import socket
import sys
from typing import Annotated

import typer

from db.clock import system_clock
from db.database import Database
from jobs.mailer import mailer
from jobs.runner import Worker, run
from server.address_books import books
from server.commands.opening import opened
from server.logs import configure
from server.settings import Settings, read

BESIDE_NICE = 10
"""How far a worker beside a server steps back where processors are scarce: who reads a page waits for it, a job does not."""


def add(app: typer.Typer) -> None:
    app.command("work")(work)


def work(
    beside: Annotated[bool, typer.Option("--beside", hidden=True, help="End with the standard input.")] = False,
) -> None:
    """Carry out imports and mails. More workers may run beside each other."""
    settings = read()
    configure(settings.log_level, settings.log_format)
    asyncio.run(worked(settings, beside=beside))


async def worked(settings: Settings, *, beside: bool) -> None:
    """Works until a signal comes or, beside a server, until that is gone."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    if beside:
        loop.add_reader(sys.stdin.fileno(), stop.set)  # nothing is ever written there: it ends
        os.nice(BESIDE_NICE)
    async with opened(settings) as database:
        gc.freeze()  # what was loaded stays: looking through it held the writer for 80 ms, every few thousand records
        await run(worker(settings, database), stop)


def worker(settings: Settings, database: Database) -> Worker:
    """A worker of this process, over a database that is open."""
    return Worker(
        database=database,
        clock=system_clock,
        mailer=mailer(settings.mail_url),
        secrets=settings.secrets,
        public_url=settings.url,
        upload_directory=settings.upload_path,
        mail_from=settings.mail_from,
        mails_a_minute=settings.mails_a_minute,
        books=books(settings),
        name=f"{socket.gethostname()} {os.getpid()}",
    )
