"""Documents and requests that are made to hurt: refused quickly, with a code, never with a 5xx. Seconds are of the processor."""

import gzip
import json
from collections.abc import Iterator
from time import process_time
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from tests.conftest import Client, World

pytestmark = pytest.mark.usefixtures("settled_heap")


def nested(levels: int) -> str:
    """Levels of fields: each `organization { customers { nodes {` is three."""
    text, closing = "{ customers { nodes { id ", "} } }"
    for _ in range(levels // 3):
        text += "organization { customers { nodes { id "
        closing += " } } }"
    return text + closing


def chain(count: int, selection: str) -> str:
    """Fragments that each spread the next one."""
    parts = [f"fragment F{i} on Organization {{ parent {{ ...F{i + 1} }} }}" for i in range(count)]
    return f"{{ organizations {{ nodes {{ ...F0 }} }} }} {' '.join(parts)} fragment F{count} on Organization {{ {selection} }}"


def fan_out(levels: int, width: int = 2, *, used: bool = True) -> str:
    """Fragments that each spread the next one several times: width to the power of levels."""
    spread = [" ".join([f"...F{i + 1}"] * width) for i in range(levels)]
    parts = [f"fragment F{i} on Organization {{ {spread[i]} }}" for i in range(levels)]
    start = "...F0" if used else "id"
    end = f"fragment F{levels} on Organization {{ name }}"
    return f"{{ organizations {{ nodes {{ {start} }} }} }} {' '.join(parts)} {end}"


def deep_fan_out(levels: int) -> str:
    """Fragments that each ask for a record twice with the next one in it."""
    parts = [
        f"fragment F{i} on Organization {{ parent {{ ...F{i + 1} }} parent {{ ...F{i + 1} }} }}" for i in range(levels)
    ]
    return (
        f"{{ organizations {{ nodes {{ ...F0 }} }} }} {' '.join(parts)} fragment F{levels} on Organization {{ name }}"
    )


def inline(levels: int) -> str:
    return "{ organizations { nodes { " + "... on Organization { parent { " * levels + "id" + " } }" * levels + " } } }"


def overlapping(count: int) -> str:
    """Fields of one name in many inline fragments, each to be compared with each."""
    one = "... on Organization { parent { parent { name id depth } } }"
    return "{ organizations { nodes { " + one * count + " } } }"


def crossed(count: int) -> str:
    """Fragments that all spread each other's neighbours, every pair to be compared."""
    parts = []
    for i in range(count):
        others = " ".join(f"...G{j}" for j in range(i + 1, count))
        parts.append(f"fragment G{i} on Organization {{ a: name parent {{ id {others} }} {others} }}")
    return f"{{ organizations {{ nodes {{ ...G0 }} }} }} {' '.join(parts)}"


LIMITED = {
    "depth 30": nested(30),
    "depth 50": nested(50),
    "depth 500": nested(500),
    "depth by fragments": chain(60, "id"),
    "depth by inline fragments": inline(60),
    "101 aliases": "{ " + " ".join(f"a{i}: __typename" for i in range(101)) + " }",
    "16 aliases": "{ customers { nodes { " + " ".join(f"a{i}: id" for i in range(16)) + " } } }",
    "aliases in a fragment": "{ customers { nodes { ...F ...F } } } fragment F on Customer { "
    + " ".join(f"a{i}: id" for i in range(8))
    + " }",
    "31 root fields": "{ " + "workspace { id } " * 31 + "}",
    "4^8 fan-out": fan_out(8, 4),
    "2^30 fan-out": fan_out(30),
    "2^200 fan-out": fan_out(200),
    "2^20 records": deep_fan_out(20),
    "2^30 records": deep_fan_out(30),
    "51 directives": "{ customers { totalCount " + "@include(if: true) " * 51 + "} }",
    "500 directives": "{ customers { " + "... @include(if: true) { totalCount } " * 120 + "} }",
    "1,000 operations": " ".join(f"query Q{i} {{ __typename }}" for i in range(480)),
    "20,000 tokens": "{ customers { nodes { " + "id " * 20_000 + "} } }",
    "5,000 nestings": "{ a" * 5_000,
    "nested lists": "{ customers(filter: {ids: " + "[" * 1_500 + "]" * 400 + "}) { totalCount } }",
    "900 KB of comments": "#" * 900_000 + "\n{ __typename }",
    "pages of 250^4": "{ organizations(first: 250) { nodes { children(first: 250) { nodes { children(first: 250) { nodes {"
    " children(first: 250) { nodes { id } } } } } } } } }",
    "pages of 100^4": "{ customers(first: 100) { nodes { projects(first: 100) { nodes { customers(first: 100) { nodes {"
    " projects(first: 100) { nodes { id } } } } } } } } }",
    "251 ids": "{ nodes(ids: [" + '"x" ' * 251 + "]) { id } }",
}
INVALID = {
    "circular fragments": "{ customers { nodes { ...A } } } fragment A on Customer { ...B } fragment B on Customer { ...A }",
    "a fragment of itself": "{ customers { nodes { ...A } } }"
    " fragment A on Customer { organization { customers { nodes { ...A } } } }",
    "300 unknown fields": "{ " + " ".join(f"unknown{i}" for i in range(29)) + " customers { nodes { "
    + " ".join(f"unknownFieldWithALongName{i}" for i in range(300)) + " } } }",
    "an unused fan-out": fan_out(30, used=False),
    "an unused deep fan-out": "{ __typename } " + deep_fan_out(24).partition("} } } ")[2],
    "unknown directives": "{ __typename " + " ".join(f"@d{i}" for i in range(40)) + " }",
    "a directive 40 times": "{ __typename " + "@include(if: true) " * 40 + " }",
    "conflicting fields": "{ customers { nodes { name name: email } } }",
    "no document": "}{",
    "a lone surrogate": '{ node(id: "\\ud800") { id } }',
    "an open string": '{ node(id: "',
    "300 unknown arguments": "{ customers(" + " ".join(f"argument{i}: 1" for i in range(300)) + ") { totalCount } }",
    "300 unknown types": "{ __typename customers { nodes { " + " ".join(f"... on T{i} {{ id }}" for i in range(300)) + " } } }",
    "100 unknown variables": "{ nodes(ids: [" + " ".join(f"$v{i}" for i in range(100)) + "]) { id } }",
}  # fmt: skip
HEAVY = {
    "500 repeated fields": "{ customers { nodes { " + "id " * 500 + "} } }",
    "500 repeated relations": "{ customers { nodes { " + "organization { id } " * 300 + "} } }",
    "overlapping fields": overlapping(60),
    "overlapping pages": "{ " + "customers(first: 1) { nodes { organization { name } } } " * 30 + "}",
    "crossed fragments": crossed(14),
    "repeated fields in repeated relations": "{ customers { nodes { "
    + ("organization { " + "id " * 30 + "} ") * 30 + "} } }",
    "repeated relations of both kinds": "{ customers { nodes { "
    + ("organization { " + "parent { id } " * 12 + "} ") * 12 + "} } }",
    "repeated fields that nothing uses": "{ __typename } fragment F on Customer { " + "id " * 900 + "}",
    "crossed fragments that nothing uses": "{ __typename } " + crossed(14).partition("} } } ")[2],
    "many small fragments": "{ customers { nodes { " + " ".join(f"...F{i}" for i in range(150)) + " } } } "
    + " ".join(f"fragment F{i} on Customer {{ id email }}" for i in range(150)),
    "many inline fragments": "{ customers { nodes { " + "... on Customer { organization { parent { id } } } " * 150 + " } } }",
    "2^4 fan-out": fan_out(4),
}  # fmt: skip


async def timed(client: Client, text: str, **more: Any) -> tuple[httpx2.Response, float]:
    started = process_time()
    answer = await client.post(text, **more)
    return answer, process_time() - started


def check(answer: httpx2.Response, seconds: float) -> list[dict[str, Any]]:
    """The errors of an answer that came quickly and is small."""
    assert seconds < 1
    assert answer.status_code < 500
    assert len(answer.content) < 100_000
    shown = answer.json()
    errors = shown.get("errors", [])
    assert len(errors) <= 100
    for error in errors:
        assert error["extensions"]["code"] != "INTERNAL"
        assert "Traceback" not in error["message"]
        assert "SELECT" not in error["message"]
    return errors


@pytest.mark.parametrize("name", LIMITED)
async def test_documents_over_the_limits_are_refused(admin: Client, name: str) -> None:
    answer, seconds = await timed(admin, LIMITED[name])
    errors = check(answer, seconds)
    assert errors
    assert {e["extensions"]["code"] for e in errors} <= {"LIMIT", "SYNTAX"}
    assert "data" not in answer.json()


@pytest.mark.parametrize("name", INVALID)
async def test_invalid_documents_are_refused_briefly(admin: Client, name: str) -> None:
    errors = check(*await timed(admin, INVALID[name]))
    assert {e["extensions"]["code"] for e in errors} <= {"LIMIT", "SYNTAX"}
    assert errors


@pytest.mark.parametrize("name", HEAVY)
async def test_documents_that_are_heavy_to_validate_are_answered_within_a_second(admin: Client, name: str) -> None:
    check(*await timed(admin, HEAVY[name]))


async def test_the_deepest_document_is_24_levels(admin: Client) -> None:
    assert "data" in (await admin.post(inline(21))).json()
    assert check(*await timed(admin, inline(22)))[0]["extensions"]["code"] == "LIMIT"


async def test_fragments_that_nothing_uses_count_too(admin: Client) -> None:
    text = "{ __typename } " + overlapping(60).replace("{ organizations { nodes {", "fragment F on Organization {")[:-4]
    assert check(*await timed(admin, text))


async def test_a_query_for_50_000_records_at_the_most(admin: Client) -> None:
    text = "query($a: Int, $b: Int) { customers(first: $a) { nodes { projects(first: $b) { nodes { id } } } } }"
    assert "data" in (await admin.post(text, {"a": 200, "b": 248})).json()
    error = await admin.refused(text, a=201, b=248)
    assert error["extensions"]["code"] == "LIMIT"
    assert "50,049" in error["message"]


# Requests


async def raw(world: World, body: bytes, **headers: str) -> httpx2.Response:
    key = await world.key()
    sent = {"content-type": "application/json", "authorization": f"Bearer {key.token}"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    return await world.http.post("/graphql", content=body, headers=sent)


BODIES: list[tuple[bytes, int]] = [
    (b"", 400),
    (b"null", 400),
    (b'"{ __typename }"', 400),
    (b"5", 400),
    (b"true", 400),
    (b"[]", 400),
    (b'[{"query": "{ __typename }"}]', 400),
    (json.dumps([{"query": "{ __typename }"}] * 10).encode(), 400),
    (json.dumps([{"query": "{ __typename }"}] * 1_000).encode(), 400),
    (b"{}", 400),
    (b'{"query": null}', 400),
    (b'{"query": ""}', 400),
    (b'{"query": "  "}', 400),
    (b'{"query": 5}', 400),
    (b'{"query": ["{ __typename }"]}', 400),
    (b'{"query": "{ __typename }", "variables": []}', 400),
    (b'{"query": "{ __typename }", "variables": "x"}', 400),
    (b'{"query": "{ __typename }", "operationName": 5}', 400),
    (b'{"query": "{ __typename }", "extensions": 5}', 400),
    (b'{"query": "\xff\xfe"}', 400),
    ('{"query": "{ __typename }"}'.encode("utf-16"), 400),
    (b'{"query": "{ __typename }", "variables": {"x": NaN}}', 400),
    (b'{"query": "{ __typename }", "variables": {"x": Infinity}}', 400),
    (b'{"query": "\\ud800"}', 400),
    (b'{"query": "query($x: String) { __typename }", "variables": {"x": "\\udc00"}}', 400),
    (b"[" * 100_000, 400),
    (b'{"a":' * 50_000, 400),
    (b'{"query": "{ __typename }"', 400),
    (b'{"query": "' + b" " * 1_000_001 + b'"}', 413),
]  # fmt: skip


async def test_bodies_that_are_no_requests_are_refused(world: World) -> None:
    for body, status in BODIES:
        answer = await raw(world, body)
        assert answer.status_code == status, body[:60]
        (error,) = answer.json()["errors"]
        assert error["message"]
        assert error["extensions"]["code"] == "BAD_REQUEST"
        assert "data" not in answer.json()


async def test_a_body_over_a_megabyte_is_refused_before_it_is_read(world: World) -> None:
    sent = []

    async def endless() -> Any:
        for _ in range(100):
            sent.append(1)
            yield b" " * 100_000

    answer = await world.http.post("/graphql", content=endless(), headers={"content-type": "application/json"})
    assert answer.status_code == 413


async def test_content_types_and_encodings_that_are_not_taken(world: World) -> None:
    body = b'{"query": "{ __typename }"}'
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "",
        "application/graphql",
    ):
        answer = await raw(world, body, content_type=kind)
        assert answer.status_code == 415, kind
    assert (await raw(world, body, content_type="application/json; charset=latin-1")).status_code == 415
    assert (await raw(world, body, content_type="application/json; charset=utf-8")).status_code == 200
    assert (await raw(world, body, content_type="application/json;charset=UTF-8")).status_code == 200
    assert (await raw(world, gzip.compress(body), content_encoding="gzip")).status_code == 415
    assert (await raw(world, gzip.compress(b" " * 10_000_000), content_encoding="gzip")).status_code == 415


async def test_deep_variables_are_refused(admin: Client) -> None:
    text = "query($filter: CustomerFilter) { customers(filter: $filter) { totalCount } }"
    for levels in (50, 200, 500, 900):
        given: dict[str, Any] = {}
        for _ in range(levels):
            given = {"not": given}
        answer = await admin.post(text, {"filter": given})
        assert answer.status_code < 500
        if levels > 100:
            assert answer.json()["errors"][0]["extensions"]["code"] in {"LIMIT", "INVALID_VALUE", "BAD_REQUEST"}
    wide = {"or": [{"and": [{"not": {"or": []}} for _ in range(20)]} for _ in range(20)]}
    assert (await admin.refused(text, filter=wide))["extensions"]["code"] == "LIMIT"


async def test_texts_with_the_character_nul_answer_as_absent_or_are_refused(admin: Client) -> None:
    for text, given in (
        ("query($x: ID!) { node(id: $x) { id } }", "\x00"),
        ("query($x: ID!) { node(id: $x) { id } }", "cus_\x00"),
        ("query($x: [ID!]!) { nodes(ids: $x) { id } }", ["\x00", "cus_1"]),
        ("query($x: ID!) { customer(by: {id: $x}) { id } }", "a\x00b"),
        ("query($x: String!) { customer(by: {email: $x}) { id } }", "a\x00b@example.com"),
        ("query($x: String!) { customer(by: {externalId: $x}) { id } }", "\x00"),
        ("query($x: String!) { customers(search: $x) { totalCount } }", "a\x00b"),
        ("query($x: String!) { customers(filter: {name: {contains: $x}}) { totalCount } }", "\x00"),
        ("query($x: String!) { customers(filter: {externalId: {in: [$x]}}) { totalCount } }", "\x00"),
        ("query($x: ID!) { customers(filter: {ids: [$x]}) { totalCount } }", "\x00"),
        ("query($x: String!) { customers(after: $x) { totalCount } }", "\x00"),
        (
            "query($x: String!) { customers(filter: {createdAt: {gte: $x}}) { totalCount } }".replace(
                "String", "DateTime"
            ),
            "\x00",
        ),
    ):
        for value in (
            given,
            "\ufeff" if isinstance(given, str) else given,
            "\u202e" if isinstance(given, str) else given,
        ):
            answer = await admin.post(text, {"x": value})
            assert answer.status_code < 500, text
            for error in answer.json().get("errors", []):
                assert error["extensions"]["code"] in {"INVALID_VALUE", "INVALID_EMAIL", "BAD_CURSOR"}, text


async def test_numbers_of_any_size(admin: Client) -> None:
    text = "query($n: Int!) { ticket(by: {number: $n}) { id } }"
    for number in (0, -1, 2**31 - 1, -(2**31)):
        assert await admin.ask(text, n=number) == {"ticket": None}
    for bad in (2**31, 10**30, 1.5, 1e300):
        assert (await admin.post(text, {"n": bad})).status_code < 500


async def test_of_two_operations_one_is_named_or_none_runs(world: World, admin: Client) -> None:
    text = """mutation A { createOrganization(input: {name: "A"}) { organization { name } } }
              mutation B { createOrganization(input: {name: "B"}) { organization { name } } }"""
    for more in ({}, {"operationName": None}, {"operationName": ""}, {"operationName": "C"}):
        error = (await admin.post(text, **more)).json()["errors"][0]
        assert error["extensions"]["code"] == "BAD_REQUEST"
    assert (await admin.ask("{ organizations { totalCount } }")) == {"organizations": {"totalCount": 0}}
    answer = (await admin.post(text, operationName="B")).json()
    assert answer["data"]["createOrganization"]["organization"]["name"] == "B"
    assert world.http


async def test_get_asks_and_does_not_change(world: World, admin: Client) -> None:
    headers = {"authorization": f"Bearer {admin.token}"}
    text = 'mutation { createOrganization(input: {name: "A"}) { organization { name } } }'
    answer = await world.http.get(f"/graphql?query={quote(text)}", headers=headers)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    both = f"query Q {{ organizations {{ totalCount }} }} {text.replace('mutation', 'mutation M')}"
    answer = await world.http.get(f"/graphql?operationName=M&query={quote(both)}", headers=headers)
    assert answer.status_code == 405
    answer = await world.http.get(f"/graphql?operationName=Q&query={quote(both)}", headers=headers)
    assert answer.json() == {"data": {"organizations": {"totalCount": 0}}}
    text = "query($n: Int) { organizations(first: $n) { totalCount } }"
    given = quote('{"n": 3}')
    answer = await world.http.get(f"/graphql?query={quote(text)}&variables={given}", headers=headers)
    assert answer.json() == {"data": {"organizations": {"totalCount": 0}}}
    for bad in ("", "?query=", "?query={__typename}&variables=[", "?query={__typename}&variables=5", "?variables={}"):
        assert (await world.http.get(f"/graphql{bad}", headers=headers)).status_code == 400, bad
    for method in ("PUT", "DELETE", "PATCH"):
        assert (await world.http.request(method, "/graphql", headers=headers)).status_code == 405


def media() -> Iterator[tuple[str, str, int]]:
    modern, classic = "application/graphql-response+json", "application/json"
    yield modern, modern, 400
    yield classic, classic, 200
    yield "*/*", classic, 200
    yield f"{modern}, {classic};q=0.9", modern, 400
    yield f"{classic}, {modern};q=0.9", classic, 200
    yield f"{modern};q=0, {classic}", classic, 200
    yield "application/*", classic, 200
    yield "text/html", classic, 200


@pytest.mark.parametrize(("accept", "kind", "status"), list(media()))
async def test_the_media_type_and_status_are_those_accepted(world: World, accept: str, kind: str, status: int) -> None:
    invalid = await raw(world, b'{"query": "{ nothing }"}', accept=accept)
    assert invalid.headers["content-type"].partition(";")[0] == kind
    assert invalid.status_code == status
    assert "data" not in invalid.json()
    syntax = await raw(world, b'{"query": "{"}', accept=accept)
    assert syntax.status_code == status
    good = await raw(world, b'{"query": "{ __typename }"}', accept=accept)
    assert (good.status_code, good.json()) == (200, {"data": {"__typename": "Query"}})
    assert good.headers["content-type"].partition(";")[0] == kind


# What is asked of the schema itself


async def test_introspection_answers_with_aliases_fragments_and_variables(admin: Client) -> None:
    text = """
    query($name: String!, $old: Boolean = true) {
      a: __type(name: $name) { ...T } b: __type(name: "Customer") { ...T } none: __type(name: "Nothing") { name }
      __schema { queryType { name fields(includeDeprecated: $old) { name } } } viewer { permissions } __typename
    }
    fragment T on __Type { kind name }"""
    for name, kind in (("Organization", "OBJECT"), ("Node", "INTERFACE"), ("Organization", "OBJECT")):
        answer = await admin.ask(text, name=name)
        assert answer["a"] == {"kind": kind, "name": name}
        assert answer["b"] == {"kind": "OBJECT", "name": "Customer"}
        assert answer["none"] is None
        assert answer["__schema"]["queryType"]["name"] == "Query"
        assert answer["__typename"] == "Query"
        assert list(answer) == ["a", "b", "none", "__schema", "viewer", "__typename"]
