"""What came to the contract since a release: told by `rolodesk schema --changes`, and named in CHANGELOG.md."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import GraphQLObjectType, build_schema, specified_scalar_types

from schema.build import sdl
from schema.changes import changes
from tests.server.test_commands import Run, run

__all__ = ["run"]

ROOT = Path(__file__).parent.parent
CHANGELOG = (ROOT / "CHANGELOG.md").read_text("utf-8")
RELEASES = sorted((ROOT / "releases").glob("*.graphql"))
OLD = """
type Query { cats(first: Int): [Cat!] dogs: Int }
enum Colour { BLACK }
type Cat { name: String colour: Colour age: Int }
"""
NEW = '''
type Query { cats(first: Int, colour: Colour): [Cat!] birds: Bird }
enum Colour { BLACK WHITE }
"""It purrs."""
type Cat { name: String colour: Colour age: Int @deprecated(reason: "Use `born`. It stays until 2027-06-30.") born: Int }
type Bird { name: String }
'''


def test_what_must_be_acted_on_comes_first() -> None:
    assert list(changes(OLD, NEW).items()) == [
        ("Broken", ["Field Query.dogs was removed."]),
        ("Deprecated", ["Cat.age: Use `born`. It stays until 2027-06-30."]),
        (
            "Added, and clients meet it without asking",
            ["An optional argument Query.cats(colour:) was added.", "Enum value Colour.WHITE was added."],
        ),
        ("Added", ["Bird was added.", "Field Cat.born was added.", "Field Query.birds was added."]),
        ("Described anew", ['Description of Cat has changed to "It purrs.".']),
    ]
    assert changes(OLD, OLD) == {}


async def test_the_command_tells_what_came_since_the_release(run: Run) -> None:
    told = run("schema", "--changes", str(ROOT / "releases" / "0.1.graphql"))
    assert told.code == 0
    assert "Added\n  CompleteContactSourceInput was added." in told.out
    assert "Broken" not in told.out


def added(release: Path) -> Iterator[str]:
    """Root fields and types that are new; not those which a new field or type brings by the rules of names."""
    old, new = build_schema(release.read_text("utf-8")), build_schema(sdl())
    fields = set()
    for kind in (new.query_type, new.mutation_type, new.subscription_type):
        assert kind is not None
        before = old.type_map.get(kind.name)
        known = before.fields if isinstance(before, GraphQLObjectType) else {}
        fields |= set(kind.fields) - set(known)
    types = set(new.type_map) - set(old.type_map) - set(specified_scalar_types)
    brought = {f"{name[0].upper()}{name[1:]}{end}" for name in fields for end in ("Input", "Payload")}
    brought |= {f"{name}{end}" for name in types for end in ("Connection", "Edge")}
    yield from sorted(fields | (types - brought))


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.stem)
def test_every_root_field_and_type_that_came_is_named_in_the_changelog(release: Path) -> None:
    named = set(re.findall(r"\w+", " ".join(re.findall(r"`[^`]+`", CHANGELOG))))
    assert [name for name in added(release) if name not in named] == []
