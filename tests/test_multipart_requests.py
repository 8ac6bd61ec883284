"""Files that come with a GraphQL request: the GraphQL multipart request, its limits, and forms that are none."""

import json
from typing import Any

import pytest

from server import multipart
from server.cookies import cookie_name
from tests.conftest import Client, World
from tests.importing import send_form
from tests.steps import written

UPLOAD = """mutation($file: Upload!) { uploadFile(input: {file: $file}) {
  uploadedFile { id filename sizeBytes mediaType preview(kind: CUSTOMERS) { columns { column field } rows } }
  errors { code message path } } }"""
PEOPLE = "E-mail,Vorname\nann@example.com,Ann\n"
PREFLIGHT = {"apollo-require-preflight": "1"}
Parts = list[tuple[str, tuple[str | None, str | bytes]]]


def form(operations: Any, places: Any, *files: tuple[str, str | bytes]) -> Parts:
    told = [("operations", operations), ("map", places)]
    texts: Parts = [(name, (None, v if isinstance(v, str) else json.dumps(v))) for name, v in told]
    return [*texts, *((name, (f"{name}.csv", content)) for name, content in files)]


async def post(client: Client, parts: Parts, **headers: str) -> tuple[int, dict[str, Any]]:
    answer = await client.http.post(
        "/graphql", files=parts, headers={"authorization": f"Bearer {client.token}", **headers}
    )
    return answer.status_code, answer.json()


def files_of(world: World) -> list[str]:
    return sorted(path.name for path in (world.directory / "uploads").glob("*"))


async def test_a_file_is_kept_and_shown_in_one_request(world: World, admin: Client) -> None:
    answer = (await send_form(admin, UPLOAD, PEOPLE, "C:\\people.csv")).json()["data"]["uploadFile"]
    assert answer["errors"] == []
    shown = answer["uploadedFile"]
    upload_id = shown.pop("id")
    assert shown == {
        "filename": "people.csv",
        "sizeBytes": 35,
        "mediaType": "text/csv",
        "preview": {
            "columns": [{"column": "E-mail", "field": "email"}, {"column": "Vorname", "field": "firstName"}],
            "rows": [["ann@example.com", "Ann"]],
        },
    }
    assert files_of(world) == [upload_id]
    assert (world.directory / "uploads" / upload_id).read_text() == PEOPLE
    again = "query($id: ID!) { upload(id: $id) { sizeBytes } }"
    assert (await admin.ask(again, id=upload_id))["upload"] == {"sizeBytes": 35}


async def test_several_files_go_to_their_places(world: World, admin: Client) -> None:
    text = """mutation($a: UploadFileInput!, $b: Upload!) {
      a: uploadFile(input: $a) { uploadedFile { sizeBytes } } b: uploadFile(input: {file: $b}) { uploadedFile { sizeBytes } } }"""
    operations = {"query": text, "variables": {"a": {"file": None}, "b": None}}
    parts = form(operations, {"x": ["variables.a.file"], "y": ["variables.b"]}, ("x", "Email\n"), ("y", PEOPLE))
    status, answer = await post(admin, parts)
    assert (status, answer["data"]) == (
        200,
        {"a": {"uploadedFile": {"sizeBytes": 6}}, "b": {"uploadedFile": {"sizeBytes": 35}}},
    )
    one = form(operations, {"x": ["variables.a.file", "variables.b"]}, ("x", PEOPLE))
    status, answer = await post(admin, one)
    assert answer["data"]["a"] == answer["data"]["b"] == {"uploadedFile": {"sizeBytes": 35}}
    assert len(files_of(world)) == 4


async def test_an_empty_file_is_refused_in_the_payload(world: World, admin: Client) -> None:
    answer = (await send_form(admin, UPLOAD, "")).json()["data"]["uploadFile"]
    assert answer == {
        "uploadedFile": None,
        "errors": [{"code": "FILE_REFUSED", "message": "The file is empty.", "path": ["file"]}],
    }
    assert files_of(world) == []


async def test_a_request_sent_again_keeps_one_file(world: World, admin: Client) -> None:
    text = "mutation($file: Upload!) { uploadFile(input: {file: $file}) { uploadedFile { id } } }"
    first = await send_form(admin, text, PEOPLE, **{"idempotency-key": "once"})
    again = await send_form(admin, text, PEOPLE, **{"idempotency-key": "once"})
    assert first.json()["data"] == again.json()["data"]
    assert again.headers["idempotency-replayed"] == "true"
    other = await send_form(admin, text, "Email\n", **{"idempotency-key": "once"})
    assert (other.status_code, other.json()["errors"][0]["extensions"]["code"]) == (422, "IDEMPOTENCY_KEY_USED")
    assert len(files_of(world)) == 1


async def test_a_file_is_nothing_but_a_variable_of_a_form(admin: Client) -> None:
    for value in (None, "people.csv", {"name": "people.csv"}, 1):
        refused = await admin.refused(UPLOAD, file=value)
        assert refused["extensions"]["code"] == "INVALID_VALUE"
    literal = 'mutation { uploadFile(input: {file: "people.csv"}) { errors { code } } }'
    assert (await admin.refused(literal))["extensions"]["code"] == "SYNTAX"
    text = "query($email: String!) { customer(by: {email: $email}) { id } }"
    parts = form({"query": text, "variables": {"email": None}}, {"0": ["variables.email"]}, ("0", "x"))
    status, answer = await post(admin, parts)
    assert (status, answer["errors"][0]["extensions"]["code"]) == (200, "INVALID_VALUE")
    dry = 'query($v: JSON) { rateLimit(dryRun: {query: "{ viewer { permissions } }", variables: $v}) { cost } }'
    status, answer = await post(
        admin, form({"query": dry, "variables": {"v": {"x": None}}}, {"0": ["variables.v.x"]}, ("0", "x"))
    )
    assert status == 200


GOOD = {"query": UPLOAD, "variables": {"file": None}}
PLACE = {"0": ["variables.file"]}
FILE = ("0", PEOPLE)
MANY = [(str(i), "x") for i in range(multipart.MOST_FILES + 1)]


@pytest.mark.parametrize(
    "parts",
    [
        form("{", PLACE, FILE),
        form([GOOD], PLACE, FILE),
        form("null", PLACE, FILE),
        form('"\\ud800"', PLACE, FILE),
        form("[" * 100_000, PLACE, FILE),
        form(GOOD, "{", FILE),
        form(GOOD, [], FILE),
        form(GOOD, {"0": "variables.file"}, FILE),
        form(GOOD, {"0": [1]}, FILE),
        form(GOOD, {"0": []}, FILE),
        form(GOOD, {"0": None}, FILE),
        form(GOOD, {"1": ["variables.file"]}, FILE),
        form(GOOD, {}, FILE),
        form(GOOD, PLACE),
        form(GOOD, {"0": ["query"]}, FILE),
        form(GOOD, {"0": ["variables"]}, FILE),
        form(GOOD, {"0": [""]}, FILE),
        form(GOOD, {"0": ["variables.other"]}, FILE),
        form(GOOD, {"0": ["variables.file.0"]}, FILE),
        form(GOOD, {"0": ["variables.file", "variables.file"]}, FILE),
        form(GOOD, {"0": ["variables.file"] * 21}, FILE),
        form({"query": UPLOAD, "variables": {"file": [None]}}, {"0": ["variables.file.1"]}, FILE),
        form({"query": UPLOAD, "variables": {"file": [None]}}, {"0": ["variables.file.-1"]}, FILE),
        form({"query": UPLOAD, "variables": {"file": "set"}}, PLACE, FILE),
        form({"query": UPLOAD, "variables": None}, PLACE, FILE),
        form({"query": UPLOAD}, PLACE, FILE),
        form({"variables": {"file": None}}, PLACE, FILE),
        form(GOOD, PLACE, FILE, FILE),
        form(GOOD, {name: ["variables.file"] for name, _ in MANY}, *MANY),
        [*form(GOOD, PLACE, FILE), ("more", (None, "x"))],
        [*form(GOOD, PLACE, FILE), ("operations", (None, "{}"))],
        [("operations", ("o.json", json.dumps(GOOD))), *form(GOOD, PLACE, FILE)[1:]],
        form(GOOD, PLACE, FILE)[2:],
        [("operations", (None, "x" * 1_000_001)), *form(GOOD, PLACE, FILE)[1:]],
    ],
    ids=range(34),
)
async def test_a_form_of_another_shape_is_refused(world: World, admin: Client, parts: Parts) -> None:
    before = await written(world)
    status, answer = await post(admin, parts)
    assert (status, answer["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")
    assert answer["errors"][0]["message"]
    assert await written(world) == before
    assert files_of(world) == []


PART = b'--x\r\nContent-Disposition: form-data; name="map"\r\n\r\n'


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b""),
        ("multipart/form-data; boundary=", b"--\r\n"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"not a form at all"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\nno name\r\n--x--\r\n"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="operations"\r\n\r\n{'),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: " + b"a" * 100_000 + b"\r\n\r\n{}\r\n--x--\r\n"),
        ("multipart/form-data; boundary=x; charset=hex", PART + b"zz\r\n--x--\r\n"),
        ("multipart/form-data; boundary=x; charset=nonsense", PART + b"\xff\r\n--x--\r\n"),
        ("multipart/form-data; boundary=" + "x" * 500, b"--x--"),
    ],
    ids=range(10),
)  # fmt: skip
async def test_what_is_no_form_is_refused(admin: Client, kind: str, body: bytes) -> None:
    headers = {"authorization": f"Bearer {admin.token}", "content-type": kind}
    answer = await admin.http.post("/graphql", content=body, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")


async def test_a_form_has_its_limit(world: World, admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multipart, "LARGEST_FORM", multipart.LARGEST_FORM._replace(size=5_000))
    status, answer = await post(admin, form(GOOD, PLACE, ("0", "x" * 5_001)))
    assert (status, "POST /uploads" in answer["errors"][0]["message"]) == (413, True)

    async def unannounced() -> Any:
        yield b"--x\r\n" + b'Content-Disposition: form-data; name="0"; filename="a"\r\n\r\n'
        for _ in range(10):
            yield b"x" * 1_000

    headers = {"authorization": f"Bearer {admin.token}", "content-type": "multipart/form-data; boundary=x"}
    answer = await admin.http.post("/graphql", content=unannounced(), headers=headers)
    assert answer.status_code == 413
    assert files_of(world) == []


async def test_a_form_is_no_query_of_other_kinds(admin: Client) -> None:
    headers = {"authorization": f"Bearer {admin.token}"}
    parts = form(GOOD, PLACE, FILE)
    streamed = await admin.http.post("/graphql", files=parts, headers={**headers, "accept": "text/event-stream"})
    packed = await admin.http.post("/graphql", files=parts, headers={**headers, "content-encoding": "gzip"})
    assert [streamed.status_code, packed.status_code] == [415, 415]


async def test_who_may_send_no_files_is_refused_before_the_form_is_read(world: World) -> None:
    async def never() -> Any:
        raise AssertionError
        yield b""

    kind = {"content-type": "multipart/form-data; boundary=x", **PREFLIGHT}
    for client, status in (
        (world.client(None), 401),
        (await world.key("IMPORTS_READ"), 403),
        (world.client("rd_key_x"), 401),
    ):
        headers = {**kind, **({"authorization": f"Bearer {client.token}"} if client.token else {})}
        assert (await world.http.post("/graphql", content=never(), headers=headers)).status_code == status


async def test_a_form_with_a_cookie_needs_an_own_page_and_a_header_that_no_form_has(world: World) -> None:
    own = "http://127.0.0.1:8000"
    session = {"cookie": f"{cookie_name(own)}={(await world.user('ADMIN')).token}"}
    parts = form(GOOD, PLACE, FILE)
    for said in ({}, PREFLIGHT, {"graphql-preflight": "1"}):
        for origin in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {}):
            answer = await world.http.post("/graphql", files=parts, headers={**session, **said, **origin})
            assert answer.status_code == 403, (said, origin)
    assert files_of(world) == []
    bare = await world.http.post("/graphql", files=parts, headers={**session, "origin": own})
    assert (bare.status_code, "Apollo-Require-Preflight" in bare.text) == (403, True)
    for said in (PREFLIGHT, {"graphql-preflight": "1"}):
        answer = await world.http.post("/graphql", files=parts, headers={**session, **said, "origin": own})
        assert answer.json()["data"]["uploadFile"]["errors"] == []
    assert len(files_of(world)) == 2
