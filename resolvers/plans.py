"""From an operation to a plan: what is done each time it is asked.

A plan is kept for each shape of an operation's variables and each set of permissions. A query's plan is one statement,
whatever it selects; a mutation's plan is a list of acts; a subscription's is what it follows, and is not kept.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLSchema,
    NameNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    execute_sync,
)

from db.engines.dialects import Dialect
from db.errors import Forbidden, NotPossible, Unauthenticated
from db.invitations import next_expiry
from db.permissions import EVERYTHING
from db.reads.catalogue import QUERY, RECORDS
from db.reads.reading import Reader, Reading
from db.reads.selection import Constant, Field, concrete
from resolvers import costs, extras, live
from resolvers.context import Viewer
from resolvers.documents import Documents, Operation
from resolvers.kept import Kept, compact
from resolvers.payload import Answering
from resolvers.selection import Selecting

KEPT_CHARACTERS = 20_000_000
"""Of the statements of plans that are kept; a plan takes two to three times the length of its own."""
KEPT_OF_STRANGERS = 500_000
"""Of the plans of who sends no credentials."""
LEAST_WEIGHT = 5_000
"""What a plan weighs at the least, and each act of a mutation's."""
LARGEST_KEPT_SHAPE = 500
"""Values in the variables of a plan that is kept; a thousand items of a bulk call hardly ever come alike again."""
INTROSPECTED = b"introspected"
"""Stands for a root field that asks for the schema."""
RATE_LIMIT = "rate_limit"
"""The root field that tells what an operation costs."""


@dataclass(slots=True)
class ReadPlan:
    """A query as one statement. `keys` are its root fields in order: a constant's JSON, or None for the next column."""

    number: int
    reader: Reader
    keys: list[tuple[bytes, bytes | None]]
    extras: list[tuple[int, Field]] = field(default_factory=list)
    depends_on_time: bool = False
    introspection: DocumentNode | None = None
    introspected: Mapping[str, Any] | None = None
    points: int = 0
    """What it costs beyond the request and the records."""
    computed: Sequence[Field] = ()
    """Fields within what the statement answers that are computed afterwards."""

    @property
    def weight(self) -> int:
        return max(len(self.reader.text), LEAST_WEIGHT)


@dataclass(slots=True)
class Act:
    """One root field of a mutation: what to call, with which input, and the payload to fill."""

    key: bytes
    name: str
    resolve: Callable[..., Any]
    arguments: Mapping[str, Any]
    answering: Answering
    path: str
    takes_key: bool
    holds_secret: bool
    computed: Sequence[Field] = ()


@dataclass(slots=True)
class WritePlan:
    acts: list[Act | tuple[bytes, bytes]]

    @property
    def weight(self) -> int:
        return len(self.acts) * LEAST_WEIGHT


class Plans:
    """The plans of one schema's operations on one engine."""

    def __init__(self, schema: GraphQLSchema, dialect: Dialect, documents: Documents) -> None:
        self.schema = schema
        self.dialect = dialect
        self._documents = documents
        self._kept: Kept[Any, ReadPlan | WritePlan] = Kept(KEPT_CHARACTERS)
        self._of_strangers: Kept[Any, ReadPlan | WritePlan] = Kept(KEPT_OF_STRANGERS)
        self._numbers = 0

    def of(self, operation: Operation, variables: Mapping[str, Any], viewer: Viewer | None) -> ReadPlan | WritePlan:
        """The plan of a query or a mutation for who asks."""
        permissions = viewer.permissions if viewer else frozenset()
        for_customer = viewer is not None and viewer.kind == "customer"
        shape = operation.shape(variables)
        key = (operation.number, shape, for_customer, permissions)
        known = self._of_strangers if viewer is None else self._kept
        kept = known.find(key)
        if kept is None:
            selecting = Selecting(self.schema, operation.fragments, variables, permissions)
            if operation.writes:
                kept = self._write_plan(operation, selecting, viewer)
            else:
                kept = self._read_plan(operation, selecting, viewer, for_customer=for_customer)
            if extent(shape) <= LARGEST_KEPT_SHAPE:
                known.keep(key, kept, kept.weight)
        return kept

    def _read_plan(
        self, operation: Operation, selecting: Selecting, viewer: Viewer | None, *, for_customer: bool
    ) -> ReadPlan:
        assert self.schema.query_type is not None  # noqa: S101  the schema has one
        reading = Reading(self.dialect, RECORDS, for_customer=for_customer)
        keys: list[tuple[bytes, bytes | None]] = []
        columns: list[Any] = []
        later: list[tuple[int, Field]] = []
        introspected: list[FieldNode] = []
        for key, nodes in selecting.collect(self.schema.query_type, [operation.node.selection_set]).items():
            quoted = compact(key)
            if nodes[0].name.value in {"__schema", "__type"}:
                introspected.extend(nodes)
                keys.append((quoted, INTROSPECTED))
                continue
            if viewer is None and nodes[0].name.value != "__typename":
                raise Unauthenticated(
                    "Send credentials: `Authorization: Bearer …` with an API key or a session's token."
                )
            asked = selecting.field(self.schema.query_type, key, nodes, ())
            if isinstance(asked, Constant):
                keys.append((quoted, compact(asked.value)))
                continue
            if asked.name in extras.ROOTS or asked.name == RATE_LIMIT:
                later.append((len(keys), asked))
                keys.append((quoted, b"null"))
                continue
            keys.append((quoted, None))
            columns.append(self.dialect.encoded(reading.entry(QUERY, None, asked)))
        introspection = self._introspection(operation, introspected, viewer) if introspected else None
        depends_on_time = reading.depends_on_time
        if depends_on_time:
            columns.append(next_expiry(reading))
        self._numbers += 1
        plan = ReadPlan(self._numbers, reading.answering(columns), keys, later, depends_on_time, introspection)
        computed = sum(one.name != RATE_LIMIT for _, one in later) + (introspection is not None)
        plan.computed = selecting.computed
        extras.at_most(len(plan.computed))
        plan.points = (computed + len(plan.computed)) * costs.COMPUTED
        return plan

    def _introspection(self, operation: Operation, nodes: list[FieldNode], viewer: Viewer | None) -> DocumentNode:
        """The part of an operation that asks for the schema itself; graphql-core answers it."""
        if not self._documents.shows_schema(viewer):
            raise Unauthenticated(
                "The schema is shown to those with credentials. Send an API key or a session's token."
            )
        only = OperationDefinitionNode(
            operation=OperationType.QUERY,
            name=NameNode(value="introspection"),
            variable_definitions=operation.node.variable_definitions,
            directives=(),
            selection_set=SelectionSetNode(selections=tuple(nodes)),
        )
        return DocumentNode(definitions=(only, *operation.fragments.values()))

    def introspected(self, plan: ReadPlan, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a plan's operation asks of the schema itself."""
        if plan.introspection is None:
            return {}
        if plan.introspected is None or variables:
            answer = execute_sync(self.schema, plan.introspection, variable_values=dict(variables))
            plan.introspected = answer.data or {}
        return plan.introspected

    def _write_plan(self, operation: Operation, selecting: Selecting, viewer: Viewer | None) -> WritePlan:
        root = self.schema.mutation_type
        assert root is not None  # noqa: S101  the schema has one
        acts: list[Act | tuple[bytes, bytes]] = []
        for key, nodes in selecting.collect(root, [operation.node.selection_set]).items():
            name = nodes[0].name.value
            if name == "__typename":
                acts.append((compact(key), compact(root.name)))
                continue
            act = root.fields[name].extensions["strawberry-definition"].metadata["act"]
            _permit(act.permission, name, key, viewer)
            read_by = selecting
            if act.permission == "ANYBODY":  # whoever signs in reads the payload; its rows are those in their sight
                read_by = Selecting(self.schema, operation.fragments, selecting.variables, EVERYTHING)
            asked = read_by.field(root, key, nodes, ())
            assert isinstance(asked, Field)  # noqa: S101  a mutation's field is no constant
            answering = Answering(self.dialect, asked)
            given = asked.arguments.get("input", {})
            takes_key = viewer is not None and act.permission != "ANYBODY"
            computed = [one for one in selecting.computed if one.path[0] == key]
            acts.append(
                Act(compact(key), name, act.resolve, given, answering, key, takes_key, act.holds_secret, computed)
            )
        extras.at_most(len(selecting.computed))
        return WritePlan(acts)

    def live(
        self, operation: Operation, variables: Mapping[str, Any], viewer: Viewer
    ) -> tuple[live.LivePlan, Mapping[str, Any]]:
        """The plan of a subscription for who asks, and its variables with the position it goes on after."""
        selecting = Selecting(self.schema, operation.fragments, variables, viewer.permissions)
        root = self.schema.subscription_type
        assert root is not None  # noqa: S101  the schema has one
        ((key, nodes),) = selecting.collect(root, [operation.node.selection_set]).items()
        asked = selecting.field(root, key, nodes, ())
        assert isinstance(asked, Field)  # noqa: S101  validation lets no constant be subscribed to
        if selecting.computed:
            raise NotPossible("A file's preview is for queries and mutations. Ask `upload(id:)`.", asked.path)
        plan = live.planned(self.dialect, asked, for_customer=viewer.kind == "customer")
        return plan, {**variables, "position": concrete(asked.arguments.get("after"), variables)}


def extent(shape: Any) -> int:
    """How many values a shape speaks of."""
    return sum(map(extent, shape)) if isinstance(shape, tuple) else 1


def _permit(permission: str, name: str, key: str, viewer: Viewer | None) -> None:
    if permission == "ANYBODY":
        return
    if viewer is None:
        raise Unauthenticated(
            "Send credentials: `Authorization: Bearer …` with an API key or a session's token.", (key,)
        )
    if permission != "SIGNED_IN" and permission not in viewer.permissions:
        message = f"{name} is outside your role or scopes: {permission} is needed. Nothing was done."
        raise Forbidden(message, (key,))
