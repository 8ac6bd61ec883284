"""Operations that are made up from the schema, mutations included, with values of any kind: none of them fails here."""

import os
import random
import time
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
    is_object_type,
)

from schema.build import schema
from tests.conftest import Client, World

SCHEMA = schema._schema  # noqa: SLF001
TEXTS = [
    *("", " ", "a", "Ann", "%", "_", "a\nb", "\ufeff", "a\x00b", "\u202ea", "null", "0", "-1", "{}"),
    *("ann@example.com", "ANN@EXAMPLE.COM", "straße@bücher.example", "a@b", "@", "a@" + "b" * 300),
    *("'; DROP TABLE customer; --", "<b>", "=1+1", "x" * 300, "é" * 1_000, "\U0001d49c" * 40),
]
MOMENTS = ["2026-01-31T09:30:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59+14:00", "soon", ""]
NUMBERS = [0, 1, -1, 2, 20, 250, 251, 2**31 - 1, -(2**31), 2**31]


class Making:
    """Makes up values; ids are those of records that are there, most of the time."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.ids: list[str] = ["", "cus_nothing", "x"]

    def value(self, kind: Any, depth: int = 0) -> Any:
        if isinstance(kind, GraphQLNonNull):
            return self.value(kind.of_type, depth)
        if self.random.random() < 0.05:
            return None
        if isinstance(kind, GraphQLList):
            return [self.value(kind.of_type, depth + 1) for _ in range(self.random.choice([0, 1, 1, 2, 3]))]
        if isinstance(kind, GraphQLInputObjectType):
            return self.object(kind, depth)
        if isinstance(kind, GraphQLEnumType):
            return self.random.choice([*kind.values, *kind.values, "NOTHING"])
        return self.scalar(kind.name)

    def object(self, kind: GraphQLInputObjectType, depth: int) -> dict[str, Any]:
        names = [
            name
            for name, field in kind.fields.items()
            if isinstance(field.type, GraphQLNonNull) or (depth < 4 and self.random.random() < 0.4)
        ]
        if kind.is_one_of:
            names = [self.random.choice(list(kind.fields))]
        return {name: self.value(kind.fields[name].type, depth + 1) for name in names}

    def scalar(self, name: str) -> Any:
        choices: dict[str, list[Any]] = {
            "ID": [self.random.choice(self.ids[-200:]), self.random.choice(self.ids), "\x00"],
            "Int": NUMBERS,
            "Boolean": [True, False],
            "Float": [0.5, 1e300],
            "DateTime": MOMENTS,
            "EmailAddress": [*TEXTS, f"c{self.random.randrange(50)}@example.com"],
            "JSON": [{}, [], {"a": 1}, "x", None],
        }
        return self.random.choice(choices.get(name, TEXTS))

    def selection(self, kind: Any, depth: int = 0) -> str:
        """What is asked of a type: its plain fields, and some of those that need no argument."""
        target = get_named_type(kind)
        if is_leaf_type(target):
            return ""
        parts = ["__typename"]
        if is_object_type(target) or hasattr(target, "fields"):
            for name, field in target.fields.items():
                inner = get_named_type(field.type)
                if any(isinstance(a.type, GraphQLNonNull) for a in field.args.values()):
                    continue
                if is_leaf_type(inner):
                    parts.append(name)
                elif depth < 2 and self.random.random() < 0.25:
                    parts.append(name + self.selection(inner, depth + 1))
        return " { " + " ".join(parts) + " }"

    def operation(self, root: GraphQLObjectType, kind: str) -> tuple[str, dict[str, Any]]:
        name, field = self.random.choice(list(root.fields.items()))
        given = {
            n: self.value(a.type)
            for n, a in field.args.items()
            if isinstance(a.type, GraphQLNonNull) or self.random.random() < 0.5
        }
        declared = ", ".join(f"${n}: {field.args[n].type}" for n in given)
        passed = ", ".join(f"{n}: ${n}" for n in given)
        head, call = (f"({declared})", f"({passed})") if given else ("", "")
        return f"{kind}{head} {{ {name}{call}{self.selection(field.type)} }}", given

    def learn(self, shown: Any) -> None:
        """Remembers ids that were answered."""
        if isinstance(shown, dict):
            for name, value in shown.items():
                if name == "id" and isinstance(value, str):
                    self.ids.append(value)
                else:
                    self.learn(value)
        elif isinstance(shown, list):
            for one in shown:
                self.learn(one)


async def ask_anything(world: World, client: Client, seed: int, seconds: float, count: int) -> int:
    """Asks until the time is over or enough was asked; how many were answered with data."""
    making, answered, until = Making(seed), 0, time.monotonic() + seconds
    assert SCHEMA.mutation_type is not None
    assert SCHEMA.query_type is not None
    for _ in range(count):
        if time.monotonic() > until:
            break
        root, kind = making.random.choice([(SCHEMA.mutation_type, "mutation")] * 3 + [(SCHEMA.query_type, "query")])
        text, variables = making.operation(root, kind)
        answer = await client.post(text, variables)
        shown = answer.json()
        codes = [e["extensions"]["code"] for e in shown.get("errors", [])]
        assert answer.status_code < 500, (seed, text, variables, shown)
        assert "INTERNAL" not in codes
        assert bool(codes) != ("data" in shown)
        if "UNAUTHENTICATED" in codes and client.token:  # it revoked its own key
            client = await world.key()
        making.learn(shown.get("data"))
        answered += "data" in shown
    return answered


@pytest.mark.parametrize("seed", range(4))
async def test_nothing_that_is_made_up_fails_here(world: World, admin: Client, seed: int) -> None:
    assert await ask_anything(world, admin, seed, 60, 250) > 25


@pytest.mark.long
async def test_nothing_that_is_made_up_fails_here_in_ten_minutes(world: World, admin: Client) -> None:
    """`ASKED_SECONDS` and `ASKED_SEED` say how long, and from which seed; left out: ten minutes, from one of chance."""
    seconds = float(os.environ.get("ASKED_SECONDS", "600"))
    seed = int(os.environ.get("ASKED_SEED", random.randrange(2**32)))
    assert await ask_anything(world, admin, seed, seconds, 10**9) > seconds
