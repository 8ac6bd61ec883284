"""The application: an engine over the same file, a view, and loaders for each request."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlmodel import select
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL

from benchmarks.loaders.loading import Loaders
from benchmarks.loaders.schema import schema
from db.engines.sqlite_connections import PRAGMAS
from db.tables import Workspace


class View(GraphQL[Any, None]):
    async def get_context(self, request: Any, response: Any) -> Any:
        sessions, workspace_id = request.app.state.opened
        return {"request": request, "response": response, "loaders": Loaders(sessions, workspace_id)}


def application(path: Path) -> Starlette:
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}")

    @event.listens_for(engine.sync_engine, "connect")
    def connected(connection: Any, _record: Any) -> None:
        for name, value in PRAGMAS:
            connection.execute(f"PRAGMA {name} = {value}")

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        sessions = async_sessionmaker(engine, expire_on_commit=False)
        async with sessions() as session:
            workspace_id = (await session.scalars(select(Workspace.workspace_id))).one()
        app.state.opened = (sessions, workspace_id)
        yield
        await engine.dispose()

    return Starlette(routes=[Route("/graphql", View(schema))], lifespan=lifespan)
