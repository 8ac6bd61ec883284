"""The contract: the committed SDL is the code's, everything in it is described, and no release is broken."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
    build_schema,
    find_breaking_changes,
    get_named_type,
    specified_scalar_types,
)

from db.errors import MEANINGS, ErrorCode, Refusal
from schema.build import sdl

ROOT = Path(__file__).parent.parent
SCHEMA: GraphQLSchema = build_schema(sdl())
OWN = {name: kind for name, kind in SCHEMA.type_map.items() if not name.startswith("__")}
BOUND = re.compile(r"\d|root first|one entry for each|[Ee]mpty if all went well|of these")


def parts() -> Iterator[tuple[str, Any]]:
    """Everything that can carry a description, by its coordinate."""
    for name, kind in OWN.items():
        if name in specified_scalar_types:
            continue
        yield name, kind
        for field_name, field in getattr(kind, "fields", {}).items():
            yield f"{name}.{field_name}", field
            for argument_name, argument in getattr(field, "args", {}).items():
                yield f"{name}.{field_name}({argument_name}:)", argument
        if isinstance(kind, GraphQLEnumType):
            for value_name, value in kind.values.items():
                yield f"{name}.{value_name}", value


def test_the_committed_schema_is_the_codes() -> None:
    assert (ROOT / "schema.graphql").read_text() == sdl(), "run `make schema`"


def test_everything_is_described() -> None:
    assert [where for where, part in parts() if not (part.description or "").strip()] == []


def test_descriptions_are_sentences() -> None:
    assert [where for where, part in parts() if not part.description.strip().endswith((".", "?"))] == []


def payloads() -> Iterator[tuple[str, GraphQLObjectType]]:
    assert SCHEMA.mutation_type is not None
    for name, field in SCHEMA.mutation_type.fields.items():
        kind = get_named_type(field.type)
        assert isinstance(kind, GraphQLObjectType)
        yield name, kind


def test_every_mutation_takes_one_input_and_answers_errors() -> None:
    assert SCHEMA.mutation_type is not None
    for name, field in SCHEMA.mutation_type.fields.items():
        assert list(field.args) == ["input"], name
        assert isinstance(field.args["input"].type, GraphQLNonNull), name
        assert isinstance(get_named_type(field.args["input"].type), GraphQLInputObjectType), name
    for name, kind in payloads():
        assert str(kind.fields["errors"].type) == "[UserError!]!", name
        assert "Payload" in [interface.name for interface in kind.interfaces], name
        assert kind.name == f"{name[0].upper()}{name[1:]}Payload"
        nullable = [n for n, f in kind.fields.items() if not isinstance(f.type, GraphQLNonNull)]
        records = [n for n, f in kind.fields.items() if hasattr(get_named_type(f.type), "interfaces")]
        single = [n for n in records if not str(kind.fields[n].type).endswith(("]!", "Connection!"))]
        assert set(single) <= set(nullable), f"{name}: what was refused has no record to answer"


def test_every_list_is_a_connection_or_says_its_bound() -> None:
    loose = []
    for name, kind in OWN.items():
        if not isinstance(kind, (GraphQLObjectType, GraphQLInterfaceType)):
            continue
        for field_name, field in kind.fields.items():
            inner = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
            paged = name.endswith("Connection") and field_name in {"nodes", "edges"}
            if isinstance(inner, GraphQLList) and not paged and not BOUND.search(field.description or ""):
                loose.append(f"{name}.{field_name}: {field.description}")
    assert loose == []


def test_every_connection_has_the_shape_that_clients_expect() -> None:
    for name, kind in OWN.items():
        if name.endswith("Connection"):
            assert isinstance(kind, GraphQLObjectType)
            of = name.removesuffix("Connection")
            assert {n: str(f.type) for n, f in kind.fields.items()} == {
                "edges": f"[{of}Edge!]!",
                "nodes": f"[{of}!]!",
                "pageInfo": "PageInfo!",
                "totalCount": "Int!",
            }
    for name, kind in OWN.items():
        for field_name, field in getattr(kind, "fields", {}).items():
            if get_named_type(field.type).name.endswith("Connection"):
                assert {"first", "after", "last", "before"} <= set(field.args), f"{name}.{field_name}"


def test_every_record_is_a_node_with_an_id() -> None:
    node = SCHEMA.get_type("Node")
    assert isinstance(node, GraphQLInterfaceType)
    found = sorted(kind.name for kind in SCHEMA.get_possible_types(node))
    assert {"Customer", "Organization", "Project", "Ticket", "Invitation", "Import", "User"} <= set(found)
    for name, kind in OWN.items():
        if isinstance(kind, GraphQLObjectType) and "id" in kind.fields:
            assert name in found, name


def test_inputs_name_records_in_one_way() -> None:
    one_of = {name for name, kind in OWN.items() if isinstance(kind, GraphQLInputObjectType) and kind.is_one_of}
    named = {name for name in OWN if name.endswith(("Ref", "Target"))}
    assert named <= one_of


def test_every_dry_run_is_off_unless_asked() -> None:
    for name, kind in OWN.items():
        if isinstance(kind, GraphQLInputObjectType) and "dryRun" in kind.fields:
            field = kind.fields["dryRun"]
            assert str(field.type) == "Boolean!", name
            assert field.default is not None, name
            assert str(getattr(field.default.literal, "value", field.default.value)) == "False", name


def test_every_error_code_is_in_the_schema_with_its_meaning() -> None:
    codes = SCHEMA.get_type("ErrorCode")
    assert isinstance(codes, GraphQLEnumType)
    assert {name: value.description for name, value in codes.values.items()} == dict(MEANINGS)


def test_every_code_that_the_code_names_is_one_of_them() -> None:
    known = set(get_args(ErrorCode))
    used: set[str] = set()
    for room in ("db", "jobs", "resolvers", "server"):
        for path in (ROOT / room).rglob("*.py"):
            used |= set(re.findall(r'code="([A-Z_]{4,})"', path.read_text()))

    def classes(one: type[Refusal]) -> Iterator[type[Refusal]]:
        yield one
        for below in one.__subclasses__():
            yield from classes(below)

    used |= {one.code for one in classes(Refusal)}
    assert used - known == set()


def test_every_kind_of_error_shows_its_code_message_and_path() -> None:
    error = SCHEMA.get_type("UserError")
    assert isinstance(error, GraphQLInterfaceType)
    possible = {kind.name for kind in SCHEMA.get_possible_types(error)}

    def names(one: type[Refusal]) -> Iterator[str]:
        yield one.type_name
        for below in one.__subclasses__():
            yield from names(below)

    assert set(names(Refusal)) <= possible
    for kind in SCHEMA.get_possible_types(error):
        assert {n: str(kind.fields[n].type) for n in ("code", "message", "path")} == {
            "code": "ErrorCode!",
            "message": "String!",
            "path": "[String!]!",
        }


def undated(schema_parts: Iterator[tuple[str, Any]]) -> list[str]:
    """What is deprecated without naming what replaces it, in backticks, and the date until which it stays."""
    return [
        where
        for where, part in schema_parts
        if (reason := getattr(part, "deprecation_reason", None)) is not None
        and not re.search(r"`\w+.*`.*\b\d{4}-\d{2}-\d{2}\b", reason)
    ]


def test_what_is_deprecated_names_what_replaces_it_and_until_when_it_stays() -> None:
    assert undated(parts()) == []
    field = GraphQLField(GraphQLString, deprecation_reason="Use `name`.")
    assert undated(iter([("Customer.old", field)])) == ["Customer.old"]
    field.deprecation_reason = "Use `name`. It stays until 2027-06-30."
    assert undated(iter([("Customer.old", field)])) == []


def test_names_say_what_a_type_is_for() -> None:
    """Inputs, payloads, filters, orders and the like are told by their endings, and only they have them."""
    inputs = re.compile(r"(Input|Filter|Order|Ref|Target|Item|Range|Comparison|Mapping|Selection)$")
    for name, kind in OWN.items():
        assert re.fullmatch(r"[A-Z][A-Za-z]+", name), name
        if isinstance(kind, GraphQLInputObjectType):
            assert inputs.search(name), name
        elif isinstance(kind, GraphQLObjectType) and name != "Payload":
            assert not re.search(r"(Input|Filter|Ref|Target)$", name) or name.endswith("InvalidInput"), name
    for where, _ in parts():
        field = where.partition(".")[2].partition("(")[0]
        assert re.fullmatch(r"|[a-z][A-Za-z]*|[A-Z][A-Z_]*", field), where


RELEASES = sorted((ROOT / "releases").glob("*.graphql"))


def test_the_first_release_is_kept() -> None:
    assert "0.1.graphql" in [path.name for path in RELEASES]


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.stem)
def test_no_release_is_broken(release: Path) -> None:
    broken = find_breaking_changes(build_schema(release.read_text()), SCHEMA)
    assert [change.description for change in broken] == []


def test_a_broken_release_would_be_told() -> None:
    loosened = build_schema(sdl().replace("  version: Int!\n", "  version: Int\n"))
    assert find_breaking_changes(SCHEMA, loosened) != []
