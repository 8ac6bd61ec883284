"""The application: what is opened when it starts, its routes, and what is closed when it ends."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from db.clock import Clock, system_clock
from db.engines.opening import open_database
from db.errors import Refusal
from resolvers.answers import Answers
from resolvers.context import Process
from resolvers.engine import Engine
from resolvers.passwords import Passwords
from schema.build import schema
from server import contact_callback, downloads, links, resumable
from server.address_books import books
from server.auth import Authentication
from server.cookies import Pages
from server.documents import Documents, manifest
from server.graphql import GraphQLEndpoint
from server.limits import RateLimit
from server.observing import Logging, Observer, Observers
from server.pages import graphiql, reference
from server.settings import SettingRefused, Settings, variable
from server.websocket import Conversation, Conversing

if TYPE_CHECKING:
    from server.metrics import Metrics
    from server.tracing import Tracing


@asynccontextmanager
async def opened(settings: Settings, clock: Clock = system_clock) -> AsyncIterator[Process]:
    """What lives as long as a process: the database and what is beside it."""
    database = await open_database(settings.database, clock, settings.listen_url, settings.replica_url)
    passwords = Passwords()
    try:
        yield Process(
            database,
            clock,
            settings.secrets,
            settings.url,
            settings.upload_path,
            passwords,
            settings.mail_from,
            development=settings.development,
            books=books(settings),
            upload_space=settings.upload_space,
        )
    finally:
        passwords.close()
        await database.close()


class Application(Starlette):
    """Starlette's application, but for `/graphql`: its endpoint answers everything itself, errors too, and needs no layer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/graphql" and not self.user_middleware:
            await self.state.graphql(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def application(settings: Settings, clock: Clock = system_clock) -> Starlette:
    """The ASGI application for these settings."""
    metrics, tracing = _metrics(settings), _tracing(settings)
    books(settings)  # what is wrong with its settings is told before anything is opened

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with opened(settings, clock) as process:
            observer = observers(metrics, tracing, settings)
            engine = Engine(
                schema._schema,  # noqa: SLF001
                process.database.dialect,
                introspection_for_all=settings.development,
                answers=Answers() if settings.answer_cache == "on" else None,
                subscribed=observer.subscribed if observer else None,
            )
            limit = RateLimit(_rate(settings), clock)
            app.state.process = process
            pages = Pages(process.public_url, frozenset(settings.origins))
            app.state.authentication = Authentication(process.database, pages)
            known = documents(settings)
            app.state.graphql = GraphQLEndpoint(process, engine, app.state.authentication, limit, known, observer)
            app.state.conversing = Conversing(process, engine, app.state.authentication, limit, known)
            yield
            await app.state.graphql.close()
            await engine.close()
            if tracing is not None:
                tracing.close()

    middleware = [
        Middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_credentials=True,
            allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=[
                "Apollo-Require-Preflight",
                "Authorization",
                "Content-Type",
                "GraphQL-Preflight",
                "Idempotency-Key",
                "If-None-Match",
                "Upload-Complete",
                "Upload-Offset",
                "X-GraphQL-Event-Stream-Token",
            ],
            expose_headers=[
                "ETag",
                "Idempotency-Replayed",
                "Location",
                "RateLimit",
                "RateLimit-Policy",
                "Retry-After",
                "Upload-Complete",
                "Upload-Limit",
                "Upload-Offset",
                "X-Request-Id",
            ],
        )
    ]
    return Application(
        routes=[
            Route("/graphql", _GraphQL()),
            Route("/graphql/stream", _Streams()),
            WebSocketRoute("/graphql", _converse),
            Route("/uploads", resumable.receive, methods=["POST"]),
            Route("/uploads/{upload_id}", resumable.endpoint, methods=["HEAD", "PATCH", "DELETE"]),
            Route("/imports/{import_id}/refused.csv", downloads.refused_rows),
            Route("/exports/{kind}.{form}", downloads.export, methods=["GET", "POST"]),
            *reference.routes(settings),
            Route("/healthz", _health),
            Route("/readyz", _ready),
            *([metrics.route(settings.metrics_token, clock)] if metrics else []),
            *links.routes(settings, clock),
            *contact_callback.routes(settings, clock),
            *graphiql.routes(settings),
        ],
        middleware=middleware if settings.origins else [],
        lifespan=lifespan,
    )


def _metrics(settings: Settings) -> "Metrics | None":
    if not settings.metrics_token:
        return None
    from server.metrics import Metrics  # noqa: PLC0415  where it is asked for: figures are shared by then

    return Metrics()


def _tracing(settings: Settings) -> "Tracing | None":
    if not settings.traces_url:
        return None
    try:
        from server.tracing import Tracing  # noqa: PLC0415  an extra that few install
    except ImportError:
        raise SettingRefused(
            f"{variable('traces_url')} needs the extra otel. Run: pip install '.[otel]' or leave it out."
        ) from None
    return Tracing(settings.traces_url)


def observers(metrics: Observer | None, tracing: Observer | None, settings: Settings) -> Observers | None:
    """Who is told of requests; None where nobody is."""
    every = settings.log_requests == "on"
    logs = Logging(every, settings.slow) if every or settings.slow is not None else None
    members = tuple(member for member in (metrics, tracing, logs) if member is not None)
    quick = 0 if metrics or tracing or every else settings.slow or 0
    return Observers(members, quick) if members else None


async def _converse(socket: WebSocket) -> None:
    await Conversation(socket, socket.app.state.conversing).hold()


class _GraphQL:
    """Hands a request to the endpoint that the lifespan opened."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await scope["app"].state.graphql(scope, receive, send)


class _Streams:
    """Hands a request about a stream to the endpoint's streams."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await scope["app"].state.graphql.streams(scope, receive, send)


def documents(settings: Settings) -> Documents:
    """The documents known from the start."""
    trusted = manifest(Path(settings.trusted_documents)) if settings.trusted_documents else None
    return Documents(trusted, only_trusted=settings.trusted_documents_only == "on")


def _rate(settings: Settings) -> int | None:
    if settings.rate_limit == "off":
        return None
    return 600 if settings.rate_limit == "on" else int(settings.rate_limit)


async def _health(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _ready(request: Request) -> Response:
    if getattr(request.app.state, "draining", False):
        return JSONResponse({"status": "draining"}, 503)
    try:
        await request.app.state.process.database.read("SELECT 1")
    except Refusal as refusal:
        return JSONResponse({"status": "unavailable", "message": refusal.message}, 503)
    return JSONResponse({"status": "ready"})
