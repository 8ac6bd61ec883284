"""What is asked for, as a neutral tree: the border between a query language and the statements of this room.

A tree holds names of records' properties and relations, never of a query language's types, and its argument values may
be slots: places where a value of the request at hand goes, so that one statement serves every request of its shape.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Variables = Mapping[str, Any]
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for a value that each request brings; `path` leads to it within the request's variables."""

    path: tuple[str | int, ...]

    def read(self, variables: Variables) -> Any:
        value: Any = variables
        for step in self.path:
            value = value[step]
        return value


@dataclass(frozen=True, slots=True)
class Constant:
    """A text that is answered as it stands under `key` (the name of the record's type)."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Field:
    """One entry of an answer: `key` names it there, `name` is the property or relation it comes from.

    `fields` is what is asked of a record; for a relation that reaches records of several kinds `by_kind` says it for
    each. `path` is where the request asks, for refusals.
    """

    key: str
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    fields: "Fields" = ()
    by_kind: "Mapping[str, Fields] | None" = None
    path: Path = ()


Fields = tuple[Field | Constant, ...]

Binder = Callable[[Variables, Any], Any]
"""Makes one parameter of a statement from a request's variables and the scope of who asks."""


def read(value: Any, variables: Variables) -> Any:
    """The value itself, or what the request brings for its slot; a list may hold slots."""
    if isinstance(value, list):
        return [read(one, variables) for one in value]
    return value.read(variables) if isinstance(value, Slot) else value


def concrete(value: Any, variables: Variables) -> Any:
    """A value with the request's values in its slots."""
    if isinstance(value, Slot):
        return value.read(variables)
    if isinstance(value, list):
        return [concrete(one, variables) for one in value]
    if isinstance(value, dict):
        return {name: concrete(one, variables) for name, one in value.items()}
    return value
