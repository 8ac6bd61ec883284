"""From a document's text to an operation that is known to be valid, and from its variables to coerced values.

A document is parsed, guarded and validated once, and kept if it is good.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    GraphQLSyntaxError,
    NonNullTypeNode,
    OperationDefinitionNode,
    OperationType,
    parse,
    type_from_ast,
    validate,
)
from graphql.execution import get_variable_values

from db.errors import LimitExceeded, Refusal
from resolvers.coercing import UNSURE, Coerce, Coercing
from resolvers.context import Viewer
from resolvers.guards import MOST_TOKENS, guard
from resolvers.kept import Kept
from resolvers.refusals import RequestErrors, located, refused
from resolvers.selection import Shape, shape_of

KEPT_CHARACTERS = 500_000
"""Of documents that are kept; each takes up to a hundred times its length, since its nodes know where they stand."""
SHORTEST = 100
"""What a document weighs at the least."""
MOST_ERRORS = 20
LONGEST_DOCUMENT = 50_000
DEEPEST_VALUE = 50
TOO_MUCH = (f"more than {MOST_TOKENS} tokens", "nested too deeply")
"""What the parser says of a document that it gives up for its size."""


@dataclass(slots=True)
class Operation:
    """One operation of a document that is known to be valid."""

    number: int
    node: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    shapes: Sequence[tuple[str, Shape]]
    coerce: Sequence[tuple[str, Coerce, bool]]
    """Its variables with what coerces them, and whether each may be left out without more ado."""
    writes: bool = field(init=False)
    subscribes: bool = field(init=False)

    def __post_init__(self) -> None:
        self.writes = self.node.operation is OperationType.MUTATION
        self.subscribes = self.node.operation is OperationType.SUBSCRIPTION

    def shape(self, variables: Mapping[str, Any]) -> Any:
        return tuple((name, shape(variables[name])) for name, shape in self.shapes if name in variables)


@dataclass(slots=True)
class Document:
    """A valid document's operations, by name."""

    operations: dict[str | None, Operation]


class Documents:
    """The documents of one schema that were asked before."""

    def __init__(self, schema: GraphQLSchema, *, introspection_for_all: bool) -> None:
        self.schema = schema
        self.introspection_for_all = introspection_for_all
        self._kept: Kept[str, Document] = Kept(KEPT_CHARACTERS)
        self._of_strangers: Kept[str, Document] = Kept(LONGEST_DOCUMENT)
        """Those of who sends no credentials, so that they push out no others."""
        self._coercing = Coercing()
        self._numbers = 0

    def document(self, text: str, viewer: Viewer | None) -> Document:
        """A document parsed, guarded and validated; kept if it is good. Names are suggested to whom the schema is shown."""
        known = self._of_strangers if viewer is None else self._kept
        kept = known.find(text)
        if kept is not None:
            return kept
        if len(text) > LONGEST_DOCUMENT:
            message = f"The document has {len(text):,} characters; at most {LONGEST_DOCUMENT:,} are read."
            raise refused(LimitExceeded(message))
        try:
            node = parse(text, max_tokens=MOST_TOKENS)
        except GraphQLSyntaxError as error:
            code = "LIMIT" if any(told in error.message for told in TOO_MUCH) else "SYNTAX"
            raise RequestErrors([located(error, code)]) from None
        try:
            guard(node)
        except Refusal as refusal:
            raise refused(refusal) from None
        errors = validate(self.schema, node, max_errors=MOST_ERRORS, hide_suggestions=not self.shows_schema(viewer))
        if errors:
            raise RequestErrors([located(e, "SYNTAX") for e in errors[:MOST_ERRORS]])
        document = self._prepared(node)
        known.keep(text, document, max(len(text), SHORTEST))
        return document

    def _prepared(self, node: DocumentNode) -> Document:
        fragments = {d.name.value: d for d in node.definitions if isinstance(d, FragmentDefinitionNode)}
        operations: dict[str | None, Operation] = {}
        for definition in node.definitions:
            if isinstance(definition, OperationDefinitionNode):
                self._numbers += 1
                shapes, coerce = [], []
                for variable in definition.variable_definitions or ():
                    kind = type_from_ast(self.schema, variable.type)
                    shapes.append((variable.variable.name.value, shape_of(kind)))  # type: ignore[arg-type]
                    optional = variable.default_value is None and not isinstance(variable.type, NonNullTypeNode)
                    coerce.append((variable.variable.name.value, self._coercing.of(kind), optional))  # type: ignore[arg-type]
                name = definition.name.value if definition.name else None
                operations[name] = Operation(self._numbers, definition, fragments, shapes, coerce)
        return Document(operations)

    def shows_schema(self, viewer: Viewer | None) -> bool:
        """Whether the schema is shown to who asks."""
        return viewer is not None or self.introspection_for_all

    def operation(self, text: str, name: str | None, viewer: Viewer | None) -> Operation:
        """The operation a request names; it must name one where there are several."""
        operations = self.document(text, viewer).operations
        if name is None and len(operations) == 1:
            return next(iter(operations.values()))
        if name in operations and name is not None:
            return operations[name]
        known = ", ".join(sorted(n for n in operations if n)) or "none with a name"
        message = (
            f"operationName must name one of the document's operations: {known}." if operations else "No operation."
        )
        raise RequestErrors([{"message": message, "extensions": {"code": "BAD_REQUEST"}}])

    def variables(self, operation: Operation, given: Mapping[str, Any], viewer: Viewer | None) -> Mapping[str, Any]:
        """The request's variables, coerced."""
        definitions = operation.node.variable_definitions
        if not definitions:
            return {}
        check_depth(given)
        coerced = _coerced(given, operation.coerce)
        if coerced is not None:
            return coerced
        hides = not self.shows_schema(viewer)
        values = get_variable_values(
            self.schema, definitions, dict(given), max_errors=MOST_ERRORS, hide_suggestions=hides
        )
        if isinstance(values, list):
            raise RequestErrors([located(e, "INVALID_VALUE") for e in values])
        return values.coerced


def _coerced(given: Mapping[str, Any], variables: Sequence[tuple[str, Coerce, bool]]) -> Mapping[str, Any] | None:
    """The variables where all of them fit; None where graphql-core is to say."""
    found: dict[str, Any] = {}
    for name, coerce, optional in variables:
        if name in given:
            value = coerce(given[name])
            if value is UNSURE:
                return None
            found[name] = value
        elif not optional:
            return None
    return found


def check_depth(value: Any) -> None:
    """Refuses values that nest deeper than anything meant, before anything recurses into them."""
    level = [value]
    for _ in range(DEEPEST_VALUE):
        level = [
            inner
            for one in level
            if isinstance(one, (dict, list))
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return
    raise LimitExceeded(f"The variables nest more than {DEEPEST_VALUE} levels deep.")
