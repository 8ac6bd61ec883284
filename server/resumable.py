"""Uploads in several requests, that go on where one broke off: `HEAD`, `PATCH` and `DELETE /uploads/{id}`.

After the draft "Resumable Uploads for HTTP" of the IETF (draft-ietf-httpbis-resumable-upload), without its interim answers. `POST
/uploads` with `Upload-Complete: ?0` begins one and answers its Location. Until it is complete it is a file alone, whose name says
whose it is: nobody else finds it, and one that nobody went on with for a day is removed.
"""

import asyncio
from pathlib import Path
from typing import Final
from urllib.parse import quote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from db import uploads
from db.errors import InvalidValue, NotFound, Refusal
from db.ids import kind_of, new_id
from db.text import shorten
from resolvers.context import Process, Viewer
from server import uploads as whole

PARTIAL_UPLOAD: Final = "application/partial-upload"
YES, NO = "?1", "?0"
"""Booleans of structured fields (RFC 9651, section 3.3.6)."""


async def receive(request: Request) -> Response:
    """`POST /uploads`: a file in one request, or the beginning of one in several."""
    if request.headers.get("upload-complete", YES).strip() != NO:
        return await whole.receive(request)
    try:
        viewer = await whole.sender(request)
        whole.check(request)
        await whole.check_room(request.app.state.process, viewer, whole.announced(request))
        upload_id = new_id("uploaded_file")
        path = _path(request, viewer, upload_id)
        await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
        await asyncio.to_thread(path.touch)
        offset = await whole.written(request, viewer, path)
    except Refusal as refusal:
        return whole.refusal_response(refusal)
    except ClientDisconnect:
        return Response(status_code=400)
    name = whole.filename_of(request)
    location = f"/uploads/{upload_id}" + (f"?filename={quote(name, safe='')}" if name else "")
    return _told(offset, status=201, location=location)


async def endpoint(request: Request) -> Response:
    """How far an upload is; more of it; or its end."""
    try:
        viewer = await whole.sender(request)
        upload_id = request.path_params["upload_id"]
        path = _path(request, viewer, upload_id)
        offset = await asyncio.to_thread(_size, path)
        if offset is None:
            of_a_whole_one = _removed if request.method == "DELETE" else _complete
            return await of_a_whole_one(request, viewer, upload_id)
        if request.method == "HEAD":
            return _told(offset)
        if request.method == "DELETE":
            await asyncio.to_thread(path.unlink, missing_ok=True)
            return Response(status_code=204)
        return await _more(request, viewer, upload_id, path, offset)
    except Refusal as refusal:
        return whole.refusal_response(refusal)
    except ClientDisconnect:
        return Response(status_code=400)


async def _complete(request: Request, viewer: Viewer, upload_id: str) -> Response:
    """What is said of a file that is whole already."""
    process: Process = request.app.state.process
    found = await uploads.find(process.database, viewer.workspace_id, upload_id)
    if found is None or request.method != "HEAD":
        message = f"No upload that goes on has the id {shorten(upload_id)!r}. Begin one by POST /uploads with Upload-Complete: ?0."
        raise NotFound(message, value=shorten(upload_id))
    return _told(found.size_bytes, complete=YES)


async def _removed(request: Request, viewer: Viewer, upload_id: str) -> Response:
    """Removes a file that is whole."""
    process: Process = request.app.state.process
    await whole.done(request, viewer, lambda tx: uploads.remove(tx, upload_id))
    path = uploads.path_of(process.upload_directory, upload_id)
    await asyncio.to_thread(path.unlink, missing_ok=True)
    return Response(status_code=204)


async def _more(request: Request, viewer: Viewer, upload_id: str, path: Path, offset: int) -> Response:
    """Adds the body at the place where the file ends; notes the file where that was the last of it."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != PARTIAL_UPLOAD:
        raise InvalidValue(f"Send more of a file as {PARTIAL_UPLOAD}.", code="BAD_REQUEST")
    whole.check(request)
    given, complete = request.headers.get("upload-offset", ""), request.headers.get("upload-complete", "").strip()
    if not given.isascii() or not given.isdecimal() or len(given) > 12 or complete not in {YES, NO}:  # noqa: PLR2004  a file is smaller
        raise InvalidValue("Say Upload-Offset (a number) and Upload-Complete (?0, or ?1 for the last of it).")
    if int(given) != offset:
        return _conflict(f"The file has {offset:,} bytes; Upload-Offset says {int(given):,}. Go on from there.", offset)
    await whole.check_room(request.app.state.process, viewer, whole.announced(request), files=0)
    added = await whole.written(request, viewer, path, offset)
    size = await asyncio.to_thread(_size, path)
    if size != offset + added:
        await asyncio.to_thread(path.unlink, missing_ok=True)
        return _conflict("Two requests wrote the file at once. Nothing was kept; begin again.", 0)
    if complete == NO:
        return _told(size)
    if not size:
        await asyncio.to_thread(path.unlink, missing_ok=True)
        raise InvalidValue("The file is empty.", code="FILE_REFUSED")
    process: Process = request.app.state.process
    await asyncio.to_thread(path.replace, uploads.path_of(process.upload_directory, upload_id))
    answer = await whole.kept(request, viewer, upload_id, size)
    answer.headers["Upload-Complete"] = YES
    return answer


def _path(request: Request, viewer: Viewer, upload_id: str) -> Path:
    """Where the part of a file lies that this viewer sent."""
    if kind_of(upload_id) != "uploaded_file":
        raise NotFound(f"{shorten(upload_id)!r} is no upload.", value=shorten(upload_id))
    directory: Path = request.app.state.process.upload_directory
    return uploads.part_of(uploads.path_of(directory, upload_id), viewer.workspace_id, viewer.id)


def _size(path: Path) -> int | None:
    """The bytes of a file; None where there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _told(offset: int, *, complete: str = NO, status: int = 204, location: str | None = None) -> Response:
    headers = {
        "Upload-Offset": str(offset),
        "Upload-Complete": complete,
        "Upload-Limit": f"max-size={whole.LARGEST_BYTES}",
        "Cache-Control": "no-store",
    }
    return Response(status_code=status, headers=headers | ({"Location": location} if location else {}))


def _conflict(message: str, offset: int) -> Response:
    answer = whole.refusal_response(Refusal(message, code="CONFLICT"))
    answer.headers["Upload-Offset"] = str(offset)
    return answer
