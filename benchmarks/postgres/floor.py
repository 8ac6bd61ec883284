"""The floor: the server's own statement through asyncpg from a bare Starlette route; no GraphQL, no authentication.

Connections are held open, as many as the server's pool has, and handed out without a pool's doings. A request brings
the parameters as a JSON array.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.floor import writes
from benchmarks.postgres.statements import ROOTS, reader
from db.engines.postgres import CONNECTIONS

CREATE = """INSERT INTO customer (workspace_id, id, email, email_key, first_name, first_name_key, last_name,
  last_name_key, name_key, title, organization_id, version, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1, $12, $12)"""

MOVE = """UPDATE customer SET organization_id = $1, version = version + 1, updated_at = $2
WHERE workspace_id = $3 AND id = $4"""


class Floor:
    """Connections held open."""

    def __init__(self, connections: Sequence[Any], workspace_id: str) -> None:
        self.workspace_id = workspace_id
        self.connections = connections
        self._idle: asyncio.LifoQueue[Any] = asyncio.LifoQueue()
        for connection in connections:
            self._idle.put_nowait(connection)

    async def rows(self, text: str, parameters: Sequence[Any]) -> list[Any]:
        connection = await self._idle.get()
        try:
            return await connection.fetch(text, *parameters)  # type: ignore[no-any-return]
        finally:
            self._idle.put_nowait(connection)


def read(query: str) -> Any:
    text, before = reader(query).text, b'{"data":{"' + ROOTS[query].encode() + b'":'

    async def route(request: Request) -> Response:
        rows = await request.app.state.floor.rows(text, orjson.loads(await request.body()))
        return Response(before + rows[0][2] + b"}}", media_type="application/json")

    return route


async def create(request: Request) -> Response:
    floor = request.app.state.floor
    row, answer = writes.created(floor.workspace_id, orjson.loads(await request.body()))
    await floor.rows(CREATE, row)
    return answer


async def move(request: Request) -> Response:
    floor = request.app.state.floor
    row, answer = writes.moved(floor.workspace_id, orjson.loads(await request.body()))
    await floor.rows(MOVE, row)
    return answer


async def ready(_request: Request) -> Response:
    return Response()


def application(url: str) -> Starlette:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        settings = {"jit": "off", "recursive_worktable_factor": "0.1"}  # as the server has it
        held = [
            await asyncpg.connect(url, statement_cache_size=512, server_settings=settings) for _ in range(CONNECTIONS)
        ]
        workspace_id = await held[0].fetchval("SELECT workspace_id FROM workspace")
        app.state.floor = Floor(held, workspace_id)
        yield
        for connection in held:
            await connection.close()

    return Starlette(
        routes=[
            Route("/readyz", ready),
            *(Route(f"/{query}", read(query), methods=["POST"]) for query in ROOTS),
            Route("/create", create, methods=["POST"]),
            Route("/move", move, methods=["POST"]),
        ],
        lifespan=lifespan,
    )
