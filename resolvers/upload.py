"""Files that come with a GraphQL request, kept to be imported."""

import asyncio
import os
import shutil
from pathlib import Path

from db import uploads
from db.errors import InvalidValue
from db.files.content import media_type_of
from db.ids import new_id
from db.transaction import Transaction
from resolvers.context import Context, Outcome
from resolvers.payload import Reference
from resolvers.sent_file import SentFile


async def upload_file(context: Context, *, file: SentFile) -> bytes:
    """Keeps a file as `POST /uploads` does."""
    if not file.size_bytes:
        return await context.refuse(InvalidValue("The file is empty.", ("file",), code="FILE_REFUSED"))
    upload_id = new_id("uploaded_file")
    path = uploads.path_of(context.process.upload_directory, upload_id)

    async def work(tx: Transaction) -> Outcome:
        space = context.process.upload_space
        await uploads.add(tx, upload_id, file.filename, file.size_bytes, media_type, space=space)
        return {"uploaded_file": Reference(upload_id)}

    with uploads.removed_unless_kept(path) as keep:
        with uploads.refusing_full_disk():
            media_type = await asyncio.to_thread(_stored, file, path)
        return await context.write(work, then=keep)


async def remove_upload(context: Context, *, upload_id: str) -> bytes:
    """Removes a file before its time."""
    removed = False

    async def work(tx: Transaction) -> Outcome:
        await uploads.remove(tx, upload_id)
        return {"removed_id": upload_id}

    def done(_: Outcome) -> None:
        nonlocal removed
        removed = True

    answer = await context.write(work, then=done)
    if removed:
        path = uploads.path_of(context.process.upload_directory, upload_id)
        await asyncio.to_thread(path.unlink, missing_ok=True)
    return answer


def _stored(file: SentFile, path: Path) -> str:
    """Puts a file in its place, which it takes only when it is whole; tells its media type."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + uploads.PARTIAL)
    try:
        with partial.open("wb") as target:
            file.content.seek(0)
            shutil.copyfileobj(file.content, target)
            target.flush()
            os.fsync(target.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return media_type_of(path)
