"""A document over the limits is refused in the same words however it is sent, and however often it was sent before."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio

from tests.conftest import Client, Origin, World, opened
from tests.reads.test_guards import LIMITED

Refused = tuple[int, Any]
PAGES = "query($a: Int, $b: Int) { customers(first: $a) { nodes { id projects(first: $b) { nodes { id } } } } }"
SMALL = {"a": 1, "b": 1}
CHOSEN = """query($wide: Boolean!) { customers(first: 250) { nodes { id
  projects(first: 250) @include(if: $wide) { nodes { id } } } } }"""
KNOWN: dict[str, tuple[str, dict[str, Any], dict[str, Any], str, list[str]]] = {
    "too many records": (
        PAGES,
        SMALL,
        {"a": 250, "b": 250},
        "The query could return 62,750 records; at most 50,000 are allowed. Ask for smaller pages.",
        [],
    ),
    "records that are chosen by a variable": (
        CHOSEN,
        {"wide": False},
        {"wide": True},
        "The query could return 62,750 records; at most 50,000 are allowed. Ask for smaller pages.",
        [],
    ),
    "a page too large": (
        PAGES,
        SMALL,
        {"a": 1, "b": 251},
        "first must be between 1 and 250; it is 251. Page through with after: endCursor.",
        ["customers", "nodes", "projects", "first"],
    ),
    "a page of none": (
        PAGES,
        SMALL,
        {"a": 0, "b": 1},
        "first must be between 1 and 250; it is 0. Page through with after: endCursor.",
        ["customers", "first"],
    ),
}
"""Documents that are answered with some variables and refused with others: both, the message and its path."""


@pytest_asyncio.fixture(params=["on", "off"])
async def serving(request: pytest.FixtureRequest, migrated: Origin, tmp_path: Path) -> AsyncIterator[World]:
    """A server that keeps answers, and one that does not."""
    async with AsyncExitStack() as stack:
        yield await opened(stack, migrated, tmp_path, answer_cache=request.param)


async def told(client: Client, method: str, sent: dict[str, Any]) -> Refused:
    """The status of an answer and its errors."""
    headers = {"authorization": f"Bearer {client.token}", "accept": "application/graphql-response+json"}
    if method == "POST":
        answer = await client.http.post("/graphql", json=sent, headers=headers)
    else:
        flat = {name: v if isinstance(v, str) else orjson.dumps(v).decode() for name, v in sent.items()}
        answer = await client.http.get("/graphql", params=flat, headers=headers)
    shown = answer.json()
    return answer.status_code, shown if "data" in shown else shown["errors"]


async def each_way(client: Client, text: str, variables: dict[str, Any]) -> list[Refused]:
    """What is told of a document as a text, as one that is registered, and by its hash; by both methods, each twice."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    registered = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}}
    ways = ({"query": text}, {"query": text, **registered}, registered, {"documentId": f"sha256:{digest}"})
    return [
        await told(client, method, {**way, "variables": variables})
        for way in ways
        for method in ("POST", "GET")
        for _ in range(2)
    ]


@pytest.mark.parametrize("name", [name for name, text in LIMITED.items() if len(text) < 60_000])
async def test_a_document_over_the_limits_is_refused_alike_each_way(serving: World, name: str) -> None:
    answers = await each_way(await serving.key(), LIMITED[name], {})
    assert answers == [answers[0]] * 16
    status, errors = answers[0]
    assert status == 400
    assert {error["extensions"]["code"] for error in errors} == {"LIMIT"}


@pytest.mark.parametrize("case", KNOWN)
async def test_a_document_that_was_answered_is_refused_beyond_its_limits_as_a_new_one(
    serving: World, case: str
) -> None:
    client = await serving.key()
    text, within, beyond, message, path = KNOWN[case]
    new = await each_way(client, text, beyond)
    assert [status for status, _ in await each_way(client, text, within)] == [200] * 16
    known = await each_way(client, text, beyond)
    error = {"message": message, "extensions": {"code": "LIMIT"}, **({"path": path} if path else {})}
    assert new == known == [(400, [error])] * 16
