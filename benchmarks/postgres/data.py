"""A PostgreSQL server of a run's own, with the benchmark's data copied into it by `rolodesk copy`."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from benchmarks import data
from db.clock import system_clock
from db.copying import copy
from db.engines.opening import open_database
from db.migrating import migrate
from tests.postgres import PostgresServer, running

SETTINGS = (
    "shared_buffers=512MB",
    "max_connections=100",
    "max_wal_size=4GB",
    "checkpoint_timeout=30min",
    "autovacuum=off",
)
"""Commits wait for the disk, as in operation; no housekeeping falls into one turn and not into the other."""
TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def served() -> Iterator[PostgresServer]:
    """A server without databases. Its files are beside the benchmark's other ones."""
    data.DIRECTORY.mkdir(parents=True, exist_ok=True)
    with running(SETTINGS, within=data.DIRECTORY.absolute()) as server:
        yield server


def filled(server: PostgresServer, size: int) -> tuple[str, Path]:
    """A database with this many customers, and the file that it is a copy of."""
    path = data.database(size)
    return asyncio.run(_filled(server, path)), path


async def _filled(server: PostgresServer, path: Path) -> str:
    name = await server.database()
    url = server.url(name)
    await asyncio.to_thread(migrate, url)
    source, target = await open_database(path, system_clock), await open_database(url, system_clock)
    try:
        await copy(source, target)
    finally:
        await source.close()
        await target.close()
    await tidied(url)
    return name


async def tidied(url: str) -> None:
    """Statistics and free space as autovacuum would leave them."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("VACUUM (ANALYZE)")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


def processes(server: PostgresServer) -> list[int]:
    """The server's processes, those of its connections too."""
    assert server.process is not None
    pid = server.process.pid
    return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


def cpu(server: PostgresServer) -> float:
    """Seconds of processor that they used so far, connections that ended too."""
    assert server.process is not None
    found = 0.0
    for pid in processes(server):
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ended = after_name[13:15] if pid == server.process.pid else ()
        found += sum(map(int, (*after_name[11:13], *ended))) / TICKS
    return found
