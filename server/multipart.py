"""The GraphQL multipart request: an operation as a form, with small files in the place of variables.

After the GraphQL multipart request specification (jaydenseric/graphql-multipart-request-spec, version 2). A browser sends a form
to other sites without asking them first; so a form is taken only with a header that no form can have.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Mapping
from typing import IO, Any, Final

import orjson
from starlette.datastructures import FormData, UploadFile
from starlette.datastructures import Headers as FormHeaders
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.types import Receive

from db import uploads
from resolvers.sent_file import SentFile
from server.documents import Documents
from server.requests import JSON, LARGEST_BODY_BYTES, Asked, BadRequest, Headers, Largest, asked_of, check_encoding

FORM: Final = b"multipart/form-data"
LARGEST_FORM_BYTES: Final = 10_000_000
LARGEST_FORM: Final = Largest(
    LARGEST_FORM_BYTES, f"The form is larger than {LARGEST_FORM_BYTES:,} bytes. Send larger files by POST /uploads."
)
MOST_FILES: Final = 10
MOST_PLACES: Final = 20
"""Places of variables that files are put into, together."""
PREFLIGHTED: Final = (b"authorization", b"apollo-require-preflight", b"graphql-preflight")
"""Headers of which a form must have one: a browser asks before it sends them to another site."""


def is_form(headers: Headers) -> bool:
    given = headers.get(b"content-type", b"")
    return given != JSON and given.partition(b";")[0].strip().lower() == FORM


async def read(headers: Headers, receive: Receive, documents: Documents) -> tuple[Asked, FormData]:
    """What a form asks, its files in their places; and the form, to be closed when it was answered."""
    form = await _form(headers, receive)
    try:
        operations, places = _object(form, "operations"), _object(form, "map")
        files = await _files(form)
        for name, file, path in _placed(places, files):
            _put(operations, name, path, file)
        return asked_of(operations, documents), form
    except BaseException:
        await form.close()
        raise


def check(headers: Headers) -> None:
    """Refuses a form that any page could have made a browser send."""
    if not any(headers.get(name) for name in PREFLIGHTED):
        message = (
            "A form is taken only with a header that a page of another site cannot add unasked: "
            "Authorization, Apollo-Require-Preflight or GraphQL-Preflight."
        )
        raise BadRequest(403, message)
    check_encoding(headers)


async def _form(headers: Headers, receive: Receive) -> FormData:
    """The parts of a form."""
    LARGEST_FORM.check_length(headers)

    async def stream() -> AsyncGenerator[bytes, None]:
        size, more = 0, True
        while more:
            message = await receive()
            piece = LARGEST_FORM.piece(message, size)
            size, more = size + len(piece), message.get("more_body", False)
            yield piece

    given = FormHeaders(raw=[(b"content-type", headers[b"content-type"])])
    parser = MultiPartParser(given, stream(), max_files=MOST_FILES, max_fields=2, max_part_size=LARGEST_BODY_BYTES)
    try:
        return await parser.parse()
    except MultiPartException as wrong:
        raise BadRequest(400, f"The form cannot be read: {wrong.message}") from None
    except (LookupError, ValueError) as wrong:
        raise BadRequest(400, f"The form cannot be read: {wrong}.") from None


def _object(form: FormData, name: str) -> dict[str, Any]:
    """A part that holds a JSON object."""
    parts = form.getlist(name)
    if len(parts) != 1 or not isinstance(parts[0], str):
        raise BadRequest(400, f"The form must have one part `{name}` with a JSON object, and no filename.")
    try:
        value = orjson.loads(parts[0])
    except (orjson.JSONDecodeError, RecursionError, UnicodeEncodeError) as reason:
        raise BadRequest(400, f"The part `{name}` is not JSON: {reason}.") from None
    if not isinstance(value, dict):
        raise BadRequest(400, f"The part `{name}` must be a JSON object; batches are not taken.")
    return value


async def _files(form: FormData) -> dict[str, SentFile]:
    """The files of a form by the names of their parts."""
    found: dict[str, SentFile] = {}
    for name, part in form.multi_items():
        if not isinstance(part, UploadFile):
            continue
        if name in found:
            raise BadRequest(400, f"Two parts of the form are called {name[:80]!r}.")
        digest = await asyncio.to_thread(_digest, part.file)
        found[name] = SentFile(uploads.plain_name(part.filename), part.file, part.size or 0, digest)
    return found


def _digest(content: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while piece := content.read(1 << 16):
        digest.update(piece)
    return digest.hexdigest()


def _placed(places: Mapping[str, Any], files: Mapping[str, SentFile]) -> list[tuple[str, SentFile, str]]:
    """Each file with each place it goes to."""
    found = []
    for name, paths in places.items():
        if name not in files:
            raise BadRequest(400, f"`map` names the part {name[:80]!r}, which the form does not have.")
        if not isinstance(paths, list) or not paths or not all(isinstance(path, str) for path in paths):
            raise BadRequest(400, "`map` must name for each file a list of places, such as variables.file.")
        found += [(name, files[name], path) for path in paths]
    if lost := sorted(files.keys() - places.keys()):
        raise BadRequest(400, f"The file {lost[0][:80]!r} has no place in `map`.")
    if len(found) > MOST_PLACES:
        raise BadRequest(400, f"`map` names {len(found)} places; at most {MOST_PLACES} are taken.")
    return found


def _put(operations: dict[str, Any], name: str, path: str, file: SentFile) -> None:
    """Puts a file in its place, which must be null."""
    holder: Any = {"": operations}
    key: Any = ""
    for step in path.split("."):
        holder = holder[key]
        key = _key(holder, step)
        if key is None:
            break
    if key is None or not path.startswith("variables.") or holder[key] is not None:
        raise BadRequest(400, f"`map` sends {name[:80]!r} to {path[:80]!r}, which is no variable that is null.")
    holder[key] = file


def _key(holder: Any, step: str) -> Any:
    """A step as the key of what it leads through; None where there is nothing."""
    if isinstance(holder, dict):
        return step if step in holder else None
    if isinstance(holder, list) and step.isascii() and step.isdecimal() and len(step) < 5:  # noqa: PLR2004  of a bounded list
        return int(step) if int(step) < len(holder) else None
    return None
