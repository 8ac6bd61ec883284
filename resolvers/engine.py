"""From a document to its answer: one way for every operation, whatever transport it came by.

A document is parsed, guarded and validated once; for each of its operations a plan is kept for each shape of its
variables and each set of permissions. A query's plan is one statement, whatever it selects; a mutation's plan is a
list of acts. A repeated document costs no parsing, no validation and no statement building.
"""

from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import orjson
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NamedTypeNode,
    NameNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    execute_sync,
    parse,
    type_from_ast,
    validate,
)
from graphql.execution import get_variable_values

from db.catalogue import QUERY, RECORDS
from db.dialects import Dialect
from db.errors import (
    AccessMoved,
    Forbidden,
    InvalidValue,
    LimitExceeded,
    NotPossible,
    Refusal,
    RequestRefusal,
    Unauthenticated,
)
from db.invitations import next_expiry
from db.permissions import EVERYTHING
from db.reading import Reader, Reading
from db.scope import Scope
from db.selection import Constant, Field, concrete, read
from resolvers import costs, extras, live
from resolvers.answers import Answer, Answers
from resolvers.context import Context, Viewer
from resolvers.guards import MOST_TOKENS, guard
from resolvers.idempotency import claimed, replay
from resolvers.payload import Answering
from resolvers.selection import Selecting, Shape, shape_of
from resolvers.signals import Signals

Key = TypeVar("Key")
Value = TypeVar("Value")
Result = TypeVar("Result")

KEPT_DOCUMENTS = 1_000
KEPT_PLANS = 2_000
LARGEST_KEPT_SHAPE = 500
"""Values in the variables of a plan that is kept; a thousand items of a bulk call hardly ever come alike again."""
LARGEST_ANSWER = 50_000_000
"""Bytes. Records are counted before they are read; how long their texts are shows only then."""
TOO_LARGE = (
    f"The answer would be larger than {LARGEST_ANSWER // 1_000_000} million bytes. "
    "Ask for smaller pages (`first`), or leave out long texts such as descriptions."
)
MOST_ERRORS = 20
MOST_ATTEMPTS = 3
LONGEST_DOCUMENT = 50_000
DATA = b'{"data":'
"""What an answer begins with."""
INTROSPECTED = b"introspected"
"""Stands for a root field that asks for the schema."""
DEEPEST_VALUE = 50
INCREMENTAL = ("Unknown directive '@defer'", "Unknown directive '@stream'")
RATE_LIMIT = "rate_limit"
"""The root field that tells what an operation costs."""


class Kept(OrderedDict[Key, Value], Generic[Key, Value]):
    """The most recently used entries, up to a bound."""

    def __init__(self, bound: int) -> None:
        super().__init__()
        self.bound = bound

    def find(self, key: Key) -> Value | None:
        value = self.get(key)
        if value is not None:
            self.move_to_end(key)
        return value

    def keep(self, key: Key, value: Value) -> None:
        self[key] = value
        if len(self) > self.bound:
            self.popitem(last=False)


class RequestErrors(Exception):  # noqa: N818  the request as a whole is refused
    """The request cannot be executed; `errors` are in the form of the specification, section 7.1.2."""

    def __init__(self, errors: Sequence[Mapping[str, Any]], retry_after_seconds: int | None = None) -> None:
        super().__init__(errors[0]["message"])
        self.errors = errors
        self.code: str = errors[0]["extensions"]["code"]
        self.retry_after_seconds = retry_after_seconds


@dataclass(slots=True)
class Operation:
    """One operation of a document that is known to be valid."""

    number: int
    node: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    shapes: Sequence[tuple[str, Shape]]
    plain: frozenset[str] | None
    """Its variables, where each is a text that must be given and is taken as it is; None where there is more to coerce."""

    @property
    def writes(self) -> bool:
        return self.node.operation is OperationType.MUTATION

    @property
    def subscribes(self) -> bool:
        return self.node.operation is OperationType.SUBSCRIPTION

    def shape(self, variables: Mapping[str, Any]) -> Any:
        return tuple((name, shape(variables[name])) for name, shape in self.shapes if name in variables)


@dataclass(slots=True)
class Document:
    """A valid document's operations, by name."""

    operations: dict[str | None, Operation]


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


class Engine:
    """Answers operations against one schema."""

    def __init__(
        self,
        schema: GraphQLSchema,
        dialect: Dialect,
        *,
        introspection_for_all: bool,
        answers: Answers | None = None,
        subscribed: Callable[[int], None] | None = None,
    ) -> None:
        """`subscribed` is told of subscriptions that begin (1) and end (-1)."""
        self.schema = schema
        self.dialect = dialect
        self.introspection_for_all = introspection_for_all
        self._answers = answers
        self._subscribed = subscribed or (lambda _more: None)
        self._signals: Signals | None = None
        self._documents: Kept[str, Document] = Kept(KEPT_DOCUMENTS)
        self._plans: Kept[Any, ReadPlan | WritePlan] = Kept(KEPT_PLANS)
        self._numbers = 0

    # Documents

    def document(self, text: str, viewer: Viewer | None) -> Document:
        """A document parsed, guarded and validated; kept if it is good. Names are suggested to whom the schema is shown."""
        kept = self._documents.find(text)
        if kept is not None:
            return kept
        if len(text) > LONGEST_DOCUMENT:
            message = f"The document has {len(text):,} characters; at most {LONGEST_DOCUMENT:,} are read."
            raise refused(LimitExceeded(message))
        try:
            node = parse(text, max_tokens=MOST_TOKENS)
        except GraphQLSyntaxError as error:
            code = "LIMIT" if f"more than {MOST_TOKENS} tokens" in error.message else "SYNTAX"
            raise RequestErrors([_error(error, code)]) from None
        try:
            guard(node)
        except Refusal as refusal:
            raise refused(refusal) from None
        errors = validate(self.schema, node, max_errors=MOST_ERRORS, hide_suggestions=not self._shows_schema(viewer))
        if errors:
            raise RequestErrors([_error(e, "SYNTAX") for e in errors[:MOST_ERRORS]])
        document = self._prepared(node)
        self._documents.keep(text, document)
        return document

    def _prepared(self, node: DocumentNode) -> Document:
        fragments = {d.name.value: d for d in node.definitions if isinstance(d, FragmentDefinitionNode)}
        operations: dict[str | None, Operation] = {}
        for definition in node.definitions:
            if isinstance(definition, OperationDefinitionNode):
                self._numbers += 1
                shapes = []
                for variable in definition.variable_definitions or ():
                    kind = type_from_ast(self.schema, variable.type)
                    shapes.append((variable.variable.name.value, shape_of(kind)))  # type: ignore[arg-type]
                name = definition.name.value if definition.name else None
                operations[name] = Operation(self._numbers, definition, fragments, shapes, _plain(definition))
        return Document(operations)

    def _shows_schema(self, viewer: Viewer | None) -> bool:
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
        if operation.plain is not None and _fits(given, operation.plain):
            return given
        check_depth(given)
        hides = not self._shows_schema(viewer)
        values = get_variable_values(
            self.schema, definitions, dict(given), max_errors=MOST_ERRORS, hide_suggestions=hides
        )
        if isinstance(values, list):
            raise RequestErrors([_error(e, "INVALID_VALUE") for e in values])
        return values.coerced

    # Plans

    def plan(self, operation: Operation, variables: Mapping[str, Any], viewer: Viewer | None) -> ReadPlan | WritePlan:
        permissions = viewer.permissions if viewer else frozenset()
        for_customer = viewer is not None and viewer.kind == "customer"
        shape = operation.shape(variables)
        key = (operation.number, shape, for_customer, permissions, viewer is None)
        kept = self._plans.find(key)
        if kept is None:
            selecting = Selecting(self.schema, operation.fragments, variables, permissions)
            if operation.writes:
                kept = self._write_plan(operation, selecting, viewer)
            else:
                kept = self._read_plan(operation, selecting, viewer, for_customer=for_customer)
            if extent(shape) <= LARGEST_KEPT_SHAPE:
                self._plans.keep(key, kept)
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
            quoted = orjson.dumps(key)
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
                keys.append((quoted, orjson.dumps(asked.value)))
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
        if not self._shows_schema(viewer):
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

    def _introspected(self, plan: ReadPlan, variables: Mapping[str, Any]) -> Mapping[str, Any]:
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
                acts.append((orjson.dumps(key), orjson.dumps(root.name)))
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
                Act(orjson.dumps(key), name, act.resolve, given, answering, key, takes_key, act.holds_secret, computed)
            )
        extras.at_most(len(selecting.computed))
        return WritePlan(acts)

    # Answers

    async def answer(self, context: Context, text: str, name: str | None, given: Mapping[str, Any]) -> Answer:
        """The whole answer of a request, as the bytes to send."""
        try:
            operation = self.operation(text, name, context.viewer)
            variables = self.variables(operation, given, context.viewer)
            if operation.subscribes:
                message = (
                    "Subscriptions are sent over WebSocket (graphql-transport-ws), or to who accepts text/event-stream."
                )
                raise refused(NotPossible(message, code="BAD_REQUEST"))
            if operation.writes:
                return await self._write(context, text, operation, variables)
            return await self._anew(context, lambda current: self._read(current, operation, variables))
        except Refusal as refusal:
            raise refused(refusal) from None
        except RecursionError:
            raise refused(LimitExceeded("The document or its variables nest too deep.")) from None

    async def subscribe(
        self, context: Context, text: str, name: str | None, given: Mapping[str, Any]
    ) -> AsyncGenerator[bytes, None]:
        """The answers of a subscription, one for each event, until it ends."""
        self._subscribed(1)
        try:
            operation = self.operation(text, name, context.viewer)
            variables = self.variables(operation, given, context.viewer)
            plan, given_too = self._live_plan(operation, variables, context.asking)
            records = costs.of_records(plan.reader.nodes(given_too))
            if context.rate is not None and records:
                context.rate.take(records, costs.REQUEST)

            def plan_for(viewer: Viewer) -> live.LivePlan:
                return self._live_plan(operation, variables, viewer)[0]

            following = live.Live(context, self.signals(context), plan, plan_for)
            async with aclosing(live.events(following, given_too)) as answers:
                async for answer in answers:
                    yield answer
        except Refusal as refusal:
            raise refused(refusal) from None
        finally:
            self._subscribed(-1)

    def _live_plan(
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

    def signals(self, context: Context) -> Signals:
        """What tells of changes; one for the process."""
        if self._signals is None:
            self._signals = Signals(context.process.database)
        return self._signals

    async def close(self) -> None:
        if self._signals is not None:
            await self._signals.close()

    async def _anew(self, context: Context, attempt: Callable[[Context], Awaitable[Result]]) -> Result:
        """Attempts something, and again with the viewer looked up anew while rights move."""
        for _ in range(MOST_ATTEMPTS):
            try:
                return await attempt(context)
            except AccessMoved:
                if context.look_again is not None:
                    context = context._replace(viewer=await context.look_again())
        raise Unauthenticated("Your rights changed while the request ran. Send it again.")

    async def _read(self, context: Context, operation: Operation, variables: Mapping[str, Any]) -> Answer:
        plan = self.plan(operation, variables, context.viewer)
        assert isinstance(plan, ReadPlan)  # noqa: S101  a query's plan
        viewer = context.viewer
        reader = plan.reader
        nodes = reader.nodes(variables)
        requested = plan.points + nodes // costs.RECORDS_A_POINT
        rate = context.rate
        if requested and rate is not None:
            rate.take(requested, costs.REQUEST)
        if viewer is None:
            return Answer(await self._joined(context, plan, [], variables))
        answer = await self._read_as(context, viewer, plan, variables)
        if not requested and not context.shows_cost:
            return answer
        actual = min(requested, 0 if answer.given else plan.points + costs.held(answer.body) // costs.RECORDS_A_POINT)
        if rate is not None:
            rate.give_back(requested - actual)
        if not context.shows_cost:
            return answer
        told = costs.extension(costs.REQUEST + requested, costs.REQUEST + actual, nodes, rate)
        return Answer(answer.body[:-1] + told)

    async def _read_as(self, context: Context, viewer: Viewer, plan: ReadPlan, variables: Mapping[str, Any]) -> Answer:
        reader, database, now = plan.reader, context.process.database, context.process.clock()
        scope = viewer.scope(now)
        key = self._key(plan, variables, scope) if self._answers else None
        kept = self._answers.find(key, now) if self._answers and key else None

        def parameters() -> list[Any]:
            return reader.parameters(variables, scope)

        if kept is not None and kept.numbers is not None and kept.numbers[0] == viewer.access_number:
            rows = await database.read_unless(kept.numbers, scope.workspace_id, reader.text, parameters)
            if rows is None:
                return kept
        else:
            rows = await database.read_current(scope.workspace_id, reader.text, parameters())
        if not rows or rows[0][0] != viewer.access_number:
            raise AccessMoved
        access_number, change_number, *columns = rows.pop()
        until = columns.pop() if plan.depends_on_time else None
        body = await self._joined(context, plan, columns, variables)
        if plan.computed:
            shown, wrong = await extras.completed(context, body[len(DATA) : -1], plan.computed, variables)
            return Answer(DATA + shown + _beside(wrong) + b"}")
        if self._answers and key:
            return self._answers.keep(key, body, (access_number, change_number), until)
        return Answer(body)

    @staticmethod
    def _key(plan: ReadPlan, variables: Mapping[str, Any], scope: Scope) -> Hashable | None:
        """Under what an answer is kept: the plan, the variables and the scope; None for one that is not."""
        if plan.extras or plan.computed or plan.introspection or plan.reader.passing:
            return None
        viewer = scope.viewer_id if plan.reader.names_viewer else None
        return plan.number, orjson.dumps(variables), scope.workspace_id, scope.customer_id, viewer

    async def _joined(
        self, context: Context, plan: ReadPlan, columns: list[Any], variables: Mapping[str, Any]
    ) -> bytes:
        """The data of an answer, its root fields in the order of the document. Takes the columns: a large one is not held twice."""
        if sum(len(column) for column in columns if column is not None) > LARGEST_ANSWER:
            raise LimitExceeded(TOO_LARGE)
        columns.reverse()
        parts: list[bytes] = []
        for key, constant in plan.keys:
            value = constant
            if value is INTROSPECTED:
                value = orjson.dumps(self._introspected(plan, variables).get(orjson.loads(key)))
            elif value is None:
                column = columns.pop()
                value = b"null" if column is None else column
            parts += (b",", key, b":", value)
        for position, asked in plan.extras:
            value = (
                self._rate_limit(context, plan, asked, variables)
                if asked.name == RATE_LIMIT
                else await extras.ROOTS[asked.name](context, asked, variables)
            )
            parts[4 * position + 3] = value
        return b"".join((DATA, b"{", *parts[1:], b"}}"))

    # Costs

    def _rate_limit(self, context: Context, plan: ReadPlan, asked: Field, variables: Mapping[str, Any]) -> bytes:
        """What this operation costs, or the one it asks about."""
        given = concrete(asked.arguments.get("dry_run"), variables)
        cost = self._cost(plan, variables) if given is None else self.cost(context, given)
        return extras.answered(asked, costs.shown(cost, context.rate))

    def cost(self, context: Context, given: Mapping[str, Any]) -> costs.Cost:
        """What an operation would cost. It is refused as it would be if it were run, unless it is only too large."""
        values = given.get("variables")
        if values is not None and not isinstance(values, Mapping):
            raise InvalidValue("`variables` must be an object.", ("rateLimit", "dryRun", "variables"))
        operation = self.operation(given["query"], given.get("operation_name"), context.viewer)
        variables = self.variables(operation, values or {}, context.viewer)
        if operation.subscribes:
            plan, told = self._live_plan(operation, variables, context.asking)
            reader, given_too = plan.reader, {**told, "position": None}
            lists = costs.lists_of(reader, given_too)
            nodes = sum(one.nodes for one in lists)
            return costs.Cost(costs.REQUEST + costs.of_records(nodes), nodes, lists)
        return self._cost(self.plan(operation, variables, context.viewer), variables)

    def _cost(self, plan: ReadPlan | WritePlan, variables: Mapping[str, Any]) -> costs.Cost:
        if isinstance(plan, WritePlan):
            acts = [one for one in plan.acts if isinstance(one, Act)]
            points = sum(
                costs.of_input(_outermost(a.arguments, variables)) + costs.COMPUTED * len(a.computed) for a in acts
            )
            return costs.Cost(costs.REQUEST + points)
        lists = costs.lists_of(plan.reader, variables)
        nodes = sum(one.nodes for one in lists)
        return costs.Cost(costs.REQUEST + plan.points + costs.of_records(nodes), nodes, lists)

    async def _write(self, context: Context, text: str, operation: Operation, variables: Mapping[str, Any]) -> Answer:
        """One act after the other; each is a transaction, and only an act that wrote nothing is attempted again."""
        parts: list[bytes] = []
        replayed: list[str] = []
        wrong: list[extras.Wrong] = []
        plan = self.plan(operation, variables, context.viewer)
        assert isinstance(plan, WritePlan)  # noqa: S101  a mutation's plan
        requested = self._cost(plan, variables).points
        if context.rate is not None and requested > costs.REQUEST:
            context.rate.take(requested - costs.REQUEST, costs.REQUEST)

        for position in range(len(plan.acts)):

            async def attempt(current: Context, position: int = position) -> bytes:
                again = plan if current.viewer is context.viewer else self.plan(operation, variables, current.viewer)
                assert isinstance(again, WritePlan)  # noqa: S101  a mutation's plan
                act = again.acts[position]
                if isinstance(act, tuple):
                    return act[0] + b":" + act[1]
                arguments = concrete(act.arguments, variables)
                claim = None
                if current.idempotency_key is not None and act.takes_key:
                    claim = claimed(current, act.path, act.name, (text, arguments), keeps_answer=not act.holds_secret)
                    earlier = await replay(current, claim)
                    if earlier is not None:
                        replayed.append(act.path)
                        return act.key + b":" + await self._completed(current, act, earlier, variables, wrong)
                answering = act.answering.given(variables)
                asking = current._replace(operation=act.name, answering=answering, claim=claim)
                answer: bytes = await act.resolve(asking, **arguments)
                return act.key + b":" + await self._completed(current, act, answer, variables, wrong)

            parts.append(await self._anew(context, attempt))
        body = DATA + b"{" + b",".join(parts) + b"}" + _beside(wrong)
        records = costs.of_records(costs.held(body))
        if context.rate is not None and records:
            context.rate.debit(records)
        told = costs.extension(requested, requested + records, 0, context.rate) if context.shows_cost else b"}"
        if not replayed:
            return Answer(body + told)
        more = b',"cost":' + told.removeprefix(b',"extensions":{"cost":') if context.shows_cost else b"}}"
        return Answer(body + b',"extensions":{"replayed":' + orjson.dumps(replayed) + more, replayed=True)

    @staticmethod
    async def _completed(
        context: Context, act: Act, answer: bytes, variables: Mapping[str, Any], wrong: list[extras.Wrong]
    ) -> bytes:
        """An act's payload with its computed fields; what was refused of them is added to `wrong`."""
        if not act.computed:
            return answer
        shown, more = await extras.completed(context, answer, act.computed, variables, (act.path,))
        wrong.extend(more)
        return shown


def extent(shape: Any) -> int:
    """How many values a shape speaks of."""
    return sum(map(extent, shape)) if isinstance(shape, tuple) else 1


PLAIN = {"ID", "String", "EmailAddress"}
"""Scalars whose texts are taken as they come."""


def _plain(operation: OperationDefinitionNode) -> frozenset[str] | None:
    found: set[str] = set()
    for variable in operation.variable_definitions or ():
        kind = variable.type.type if isinstance(variable.type, NonNullTypeNode) else None
        if not isinstance(kind, NamedTypeNode) or kind.name.value not in PLAIN or variable.default_value is not None:
            return None
        found.add(variable.variable.name.value)
    return frozenset(found)


def _fits(given: Mapping[str, Any], plain: frozenset[str]) -> bool:
    """Whether coercion would change nothing: exactly these variables, each a text."""
    return given.keys() == plain and all(type(value) is str for value in given.values())


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


def _outermost(value: Any, variables: Mapping[str, Any]) -> Any:
    """Like `concrete`, as far as the length of an input's lists needs it."""
    value = read(value, variables)
    return {name: read(one, variables) for name, one in value.items()} if isinstance(value, dict) else value


def _error(error: GraphQLError, code: str) -> dict[str, Any]:
    message = error.message
    if message.startswith(INCREMENTAL):
        message += " Answers come whole: ask in two operations, or page through with first and after."
    shown: dict[str, Any] = {"message": message, "extensions": {"code": code}}
    if error.locations:
        shown["locations"] = [{"line": one.line, "column": one.column} for one in error.locations[:5]]
    return shown


def _beside(wrong: Sequence[extras.Wrong]) -> bytes:
    """Errors beside data that stands all the same."""
    shown = [{**refused(one).errors[0], "path": where} for one, where in wrong]
    return b',"errors":' + orjson.dumps(shown) if shown else b""


def refused(refusal: Refusal) -> RequestErrors:
    """A refusal as the error of a whole request."""
    shown: dict[str, Any] = {"message": refusal.message, "extensions": {"code": refusal.code}}
    if refusal.path:
        shown["path"] = list(refusal.path)
    retry = refusal.retry_after_seconds if isinstance(refusal, RequestRefusal) else None
    if retry is not None:
        shown["extensions"]["retryAfterSeconds"] = retry
    return RequestErrors([shown], retry)
