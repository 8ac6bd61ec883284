"""From a GraphQL selection to the neutral tree that `db` reads by.

Fragments, `@include` and `@skip`, aliases, interfaces and variables end here. What a viewer may not ask for is refused
here too, before anything is looked up.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from functools import lru_cache
from typing import Any

from graphql import (
    BooleanValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    ListValueNode,
    ObjectValueNode,
    SelectionSetNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_object_type,
    value_from_ast,
)

from db.errors import Forbidden, InvalidValue
from db.reads.selection import Constant, Field, Fields, Path, Slot
from resolvers.permissions import permission_to_read

COMPUTED = {"uploaded_file.preview"}
"""Fields whose answer is made after the statement, from what that puts in its place (`resolvers.extras`)."""

_CAMEL = re.compile(r"(?<!^)(?=[A-Z])")


@lru_cache(maxsize=4096)
def snake(name: str) -> str:
    """A name of the schema as this code spells it."""
    return _CAMEL.sub("_", name).lower()


class Selecting:
    """Reads one operation's selections, for a viewer with these permissions."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: Mapping[str, Any],
        permissions: frozenset[str],
    ) -> None:
        self.schema = schema
        self.fragments = fragments
        self.variables = variables
        self.permissions = permissions
        self.computed: list[Field] = []
        """The fields of `COMPUTED` that were met."""

    # Selections

    def collect(self, on: GraphQLObjectType, sets: Iterable[SelectionSetNode]) -> dict[str, list[FieldNode]]:
        """The fields asked of an object type, by response key, in the order of the document (section 6.3.2)."""
        found: dict[str, list[FieldNode]] = {}
        seen: set[str] = set()
        for one in sets:
            self._collect(on, one, found, seen)
        return found

    def _collect(
        self, on: GraphQLObjectType, selections: SelectionSetNode, found: dict[str, list[FieldNode]], seen: set[str]
    ) -> None:
        for node in selections.selections:
            if not self._included(node):
                continue
            if isinstance(node, FieldNode):
                found.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                if node.type_condition is None or self._applies(on, node.type_condition.name.value):
                    self._collect(on, node.selection_set, found, seen)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                fragment = self.fragments[node.name.value]
                if self._applies(on, fragment.type_condition.name.value):
                    self._collect(on, fragment.selection_set, found, seen)

    def _applies(self, on: GraphQLObjectType, condition: str) -> bool:
        kind = self.schema.type_map[condition]
        return kind is on or (is_abstract_type(kind) and self.schema.is_sub_type(kind, on))

    def _included(self, node: Any) -> bool:
        for directive in node.directives or ():
            name = directive.name.value
            if name in {"include", "skip"} and self._condition(directive.arguments[0].value) == (name == "skip"):
                return False
        return True

    def _condition(self, value: ValueNode) -> bool:
        if isinstance(value, VariableNode):
            name = value.name.value
            if self.variables.get(name) is None:
                raise _empty(name, "Boolean!")
            return bool(self.variables[name])
        return isinstance(value, BooleanValueNode) and value.value

    def fields(self, on: GraphQLObjectType, nodes: Sequence[FieldNode], path: Path, *, own: bool = False) -> Fields:
        """What is asked of an object, as a neutral tree. Its `own` record a viewer may always read."""
        if not own:
            self._permit(on, path)
        collected = self.collect(on, [n.selection_set for n in nodes if n.selection_set])
        return tuple(self.field(on, key, found, path) for key, found in collected.items())

    def field(self, on: GraphQLObjectType, key: str, nodes: Sequence[FieldNode], path: Path) -> Field | Constant:
        """One entry of an object."""
        name = nodes[0].name.value
        if name == "__typename":
            return Constant(key, on.name)
        definition = on.fields[name]
        here = (*path, key)
        self._hold(permission_to_read(snake(f"{on.name}.{name}")), f"{on.name}.{name}", here)
        target = get_named_type(definition.type)
        arguments = self.arguments(definition, nodes[0])
        if is_object_type(target):
            asked = self.fields(target, nodes, here, own=on.name == "Viewer")
            field = Field(key, snake(name), arguments, asked, None, here)
            if snake(f"{on.name}.{name}") in COMPUTED:
                self.computed.append(field)
            return field
        if is_abstract_type(target):
            return Field(key, snake(name), arguments, (), self._by_kind(target, nodes, here), here)
        return Field(key, snake(name), arguments, (), None, here)

    def _by_kind(self, target: Any, nodes: Sequence[FieldNode], path: Path) -> dict[str, Fields]:
        named = self._named(n.selection_set for n in nodes if n.selection_set)
        found = {}
        for possible in self.schema.get_possible_types(target):
            permission = permission_to_read(snake(possible.name))
            if permission is None or permission in self.permissions or possible.name in named:
                found[snake(possible.name)] = self.fields(possible, nodes, path)
        return found

    def _named(self, sets: Iterable[SelectionSetNode], seen: frozenset[str] = frozenset()) -> set[str]:
        """The types that fragments single out, those left out by a directive aside."""
        names: set[str] = set()
        for selections in sets:
            for node in selections.selections:
                if not self._included(node):
                    continue
                if isinstance(node, InlineFragmentNode):
                    names |= self._named([node.selection_set], seen)
                    names |= {node.type_condition.name.value} if node.type_condition else set()
                elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                    fragment = self.fragments[node.name.value]
                    names |= {fragment.type_condition.name.value}
                    names |= self._named([fragment.selection_set], seen | {node.name.value})
        return names

    def _permit(self, on: GraphQLObjectType, path: Path) -> None:
        """Refuses what is outside the viewer's permissions; a list counts as what it lists."""
        name = on.name.removesuffix("Connection")
        self._hold(permission_to_read(snake(name)), name, path)

    def _hold(self, permission: str | None, what: str, path: Path) -> None:
        if permission is not None and permission not in self.permissions:
            message = f"{what} is outside your role or scopes: {permission} is needed. Nothing was looked up."
            raise Forbidden(message, path)

    # Arguments

    def arguments(self, definition: GraphQLField, node: FieldNode) -> dict[str, Any]:
        """A field's arguments; values of variables are slots where the statement does not depend on them."""
        given = {a.name.value: a.value for a in node.arguments or ()}
        found: dict[str, Any] = {}
        for name, argument in definition.args.items():
            value = self.value(given[name], argument.type) if name in given else Undefined
            if value is Undefined and argument.default is not None:
                value = plain(argument.default.value)
            elif value is Undefined and argument.default_value is not Undefined:
                value = plain(argument.default_value)
            if value is not Undefined:
                found[snake(name)] = value
        return found

    def _of_variable(self, name: str, kind: GraphQLInputType) -> Any:
        if name not in self.variables:
            return Undefined
        if self.variables[name] is None and isinstance(kind, GraphQLNonNull):
            raise _empty(name, str(kind))
        return slotted(self.variables[name], kind, (name,))

    def value(self, node: ValueNode, kind: GraphQLInputType) -> Any:
        """A value of the document, with slots for variables; `Undefined` for a variable that was not given."""
        if isinstance(node, VariableNode):
            return self._of_variable(node.name.value, kind)
        if isinstance(kind, GraphQLNonNull):
            return self.value(node, kind.of_type)
        if isinstance(kind, GraphQLList) and isinstance(node, ListValueNode):
            return [self.value(one, kind.of_type) for one in node.values]
        if isinstance(kind, GraphQLInputObjectType) and isinstance(node, ObjectValueNode):
            found = {f.name.value: self.value(f.value, kind.fields[f.name.value].type) for f in node.fields}
            for name, field in kind.fields.items():
                default = field.default_value
                if found.get(name, Undefined) is Undefined and default is not Undefined:
                    found[name] = plain(default)
            given = {snake(name): value for name, value in found.items() if value is not Undefined}
            if kind.is_one_of and [value is None for value in given.values()] != [False]:
                message = f"{kind.name} takes exactly one of its fields, and not null: a variable left it empty."
                raise InvalidValue(message)
            return given
        if isinstance(kind, GraphQLList):
            value = self.value(node, kind.of_type)
            return value if value is None else [value]
        return plain(value_from_ast(node, kind))


def _empty(name: str, kind: str) -> InvalidValue:
    """A variable that may be null stands where null may not, because there is a default (section 5.8.5)."""
    return InvalidValue(f"The variable ${name} is null where {kind} is expected. Leave it out, or give it a value.")


def plain(value: Any) -> Any:
    """A coerced value without GraphQL's types: enumeration members by their names, inputs by this code's spelling."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {snake(name): plain(one) for name, one in value.items()}
    return value


def slotted(value: Any, kind: GraphQLInputType, path: tuple[str | int, ...]) -> Any:  # noqa: PLR0911  one way out a type
    """A variable's value: a slot where only a parameter depends on it, the value where the statement does."""
    if value is None:
        return None
    if isinstance(kind, GraphQLNonNull):
        return slotted(value, kind.of_type, path)
    if isinstance(kind, GraphQLList):
        if not isinstance(value, list):
            return [slotted(value, kind.of_type, path)]
        inner = get_named_type(kind)
        if is_leaf_type(inner) and not _structural(inner):
            return Slot(path)
        return [slotted(one, kind.of_type, (*path, i)) for i, one in enumerate(value)]
    if isinstance(kind, GraphQLInputObjectType):
        return {snake(name): slotted(one, kind.fields[name].type, (*path, name)) for name, one in value.items()}
    return plain(value) if _structural(kind) else Slot(path)


def _structural(kind: Any) -> bool:
    """Whether a statement's shape depends on a value of this type."""
    return isinstance(kind, GraphQLEnumType) or kind.name == "Boolean"


Shape = Callable[[Any], Any]


def shape_of(kind: GraphQLInputType) -> Shape:
    """What of a variable's value a statement depends on: a hashable that is equal for values with the same statement."""
    if isinstance(kind, GraphQLNonNull):
        return shape_of(kind.of_type)
    if isinstance(kind, GraphQLList):
        inner = get_named_type(kind)
        if is_leaf_type(inner) and not _structural(inner):
            return lambda value: value is None
        one = shape_of(kind.of_type)
        return lambda value: tuple(map(one, value)) if isinstance(value, list) else one(value)
    if isinstance(kind, GraphQLInputObjectType):
        return lambda value: (
            value if value is None else tuple((n, _shape_of_field(kind, n)(v)) for n, v in value.items())
        )
    if _structural(kind):
        return lambda value: value
    return lambda value: value is None


@lru_cache(maxsize=4096)
def _shape_of_field(kind: GraphQLInputObjectType, name: str) -> Shape:
    return shape_of(kind.fields[name].type)
