# ruff: noqa: SLF001  what is kept shows nowhere else
"""What a process keeps to be faster next time is bounded in bytes, whatever clients send."""

import hashlib
import json

import pytest

from resolvers import answers, documents, plans
from resolvers.kept import Kept
from server import documents as registered
from server import repeated
from tests.conftest import Client, World

ONE = "query One($search: String) { customers(first: 1, search: $search) { nodes { id } } }"


def of(world: World) -> tuple[Kept, Kept, Kept, Kept]:
    endpoint = world.app.state.graphql
    engine = endpoint._engine
    return engine.documents._kept, engine.plans._kept, engine._answers._kept, endpoint._repeated


def test_the_least_used_make_room_for_the_heavy() -> None:
    kept: Kept[str, str] = Kept(10)
    kept.keep("a", "A", 4)
    kept.keep("b", "B", 4)
    assert kept.find("a") == "A"
    kept.keep("c", "C", 5)
    assert (kept.find("a"), kept.find("b"), kept.find("c"), kept.weight) == ("A", None, "C", 9)
    kept.keep("c", "D", 1)
    assert (kept.find("c"), kept.weight, len(kept)) == ("D", 5, 2)


def test_what_is_heavier_than_all_may_be_is_not_kept() -> None:
    kept: Kept[str, str] = Kept(10)
    kept.keep("a", "A", 4)
    kept.keep("a", "B", 11)
    kept.keep("b", "B", 11)
    assert (len(kept), kept.weight, kept.find("a")) == (0, 0, None)


async def test_documents_and_plans_weigh_what_they_take(world: World, admin: Client) -> None:
    kept, planned, _, _ = of(world)
    assert (kept.bound, planned.bound) == (documents.KEPT_CHARACTERS, plans.KEPT_CHARACTERS)
    kept.bound, planned.bound = 3_000, plans.LEAST_WEIGHT * 2
    for n in range(12):
        await admin.ask(f"query Q{n} {{ customers(first: 1) {{ nodes {{ id }} }} }} # {'x' * 700}")
    assert (len(kept), kept.weight < 3_000) == (3, True)
    assert len(planned) == 2


async def test_answers_weigh_with_their_variables(world: World, admin: Client) -> None:
    _, _, kept, _ = of(world)
    before = kept.weight
    search = " ".join(f"{n:02}word" for n in range(10))
    answer = await admin.post(ONE, {"search": search})
    variables = json.dumps({"search": search}, separators=(",", ":"))
    assert kept.weight - before == len(answer.content) + len(variables) + answers.ENTRY_BYTES


async def test_a_long_request_is_parsed_each_time(world: World, admin: Client) -> None:
    for note in ("x" * repeated.LONGEST, ""):
        assert len(of(world)[3]) == 0
        for _ in range(4):
            assert (await admin.post(ONE, {"search": "ann"}, extensions={"note": note})).status_code == 200
    assert len(of(world)[3]) == 1


def registration(text: str) -> dict:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {"query": text, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}}


async def test_what_anybody_registers_is_bounded(world: World) -> None:
    known = world.app.state.graphql._documents._known
    long = "query { __typename } #" + "x" * documents.LONGEST_DOCUMENT
    answer = await world.http.post("/graphql", json=registration(long))
    assert answer.json()["errors"][0]["extensions"]["code"] == "LIMIT"
    assert (len(known), known.bound) == (0, registered.KEPT_CHARACTERS)
    known.bound = 10_000
    for n in range(10):
        await world.http.post("/graphql", json=registration(f"query Q{n} {{ __typename }} #{'x' * 3_000}"))
    assert (len(known), known.weight <= 10_000) == (3, True)


@pytest.mark.parametrize("kept_again", [True, False])
async def test_a_document_that_was_pushed_out_is_asked_for_again(world: World, kept_again: bool) -> None:
    known = world.app.state.graphql._documents._known
    known.bound = 700
    first, second, third = (f"query Q{n} {{ __typename }}" for n in range(3))
    await world.http.post("/graphql", json=registration(first))
    await world.http.post("/graphql", json=registration(second))
    if kept_again:
        await world.http.post("/graphql", json=registration(first) | {"query": None})
    await world.http.post("/graphql", json=registration(third))
    answer = (await world.http.post("/graphql", json=registration(first) | {"query": None})).json()
    assert ("data" in answer) == kept_again


async def test_what_strangers_ask_pushes_out_nothing(world: World, admin: Client) -> None:
    known, planned, _, _ = of(world)
    text = "{ workspace { slug } }"
    await admin.ask(text)
    before = (len(known), known.weight, len(planned), planned.weight)
    engine = world.app.state.graphql._engine
    nobody, most = world.client(None), documents.LONGEST_DOCUMENT // 10_000
    for n in range(most + 3):
        asked = f"{{ a{n}: __typename }} # {'x' * 9_000}"
        assert (await nobody.post(asked)).json() == {"data": {f"a{n}": "Query"}}
    assert (await nobody.post(text)).status_code == 401
    assert (len(known), known.weight, len(planned), planned.weight) == before
    assert text in known
    assert len(engine.documents._of_strangers) == most + 1
    assert engine.plans._of_strangers.bound == plans.KEPT_OF_STRANGERS
