"""Looking at files before they are imported: `upload`, `uploads`, and the preview wherever a file is met."""

from typing import Any

import pytest

from db.clock import DAY
from jobs.runner import drain
from tests.conftest import Client, World
from tests.importing import send, start, upload
from tests.mailing import Caught, worker
from tests.steps import well
from tests.workbooks import xlsx

UPLOAD = """query($id: ID!) { upload(id: $id) { __typename id filename sizeBytes mediaType createdAt expiresAt
  preview(kind: CUSTOMERS) { encoding columns { column field } rows } } }"""
PEOPLE = "E-mail,Vorname\nann@example.com,Ann\n"


async def test_a_file_is_shown_with_its_preview(admin: Client) -> None:
    upload_id = await upload(admin, PEOPLE, "people.csv")
    shown = (await admin.ask(UPLOAD, id=upload_id))["upload"]
    assert shown.pop("createdAt") < shown.pop("expiresAt")
    assert shown == {
        "__typename": "UploadedFile",
        "id": upload_id,
        "filename": "people.csv",
        "sizeBytes": 35,
        "mediaType": "text/csv",
        "preview": {
            "encoding": "utf-8",
            "columns": [{"column": "E-mail", "field": "email"}, {"column": "Vorname", "field": "firstName"}],
            "rows": [["ann@example.com", "Ann"]],
        },
    }


async def test_a_preview_is_read_as_it_is_asked_to_be(admin: Client) -> None:
    upload_id = await upload(admin, "Gästeliste\nMail;Ort\nann@example.com;Köln\n".encode("cp1252"))
    text = """query($id: ID!, $encoding: String, $line: Int) { upload(id: $id) {
      a: preview(kind: CUSTOMERS, encoding: $encoding, firstLine: $line, delimiter: ";") { firstLine rows }
      b: preview(kind: TICKETS, hasHeader: false, delimiter: "|", firstLine: 2) { hasHeader rows }
      ...F } }
      fragment F on UploadedFile { c: preview(kind: ORGANIZATIONS) { __typename columns { __typename column } } }"""
    shown = (await admin.ask(text, id=upload_id, encoding="windows-1252", line=2))["upload"]
    assert shown["a"] == {"firstLine": 2, "rows": [["ann@example.com", "Köln"]]}
    assert shown["b"] == {"hasHeader": False, "rows": [["Mail;Ort"], ["ann@example.com;Köln"]]}
    assert shown["c"]["__typename"] == "ImportPreview"
    assert shown["c"]["columns"][0]["__typename"] == "ColumnSuggestion"


async def test_the_preview_is_the_same_wherever_a_file_is_met(admin: Client) -> None:
    import_id = await start(admin, "importCustomers", PEOPLE)
    text = """query($import: ID!) {
      import(id: $import) { upload { id preview(kind: CUSTOMERS) { rows } } }
      uploads { totalCount nodes { preview(kind: CUSTOMERS) { rows } } edges { node { preview(kind: CUSTOMERS) { rows } } } }
    }"""
    shown = await admin.ask(text, **{"import": import_id})
    upload_id, rows = shown["import"]["upload"]["id"], {"rows": [["ann@example.com", "Ann"]]}
    assert shown["import"]["upload"]["preview"] == rows
    assert shown["uploads"] == {
        "totalCount": 1,
        "nodes": [{"preview": rows}],
        "edges": [{"node": {"preview": rows}}],
    }
    node = "query($id: ID!) { node(id: $id) { ... on UploadedFile { preview(kind: CUSTOMERS) { rows } } } }"
    assert (await admin.ask(node, id=upload_id))["node"] == {"preview": rows}
    payload = "import { upload { preview(kind: CUSTOMERS) { rows } } }"
    done = await well(admin, "importCustomers", payload, uploadId=upload_id)
    assert done["import"] == {"upload": {"preview": rows}}
    old = "query($id: ID!) { importPreview(uploadId: $id, kind: CUSTOMERS) { rows } }"
    assert (await admin.ask(old, id=upload_id))["importPreview"] == rows


async def test_a_mutation_sent_again_shows_the_preview_again(admin: Client) -> None:
    admin.headers["idempotency-key"] = "once"
    upload_id = await upload(admin, PEOPLE)
    payload = "import { id upload { preview(kind: CUSTOMERS) { rows } } }"
    first = await well(admin, "importCustomers", payload, uploadId=upload_id)
    assert await well(admin, "importCustomers", payload, uploadId=upload_id) == first
    assert first["import"]["upload"]["preview"] == {"rows": [["ann@example.com", "Ann"]]}


async def test_what_holds_no_records_is_told_beside_what_can_be_shown(admin: Client) -> None:
    good, bad = await upload(admin, PEOPLE, "good.csv"), await upload(admin, "%PDF-1.7\n", "bad.csv")
    text = "{ uploads { nodes { filename mediaType preview(kind: CUSTOMERS) { encoding } } } }"
    answer = await admin.post(text)
    assert answer.status_code == 200
    assert answer.json()["data"]["uploads"]["nodes"] == [
        {"filename": "bad.csv", "mediaType": "application/pdf", "preview": None},
        {"filename": "good.csv", "mediaType": "text/csv", "preview": {"encoding": "utf-8"}},
    ]
    (error,) = answer.json()["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["uploads", "nodes", 0, "preview"], "FILE_REFUSED")
    assert error["message"].startswith("The file is a PDF document")
    mutation = """mutation($id: ID!) { importCustomers(input: {uploadId: $id}) {
      import { upload { preview(kind: CUSTOMERS, encoding: "nonsense") { rows } } } errors { code } } }"""
    answer = await admin.post(mutation, {"id": good})
    assert answer.json()["data"]["importCustomers"] == {"import": {"upload": {"preview": None}}, "errors": []}
    assert answer.json()["errors"][0]["path"] == ["importCustomers", "import", "upload", "preview"]
    assert (await admin.ask("{ imports { totalCount } }"))["imports"]["totalCount"] == 1
    assert (await admin.post(UPLOAD, {"id": bad})).json()["data"]["upload"]["preview"] is None


async def test_an_expired_file_has_no_preview(world: World, admin: Client) -> None:
    upload_id = await upload(admin, PEOPLE)
    world.clock.advance(4 * DAY)
    assert (await admin.ask(UPLOAD, id=upload_id))["upload"]["preview"] is None


async def test_only_so_many_files_are_looked_at_in_an_operation(admin: Client) -> None:
    for _ in range(11):
        await upload(admin, PEOPLE)
    text = "query($first: Int) { uploads(first: $first) { nodes { preview(kind: CUSTOMERS) { encoding } } } }"
    assert len((await admin.ask(text, first=10))["uploads"]["nodes"]) == 10
    assert (await admin.refused(text, first=11))["extensions"]["code"] == "LIMIT"
    aliased = " ".join(f"p{i}: preview(kind: CUSTOMERS) {{ encoding }}" for i in range(11))
    assert (await admin.refused(f'{{ upload(id: "x") {{ {aliased} }} }}'))["extensions"]["code"] == "LIMIT"


async def test_a_preview_costs_what_a_computed_field_costs(admin: Client) -> None:
    upload_id = await upload(admin, PEOPLE)
    text = "query($id: ID!) { upload(id: $id) { preview(kind: CUSTOMERS) { encoding } } }"
    answer = await admin.post(text, {"id": upload_id}, extensions={"cost": True})
    assert answer.json()["extensions"]["cost"]["requested"] == 11


async def test_a_subscription_takes_no_preview(world: World, admin: Client) -> None:
    import_id = await start(admin, "importCustomers", PEOPLE)
    text = (
        f'subscription {{ importProgress(id: "{import_id}") {{ upload {{ preview(kind: CUSTOMERS) {{ rows }} }} }} }}'
    )
    headers = {"authorization": f"Bearer {admin.token}", "accept": "text/event-stream"}
    answer = await admin.http.post("/graphql", json={"query": text}, headers=headers)
    assert "NOT_POSSIBLE" in answer.text
    await drain(worker(world, Caught()))


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (xlsx({"People": [["Email"], ["ann@example.com"]]}), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (b"PK\x03\x04mimetypeapplication/vnd.oasis.opendocument.spreadsheetPK", "application/vnd.oasis.opendocument.spreadsheet"),
        (b"PK\x03\x04photo.png", "application/zip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/vnd.ms-excel"),
        (b"\x1f\x8b\x08\x00", "application/gzip"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"<!DOCTYPE html><html>", "text/html"),
        (b'[{"email": "ann@example.com"}]', "application/json"),
        (b"BEGIN:VCARD\r\nVERSION:3.0\r\n", "text/vcard"),
        ("Email\tOrt\nann@example.com\tKöln\n".encode("utf-16"), "text/csv"),
        ("Email;Ort\nann@example.com;Köln\n".encode("cp1252"), "text/csv"),
        (bytes(range(32)) * 20, "application/octet-stream"),
    ],
    ids=range(12),
)  # fmt: skip
async def test_the_type_of_a_file_is_told_by_its_content(admin: Client, content: bytes, media_type: str) -> None:
    sent: dict[str, Any] = (await send(admin, content, "people.csv")).json()
    assert sent["mediaType"] == media_type
    text = "query($id: ID!) { upload(id: $id) { mediaType } }"
    assert (await admin.ask(text, id=sent["id"]))["upload"] == {"mediaType": media_type}
