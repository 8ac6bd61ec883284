"""Refused rows as a file, corrected and read again; and imports that go on after they failed."""

import csv
import io
from typing import Any

import pytest

from db.import_refused import as_it_was, neutral
from jobs import imports as jobs
from jobs.runner import drain
from tests.conftest import Client, World
from tests.importing import counts, imported, issues, report, start, upload
from tests.mailing import Caught, worker
from tests.steps import customer, done, emails, read, well

PATH = "query($id: ID!) { import(id: $id) { refusedRowsPath } }"


async def refused_file(client: Client, import_id: str) -> str:
    path = (await client.ask(PATH, id=import_id))["import"]["refusedRowsPath"]
    assert path == f"/imports/{import_id}/refused.csv"
    answer = await client.http.get(path, headers={"authorization": f"Bearer {client.token}"})
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == 'attachment; filename="refused.csv"'
    assert answer.content.startswith(b"\xef\xbb\xbf")
    return answer.content.decode("utf-8-sig")


async def test_refused_rows_are_corrected_and_read_again(world: World, admin: Client) -> None:
    text = (
        "Mail;Name;Tel;Note\nann@example.com;Ann;1;\nwrong;=1+1;+49 30;x\n"
        "cy@example.com;Cy;'=9;y\ncy@;@Cy;'=9;\"two\nlines\"\n"
    )
    mapping = [
        {"column": "Mail", "field": "email"},
        {"column": "Name", "field": "name"},
        {"column": "Tel", "field": "phone"},
    ]
    found = await imported(world, admin, "importCustomers", text, mapping=mapping, onExisting="FAIL")
    assert counts(found) == {"created": 2, "refused": 2}
    file = await refused_file(admin, found["id"])
    rows = list(csv.reader(io.StringIO(file, newline="")))
    assert rows[0] == ["Mail", "Name", "Tel", "Note", "Rolodesk line", "Rolodesk codes", "Rolodesk reasons"]
    assert rows[1][:6] == ["wrong", "'=1+1", "'+49 30", "x", "3", "INVALID_EMAIL"]
    assert rows[1][6].startswith("Mail: 'wrong' is not an e-mail address")
    assert rows[2][:5] == ["cy@", "'@Cy", "''=9", "two\nlines", "5"]
    upload_id = await upload(admin, file.replace("wrong,", "bob@example.com,").replace("cy@,", "ann@example.com,"))
    answer = await well(admin, "retryImport", "import { id retryOf { id } }", importId=found["id"], uploadId=upload_id)
    assert answer["import"]["retryOf"] == {"id": found["id"]}
    which = "query($id: ID!) { import(id: $id) { retryOf { filename retryOf { id } } } }"
    assert (await admin.ask(which, id=found["id"]))["import"] == {"retryOf": None}
    told = (await admin.ask(which, id=answer["import"]["id"]))["import"]
    assert told == {"retryOf": {"filename": "file.csv", "retryOf": None}}
    await drain(worker(world, Caught()))
    again = await report(admin, answer["import"]["id"])
    assert counts(again) == {"created": 1, "refused": 1}
    assert issues(again) == [(5, "EMAIL_TAKEN", "Mail", "ann@example.com")]
    assert [c["field"] for c in again["columns"]] == ["email", "name", "phone", None, None, None, None]
    (bob,) = [row for row in again["rows"]["nodes"] if row["status"] == "CREATED"]
    assert bob["line"] == 3
    told = await read(admin, bob["record"]["id"], "... on Customer { firstName phone }")
    assert told == {"firstName": "=1+1", "phone": "+49 30"}


async def test_a_row_with_too_many_cells_keeps_them(world: World, admin: Client) -> None:
    found = await imported(world, admin, "importCustomers", "Email,Name\nann@example.com,Lee, Ann\n")
    rows = list(csv.reader(io.StringIO(await refused_file(admin, found["id"]))))
    assert rows[1][:4] == ["ann@example.com", "Lee", "2", "TOO_MANY_CELLS"]
    assert rows[1][5:] == [" Ann"]


async def test_who_may_not_read_imports_gets_no_file(world: World, admin: Client) -> None:
    found = await imported(world, admin, "importCustomers", "Email\nwrong\n")
    ann = await customer(admin, "ann@example.com")
    path = f"/imports/{found['id']}/refused.csv"
    other = await world.workspace()
    cases = [
        (world.client(None), 401),
        (await world.customer_session(ann), 403),
        (await world.key("CUSTOMERS_READ"), 403),
        (await world.key("IMPORTS_READ", workspace_id=other), 404),
        (await world.key("IMPORTS_READ"), 200),
    ]
    for client, status in cases:
        headers = {"authorization": f"Bearer {client.token}"} if client.token else {}
        assert (await client.http.get(path, headers=headers)).status_code == status
    clean = await imported(world, admin, "importCustomers", "Email\nbob@example.com\n")
    assert (await admin.ask(PATH, id=clean["id"]))["import"]["refusedRowsPath"] is None


async def test_what_failed_goes_on(world: World, admin: Client) -> None:
    import_id = await start(admin, "importCustomers", "Email\nann@example.com\n")
    (file,) = sorted((world.directory / "uploads").iterdir())
    kept = file.read_bytes()
    file.unlink()
    for _ in range(jobs.MOST_LOOKS):
        assert await drain(worker(world, Caught())) == 1
        world.clock.advance(jobs.LOOKS_APART)
    assert (await report(admin, import_id))["status"] == "FAILED"
    file.write_bytes(kept)
    await well(admin, "retryImport", "import { id }", importId=import_id)
    await drain(worker(world, Caught()))
    found = await report(admin, import_id)
    assert (found["status"], found["errorCode"], counts(found)) == ("SUCCEEDED", None, {"created": 1, "warnings": 1})
    assert await emails(admin) == ["ann@example.com"]
    (error,) = (await done(admin, "retryImport", importId=import_id))["errors"]
    assert (error["code"], error["path"]) == ("NOT_POSSIBLE", ["importId"])
    (error,) = (await done(admin, "retryImport", importId="imp_00000000000000000000000000"))["errors"]
    assert error["code"] == "NOT_FOUND"


async def test_what_was_cancelled_half_way_goes_on(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FIRST_CHUNK", "LARGEST_CHUNK", "SMALLEST_CHUNK"):
        monkeypatch.setattr(jobs, name, 2)
    import_id = await start(admin, "importCustomers", "Email\n" + "".join(f"p{n}@example.com\n" for n in range(6)))
    whole = jobs.Run.chunk

    async def then_cancel(run: jobs.Run, entries: Any, at: int) -> float:
        held = await whole(run, entries, at)
        if at == 0:
            await well(admin, "cancelImport", "import { status }", importId=import_id)
        return held

    monkeypatch.setattr(jobs.Run, "chunk", then_cancel)
    await drain(worker(world, Caught()))
    assert (await report(admin, import_id))["status"] == "CANCELLED"
    await well(admin, "retryImport", "import { id }", importId=import_id)
    await drain(worker(world, Caught()))
    found = await report(admin, import_id)
    assert (found["status"], counts(found)) == ("SUCCEEDED", {"created": 6, "warnings": 6})


def test_a_cell_comes_back_as_it_was() -> None:
    for cell in ("", "a", "'a", "=1", "'=1", "''=1", "+", "-1", "@x", "\ty", "\rz", "'", "''"):
        assert as_it_was(neutral(cell)) == cell
        assert neutral(cell)[:1] not in {"=", "+", "-", "@", "\t", "\r"}
