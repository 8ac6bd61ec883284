"""What is fetched as a file, by whoever may read it: the refused rows of an import, and exports of records."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import orjson
from graphql import GraphQLError, GraphQLList, GraphQLNonNull
from graphql.utilities import coerce_input_value, validate_input_value
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from db import exporting, import_refused
from db.errors import Forbidden, InvalidValue, LimitExceeded, NotFound, Refusal, Unauthenticated
from db.exporting import Choice
from db.text import shorten
from resolvers.context import Process, Viewer
from resolvers.export import check
from resolvers.selection import plain
from schema.build import schema
from server.uploads import refusal_response

PIECE: Final = 1 << 16
CSV: Final = exporting.FORMATS["csv"]
LARGEST_BODY_BYTES: Final = 1_000_000


async def refused_rows(request: Request) -> Response:
    """`GET /imports/{id}/refused.csv`: the refused rows of an import with the reasons, to be corrected and sent again."""
    process: Process = request.app.state.process
    import_id = request.path_params["import_id"]
    try:
        viewer = await permitted(request, "IMPORTS_READ")
        source = await import_refused.opened(process.database, process.upload_directory, viewer.workspace_id, import_id)
        if source is None:
            message = f"No import has the id {shorten(import_id)!r}, or its file is gone."
            raise NotFound(message, value=shorten(import_id))
    except Refusal as refusal:
        return refusal_response(refusal)
    lines = import_refused.lines(process.database, viewer.workspace_id, import_id, source)
    return StreamingResponse(lines, media_type=CSV, headers=as_file("refused.csv"))


async def export(request: Request) -> Response:
    """`GET /exports/customers.csv`: records that a filter and a search find, in columns that imports read.

    By POST the two come as JSON in the body, for filters too long for an address.
    """
    process: Process = request.app.state.process
    kind, form = request.path_params["kind"], request.path_params["form"]
    try:
        if kind not in exporting.KINDS or form not in exporting.FORMATS:
            message = f"There is {' or '.join(exporting.KINDS)}, as {' or '.join(exporting.FORMATS)}."
            raise NotFound(message, value=shorten(f"{kind}.{form}"))
        viewer = await asking(request)
        check(viewer, kind)
        choice = await _asked(request, kind)
        if form == "xlsx":
            return await _workbook(process, viewer.workspace_id, kind, choice)
        lines = exporting.lines(process.database, viewer.workspace_id, kind, form, choice)
        first = await anext(lines, "")  # what is wrong with a filter is told before the answer begins
    except Refusal as refusal:
        return refusal_response(refusal)

    async def whole() -> AsyncIterator[str]:
        yield first
        async for text in lines:
            yield text

    return StreamingResponse(whole(), media_type=exporting.FORMATS[form], headers=as_file(f"{kind}.{form}"))


async def _workbook(process: Process, workspace_id: str, kind: str, choice: Choice) -> Response:
    """A workbook is whole before it is sent: in a file that has no name and goes with the answer."""
    file = await asyncio.to_thread(tempfile.TemporaryFile)
    try:
        async for _ in exporting.workbook(process.database, workspace_id, kind, file, choice):
            pass
    except BaseException:
        file.close()
        raise
    file.seek(0)

    async def sent() -> AsyncIterator[bytes]:
        with file:
            while piece := await asyncio.to_thread(file.read, PIECE):
                yield piece

    return StreamingResponse(sent(), media_type=exporting.FORMATS["xlsx"], headers=as_file(f"{kind}.xlsx"))


async def _asked(request: Request, kind: str) -> Choice:
    """The filter, the search and the order of a request."""
    if request.method != "POST":
        given = request.query_params
        return choice_of(kind, given.get("filter"), given.get("search"), given.get("orderBy"))
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY_BYTES:
            raise LimitExceeded(f"The body is larger than {LARGEST_BODY_BYTES:,} bytes.")
    try:
        asked = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as wrong:
        raise InvalidValue(f"The body is not JSON: {wrong}.", code="BAD_REQUEST") from None
    if not isinstance(asked, dict) or not asked.keys() <= {"filter", "search", "orderBy"}:
        message = 'The body is a JSON object: {"filter": …, "search": …, "orderBy": …}.'
        raise InvalidValue(message, code="BAD_REQUEST")
    search = asked.get("search")
    if search is not None and not isinstance(search, str):
        raise InvalidValue("search is a text.", ("search",))
    parts = (asked.get(name) for name in ("filter", "orderBy"))
    given_filter, order_by = (None if part is None else orjson.dumps(part).decode() for part in parts)
    return choice_of(kind, given_filter, search, order_by)


def choice_of(kind: str, given_filter: str | None, search: str | None, order_by: str | None) -> Choice:
    """What is exported, by a filter and an order as lists take them, written as JSON."""
    types: Any = schema._schema.type_map  # noqa: SLF001
    name = exporting.KINDS[kind].record.title()
    chosen = _coerced(given_filter, types[f"{name}Filter"], "filter")
    if chosen is not None and not isinstance(chosen, dict):
        raise InvalidValue(f"The filter is no {name}Filter, written as JSON.", ("filter",))
    orders = GraphQLList(GraphQLNonNull(types[f"{name}Order"]))
    return Choice(chosen or {}, search, _coerced(order_by, orders, "orderBy") or ())


def _coerced(text: str | None, kind: Any, name: str) -> Any:
    """A value of one of the schema's types, written as JSON; refused with what is wrong with it."""
    if text is None:
        return None
    try:
        value = orjson.loads(text)
        wrong: list[str] = []
        validate_input_value(value, kind, lambda fault, path: wrong.append(_told(fault.message, path)))
        if wrong:
            raise ValueError(wrong[0])  # noqa: TRY301  told as the others are
        return plain(coerce_input_value(value, kind))
    except (ValueError, GraphQLError, RecursionError) as fault:
        message = f"{name} is no {kind}, written as JSON: {shorten(str(fault), 300)}"
        raise InvalidValue(message, (name,)) from None


def _told(message: str, path: Sequence[str | int]) -> str:
    return f"at {'.'.join(map(str, path))}: {message}" if path else message


async def asking(request: Request) -> Viewer:
    """Who asks; refused without credentials."""
    viewer: Viewer | None = await request.app.state.authentication.of(dict(request.scope["headers"]), afresh=True)
    if viewer is None:
        raise Unauthenticated("Send credentials: `Authorization: Bearer …` with an API key or a session's token.")
    return viewer


async def permitted(request: Request, permission: str) -> Viewer:
    """Who asks; refused without credentials, or where these do not permit it."""
    viewer = await asking(request)
    if viewer.customer_id is not None or permission not in viewer.permissions:
        raise Forbidden(f"This file is outside your role or scopes: {permission} is needed.")
    return viewer


def as_file(name: str) -> dict[str, str]:
    return {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
