"""From an HTTP request to what GraphQL is asked: methods, media types, bodies and parameters.

GraphQL over HTTP, sections 5 and 6; what is not of its form is refused with a status and a message.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from starlette.datastructures import QueryParams
from starlette.types import Message, Receive, Scope

from server.documents import Documents

LARGEST_BODY_BYTES = 1_000_000
GRAPHQL_RESPONSE = b"application/graphql-response+json"
JSON = b"application/json"
LONGEST_KEY = 255

_WANTED = {
    b"accept",
    b"accept-encoding",
    b"apollo-require-preflight",
    b"authorization",
    b"content-encoding",
    b"content-length",
    b"content-type",
    b"cookie",
    b"graphql-preflight",
    b"idempotency-key",
    b"if-none-match",
    b"origin",
    b"sec-fetch-site",
    b"traceparent",
}

Headers = Mapping[bytes, bytes]


class BadRequest(Exception):  # noqa: N818  an answer
    """Not a GraphQL request over HTTP."""

    def __init__(self, status: int, message: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers


class Asked(NamedTuple):
    """The parameters of a GraphQL request (GraphQL over HTTP, section 5.1)."""

    document: str
    operation_name: str | None
    variables: Mapping[str, Any]
    shows_cost: bool = False
    operation_id: str | None = None
    """What the client calls the operation on a stream it shares with others."""


def headers_of(scope: Scope) -> Headers:
    """The headers that matter here, by their names in lower case."""
    return {name: value for name, value in scope["headers"] if name in _WANTED}


@lru_cache(maxsize=1_000)
def wants_graphql_response(accept: bytes) -> bool:
    """Whether the client rather has `application/graphql-response+json` than `application/json` (RFC 9110, section 12.5.1)."""
    if GRAPHQL_RESPONSE not in accept:
        return False
    quality = {GRAPHQL_RESPONSE: 0.0, JSON: 0.0}
    for part in accept.lower().split(b","):
        kind, *parameters = (piece.strip() for piece in part.split(b";"))
        weight = next((p[2:] for p in parameters if p.startswith(b"q=")), b"1")
        try:
            quality[kind] = float(weight)
        except ValueError:
            quality[kind] = 0.0
    return quality[GRAPHQL_RESPONSE] > 0 and quality[GRAPHQL_RESPONSE] >= quality[JSON]


async def read(scope: Scope, headers: Headers, receive: Receive, documents: Documents) -> Asked:
    """What a request asks."""
    return parsed(scope["method"], await content(scope, headers, receive), documents)


async def content(scope: Scope, headers: Headers, receive: Receive) -> bytes:
    """The bytes in which a request says what it asks."""
    method = scope["method"]
    if method == "POST":
        _check_media_type(headers)
        return await _body(receive, headers)
    if method == "GET":
        query: bytes = scope["query_string"]
        return query
    raise BadRequest(405, "Send GraphQL requests by POST, or queries by GET.", (b"allow", b"GET, POST"))


def parsed(method: str, sent: bytes, documents: Documents) -> Asked:
    """What these bytes ask."""
    if method == "POST":
        return asked_of(_json(sent), documents)
    given = QueryParams(sent)
    found: dict[str, Any] = {k: given[k] for k in ("query", "operationName", "documentId") if k in given}
    for name in ("variables", "extensions"):
        if given.get(name):
            found[name] = _json(given[name].encode("utf-8", "surrogatepass"))
    return asked_of(found, documents)


def _check_media_type(headers: Headers) -> None:
    content_type = headers.get(b"content-type", b"")
    if content_type != JSON:
        kind, _, parameters = content_type.lower().partition(b";")
        if kind.strip() != JSON:
            raise BadRequest(
                415, "Send the request as application/json.", (b"accept-post", JSON + b", multipart/form-data")
            )
        if b"charset" in parameters and b"utf-8" not in parameters:
            raise BadRequest(415, "Send the request in UTF-8.")
    check_encoding(headers)


def check_encoding(headers: Headers) -> None:
    """Refuses a body that is compressed."""
    if headers.get(b"content-encoding", b"identity") != b"identity":
        raise BadRequest(415, "Send the request without a content encoding.")


class Largest(NamedTuple):
    """How large a body may be, and what is said of a larger one."""

    size: int
    refusal: str

    def check_length(self, headers: Headers) -> None:
        """Refuses a body by the length that is announced."""
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self.size:
            raise BadRequest(413, self.refusal)

    def piece(self, message: Message, before: int) -> bytes:
        """The next piece of a body of which so many bytes came before it."""
        if message["type"] == "http.disconnect":
            raise BadRequest(400, "The request ended early.")
        found: bytes = message.get("body", b"")
        if before + len(found) > self.size:
            raise BadRequest(413, self.refusal)
        return found


LARGEST_BODY = Largest(LARGEST_BODY_BYTES, f"The request is larger than {LARGEST_BODY_BYTES:,} bytes.")


async def _body(receive: Receive, headers: Headers) -> bytes:
    LARGEST_BODY.check_length(headers)
    message = await receive()
    first = LARGEST_BODY.piece(message, 0)
    if not message.get("more_body", False):
        return first
    found = [first]
    size, more = len(first), True
    while more:
        message = await receive()
        found.append(LARGEST_BODY.piece(message, size))
        size, more = size + len(found[-1]), message.get("more_body", False)
    return b"".join(found)


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except (orjson.JSONDecodeError, RecursionError) as reason:
        raise BadRequest(400, f"The request is not JSON in UTF-8: {reason}.") from None


def asked_of(given: Any, documents: Documents) -> Asked:
    """The parameters of a request, checked."""
    if not isinstance(given, dict):
        raise BadRequest(400, "The request must be a JSON object; batches are not taken.")
    name, variables, extensions = given.get("operationName"), given.get("variables"), given.get("extensions")
    if name is not None and not isinstance(name, str):
        raise BadRequest(400, "`operationName` must be a text.")
    if variables is not None and not isinstance(variables, dict):
        raise BadRequest(400, "`variables` must be a JSON object.")
    if extensions is not None and not isinstance(extensions, dict):
        raise BadRequest(400, "`extensions` must be a JSON object.")
    text, document_id = given.get("query"), given.get("documentId")
    if text is not None and not isinstance(text, str):
        raise BadRequest(400, "`query` must be a text.")
    if document_id is not None and not isinstance(document_id, str):
        raise BadRequest(400, "`documentId` must be a text.")
    if text is not None and document_id is not None:
        raise BadRequest(400, "Send `query` or `documentId`, not both.")
    persisted = extensions.get("persistedQuery") if extensions else None
    if persisted is not None and not (isinstance(persisted, dict) and isinstance(persisted.get("sha256Hash"), str)):
        raise BadRequest(400, "`extensions.persistedQuery` must hold `sha256Hash`.")
    text = documents.find(text, document_id, persisted["sha256Hash"] if persisted else None)
    if text is None or not text.strip():
        raise BadRequest(400, "The request has no `query`, or it is blank.")
    extensions = extensions or {}
    return Asked(text, name or None, variables or {}, extensions.get("cost") is True, _operation_id(extensions))


def _operation_id(extensions: Mapping[str, Any]) -> str | None:
    given = extensions.get("operationId")
    if given is not None and not (isinstance(given, str) and 0 < len(given) <= LONGEST_KEY):
        raise BadRequest(400, f"`extensions.operationId` must be a text of 1 to {LONGEST_KEY} characters.")
    return given


def idempotency_key(headers: Headers) -> str | None:
    """The client's key of the request, bare or as a quoted string (RFC 9651, section 3.3.3)."""
    given = headers.get(b"idempotency-key")
    if given is None:
        return None
    key = given.strip().removeprefix(b'"').removesuffix(b'"')
    if not 0 < len(key) <= LONGEST_KEY or any(not 0x20 < byte < 0x7F for byte in key):  # noqa: PLR2004  visible ASCII
        message = f"Idempotency-Key must be 1 to {LONGEST_KEY} visible ASCII characters without blanks, such as a UUID."
        raise BadRequest(400, message)
    return key.decode()
