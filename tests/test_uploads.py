"""Sending files to be imported."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from db.clock import DAY, HOUR
from jobs.runner import keep_house
from server import uploads
from tests.conftest import Client, World
from tests.importing import send, start, upload
from tests.mailing import Caught, worker
from tests.steps import well

PREVIEW = """query($id: ID!) { importPreview(uploadId: $id, kind: CUSTOMERS) {
  encoding d: delimiter columns { __typename column samples field } rows } }"""


def stored(world: World) -> list[Path]:
    return sorted((world.directory / "uploads").glob("*"))


async def test_takes_a_file_as_its_body(world: World, admin: Client) -> None:
    answer = await send(admin, "Email\nann@example.com\n", "people.csv")
    given = answer.json()
    assert answer.status_code == 201
    assert (given["filename"], given["sizeBytes"]) == ("people.csv", 22)
    assert given["expiresAt"].endswith("Z")
    (path,) = stored(world)
    assert path.name == given["id"]
    assert path.read_text() == "Email\nann@example.com\n"


@pytest.mark.parametrize(
    ("headers", "filename"),
    [
        ({"content-disposition": 'attachment; filename="a \\"b\\".csv"'}, 'a "b".csv'),
        ({"content-disposition": "attachment; filename*=UTF-8''K%C3%B6ln.csv"}, "Köln.csv"),
        ({"x-filename": "K%C3%B6ln.csv"}, "Köln.csv"),
        ({"x-filename": "..%2F..%2Fetc%2Fpasswd"}, "passwd"),
        ({"x-filename": "C:%5Cfiles%5Cpeople%0D%0A.csv"}, "people.csv"),
        ({}, None),
    ],
)
async def test_keeps_the_files_name_alone(admin: Client, headers: dict[str, str], filename: str | None) -> None:
    headers = {**headers, "authorization": f"Bearer {admin.token}"}
    assert (await admin.http.post("/uploads", content=b"Email\n", headers=headers)).json()["filename"] == filename


async def test_refuses_who_may_not(world: World) -> None:
    nobody, wrong = await send(world.client(None), "x"), await send(world.client("rd_key_wrong"), "x")
    reader = await send(await world.key("IMPORTS_READ"), "x")
    assert [a.status_code for a in (nobody, wrong, reader)] == [401, 401, 403]
    assert [a.json()["errors"][0]["extensions"]["code"] for a in (nobody, wrong, reader)] == [
        "UNAUTHENTICATED",
        "UNAUTHENTICATED",
        "FORBIDDEN",
    ]
    assert nobody.headers["www-authenticate"] == "Bearer"
    assert (await send(await world.key("IMPORTS_WRITE"), "x")).status_code == 201
    assert len(stored(world)) == 1


async def test_refuses_a_body_that_is_empty_a_form_or_packed(world: World, admin: Client) -> None:
    headers = {"authorization": f"Bearer {admin.token}"}
    form = await admin.http.post("/uploads", files={"file": b"Email\n"}, headers=headers)
    packed = await admin.http.post("/uploads", content=b"x", headers={**headers, "content-encoding": "gzip"})
    empty = await send(admin, "")
    assert [a.status_code for a in (form, packed, empty)] == [415, 415, 400]
    assert empty.json()["errors"][0]["extensions"]["code"] == "FILE_REFUSED"
    assert (await admin.http.get("/uploads", headers=headers)).status_code == 405
    assert stored(world) == []


async def test_refuses_a_file_that_is_too_large_and_keeps_nothing_of_it(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "LARGEST_BYTES", 5_000_000)

    async def body() -> AsyncIterator[bytes]:
        for _ in range(60):
            yield b"x" * 100_000

    headers = {"authorization": f"Bearer {admin.token}"}
    streamed = await admin.http.post("/uploads", content=body(), headers=headers)
    announced = await send(admin, b"x" * 5_000_001)
    assert [a.status_code for a in (streamed, announced)] == [413, 413]
    assert streamed.json()["errors"][0]["extensions"]["code"] == "LIMIT"
    assert stored(world) == []


async def test_keeps_nothing_when_the_sender_hangs_up(world: World, admin: Client) -> None:
    messages = [
        {"type": "http.request", "body": b"x" * 2_000_000, "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[object] = []

    async def receive() -> object:
        await asyncio.sleep(0)
        return messages.pop(0)

    async def keep(message: object) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/uploads",
        "raw_path": b"/uploads",
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {admin.token}".encode())],
        "app": world.app,
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
        "scheme": "http",
        "http_version": "1.1",
        "root_path": "",
    }
    await world.app(scope, receive, keep)  # type: ignore[arg-type]
    assert stored(world) == []
    assert await world.rows("SELECT count(*) FROM upload") == [(0,)]


async def test_takes_no_file_of_a_key_that_was_revoked_while_it_was_sent(world: World) -> None:
    key = await world.key("IMPORTS_WRITE")

    async def body() -> AsyncIterator[bytes]:
        yield b"Email\n"
        admin = await world.key()
        ids = (await admin.ask("{ apiKeys(first: 50) { nodes { id scopes } } }"))["apiKeys"]["nodes"]
        mine = next(k["id"] for k in ids if k["scopes"] == ["IMPORTS_WRITE"])
        await well(admin, "revokeApiKey", apiKeyId=mine)

    answer = await world.http.post("/uploads", content=body(), headers={"authorization": f"Bearer {key.token}"})
    assert answer.status_code == 401
    assert stored(world) == []


async def test_shows_a_file_before_it_is_imported(admin: Client) -> None:
    upload_id = await upload(admin, "E-Mail;Vorname;Ort\nann@example.com;Ann;Köln\n".encode("cp1252"))
    preview = (await admin.ask(PREVIEW, id=upload_id))["importPreview"]
    assert (preview["d"], preview["rows"]) == (";", [["ann@example.com", "Ann", "Köln"]])
    assert preview["encoding"].startswith("windows-125")
    assert [(c["column"], c["field"], c["samples"]) for c in preview["columns"]] == [
        ("E-Mail", "email", ["ann@example.com"]),
        ("Vorname", "firstName", ["Ann"]),
        ("Ort", None, ["Köln"]),
    ]
    assert preview["columns"][0]["__typename"] == "ColumnSuggestion"


async def test_a_file_of_another_workspace_is_not_there(world: World, admin: Client) -> None:
    upload_id = await upload(admin, "Email\nann@example.com\n")
    stranger = await world.key(workspace_id=await world.workspace())
    assert (await stranger.ask(PREVIEW, id=upload_id))["importPreview"] is None
    answer = await stranger.ask(
        "mutation($id: ID!) { importCustomers(input: {uploadId: $id}) { import { id } errors { code path } } }",
        id=upload_id,
    )
    assert answer["importCustomers"] == {"import": None, "errors": [{"code": "NOT_FOUND", "path": ["uploadId"]}]}


async def test_files_are_removed_when_they_expire_but_not_under_an_import(world: World, admin: Client) -> None:
    keeper = worker(world, Caught())
    forgotten = await upload(admin, "Email\nann@example.com\n")
    await start(admin, "importCustomers", "Email\nbob@example.com\n")
    partial = world.directory / "uploads" / f"{forgotten[:-1]}0.part"
    partial.write_bytes(b"x")
    (world.directory / "uploads" / "notes.txt").write_bytes(b"not ours")
    await keep_house(keeper)
    assert len(stored(world)) == 4
    world.clock.advance(3 * DAY + HOUR)
    assert (await admin.ask(PREVIEW, id=forgotten))["importPreview"] is None
    await keep_house(keeper)
    left = [path.name for path in stored(world)]
    assert len(left) == 2
    assert "notes.txt" in left
    assert forgotten not in left
    assert await world.rows("SELECT count(*) FROM upload") == [(1,)]


async def test_a_file_that_was_removed_is_in_no_kept_answer(world: World, admin: Client) -> None:
    text = "{ uploads { totalCount nodes { filename } } }"
    await upload(admin, "Email\nann@example.com\n")
    for _ in range(2):
        assert (await admin.ask(text))["uploads"]["totalCount"] == 1
    world.clock.advance(3 * DAY + HOUR)
    await keep_house(worker(world, Caught()))
    assert await admin.ask(text) == {"uploads": {"totalCount": 0, "nodes": []}}
