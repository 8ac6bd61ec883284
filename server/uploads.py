"""`POST /uploads`: takes a file as the body of one request, to be imported; `server/resumable.py` takes it in several.

The body goes to disk as it comes, whatever its size; nothing is kept of one that does not come to its end.
"""

import asyncio
import logging
import os
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final, NamedTuple, TypeVar
from urllib.parse import unquote

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from db import uploads
from db.clock import printed
from db.errors import AccessMoved, Forbidden, InvalidValue, LimitExceeded, Refusal, Unauthenticated
from db.files.content import media_type_of
from db.ids import new_id
from db.transaction import Intent, Transaction
from resolvers.context import Process, Viewer
from resolvers.refusals import refused

log = logging.getLogger("rolodesk.uploads")

LARGEST_BYTES = 1_000_000_000
BUFFER_BYTES = 1024 * 1024
ROOM_ASKED_EVERY_BYTES = 64 * 1024 * 1024
MOST_ATTEMPTS = 3
PERMISSION = "IMPORTS_WRITE"
CREATED = 201

STATUS: Final[Mapping[str, int]] = {
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "CONFLICT": 409,
    "LIMIT": 413,
    "BAD_REQUEST": 415,
    "STORAGE_BUSY": 503,
    "STORAGE_FULL": 503,
    "TIMEOUT": 503,
}
"""The status of each refusal; 400 for others. Its body is as GraphQL's: `errors` with message and code."""

Done = TypeVar("Done")

_QUOTED = re.compile(r'filename="((?:[^"\\]|\\.)*)"|filename=([^;"\s]+)', re.IGNORECASE)
_EXTENDED = re.compile(r"filename\*=UTF-8''([^;\s]+)", re.IGNORECASE)


class Sent(NamedTuple):
    """A file that came to its end."""

    id: str
    filename: str | None
    size_bytes: int
    media_type: str


async def receive(request: Request) -> Response:
    """Takes a file; answers its id, its name, its size, what it is, and when it is removed."""
    process: Process = request.app.state.process
    try:
        viewer = await sender(request)
        check(request)
        await check_room(process, viewer, announced(request))
        upload_id = new_id("uploaded_file")
        size = await _stored(request, viewer, uploads.path_of(process.upload_directory, upload_id))
        return await kept(request, viewer, upload_id, size)
    except Refusal as refusal:
        return refusal_response(refusal)
    except ClientDisconnect:
        return Response(status_code=400)


async def kept(request: Request, viewer: Viewer, upload_id: str, size: int) -> Response:
    """Notes a file that is in its place, and tells of it; a file that cannot be noted is removed."""
    process: Process = request.app.state.process
    path = uploads.path_of(process.upload_directory, upload_id)
    try:
        kind = await asyncio.to_thread(media_type_of, path)
        answer = await _noted(request, process, viewer, Sent(upload_id, filename_of(request), size, kind))
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return Response(orjson.dumps(answer), CREATED, {"Cache-Control": "no-store"}, "application/json")


async def sender(request: Request, *, afresh: bool = False) -> Viewer:
    """Who sends a file; refused who may not."""
    viewer: Viewer | None = await request.app.state.authentication.of(dict(request.scope["headers"]), afresh=afresh)
    if viewer is None:
        raise Unauthenticated("Send credentials: `Authorization: Bearer …` with an API key or a session's token.")
    if PERMISSION not in viewer.permissions and not afresh:
        return await sender(request, afresh=True)
    if PERMISSION not in viewer.permissions:
        raise Forbidden(f"Uploading is outside your role or scopes: {PERMISSION} is needed. Nothing was kept.")
    return viewer


def check(request: Request) -> None:
    """Refuses what can be told from the headers."""
    if request.headers.get("content-type", "").lower().startswith("multipart/"):
        message = "Send the file itself as the request's body, not a form: curl --data-binary @customers.csv …"
        raise InvalidValue(message, code="BAD_REQUEST")
    if request.headers.get("content-encoding", "identity") != "identity":
        raise InvalidValue("Send the file without a content encoding.", code="BAD_REQUEST")
    if announced(request) > LARGEST_BYTES:
        raise _too_large()


def announced(request: Request) -> int:
    """How many bytes a request says that it has; 0 if it does not say."""
    length = request.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdecimal() else 0


async def check_room(process: Process, viewer: Viewer, size_bytes: int, *, files: int = 1) -> None:
    """Refuses so many files and bytes more where the workspace has no room for them."""
    if process.upload_space == uploads.UNBOUNDED:
        return
    there = await uploads.taken(process.database, viewer.workspace_id)
    coming = await asyncio.to_thread(uploads.coming, process.upload_directory, viewer.workspace_id)
    uploads.check_room(process.upload_space, there + coming + uploads.Taken(files, size_bytes))


def _too_large() -> LimitExceeded:
    return LimitExceeded(f"The file is larger than {LARGEST_BYTES:,} bytes. Split it.")


async def _stored(request: Request, viewer: Viewer, path: Path) -> int:
    """Writes the body to its place, which it takes only when it is whole; answers its size in bytes."""
    partial = uploads.part_of(path, viewer.workspace_id)
    try:
        size = await written(request, viewer, partial)
        if not size:
            raise InvalidValue("The request has no body. Send the file as the body.", code="FILE_REFUSED")
        await asyncio.to_thread(partial.replace, path)
    finally:
        with suppress(FileNotFoundError):
            partial.unlink()
    return size


async def written(request: Request, viewer: Viewer, path: Path, offset: int = 0) -> int:
    """Adds the body to a file that has `offset` bytes; answers the bytes it added. What came of a body that broke off is there.

    Whether there is room is asked on the way too, for others send at the same time and not all say how much comes.
    """
    size, waiting, unasked = offset, bytearray(), 0
    with uploads.refusing_full_disk():
        await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
        file = await asyncio.to_thread(path.open, "ab")
        try:
            async for chunk in request.stream():
                size += len(chunk)
                if size > LARGEST_BYTES:
                    raise _too_large()
                waiting += chunk
                if len(waiting) >= BUFFER_BYTES:
                    taken, waiting = waiting, bytearray()
                    await asyncio.to_thread(file.write, taken)
                    unasked += len(taken)
                if unasked >= ROOM_ASKED_EVERY_BYTES:
                    unasked = 0
                    await check_room(request.app.state.process, viewer, 0, files=0)
        finally:
            await asyncio.shield(asyncio.to_thread(_ended, file, waiting))
    return size - offset


def _ended(file: IO[bytes], rest: bytearray) -> None:
    """Writes what is left, down to the disk."""
    with file:
        file.write(rest)
        file.flush()
        os.fsync(file.fileno())


async def _noted(request: Request, process: Process, viewer: Viewer, sent: "Sent") -> dict[str, Any]:
    """Notes the file in the database, if who sent it still may and it has room."""

    async def work(tx: Transaction) -> int:
        return await uploads.add(tx, *sent, space=process.upload_space)

    return {
        "id": sent.id,
        "filename": sent.filename,
        "sizeBytes": sent.size_bytes,
        "mediaType": sent.media_type,
        "expiresAt": printed(await done(request, viewer, work)),
    }


async def done(request: Request, viewer: Viewer, work: Callable[[Transaction], Awaitable[Done]]) -> Done:
    """Does something in the workspace of who asks, if that one still may."""
    process: Process = request.app.state.process
    for _ in range(MOST_ATTEMPTS):
        intent = Intent(viewer.workspace_id, "upload", viewer.id, viewer.access_number)
        try:
            return await process.database.write(work, intent)
        except AccessMoved:
            viewer = await sender(request, afresh=True)
    raise Unauthenticated("Your rights changed while the file was sent. Send it again.")


def filename_of(request: Request) -> str | None:
    """The file's name as it was sent, without any path: `?filename=`, X-Filename or Content-Disposition."""
    name = request.query_params.get("filename")
    if not name:
        disposition = request.headers.get("content-disposition", "")
        if (given := request.headers.get("x-filename")) or (
            given := (match := _EXTENDED.search(disposition)) and match[1]
        ):
            name = unquote(given)
        elif match := _QUOTED.search(disposition):
            name = (match[1] or match[2] or "").replace('\\"', '"')
    return uploads.plain_name(name)


def refusal_response(refusal: Refusal) -> Response:
    """A refusal as the answer of a request that is not GraphQL's."""
    body = orjson.dumps({"errors": refused(refusal).errors})
    status = STATUS.get(refusal.code, 400)
    headers = {"Cache-Control": "no-store"}
    if status == STATUS["UNAUTHENTICATED"]:
        headers["WWW-Authenticate"] = "Bearer"
    if (seconds := getattr(refusal, "retry_after_seconds", None)) is not None:
        headers["Retry-After"] = str(seconds)
    return Response(body, status, headers, "application/json")
