"""Files sent in several requests, which go on where one broke off."""

import asyncio
from typing import Any

import pytest

from db.clock import DAY
from jobs.imports import forget_uploads
from server import uploads
from tests.conftest import Client, World
from tests.mailing import Caught, worker

PEOPLE = b"E-mail,Vorname\n" + b"ann@example.com,Ann\n" * 1_000
PART = {"content-type": "application/partial-upload"}


def of(client: Client) -> dict[str, str]:
    return {"authorization": f"Bearer {client.token}"}


async def begun(client: Client, content: bytes = b"") -> str:
    """The address of an upload that was begun."""
    headers = {**of(client), "upload-complete": "?0"}
    answer = await client.http.post("/uploads?filename=K%C3%B6ln.csv", content=content, headers=headers)
    assert (answer.status_code, answer.headers["upload-offset"]) == (201, str(len(content)))
    assert answer.headers["upload-limit"] == "max-size=1000000000"
    return answer.headers["location"]


async def more(client: Client, where: str, content: Any, offset: int, *, last: bool = False, **headers: str) -> Any:
    given = {**of(client), **PART, "upload-offset": str(offset), "upload-complete": "?1" if last else "?0", **headers}
    return await client.http.patch(where, content=content, headers=given)


async def told(client: Client, where: str) -> tuple[int, str | None, str | None]:
    answer = await client.http.head(where, headers=of(client))
    return answer.status_code, answer.headers.get("upload-offset"), answer.headers.get("upload-complete")


async def test_a_file_is_sent_in_several_requests(world: World, admin: Client) -> None:
    where = await begun(admin, PEOPLE[:100])
    assert (await more(admin, where, PEOPLE[100:5_000], 100)).status_code == 204
    assert await told(admin, where) == (204, "5000", "?0")
    answer = await more(admin, where, PEOPLE[5_000:], 5_000, last=True)
    assert (answer.status_code, answer.headers["upload-complete"]) == (201, "?1")
    shown = answer.json()
    assert (shown["filename"], shown["sizeBytes"], shown["mediaType"]) == ("Köln.csv", len(PEOPLE), "text/csv")
    assert (world.directory / "uploads" / shown["id"]).read_bytes() == PEOPLE
    text = "query($id: ID!) { upload(id: $id) { preview(kind: CUSTOMERS) { columns { field } } } }"
    assert (await admin.ask(text, id=shown["id"]))["upload"]["preview"]["columns"][0] == {"field": "email"}
    assert await told(admin, where) == (204, str(len(PEOPLE)), "?1")
    assert (await more(admin, where, b"x", len(PEOPLE))).status_code == 404


async def test_what_came_of_a_request_that_broke_off_stays(world: World, admin: Client) -> None:
    where = await begun(admin)
    sent = [PEOPLE[:3_000], PEOPLE[3_000:7_000]]

    async def receive() -> Any:
        await asyncio.sleep(0)
        return {"type": "http.request", "body": sent.pop(0), "more_body": True} if sent else {"type": "http.disconnect"}

    headers = {**of(admin), **PART, "upload-offset": "0", "upload-complete": "?1"}
    scope = {
        "type": "http", "method": "PATCH", "path": where.partition("?")[0], "raw_path": b"", "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()], "app": world.app,
        "client": ("127.0.0.1", 1), "server": ("testserver", 80), "scheme": "http", "http_version": "1.1", "root_path": "",
    }  # fmt: skip

    async def send(_message: Any) -> None: ...

    await world.app(scope, receive, send)
    assert await told(admin, where) == (204, "7000", "?0")
    answer = await more(admin, where, PEOPLE[7_000:], 7_000, last=True)
    assert (world.directory / "uploads" / answer.json()["id"]).read_bytes() == PEOPLE


async def test_goes_on_only_from_where_the_file_ends(admin: Client) -> None:
    where = await begun(admin, b"Email\n")
    for offset in (0, 5, 7):
        answer = await more(admin, where, b"x", offset)
        assert (answer.status_code, answer.headers["upload-offset"]) == (409, "6")
        assert answer.json()["errors"][0]["extensions"]["code"] == "CONFLICT"
    assert await told(admin, where) == (204, "6", "?0")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"upload-offset": "six"}, 400),
        ({"upload-offset": "-1"}, 400),
        ({"upload-offset": "1" * 13}, 400),
        ({"upload-complete": "yes"}, 400),
        ({"content-type": "text/csv"}, 415),
        ({"content-encoding": "gzip"}, 415),
    ],
)
async def test_refuses_what_does_not_say_where_it_goes(admin: Client, headers: dict[str, str], status: int) -> None:
    where = await begun(admin, b"Email\n")
    assert (await more(admin, where, b"x", 6, **headers)).status_code == status
    assert await told(admin, where) == (204, "6", "?0")


async def test_nobody_else_finds_an_upload(world: World, admin: Client) -> None:
    where = await begun(admin, b"Email\n")
    others = [await world.key(), await world.key(workspace_id=await world.workspace())]
    for other in others:
        assert (await told(other, where))[0] == 404
        assert (await more(other, where, b"x", 6)).status_code == 404
        assert (await other.http.delete(where, headers=of(other))).status_code == 404
    assert (await world.http.head(where)).status_code == 401
    reader = await world.key("IMPORTS_READ")
    assert (await told(reader, where))[0] == 403
    for name in ("upl_00000000000000000000000000", "nothing", "..%2Fnotes", "cus_00000000000000000000000000"):
        assert (await told(admin, f"/uploads/{name}"))[0] == 404
    assert await told(admin, where) == (204, "6", "?0")


async def test_an_upload_is_given_up(world: World, admin: Client) -> None:
    where = await begun(admin, b"Email\n")
    assert (await admin.http.delete(where, headers=of(admin))).status_code == 204
    assert (await told(admin, where))[0] == 404
    assert list((world.directory / "uploads").glob("*")) == []


async def test_an_upload_has_its_limits(world: World, admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    where = await begun(admin, b"Email\n")
    monkeypatch.setattr(uploads, "LARGEST_BYTES", 10)
    assert (await more(admin, where, b"12345", 6)).status_code == 413
    empty = await begun_empty(admin)
    answer = await more(admin, empty, b"", 0, last=True)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (400, "FILE_REFUSED")
    assert await world.rows("SELECT count(*) FROM upload") == [(0,)]


async def begun_empty(client: Client) -> str:
    answer = await client.http.post("/uploads", headers={**of(client), "upload-complete": "?0"})
    return answer.headers["location"]


async def test_what_nobody_goes_on_with_is_removed_after_a_day(world: World, admin: Client) -> None:
    await begun(admin, b"Email\n")
    keeper = worker(world, Caught())
    await forget_uploads(keeper)
    assert len(list((world.directory / "uploads").glob("*"))) == 1
    world.clock.advance(DAY + 60_000)
    await forget_uploads(keeper)
    assert list((world.directory / "uploads").glob("*")) == []
