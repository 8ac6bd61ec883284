"""Variables are coerced as graphql-core coerces them, whatever they are."""

import random
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    Undefined,
    is_required_input_field,
)
from graphql.utilities import coerce_input_value

from resolvers.coercing import UNSURE, Coercing
from schema.build import schema

TYPES = schema._schema.type_map  # noqa: SLF001
KINDS: dict[str, Any] = {name: kind for name, kind in TYPES.items() if isinstance(kind, GraphQLInputObjectType)}
JUNK: list[Any] = [None, "", "text", "\ud800", 0, 1, 2**40, 1.5, True, [], [[]], {}, {"x": 1}, [None]]


def value(chance: random.Random, kind: Any, wrong: float, depth: int = 0) -> Any:  # noqa: PLR0911  one way out a type
    """A value as a client would send it, now and then one that does not fit."""
    if chance.random() < wrong:
        return chance.choice(JUNK)
    if isinstance(kind, GraphQLNonNull):
        return value(chance, kind.of_type, wrong, depth)
    if chance.random() < 0.1:
        return None
    if isinstance(kind, GraphQLList):
        return [value(chance, kind.of_type, wrong, depth + 1) for _ in range(chance.randrange(3))]
    if isinstance(kind, GraphQLInputObjectType):
        names = [
            n for n, one in kind.fields.items() if is_required_input_field(one) or chance.random() < 0.5 / (depth + 1)
        ]
        chance.shuffle(names)
        if kind.is_one_of and chance.random() < 0.9:
            names = names[:1] or [chance.choice(list(kind.fields))]
        return {name: value(chance, kind.fields[name].type, wrong, depth + 1) for name in names}
    if isinstance(kind, GraphQLEnumType):
        return chance.choice(list(kind.values))
    plain = {"Int": 5, "Float": 1.5, "Boolean": True, "DateTime": "2026-11-25T10:00:00Z", "JSON": {"a": [1]}}
    return plain.get(kind.name, "text")


@pytest.mark.parametrize("name", sorted(KINDS))
@pytest.mark.parametrize("wrong", [0.0, 0.1])
def test_values_are_coerced_as_graphql_core_does_it(name: str, wrong: float) -> None:
    kind = GraphQLNonNull(KINDS[name])
    coerce, chance = Coercing().of(kind), random.Random(name)
    for _ in range(200):
        given = value(chance, kind, wrong)
        expected, found = coerce_input_value(given, kind), coerce(given)
        if expected is Undefined:
            assert found is UNSURE, given
        elif found is not UNSURE:
            assert found == expected
            assert repr(found) == repr(expected)  # 1 and True are equal, and the order of fields counts
        else:
            assert wrong, given


def test_what_does_not_fit_is_left_to_graphql_core() -> None:
    coerce = Coercing().of(GraphQLNonNull(KINDS["CreateCustomerInput"]))
    assert coerce({"email": "ann@example.com", "firstName": None}) == {
        "email": "ann@example.com",
        "firstName": None,
        "sendInvitation": False,
        "dryRun": False,
    }
    wrong = [None, {}, {"email": None}, {"email": 5}, {"email": "a@b.example", "age": 5}, [], "text"]
    assert [coerce(one) for one in wrong] == [UNSURE] * len(wrong)
