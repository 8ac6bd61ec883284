"""Operations as hypothesis-graphql makes them of the SDL, queries and mutations: none of them fails here."""

import os
import random
import re
import time
from itertools import chain
from itertools import count as count_from

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from hypothesis_graphql import from_schema, nodes

from schema.build import sdl
from tests import steps
from tests.conftest import Client, World

SDL = sdl()
AT_ONCE = 50
VALUES = {
    "DateTime": st.sampled_from(["2026-01-31T09:30:00Z", "9999-12-31T23:59:59+14:00", "soon"]),
    "EmailAddress": st.sampled_from(["ann@example.com", "straße@bücher.example", "@", "a@b"]),
}


def scalars() -> dict[str, st.SearchStrategy[object]]:
    """How values of the schema's own scalars are made."""
    names = re.findall(r"^scalar (\w+)", SDL, re.MULTILINE)
    return {name: VALUES.get(name, st.text(max_size=10)).map(nodes.String) for name in names}


def heap(first: int) -> list[str]:
    """Some documents, the same ones from the same seed."""
    made: list[str] = []

    @seed(first)
    @settings(max_examples=AT_ONCE, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(from_schema(SDL, custom_scalars=scalars()))
    def collect(text: str) -> None:
        made.append(text)

    collect()
    return made


async def ask(world: World, client: Client, first: int, count: int, seconds: float) -> int:
    """Asks them; how many were answered and not refused."""
    await steps.customer(client, "ann@example.com")
    until, answered = time.monotonic() + seconds, 0
    for number, text in enumerate(chain.from_iterable(map(heap, count_from(first)))):
        if number == count or time.monotonic() > until:
            break
        answer = await client.post(text)
        shown = answer.json()
        codes = [e["extensions"]["code"] for e in shown.get("errors", [])]
        assert answer.status_code < 500, (first, text, shown)
        assert "INTERNAL" not in codes, (first, text, shown)
        assert bool(codes) != ("data" in shown)
        if "UNAUTHENTICATED" in codes:  # it revoked its own key
            client = await world.key()
        answered += "data" in shown
    return answered


async def test_nothing_that_is_generated_fails_here(world: World, admin: Client) -> None:
    assert await ask(world, admin, 1, 100, 60) > 20


@pytest.mark.long
async def test_nothing_that_is_generated_fails_here_in_ten_minutes(world: World, admin: Client) -> None:
    """`ASKED_SECONDS` and `ASKED_SEED` say how long, and from which seed; left out: ten minutes, from one of chance."""
    seconds = float(os.environ.get("ASKED_SECONDS", "600"))
    first = int(os.environ.get("ASKED_SEED", random.randrange(2**32)))
    assert await ask(world, admin, first, 10**9, seconds) > seconds
