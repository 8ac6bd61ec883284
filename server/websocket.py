"""Subscriptions over WebSocket: the graphql-transport-ws protocol, as the npm package graphql-ws specifies it."""

import asyncio
import logging
import secrets
from collections.abc import Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from db.errors import Forbidden, Refusal, Unauthenticated
from resolvers import costs
from resolvers.context import Context, Process, Viewer
from resolvers.engine import Engine
from resolvers.refusals import RequestErrors, refused
from server.auth import Authentication
from server.documents import Documents
from server.graphql import internal
from server.limits import RateLimit, network
from server.requests import Asked, headers_of

log = logging.getLogger("rolodesk.websocket")

PROTOCOL = "graphql-transport-ws"
INIT_SECONDS = 3
MOST_SUBSCRIPTIONS = 50
LARGEST_MESSAGE_BYTES = 1_000_000

BAD_REQUEST = 4400
UNAUTHORIZED = 4401
FORBIDDEN = 4403
INIT_TIMEOUT = 4408
SUBSCRIBER_EXISTS = 4409
TOO_MANY = 4429
TOO_LARGE = 1009
SLOW_CONSUMER = 4008
SLOW_SECONDS = 10
"""A client that takes nothing for so long is let go; what it missed is in the log, after its last position."""


class Closed(Exception):  # noqa: N818  the end of a conversation
    """The socket is to be closed with a code and a reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Conversing:
    """What all conversations share with the requests over HTTP: the same answers within the same limits."""

    process: Process
    engine: Engine
    authentication: Authentication
    limit: RateLimit
    documents: Documents


class Conversation:
    """One socket, from its connection_init to its close."""

    def __init__(self, socket: WebSocket, shared: Conversing) -> None:
        self._socket = socket
        self._shared = shared
        self._engine = shared.engine
        self._authentication = shared.authentication
        self._authorization: str | None = socket.headers.get("authorization")
        self._cookie: str | None = None
        self._viewer: Viewer | None = None
        self._running: dict[str, asyncio.Task[None]] = {}
        self._holding: asyncio.Task[Any] | None = None
        self._slow = False

    async def hold(self) -> None:
        """Holds the conversation until one side ends it."""
        if PROTOCOL not in self._socket.scope.get("subprotocols", ()):
            await self._socket.close(4406, "Subprotocol not acceptable")
            return
        try:
            self._cookie = self._authentication.by_cookie(headers_of(self._socket.scope))
        except Forbidden:  # a page of another site, with the cookie of who looks at it: closed before accepted is 403
            await self._socket.close(FORBIDDEN, "Forbidden")
            return
        await self._socket.accept(PROTOCOL)
        self._holding = asyncio.current_task()
        try:
            await self._begin()
            while True:
                await self._take(await self._message())
        except Closed as closed:
            await self._socket.close(closed.code, closed.reason)
        except WebSocketDisconnect:
            pass
        except asyncio.CancelledError:
            if not self._slow:
                raise
            await self._let_go()
        finally:
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _let_go(self) -> None:
        """Closes a socket whose client takes nothing; it is told if it takes that."""
        with suppress(TimeoutError, WebSocketDisconnect):
            async with asyncio.timeout(SLOW_SECONDS):
                await self._socket.close(SLOW_CONSUMER, "The client takes too long. Go on after its last position")

    async def _begin(self) -> None:
        try:
            message = await asyncio.wait_for(self._message(), INIT_SECONDS)
        except TimeoutError:
            raise Closed(INIT_TIMEOUT, "Connection initialisation timeout") from None
        if message["type"] != "connection_init":
            raise Closed(UNAUTHORIZED, "Unauthorized")
        payload = {} if message.get("payload") is None else message["payload"]
        if not isinstance(payload, dict):
            raise Closed(BAD_REQUEST, "The payload of connection_init must be an object")
        given = next((v for k, v in payload.items() if k.lower() == "authorization"), None)
        self._authorization = given if isinstance(given, str) else self._authorization
        try:
            await self._identify()
        except Refusal:
            raise Closed(FORBIDDEN, "Forbidden") from None
        await self._send({"type": "connection_ack"})

    async def _identify(self) -> None:
        """Finds out who asks. As over HTTP, a cookie counts where nothing else is sent, and for none once its session is over."""
        if self._authorization is not None or self._cookie is None:
            self._viewer = await self._authentication.viewer(self._authorization)
            return
        try:
            self._viewer = await self._authentication.viewer(self._cookie)
        except Unauthenticated:
            return
        self._authorization = self._cookie

    async def _message(self) -> dict[str, Any]:
        received = await self._socket.receive()
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(received.get("code", 1000))
        text = received.get("text")
        if text is None:
            raise Closed(BAD_REQUEST, "Messages are texts")
        if len(text) > LARGEST_MESSAGE_BYTES:
            raise Closed(TOO_LARGE, "The message is too large")
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise Closed(BAD_REQUEST, "The message is not JSON") from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise Closed(BAD_REQUEST, "The message is not of the protocol")
        return message

    async def _take(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "ping":
                await self._send({"type": "pong"})
            case "pong":
                pass
            case "connection_init":
                raise Closed(TOO_MANY, "Too many initialisation requests")
            case "subscribe":
                self._subscribe(message)
            case "complete":
                task = self._running.pop(str(message.get("id")), None)
                if task is not None:
                    task.cancel()
            case _:
                raise Closed(BAD_REQUEST, "The message is not of the protocol")

    def _subscribe(self, message: dict[str, Any]) -> None:
        identity, payload = message.get("id"), message.get("payload")
        if not isinstance(identity, str) or not identity or not isinstance(payload, dict):
            raise Closed(BAD_REQUEST, "subscribe needs an id and a payload")
        if identity in self._running:
            raise Closed(SUBSCRIBER_EXISTS, f"Subscriber for {identity[:50]} already exists")
        if len(self._running) >= MOST_SUBSCRIPTIONS:
            raise Closed(TOO_MANY, "Too many subscriptions on one socket")
        text, name, variables = payload.get("query"), payload.get("operationName"), payload.get("variables")
        variables = {} if variables is None else variables
        if not isinstance(text, str) or not isinstance(variables, dict) or not isinstance(name, (str, type(None))):
            raise Closed(BAD_REQUEST, "The payload is not a GraphQL request")
        extensions = payload.get("extensions")
        shows_cost = isinstance(extensions, dict) and extensions.get("cost") is True
        self._running[identity] = asyncio.create_task(self._answer(identity, Asked(text, name, variables, shows_cost)))

    async def _answer(self, identity: str, asked: Asked) -> None:
        text, name, variables, shows_cost, _ = asked
        client = self._socket.client.host if self._socket.client else "unknown"

        async def look_again() -> Viewer | None:
            self._viewer = await self._authentication.viewer(self._authorization, afresh=True)
            return self._viewer

        rate = self._shared.limit.bucket(self._viewer.id if self._viewer else network(client))
        context = Context(
            self._shared.process, self._viewer, identity, client, look_again, rate=rate, shows_cost=shows_cost
        )
        try:
            if rate is not None:
                rate.take(costs.REQUEST)
            self._shared.documents.find(text, None, None)
            if self._engine.documents.operation(text, name, self._viewer).subscribes:
                async with aclosing(self._engine.subscribe(context, text, name, variables)) as answers:
                    async for answer in answers:
                        await self._next(identity, answer)
            else:
                await self._next(identity, (await self._engine.answer(context, text, name, variables)).body)
            await self._send({"type": "complete", "id": identity})
        except RequestErrors as errors:
            if rate is not None and errors.code in {"SYNTAX", "LIMIT"}:
                rate.debit(costs.REFUSED - costs.REQUEST)
            await self._send({"type": "error", "id": identity, "payload": errors.errors})
        except Refusal as refusal:
            await self._send({"type": "error", "id": identity, "payload": refused(refusal).errors})
        except WebSocketDisconnect:
            pass
        except Exception:
            request_id = secrets.token_hex(4)
            log.exception("request %s failed", request_id)
            await self._send({"type": "error", "id": identity, "payload": [internal(request_id)]})
        finally:
            self._running.pop(identity, None)

    async def _next(self, identity: str, answer: bytes) -> None:
        await self._send({"type": "next", "id": identity, "payload": orjson.Fragment(answer)})

    async def _send(self, message: Mapping[str, Any]) -> None:
        """Sends a message, once the client took those before it: no more is kept for it than the socket's own buffer."""
        try:
            async with asyncio.timeout(SLOW_SECONDS):
                await self._socket.send_text(orjson.dumps(message).decode())
        except TimeoutError:
            if self._holding is not None and not self._slow:
                self._slow = True
                self._holding.cancel()
            raise WebSocketDisconnect(SLOW_CONSUMER) from None
