"""The endpoint `/graphql`: GraphQL over HTTP, from a request's bytes to an answer's bytes."""

import logging
import secrets
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.datastructures import Headers, QueryParams
from starlette.types import Receive, Scope, Send

from db import viewers
from db.errors import RateLimited, Refusal
from resolvers.context import Context, Process, Viewer
from resolvers.engine import Engine, RequestErrors, refused
from server.auth import Authentication
from server.limits import RateLimit

log = logging.getLogger("rolodesk.graphql")

LARGEST_BODY_BYTES = 1_000_000
GRAPHQL_RESPONSE = b"application/graphql-response+json; charset=utf-8"
JSON = b"application/json; charset=utf-8"

STATUS = {
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "RATE_LIMITED": 429,
    "STORAGE_BUSY": 503,
    "STORAGE_FULL": 503,
    "TIMEOUT": 503,
    "INTERNAL": 500,
}
"""Statuses that say it whatever media type was asked for. Other refusals of a request are 400, or 200 to clients of
`application/json` (GraphQL over HTTP, section 6.4.1)."""


class BadRequest(Exception):  # noqa: N818  an answer
    """Not a GraphQL request over HTTP."""

    def __init__(self, status: int, message: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers


class GraphQLEndpoint:
    """An ASGI application that answers GraphQL requests."""

    def __init__(self, process: Process, engine: Engine, authentication: Authentication, limit: RateLimit) -> None:
        self._process = process
        self._engine = engine
        self._authentication = authentication
        self._limit = limit
        self._noted: dict[str, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        request_id = secrets.token_hex(8)
        modern = "application/graphql-response+json" in headers.get("accept", "")
        extra: list[tuple[bytes, bytes]] = [(b"x-request-id", request_id.encode())]
        try:
            text, name, variables = await self._request(scope, headers, receive)
            viewer = await self._viewer(scope, headers, extra)
            context = Context(
                self._process,
                viewer,
                request_id,
                _client(scope),
                look_again=lambda: self._authentication.viewer(headers.get("authorization"), afresh=True),
            )
            if scope["method"] == "GET" and self._engine.operation(text, name).writes:
                raise BadRequest(405, "Mutations are sent by POST.", ((b"allow", b"POST"),))  # noqa: TRY301
            body, status = await self._engine.answer(context, text, name, variables), 200
        except BadRequest as bad:
            body, status = _errors([{"message": bad.message, "extensions": {"code": "BAD_REQUEST"}}]), bad.status
            extra.extend(bad.headers)
        except RequestErrors as errors:
            body, status = self._refused(errors, modern=modern, extra=extra)
        except Refusal as refusal:
            body, status = self._refused(refused(refusal), modern=modern, extra=extra)
        except Exception:
            log.exception("request %s failed", request_id)
            message = f"Something failed here, not on your side. Quote the request id {request_id} when you report it."
            body, status = _errors([{"message": message, "extensions": {"code": "INTERNAL"}}]), 500
        content_type = GRAPHQL_RESPONSE if modern else JSON
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [
                    (b"content-type", content_type),
                    (b"content-length", str(len(body)).encode()),
                    (b"cache-control", b"no-store"),
                    *extra,
                ],
            }
        )
        await send({"type": "http.response.body", "body": body})

    def _refused(self, errors: RequestErrors, *, modern: bool, extra: list[tuple[bytes, bytes]]) -> tuple[bytes, int]:
        status = STATUS.get(errors.code, 400 if modern else 200)
        if errors.retry_after_seconds is not None:
            extra.append((b"retry-after", str(errors.retry_after_seconds).encode()))
        if status == 401:  # noqa: PLR2004
            extra.append((b"www-authenticate", b"Bearer"))
        return _errors(errors.errors), status

    async def _viewer(self, scope: Scope, headers: Headers, extra: list[tuple[bytes, bytes]]) -> Viewer | None:
        """Who asks, within its rate."""
        authorization = headers.get("authorization")
        viewer = await self._authentication.viewer(authorization)
        try:
            remaining = self._limit.take(viewer.id if viewer else _client(scope))
        except RateLimited:
            extra.append((b"ratelimit", self._limit.header(0)))
            raise
        if remaining is not None:
            extra.append((b"ratelimit", self._limit.header(remaining)))
        if viewer is not None:
            await self._note_use(viewer)
        return viewer

    async def _note_use(self, viewer: Viewer) -> None:
        """Writes when a key or session was last used, at most once a minute."""
        now = self._process.clock()
        if now - self._noted.get(viewer.credential_id, viewer.last_used_at or 0) > viewers.USED_AGAIN_AFTER:
            self._noted[viewer.credential_id] = now
            await viewers.use(self._process.database, viewer.workspace_id, viewer.credential_id)

    async def _request(
        self, scope: Scope, headers: Headers, receive: Receive
    ) -> tuple[str, str | None, Mapping[str, Any]]:
        method = scope["method"]
        if method == "POST":
            kind, _, parameters = headers.get("content-type", "").partition(";")
            if kind.strip().lower() != "application/json":
                raise BadRequest(415, "Send the request as application/json.", ((b"accept-post", b"application/json"),))
            if "charset" in parameters.lower() and "utf-8" not in parameters.lower():
                raise BadRequest(415, "Send the request in UTF-8.")
            if headers.get("content-encoding", "identity") != "identity":
                raise BadRequest(415, "Send the request without a content encoding.")
            return _parameters(_json(await _body(receive, headers)))
        if method == "GET":
            given = QueryParams(scope["query_string"])
            found: dict[str, Any] = {k: given[k] for k in ("query", "operationName") if k in given}
            for name in ("variables", "extensions"):
                if given.get(name):
                    found[name] = _json(given[name].encode())
            return _parameters(found)
        raise BadRequest(405, "Send GraphQL requests by POST, or queries by GET.", ((b"allow", b"GET, POST"),))


def _client(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else "unknown"


async def _body(receive: Receive, headers: Headers) -> bytes:
    length = headers.get("content-length", "0")
    if length.isdecimal() and int(length) > LARGEST_BODY_BYTES:
        raise BadRequest(413, f"The request is larger than {LARGEST_BODY_BYTES:,} bytes.")
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadRequest(400, "The request ended early.")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > LARGEST_BODY_BYTES:
            raise BadRequest(413, f"The request is larger than {LARGEST_BODY_BYTES:,} bytes.")
        chunks.append(chunk)
        if not message.get("more_body"):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except (orjson.JSONDecodeError, RecursionError) as reason:
        raise BadRequest(400, f"The request is not JSON in UTF-8: {reason}.") from None


def _parameters(given: Any) -> tuple[str, str | None, Mapping[str, Any]]:
    """The parameters of a request (GraphQL over HTTP, section 5.1)."""
    if not isinstance(given, dict):
        raise BadRequest(400, "The request must be a JSON object; batches are not taken.")
    text, name, variables = given.get("query"), given.get("operationName"), given.get("variables")
    if not isinstance(text, str) or not text.strip():
        raise BadRequest(400, "The request has no `query`, or it is not a text.")
    if name is not None and not isinstance(name, str):
        raise BadRequest(400, "`operationName` must be a text.")
    if variables is not None and not isinstance(variables, dict):
        raise BadRequest(400, "`variables` must be a JSON object.")
    if given.get("extensions") is not None and not isinstance(given["extensions"], dict):
        raise BadRequest(400, "`extensions` must be a JSON object.")
    return text, name or None, variables or {}


def _errors(errors: Any) -> bytes:
    return orjson.dumps({"errors": errors})
