"""How much a workspace may leave in the upload store, by whichever way files come, and how room is made."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from db.clock import DAY
from db.uploads import Space
from jobs.runner import drain
from server import uploads
from tests.conftest import Client, World
from tests.importing import send, send_form, start, upload
from tests.mailing import Caught, worker
from tests.steps import done, problems, well
from tests.test_resumable_uploads import begun, more, of, told

UPLOAD = (
    "mutation($file: Upload!) { uploadFile(input: {file: $file}) { uploadedFile { id } errors { code message path } } }"
)
PEOPLE = b"Email\nann@example.com\n"


def bound(world: World, files: int | None = None, size_bytes: int | None = None) -> None:
    """Has the server know this bound, as if its settings said so."""
    object.__setattr__(world.app.state.process, "upload_space", Space(files, size_bytes))


def stored(world: World) -> list[Path]:
    return sorted((world.directory / "uploads").glob("*"))


async def test_a_workspace_keeps_only_so_many_files_however_they_come(world: World, admin: Client) -> None:
    bound(world, files=2)
    await upload(admin, PEOPLE)
    where = await begun(admin, PEOPLE[:3])
    refused = await send(admin, PEOPLE)
    said = refused.json()["errors"][0]
    assert (refused.status_code, said["extensions"]["code"]) == (413, "LIMIT")
    assert said["message"].startswith("The workspace keeps as many uploaded files as it may (2). `removeUpload`")
    headers = {**of(admin), "upload-complete": "?0"}
    assert (await admin.http.post("/uploads", content=PEOPLE, headers=headers)).status_code == 413
    assert (await more(admin, where, PEOPLE[3:], 3, last=True)).status_code == 201
    payload = (await send_form(admin, UPLOAD, PEOPLE)).json()["data"]["uploadFile"]
    assert (payload["uploadedFile"], payload["errors"][0]["code"]) == (None, "LIMIT")
    assert len(stored(world)) == 2
    elsewhere = await world.key(workspace_id=await world.workspace())
    assert (await send(elsewhere, PEOPLE)).status_code == 201


async def test_a_workspaces_files_have_only_so_many_bytes(world: World, admin: Client) -> None:
    bound(world, size_bytes=100)
    where = await begun(admin, b"x" * 40)
    assert (await send(admin, b"x" * 61)).status_code == 413
    assert (await send(admin, b"x" * 50)).status_code == 201
    assert (await more(admin, where, b"x" * 11, 40)).status_code == 413
    assert await told(admin, where) == (204, "40", "?0")
    assert (await more(admin, where, b"x" * 10, 40, last=True)).status_code == 201
    payload = (await send_form(admin, UPLOAD, b"x")).json()["data"]["uploadFile"]
    assert payload["errors"][0]["message"].startswith(
        "With this file the workspace's uploads would have 101 bytes; they may have 100."
    )
    assert len(stored(world)) == 2


@pytest.mark.parametrize("every", [2_000_000, 1_000_000_000])
async def test_a_body_that_does_not_say_its_length_ends_where_the_room_does(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch, every: int
) -> None:
    monkeypatch.setattr(uploads, "ROOM_ASKED_EVERY_BYTES", every)
    bound(world, size_bytes=3_000_000)
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 100_000
            yield b"x" * 100_000

    answer = await admin.http.post("/uploads", content=body(), headers=of(admin))
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (413, "LIMIT")
    assert sent == (10_000_000 if every > 10_000_000 else 4_400_000)
    assert stored(world) == []


async def test_what_expired_takes_no_room(world: World, admin: Client) -> None:
    bound(world, files=1)
    await upload(admin, PEOPLE)
    assert (await send(admin, PEOPLE)).status_code == 413
    world.clock.advance(3 * DAY + 1)
    assert (await send(admin, PEOPLE)).status_code == 201


async def test_removing_a_file_makes_room(world: World, admin: Client) -> None:
    bound(world, files=1)
    first = await upload(admin, PEOPLE)
    assert (await done(admin, "removeUpload", "removedId", uploadId=first))["removedId"] == first
    assert stored(world) == []
    second = await upload(admin, PEOPLE)
    stranger = await world.key(workspace_id=await world.workspace())
    assert (await admin.http.delete(f"/uploads/{second}", headers=of(stranger))).status_code == 404
    reader = await world.key("IMPORTS_READ")
    assert (await admin.http.delete(f"/uploads/{second}", headers=of(reader))).status_code == 403
    assert [path.name for path in stored(world)] == [second]
    assert (await admin.http.delete(f"/uploads/{second}", headers=of(admin))).status_code == 204
    assert (await admin.http.delete(f"/uploads/{second}", headers=of(admin))).status_code == 404
    assert await problems(admin, "removeUpload", uploadId=second) == [("NOT_FOUND", ["uploadId"])]
    assert stored(world) == []
    assert await world.rows("SELECT count(*) FROM upload") == [(0,)]


async def test_a_file_is_not_removed_under_an_import(world: World, admin: Client) -> None:
    import_id = await start(admin, "importCustomers", "Email\nann@example.com\nnobody\n")
    text = "query($id: ID!) { import(id: $id) { status refusedRowsPath upload { id } } }"
    upload_id = (await admin.ask(text, id=import_id))["import"]["upload"]["id"]
    assert await problems(admin, "removeUpload", uploadId=upload_id) == [("NOT_POSSIBLE", ["uploadId"])]
    await drain(worker(world, Caught()))
    await well(admin, "removeUpload", uploadId=upload_id)
    shown = (await admin.ask(text, id=import_id))["import"]
    assert shown["status"] == "SUCCEEDED"
    assert (await admin.http.get(shown["refusedRowsPath"], headers=of(admin))).status_code == 404
    assert await problems(admin, "removeUpload", uploadId=upload_id) == [("NOT_FOUND", ["uploadId"])]
    assert stored(world) == []
