"""The floor: the server's own statement through asyncpg from a bare Starlette route; no GraphQL, no authentication.

Connections are held open, as many as the server's pool has, and handed out without a pool's doings. A request brings
the parameters as a JSON array.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.postgres.statements import ROOTS, reader
from db.postgres import CONNECTIONS

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
    floor, given = request.app.state.floor, orjson.loads(await request.body())
    now, record_id = time.time_ns() // 1_000_000, f"cus_{secrets.token_hex(13)}"
    email, first, last = given["email"], given["firstName"], given["lastName"]
    keys = (first, first.lower(), last, last.lower(), f"{first} {last}".lower())
    row = (floor.workspace_id, record_id, email, email, *keys, given["title"], given["organizationId"], now)
    await floor.rows(CREATE, row)
    customer = {"id": record_id, "email": email, "firstName": first, "lastName": last}
    return _said({"createCustomer": {"customer": customer, "errors": []}})


async def move(request: Request) -> Response:
    floor, given = request.app.state.floor, orjson.loads(await request.body())
    row = (given["to"]["organizationId"], time.time_ns() // 1_000_000, floor.workspace_id, given["customerIds"][0])
    await floor.rows(MOVE, row)
    return _said({"moveCustomers": {"count": 1, "errors": []}})


def _said(data: Any) -> Response:
    return Response(orjson.dumps({"data": data}), media_type="application/json")


async def ready(_request: Request) -> Response:
    return Response()


def application(url: str) -> Starlette:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        settings = {"jit": "off"}  # the server turns it off too
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
