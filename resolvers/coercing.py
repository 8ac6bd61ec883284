"""Variables that fit, coerced by functions made once for each type of the schema.

graphql-core looks at the type of each value anew and is asked wherever one may not fit: it says what is wrong.
"""

from collections.abc import Callable
from typing import Any, Final

from graphql import (
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    Undefined,
    is_required_input_field,
)
from graphql.utilities import coerce_input_value
from graphql.utilities.coerce_input_value import coerce_default_value

UNSURE: Final = object()
"""Stands for a value that may not fit."""
PLAIN: Final = {"ID", "String", "EmailAddress"}
"""Scalars whose texts are taken as they come."""

Coerce = Callable[[Any], Any]


class Coercing:
    """The functions of one schema's types."""

    def __init__(self) -> None:
        self._made: dict[str, Coerce] = {}

    def of(self, kind: GraphQLInputType) -> Coerce:
        """From a value of this type as JSON has it to the coerced one, or `UNSURE`."""
        if isinstance(kind, GraphQLNonNull):
            inner = self.of(kind.of_type)
            return lambda value: UNSURE if value is None else inner(value)
        if isinstance(kind, GraphQLList):
            return _list(self.of(kind.of_type))
        made = self._made.get(kind.name)
        if made is None:
            made = self._made[kind.name] = (
                self._object(kind) if isinstance(kind, GraphQLInputObjectType) else _leaf(kind)
            )
        return made

    def _object(self, kind: GraphQLInputObjectType) -> Coerce:
        """Its fields are made at first use: types name each other."""
        fields: list[_InputField] = []

        def coerce(value: Any) -> Any:
            if value is None:
                return None
            if type(value) is not dict:
                return UNSURE
            if not fields:
                fields.extend(_InputField(name, one, self.of(one.type)) for name, one in kind.fields.items())
            found: dict[str, Any] = {}
            left = len(value)
            for field in fields:
                if field.name in value:
                    left -= 1
                    one = field.coerce(value[field.name])
                else:
                    one = field.absent()
                if one is UNSURE:
                    return UNSURE
                if one is not Undefined:
                    found[field.out_name] = one
            if left or (kind.is_one_of and (len(value) != 1 or None in found.values())):
                return UNSURE
            return kind.out_type(found)

        return coerce


class _InputField:
    """A field of an input."""

    __slots__ = ("_field", "_required", "coerce", "name", "out_name")

    def __init__(self, name: str, field: GraphQLInputField, coerce: Coerce) -> None:
        self.name, self.out_name, self.coerce = name, field.out_name or name, coerce
        self._field, self._required = field, is_required_input_field(field)

    def absent(self) -> Any:
        """What stands for it where it is left out: its default, made anew, or `Undefined`."""
        return UNSURE if self._required else coerce_default_value(self._field)


def _list(inner: Coerce) -> Coerce:
    def coerce(value: Any) -> Any:
        if value is None:
            return None
        if type(value) is not list:
            return UNSURE
        found = [inner(one) for one in value]
        return UNSURE if UNSURE in found else found

    return coerce


def _leaf(kind: Any) -> Coerce:
    if isinstance(kind, GraphQLScalarType) and kind.name in PLAIN:
        return lambda value: value if value is None or type(value) is str else UNSURE

    def coerce(value: Any) -> Any:
        found = coerce_input_value(value, kind)
        return UNSURE if found is Undefined else found

    return coerce
