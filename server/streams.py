"""Operations answered as streams over HTTP: event streams by the graphql-sse protocol, and Apollo's multipart subscriptions.

In distinct connections mode each operation is a request whose answer is its stream. In single connection mode a client reserves one
stream (PUT), reads it (GET), starts operations on it (POST) and ends them (DELETE).
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
from starlette.datastructures import QueryParams
from starlette.types import Receive, Scope, Send

from db.errors import NotPossible, Refusal
from resolvers.context import Context
from resolvers.engine import Engine
from resolvers.kept import compact
from resolvers.refusals import RequestErrors, refused
from server import requests
from server.requests import Asked, BadRequest

if TYPE_CHECKING:
    from server.graphql import GraphQLEndpoint

log = logging.getLogger("rolodesk.streams")

EVENTS = b"text/event-stream"
PARTS = b"multipart/mixed"
PARTS_ANSWERED = b'multipart/mixed; boundary="graphql"; subscriptionSpec=1.0'
TOKEN = b"x-graphql-event-stream-token"
HEARTBEAT_SECONDS = 5
SLOW_SECONDS = 10
"""A client that takes nothing for so long is let go; it may come back and go on after its last position."""
RESERVED_SECONDS = 30
MOST_RESERVED = 10_000
MOST_OPERATIONS = 50
MOST_QUEUED = 100

Pieces = AsyncGenerator[bytes, None]
Act = Callable[[Context, requests.Headers], Awaitable[tuple[int, bytes] | None]]
"""What one request about a stream does: a status and a text, or None where it answered by itself."""


class SlowConsumer(Exception):  # noqa: N818  the end of a stream
    """The client does not take what it is sent."""


async def answers(engine: Engine, context: Context, asked: Asked) -> Pieces:
    """What an operation answers, one payload after the other; what is refused on the way is the last of them."""
    try:
        if engine.documents.operation(asked.document, asked.operation_name, context.viewer).subscribes:
            running = engine.subscribe(context, asked.document, asked.operation_name, asked.variables)
            async with aclosing(running) as events:
                async for one in events:
                    yield one
        else:
            yield (await engine.answer(context, asked.document, asked.operation_name, asked.variables)).body
    except RequestErrors as errors:
        yield orjson.dumps({"errors": errors.errors})
    except Refusal as refusal:
        yield orjson.dumps({"errors": refused(refusal).errors})
    except Exception:
        from server.graphql import internal  # noqa: PLC0415  it knows this module

        log.exception("request %s failed", context.request_id)
        yield orjson.dumps({"errors": [internal(context.request_id)]})


def event(kind: bytes, data: bytes = b"") -> bytes:
    """One event of a stream (HTML, section 9.2.6); JSON of this server holds no line breaks."""
    return b"event: " + kind + b"\ndata: " + data + b"\n\n"


def accepted(accept: bytes) -> bytes | None:
    """Which kind of stream a client takes; None for one that wants a plain answer."""
    if EVENTS in accept:
        return EVENTS
    return PARTS if PARTS in accept and b"subscriptionspec" in accept.lower() else None


class Stream:
    """A response that goes on: each piece is sent when the client takes it, with a heartbeat where there is none for a while."""

    def __init__(self, send: Send, heartbeat: bytes) -> None:
        self._send = send
        self._heartbeat = heartbeat

    async def start(self, kind: bytes, request_id: str, extra: list[tuple[bytes, bytes]]) -> None:
        fields = [
            (b"content-type", kind),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),
            (b"x-request-id", request_id.encode()),
        ]
        await self._send({"type": "http.response.start", "status": 200, "headers": [*fields, *extra]})
        await self.write(self._heartbeat)

    async def write(self, piece: bytes, *, more: bool = True) -> None:
        try:
            async with asyncio.timeout(SLOW_SECONDS):
                await self._send({"type": "http.response.body", "body": piece, "more_body": more})
        except TimeoutError:
            raise SlowConsumer from None

    async def pump(self, pieces: Pieces, end: bytes) -> None:
        """Sends the pieces as they come, then the end."""
        coming: asyncio.Task[bytes | None] = asyncio.ensure_future(_next(pieces))
        try:
            while True:
                await asyncio.wait({coming}, timeout=HEARTBEAT_SECONDS)
                if not coming.done():
                    await self.write(self._heartbeat)
                    continue
                piece = coming.result()
                if piece is None:
                    await self.write(end, more=False)
                    return
                await self.write(piece)
                coming = asyncio.ensure_future(_next(pieces))
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
            await pieces.aclose()

    async def while_connected(self, receive: Receive, work: Awaitable[None]) -> None:
        """Does the work until it ends or the client is gone, whichever comes first."""
        working, gone = asyncio.ensure_future(work), asyncio.ensure_future(_disconnected(receive))
        try:
            await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (working, gone):
                task.cancel()
            for ended in await asyncio.gather(working, gone, return_exceptions=True):
                if isinstance(ended, Exception) and not isinstance(ended, SlowConsumer):
                    raise ended


async def _next(pieces: Pieces) -> bytes | None:
    return await anext(pieces, None)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


@dataclass(slots=True)
class Reserved:
    """One client's stream in single connection mode."""

    viewer_id: str | None
    queue: "asyncio.Queue[bytes]" = field(default_factory=lambda: asyncio.Queue(MOST_QUEUED))
    running: "dict[str, asyncio.Task[None]]" = field(default_factory=dict)
    connected: bool = False
    expiry: asyncio.TimerHandle | None = None


class Streams:
    """Streams over HTTP, for the endpoint whose answers they carry."""

    def __init__(self, endpoint: "GraphQLEndpoint", engine: Engine) -> None:
        self._endpoint = endpoint
        self._engine = engine
        self._reserved: dict[str, Reserved] = {}

    # Distinct connections mode

    async def answer(
        self,
        kind: bytes,
        asked: Asked,
        context: Context,
        receive: Receive,
        send: Send,
        extra: list[tuple[bytes, bytes]],
    ) -> None:
        """Answers an operation by a stream of its own."""
        if kind is EVENTS:
            stream, end, answered = Stream(send, b":\n\n"), event(b"complete"), EVENTS + b"; charset=utf-8"
        else:
            stream, end, answered = Stream(send, part(b"{}")), b"--graphql--\r\n", PARTS_ANSWERED
        shaped = self._shaped(kind, context, asked)
        try:
            await stream.start(answered, context.request_id, extra)
            await stream.while_connected(receive, stream.pump(shaped, end))
        except SlowConsumer:
            log.info("request %s ended: its client took nothing for %d s", context.request_id, SLOW_SECONDS)

    async def _shaped(self, kind: bytes, context: Context, asked: Asked) -> Pieces:
        async with aclosing(answers(self._engine, context, asked)) as payloads:
            async for payload in payloads:
                yield event(b"next", payload) if kind is EVENTS else part(b'{"payload":' + payload + b"}")

    # Single connection mode

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """`/graphql/stream`: PUT reserves, GET reads, POST starts, DELETE ends. Without a token POST and GET are distinct."""
        token = _token(scope)
        method = scope["method"]
        if method in {"GET", "POST"} and token is None:
            await self._endpoint(scope, receive, send)
            return
        await self._endpoint.within(scope, send, self._single(method, token, scope, receive, send))

    def _single(self, method: str, token: str | None, scope: Scope, receive: Receive, send: Send) -> Act:
        async def act(context: Context, headers: requests.Headers) -> tuple[int, bytes] | None:
            viewer_id = context.viewer.id if context.viewer else None
            if method == "PUT":
                return 201, self._reserve(viewer_id).encode()
            reserved = self._reserved.get(token or "")
            if reserved is None or reserved.viewer_id != viewer_id:
                raise BadRequest(404, "There is no reserved stream with this token. Reserve one by PUT.")
            if method == "GET":
                await self._read(token or "", reserved, context, receive, send)
                return None
            if method == "DELETE":
                task = reserved.running.pop(QueryParams(scope["query_string"]).get("operationId", ""), None)
                if task is not None:
                    task.cancel()
                return 200, b""
            if method == "POST":
                asked = await self._endpoint.asked_by(scope, headers, receive, context)
                self._start(reserved, asked.operation_id, context._replace(shows_cost=asked.shows_cost), asked)
                return 202, b""
            raise BadRequest(
                405, "Reserve by PUT, read by GET, start by POST, end by DELETE.", (b"allow", b"GET, POST, PUT, DELETE")
            )

        return act

    def _reserve(self, viewer_id: str | None) -> str:
        if len(self._reserved) >= MOST_RESERVED:
            raise NotPossible("Too many streams are open here. Try again later, or use WebSocket.", code="STORAGE_BUSY")
        token = secrets.token_urlsafe(24)
        reserved = self._reserved[token] = Reserved(viewer_id)
        reserved.expiry = asyncio.get_running_loop().call_later(RESERVED_SECONDS, self._drop, token)
        return token

    def _drop(self, token: str) -> None:
        reserved = self._reserved.pop(token, None)
        for task in reserved.running.values() if reserved else ():
            task.cancel()

    async def _read(self, token: str, reserved: Reserved, context: Context, receive: Receive, send: Send) -> None:
        if reserved.connected:
            raise BadRequest(409, "The stream is open already.")
        reserved.connected = True
        if reserved.expiry is not None:
            reserved.expiry.cancel()
        stream = Stream(send, b":\n\n")

        async def pieces() -> Pieces:
            while True:
                yield await reserved.queue.get()

        try:
            await stream.start(EVENTS + b"; charset=utf-8", context.request_id, [])
            await stream.while_connected(receive, stream.pump(pieces(), b""))
        except SlowConsumer:
            log.info("request %s ended: its client took nothing for %d s", context.request_id, SLOW_SECONDS)
        finally:
            self._drop(token)

    def _start(self, reserved: Reserved, operation_id: str | None, context: Context, asked: Asked) -> None:
        if operation_id is None:
            raise BadRequest(400, "Name the operation by `extensions.operationId`.")
        if operation_id in reserved.running:
            raise BadRequest(409, "An operation with this id is running.")
        if len(reserved.running) >= MOST_OPERATIONS:
            raise BadRequest(400, f"At most {MOST_OPERATIONS} operations run on one stream.")
        quoted = compact(operation_id)

        async def run() -> None:
            try:
                async with aclosing(answers(self._engine, context, asked)) as payloads:
                    async for payload in payloads:
                        await reserved.queue.put(event(b"next", b'{"id":' + quoted + b',"payload":' + payload + b"}"))
                await reserved.queue.put(event(b"complete", b'{"id":' + quoted + b"}"))
            finally:
                reserved.running.pop(operation_id, None)

        reserved.running[operation_id] = asyncio.create_task(run())


def part(payload: bytes) -> bytes:
    """One part of a multipart subscription."""
    return b"--graphql\r\ncontent-type: application/json\r\n\r\n" + payload + b"\r\n"


def _token(scope: Scope) -> str | None:
    given: Any = next((value for name, value in scope["headers"] if name == TOKEN), None)
    if given is not None:
        return bytes(given).decode("latin-1")
    return QueryParams(scope["query_string"]).get("token")
