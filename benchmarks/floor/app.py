"""The floor's routes: one statement each, through aiosqlite connections held open."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiosqlite
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.floor import statements, writes
from db.engines.sqlite_connections import PRAGMAS


class Floor:
    """Connections held open, and a way to run one statement on one of them."""

    def __init__(self, connections: Sequence[aiosqlite.Connection], workspace_id: str) -> None:
        self.workspace_id = workspace_id
        self.connections = connections
        self._idle: asyncio.LifoQueue[aiosqlite.Connection] = asyncio.LifoQueue()
        for connection in connections:
            self._idle.put_nowait(connection)

    async def answer(self, text: str, parameters: Sequence[Any]) -> Response:
        rows: Any
        if len(self.connections) == 1:
            rows = await self.connections[0].execute_fetchall(text, parameters)
        else:
            connection = await self._idle.get()
            try:
                rows = await connection.execute_fetchall(text, parameters)
            finally:
                self._idle.put_nowait(connection)
        return Response(rows[0][0].encode(), media_type="application/json")


async def one(request: Request) -> Response:
    floor = request.app.state.floor
    return await floor.answer(statements.ONE, (floor.workspace_id, request.path_params["id"]))


def page(text: str) -> Any:
    async def route(request: Request) -> Response:
        floor, given = request.app.state.floor, request.query_params
        parameters = [floor.workspace_id, given["name"], given["id"]]
        if "project" in given:
            parameters.append(given["project"])
        return await floor.answer(text, parameters)

    return route


async def create(request: Request) -> Response:
    floor = request.app.state.floor
    row, answer = writes.created(floor.workspace_id, orjson.loads(await request.body()))
    await floor.connections[0].execute_fetchall(statements.CREATE, (*row, row[-1]))
    return answer


async def move(request: Request) -> Response:
    floor = request.app.state.floor
    row, answer = writes.moved(floor.workspace_id, orjson.loads(await request.body()))
    await floor.connections[0].execute_fetchall(statements.MOVE, row)
    return answer


def application(path: Path, connections: int = 1) -> Starlette:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        held = [await aiosqlite.connect(path, isolation_level=None, cached_statements=512) for _ in range(connections)]
        for connection in held:
            for name, value in PRAGMAS:
                await connection.execute_fetchall(f"PRAGMA {name} = {value}")
        ((workspace_id,),) = await held[0].execute_fetchall("SELECT workspace_id FROM workspace")
        app.state.floor = Floor(held, workspace_id)
        yield
        for connection in held:
            await connection.close()

    return Starlette(
        routes=[
            Route("/one/{id}", one),
            Route("/fifty", page(statements.FIFTY)),
            Route("/levels", page(statements.LEVELS)),
            Route("/hundred", page(statements.HUNDRED)),
            Route("/project", page(statements.PROJECT)),
            Route("/create", create, methods=["POST"]),
            Route("/move", move, methods=["POST"]),
        ],
        lifespan=lifespan,
    )
