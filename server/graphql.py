"""The endpoint `/graphql`: GraphQL over HTTP, from a request's bytes to an answer's bytes."""

import asyncio
import logging
import secrets
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from db import viewers
from db.errors import Forbidden, Refusal, Unauthenticated
from resolvers import costs
from resolvers.answers import Answer
from resolvers.context import Context, Process, Viewer
from resolvers.documents import Operation
from resolvers.engine import Engine
from resolvers.kept import Kept
from resolvers.refusals import RequestErrors, refused
from server import multipart, requests, streams
from server.auth import REMEMBERED, Authentication
from server.cookies import SessionCookie
from server.documents import Documents
from server.limits import Bucket, RateLimit, network
from server.observing import Observation, Observers
from server.repeated import Repeated, Repetition
from server.requests import BadRequest, Headers

log = logging.getLogger("rolodesk.graphql")

STATUS = {
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "RATE_LIMITED": 429,
    "IDEMPOTENCY_KEY_IN_FLIGHT": 409,
    "IDEMPOTENCY_KEY_USED": 422,
    "STORAGE_BUSY": 503,
    "STORAGE_FULL": 503,
    "TIMEOUT": 503,
    "INTERNAL": 500,
}
"""Statuses that say it whatever media type was asked for. Other refusals of a request are 400, or 200 to clients of
`application/json` (GraphQL over HTTP, section 6.4.1)."""

NOT_MODIFIED = 304
ANYWAY = (
    (b"cache-control", b"private, no-cache"),
    (b"vary", b"Authorization, Cookie, Accept, Accept-Encoding"),
)
NOSNIFF = (b"x-content-type-options", b"nosniff")
MODERN = (b"content-type", requests.GRAPHQL_RESPONSE + b"; charset=utf-8")
PLAIN = (b"content-type", requests.JSON + b"; charset=utf-8")

Header = tuple[bytes, bytes]


class GraphQLEndpoint:
    """An ASGI application that answers GraphQL requests."""

    def __init__(
        self,
        process: Process,
        engine: Engine,
        authentication: Authentication,
        limit: RateLimit,
        documents: Documents,
        observer: Observers | None = None,
    ) -> None:
        self._process = process
        self._engine = engine
        self._authentication = authentication
        self._limit = limit
        self._documents = documents
        self._observer = observer
        self._noted: Kept[str, int] = Kept(REMEMBERED)
        self._noting: set[asyncio.Task[None]] = set()
        self._repeated = Repeated() if engine.keeps_answers else None
        self._name = secrets.token_hex(4)
        self._numbers = count(1)
        self.streams = streams.Streams(self, engine)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = requests.headers_of(scope)
        accept = headers.get(b"accept", b"")
        if (streamed := streams.accepted(accept)) is not None:
            await self._stream(streamed, scope, headers, receive, send)
            return
        request_id = self._request_id()
        modern = requests.wants_graphql_response(accept)
        extra: list[Header] = []
        seen = Observation(request_id, headers) if self._observer is not None else None
        try:
            answer = await self._answer(scope, headers, receive, request_id, extra, seen)
            body, status = self._given(answer, headers, extra)
        except Exception as error:  # noqa: BLE001  each has its answer
            body, status = _failed(error, request_id, modern=modern, extra=extra)
        await self._respond(send, request_id, body, status, modern=modern, extra=extra)
        if seen is not None:
            self._observe(seen, status)

    def _request_id(self) -> str:
        return f"{self._name}-{next(self._numbers)}"

    @staticmethod
    async def _respond(
        send: Send, request_id: str, body: bytes, status: int, *, modern: bool, extra: Sequence[Header]
    ) -> None:
        fields = [*ANYWAY, (b"x-request-id", request_id.encode()), *extra]
        if status != NOT_MODIFIED:
            kind = MODERN if modern else PLAIN
            fields += (kind, NOSNIFF, (b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": body})

    # Streams

    async def _stream(self, kind: bytes, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        """Answers by a stream. Who may not ask, or not now, is answered as to any request."""
        request_id, extra = self._request_id(), list[Header]()
        try:
            asked = await requests.read(scope, headers, receive, self._documents)
            context = await self._context(scope, headers, request_id, extra, shows_cost=asked.shows_cost)
            try:
                operation = self._operation(scope, context, asked)
            except RequestErrors as errors:
                if kind is not streams.EVENTS or errors.code not in {"SYNTAX", "LIMIT"}:
                    raise
                operation = None  # told in the stream, as graphql-sse has it: a browser shows nothing of a 400
            answer = None
            if kind is streams.PARTS and operation is not None and not operation.subscribes:
                answer = await self._engine.answer(context, asked.document, asked.operation_name, asked.variables)
        except Exception as error:  # noqa: BLE001  each has its answer
            body, status = _failed(error, request_id, modern=True, extra=extra)
            await self._respond(send, request_id, body, status, modern=False, extra=extra)
            return
        if answer is not None:
            await self._respond(send, request_id, answer.body, 200, modern=False, extra=extra)
        else:
            await self.streams.answer(kind, asked, context, receive, send, extra)

    async def within(self, scope: Scope, send: Send, act: streams.Act) -> None:
        """Lets a stream's own requests act as who asks; answered with a status and a text."""
        headers, request_id, extra = requests.headers_of(scope), self._request_id(), list[Header]()
        try:
            context = await self._context(scope, headers, request_id, extra)
            answered = await act(context, headers)
        except Exception as error:  # noqa: BLE001  each has its answer
            body, status = _failed(error, request_id, modern=True, extra=extra)
            await self._respond(send, request_id, body, status, modern=False, extra=extra)
            return
        if answered is not None:
            status, body = answered
            fields = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store"), *extra]
            await send({"type": "http.response.start", "status": status, "headers": fields})
            await send({"type": "http.response.body", "body": body})

    async def asked_by(self, scope: Scope, headers: Headers, receive: Receive, context: Context) -> requests.Asked:
        """The operation that is to run on a shared stream; refused before it is accepted where it is no good."""
        asked = await requests.read(scope, headers, receive, self._documents)
        self._operation(scope, context, asked)
        return asked

    def _operation(self, scope: Scope, context: Context, asked: requests.Asked) -> Operation:
        """The operation a request names; mutations are not taken by GET."""
        try:
            operation = self._engine.documents.operation(asked.document, asked.operation_name, context.viewer)
        except RequestErrors as errors:
            charge_refused(context, errors)
            raise
        if scope["method"] == "GET" and operation.writes:
            raise BadRequest(405, "Mutations are sent by POST.", (b"allow", b"POST"))
        return operation

    # Plain answers

    def _observe(self, seen: Observation, status: int) -> None:
        """Tells the observer of an answered request."""
        assert self._observer is not None  # noqa: S101  who observes nothing sees nothing
        seen.end(status)
        if seen.milliseconds < self._observer.from_milliseconds:
            return
        if seen.asked is not None:
            try:
                operation = self._engine.documents.operation(
                    seen.asked.document, seen.asked.operation_name, seen.viewer
                )
            except RequestErrors:
                pass  # it was refused before it was an operation
            else:
                seen.kind = operation.node.operation.value
                seen.operation = operation.node.name.value if operation.node.name else ""
        self._observer.answered(seen)

    async def _answer(
        self,
        scope: Scope,
        headers: requests.Headers,
        receive: Receive,
        request_id: str,
        extra: list[Header],
        seen: Observation | None,
    ) -> Answer:
        method = scope["method"]
        if method == "POST" and multipart.is_form(headers):
            await self._may_send(headers)
            asked, form = await multipart.read(headers, receive, self._documents)
            try:
                return await self._answered(scope, headers, asked, request_id, extra, seen)
            finally:
                await form.close()
        sent = await requests.content(scope, headers, receive)
        if self._repeated is None:
            asked = requests.parsed(method, sent, self._documents)
            return await self._answered(scope, headers, asked, request_id, extra, seen)
        digest = self._repeated.digest(method, headers, sent)
        before = self._repeated.find(digest) if digest else None
        if before is not None and before.viewer.expired(self._process.clock()):
            before = None
        asked = before.asked if before is not None else requests.parsed(method, sent, self._documents)
        return await self._answered(scope, headers, asked, request_id, extra, seen, digest, before)

    async def _may_send(self, headers: Headers) -> None:
        """Refuses a form of who may send no files, before it is read."""
        multipart.check(headers)
        viewer = await self._authentication.of(headers, afresh=True)
        if viewer is None:
            raise Unauthenticated("Send credentials: files are taken of those who may send them alone.")
        if "IMPORTS_WRITE" not in viewer.permissions:
            raise Forbidden("Sending files is outside your role or scopes: IMPORTS_WRITE is needed. Nothing was kept.")

    async def _answered(
        self,
        scope: Scope,
        headers: requests.Headers,
        asked: requests.Asked,
        request_id: str,
        extra: list[Header],
        seen: Observation | None,
        digest: bytes = b"",
        before: Repetition | None = None,
    ) -> Answer:
        """The answer, as who asks; `before` is what was made of the same request, by whose `digest` this one is kept too."""
        if seen is not None:
            seen.read(asked)
        cookie = SessionCookie(self._authentication.pages, headers, extra)
        context = await self._context(
            scope, headers, request_id, extra, shows_cost=asked.shows_cost, cookie=cookie, before=before
        )
        if seen is not None:
            seen.viewer = context.viewer
        try:
            if before is None and scope["method"] == "GET":
                self._operation(scope, context, asked)
            answer = await self._engine.answer(
                context, asked.document, asked.operation_name, asked.variables, before and before.query
            )
        except RequestErrors as errors:
            charge_refused(context, errors)
            if before is not None and self._repeated is not None:
                self._repeated.drop(digest)
            raise
        finally:
            if isinstance(context.rate, Bucket):
                extra.extend(context.rate.headers())
        if digest:
            self._keep(digest, before, context.viewer, asked, answer)
        return answer

    def _keep(
        self, digest: bytes, before: Repetition | None, viewer: Viewer | None, asked: requests.Asked, answer: Answer
    ) -> None:
        """Keeps what was made of a request once its answer was given again, and as long as it is to the same rights."""
        assert self._repeated is not None  # noqa: S101  it gave the digest
        if viewer is None or answer.numbers is None or answer.numbers[0] != viewer.access_number:
            self._repeated.drop(digest)
        elif before is None and answer.given:
            query = self._engine.query(viewer, asked.document, asked.operation_name, asked.variables)
            self._repeated.keep(digest, Repetition(viewer, asked, query))

    async def _context(
        self,
        scope: Scope,
        headers: Headers,
        request_id: str,
        extra: list[Header],
        *,
        shows_cost: bool = False,
        cookie: SessionCookie | None = None,
        before: Repetition | None = None,
    ) -> Context:
        """Who asks, within its rate."""
        client = scope["client"][0] if scope.get("client") else "unknown"
        viewer, rate = await self._viewer(headers, client, extra, before)

        async def look_again() -> Viewer | None:
            return await self._authentication.of(headers, afresh=True)

        return Context(
            self._process,
            viewer,
            request_id,
            client,
            look_again,
            idempotency_key=requests.idempotency_key(headers),
            rate=rate,
            shows_cost=shows_cost,
            session_cookie=cookie,
        )

    def _given(self, answer: Answer, headers: requests.Headers, extra: list[Header]) -> tuple[bytes, int]:
        """The bytes to send for an answer: none where the client has it, compressed where it takes that."""
        if answer.replayed:
            extra.append((b"idempotency-replayed", b"true"))
        if answer.etag is None:
            return answer.body, 200
        extra.append((b"etag", answer.etag))
        if answer.etag.removeprefix(b"W/") in headers.get(b"if-none-match", b""):
            return b"", NOT_MODIFIED
        if b"gzip" in headers.get(b"accept-encoding", b"") and answer.compressed is not None:
            extra.append((b"content-encoding", b"gzip"))
            return answer.compressed, 200
        return answer.body, 200

    async def _viewer(
        self, headers: Headers, client: str, extra: list[Header], before: Repetition | None
    ) -> tuple[Viewer | None, Bucket | None]:
        """Who asks, within its rate. Wrong credentials are charged to the address they came from."""
        try:
            if before is not None:
                viewer: Viewer | None = before.viewer
            else:
                viewer = self._authentication.remembered(headers) or await self._authentication.of(headers)
        except Refusal:
            self._take(self._limit.bucket(network(client)), costs.REFUSED, extra)
            raise
        rate = self._limit.bucket(viewer.id if viewer else network(client))
        self._take(rate, costs.REQUEST, extra)
        if viewer is not None:
            self._note_use(viewer)
        return viewer, rate

    @staticmethod
    def _take(rate: Bucket | None, points: int, extra: list[Header]) -> None:
        if rate is None:
            return
        try:
            rate.take(points)
        except Refusal:
            extra.extend(rate.headers())
            raise

    def _note_use(self, viewer: Viewer) -> None:
        """Has it written when a key or session was last used, at most once a minute. No request waits for it."""
        now = self._process.clock()
        if now - (self._noted.find(viewer.credential_id) or viewer.last_used_at or 0) > viewers.USED_AGAIN_AFTER:
            self._noted.keep(viewer.credential_id, now)
            noting = asyncio.create_task(self._write_use(viewer))
            self._noting.add(noting)
            noting.add_done_callback(self._noting.discard)

    async def _write_use(self, viewer: Viewer) -> None:
        try:
            await viewers.use(self._process.database, viewer.workspace_id, viewer.credential_id)
        except Refusal as refusal:
            log.warning("when %s was last used is not noted: %s", viewer.credential_id, refusal.message)

    async def close(self) -> None:
        """Waits for what is still to be noted."""
        await asyncio.gather(*self._noting)


def internal(request_id: str) -> Mapping[str, Any]:
    """The error of a request that failed here; its id finds the line in the log."""
    message = f"Something failed here, not on your side. Quote the request id {request_id} when you report it."
    return {"message": message, "extensions": {"code": "INTERNAL"}}


def charge_refused(context: Context, errors: RequestErrors) -> None:
    """A document that was refused has been parsed and validated all the same."""
    if context.rate is not None and errors.code in {"SYNTAX", "LIMIT"}:
        context.rate.debit(costs.REFUSED - costs.REQUEST)


def _failed(error: Exception, request_id: str, *, modern: bool, extra: list[Header]) -> tuple[bytes, int]:
    """The body and the status for what was raised."""
    if isinstance(error, BadRequest):
        extra.extend(error.headers)
        return _errors([{"message": error.message, "extensions": {"code": "BAD_REQUEST"}}]), error.status
    if isinstance(error, Refusal):
        error = refused(error)
    if isinstance(error, RequestErrors):
        return _refused(error, modern=modern, extra=extra)
    log.error("request %s failed", request_id, exc_info=error)
    return _errors([internal(request_id)]), 500


def _refused(errors: RequestErrors, *, modern: bool, extra: list[Header]) -> tuple[bytes, int]:
    status = STATUS.get(errors.code, 400 if modern else 200)
    if errors.retry_after_seconds is not None:
        extra.append((b"retry-after", str(errors.retry_after_seconds).encode()))
    if status == 401:  # noqa: PLR2004
        extra.append((b"www-authenticate", b"Bearer"))
    return _errors(errors.errors), status


def _errors(errors: Sequence[Mapping[str, Any]]) -> bytes:
    return orjson.dumps({"errors": errors})
