"""An import beside a bare COPY of the same rows and INSERT … SELECT of them into the same tables."""

import asyncio
import time
from collections.abc import Sequence
from statistics import mean

import asyncpg

from benchmarks.data import World, world
from benchmarks.imports import PRESENT, TABLES, Found, Person, people, rows, serving
from benchmarks.postgres import data
from benchmarks.postgres.servers import environment
from tests.postgres import PostgresServer

BAR, AIM = 5, 3


def compared(server: PostgresServer, size: int) -> str:
    """The bare one, ours, the bare one: each in a database of its own that holds 2,000 customers."""
    found, given = Found(size, least="COPY and INSERT … SELECT"), people(size)
    template, path = data.filled(server, PRESENT)
    here = world(path)
    least = _bare(server, template, here, given, found)
    made = _ours(server, template, here, given, found)
    _bare(server, template, here, given, found)
    if made != least:
        raise RuntimeError(f"The import made other rows than the bare one: {made} and {least} of {TABLES}.")
    ratio = found.imported / mean(found.bare)
    return f"{size:,} customers; {ratio:.2f} times the bare one (bar: {BAR}, aim: {AIM})\n\n```\n{found.told()}\n```"


def _bare(server: PostgresServer, template: str, here: World, given: Sequence[Person], found: Found) -> list[int]:
    async def whole() -> list[int]:
        name = await server.database(template)
        connection = await asyncpg.connect(server.url(name))
        try:
            found.bare.append(await bare(connection, here.workspace_id, given))
            return await counted(connection)
        finally:
            await connection.close()
            await server.drop(name)

    return asyncio.run(whole())


async def bare(connection: asyncpg.Connection, workspace_id: str, given: Sequence[Person]) -> float:
    """Seconds that the engine takes for the rows alone; they are made before."""
    made = rows(workspace_id, given)
    began = time.perf_counter()
    async with connection.transaction():
        for table, names, many in made:
            await connection.execute(f"CREATE TEMPORARY TABLE bare_{table} (LIKE {table}) ON COMMIT DROP")
            await connection.copy_records_to_table(f"bare_{table}", columns=names, records=many)
            columns = ", ".join(f'"{name}"' for name in names)
            await connection.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM bare_{table}")
    return time.perf_counter() - began


async def counted(connection: asyncpg.Connection) -> list[int]:
    return [await connection.fetchval(f"SELECT count(*) FROM {table}") for table in TABLES]


def _ours(server: PostgresServer, template: str, here: World, given: Sequence[Person], found: Found) -> list[int]:
    name = asyncio.run(server.database(template))
    url = server.url(name)

    async def count() -> list[int]:
        connection = await asyncpg.connect(url)
        try:
            return await counted(connection)
        finally:
            await connection.close()

    try:
        return serving(environment("ours", url), here, given, found, lambda: asyncio.run(count()))
    finally:
        asyncio.run(server.drop(name))
