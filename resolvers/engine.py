"""From a document to its answer: one way for every operation, whatever transport it came by.

A repeated document costs no parsing, no validation and no statement building: `resolvers/documents.py` keeps what it was
found to be, `resolvers/plans.py` what is done for it.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, NamedTuple, TypeVar

import orjson
from graphql import GraphQLSchema

from db.engines.dialects import Dialect
from db.errors import AccessMoved, Forbidden, InvalidValue, LimitExceeded, NotPossible, Refusal, Unauthenticated
from db.reads.selection import Field, concrete, read
from resolvers import costs, extras, live
from resolvers.answers import Answer, AnswerKey, Answers
from resolvers.context import Context, Viewer
from resolvers.documents import Documents, Operation
from resolvers.idempotency import claimed, replay
from resolvers.kept import compact
from resolvers.plans import INTROSPECTED, RATE_LIMIT, Act, Plans, ReadPlan, WritePlan
from resolvers.refusals import refused
from resolvers.signals import Signals

Result = TypeVar("Result")

LARGEST_ANSWER = 20_000_000
"""Bytes. Records are counted before they are read; how long their texts are shows only then. While it is made an answer
takes some five times as much memory, so that of the server grows by less than it is."""
TOO_LARGE = (
    f"The answer would be larger than {LARGEST_ANSWER // 1_000_000} million bytes. "
    "Ask for smaller pages (`first`), or leave out long texts such as descriptions."
)
MOST_ATTEMPTS = 3
DATA = b'{"data":'
"""What an answer begins with."""


class PreparedQuery(NamedTuple):
    """A query as it was made ready for who asks: all that is known before the database is asked."""

    operation: Operation
    variables: Mapping[str, Any]
    viewer: Viewer | None
    plan: ReadPlan
    nodes: int
    """How many records the answer could hold at the most."""
    points: int
    """What it could cost beyond the request's own point."""
    key: AnswerKey | None
    """Under what its answer is kept; None where it is not."""


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
        self.documents = Documents(schema, introspection_for_all=introspection_for_all)
        self.plans = Plans(schema, dialect, self.documents)
        self._answers = answers
        self._subscribed = subscribed or (lambda _more: None)
        self._signals: Signals | None = None

    @property
    def keeps_answers(self) -> bool:
        return self._answers is not None

    async def answer(
        self,
        context: Context,
        text: str,
        name: str | None,
        given: Mapping[str, Any],
        known: PreparedQuery | None = None,
    ) -> Answer:
        """The whole answer of a request, as the bytes to send; `known` is the query where it was prepared before."""
        try:
            if known is not None:
                return await self._anew(context, lambda current: self._read(current, known))
            operation = self.documents.operation(text, name, context.viewer)
            variables = self.documents.variables(operation, given, context.viewer)
            if operation.subscribes:
                message = (
                    "Subscriptions are sent over WebSocket (graphql-transport-ws), or to who accepts text/event-stream."
                )
                raise refused(NotPossible(message, code="BAD_REQUEST"))
            if operation.writes:
                return await self._write(context, text, operation, variables)
            context, query = await self._permitted(context, lambda asks: self._prepared(operation, variables, asks))
            return await self._anew(context, lambda current: self._read(current, query))
        except Refusal as refusal:
            raise refused(refusal) from None
        except RecursionError:
            raise refused(LimitExceeded("The document or its variables nest too deep.")) from None

    def query(self, viewer: Viewer | None, text: str, name: str | None, given: Mapping[str, Any]) -> PreparedQuery:
        """A query prepared as `answer` does it, to be given to that again."""
        operation = self.documents.operation(text, name, viewer)
        return self._prepared(operation, self.documents.variables(operation, given, viewer), viewer)

    async def subscribe(
        self, context: Context, text: str, name: str | None, given: Mapping[str, Any]
    ) -> AsyncGenerator[bytes, None]:
        """The answers of a subscription, one for each event, until it ends."""
        self._subscribed(1)
        try:
            operation = self.documents.operation(text, name, context.viewer)
            variables = self.documents.variables(operation, given, context.viewer)
            asking = context.asking
            context, (plan, given_too) = await self._permitted(
                context, lambda asks: self.plans.live(operation, variables, asks or asking)
            )
            records = costs.of_records(plan.reader.nodes(given_too))
            if context.rate is not None and records:
                context.rate.take(records, costs.REQUEST)

            def plan_for(viewer: Viewer) -> live.LivePlan:
                return self.plans.live(operation, variables, viewer)[0]

            following = live.Live(context, self.signals(context), plan, plan_for)
            async with aclosing(live.events(following, given_too)) as answers:
                async for answer in answers:
                    yield answer
        except Refusal as refusal:
            raise refused(refusal) from None
        finally:
            self._subscribed(-1)

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

    async def _permitted(self, context: Context, plan: Callable[[Viewer | None], Result]) -> tuple[Context, Result]:
        """What is planned for who asks. Before it is forbidden, rights are looked up anew: they may have been given since."""
        try:
            return context, plan(context.viewer)
        except Forbidden:
            viewer = await context.look_again() if context.look_again is not None else None
            if viewer is None or context.viewer is None or viewer.access_number == context.viewer.access_number:
                raise
        return context._replace(viewer=viewer), plan(viewer)

    def _prepared(self, operation: Operation, variables: Mapping[str, Any], viewer: Viewer | None) -> PreparedQuery:
        plan = self.plans.of(operation, variables, viewer)
        assert isinstance(plan, ReadPlan)  # noqa: S101  a query's plan
        nodes = plan.reader.nodes(variables)
        points = plan.points + nodes // costs.RECORDS_A_POINT
        key = self._key(plan, variables, viewer) if viewer is not None and self._answers is not None else None
        return PreparedQuery(operation, variables, viewer, plan, nodes, points, key)

    async def _read(self, context: Context, query: PreparedQuery) -> Answer:
        viewer, rate = context.viewer, context.rate
        if viewer is not query.viewer:  # rights moved
            query = self._prepared(query.operation, query.variables, viewer)
        requested = query.points
        if requested and rate is not None:
            rate.take(requested, costs.REQUEST)
        if viewer is None:
            parts = self._parts(query.plan, [], query.variables)
            return Answer(await self._extended(context, query.plan, parts, query.variables))
        answer = await self._read_as(context, viewer, query)
        if not requested and not context.shows_cost:
            return answer
        actual = 0
        if not answer.given:
            actual = min(requested, query.plan.points + costs.held(answer.body) // costs.RECORDS_A_POINT)
        if rate is not None:
            rate.give_back(requested - actual)
        if not context.shows_cost:
            return answer
        told = costs.extension(costs.REQUEST + requested, costs.REQUEST + actual, query.nodes, rate)
        return Answer(answer.body[:-1] + told)

    async def _read_as(self, context: Context, viewer: Viewer, query: PreparedQuery) -> Answer:
        plan, variables, database, now = query.plan, query.variables, context.process.database, context.process.clock()
        reader, workspace_id = plan.reader, viewer.workspace_id
        kept = self._answers.find(query.key, now) if self._answers is not None and query.key is not None else None

        def parameters() -> list[Any]:
            return reader.parameters(variables, viewer.scope(now))

        if kept is not None and kept.numbers is not None and kept.numbers[0] == viewer.access_number:
            rows = await database.read_unless(kept.numbers, workspace_id, reader.text, parameters)
            if rows is None:
                return kept
        else:
            rows = await database.read_current(workspace_id, reader.text, parameters())
        if not rows or rows[0][0] != viewer.access_number:
            raise AccessMoved
        access_number, change_number, *columns = rows.pop()
        until = columns.pop() if plan.depends_on_time else None
        parts = self._parts(plan, columns, variables)
        body = await self._extended(context, plan, parts, variables) if plan.extras else _joined(parts)
        if plan.computed:
            shown, wrong = await extras.completed(context, body[len(DATA) : -1], plan.computed, variables)
            return Answer(DATA + shown + _beside(wrong) + b"}")
        if self._answers is not None and query.key is not None:
            return self._answers.keep(query.key, body, (access_number, change_number), until)
        return Answer(body)

    @staticmethod
    def _key(plan: ReadPlan, variables: Mapping[str, Any], viewer: Viewer) -> AnswerKey | None:
        """Under what an answer is kept: the plan, the variables and the scope; None for one that is not."""
        if plan.extras or plan.computed or plan.introspection or plan.reader.passing:
            return None
        named = viewer.id if plan.reader.names_viewer else None
        return AnswerKey(plan.number, compact(variables), viewer.workspace_id, viewer.customer_id, named)

    def _parts(self, plan: ReadPlan, columns: list[Any], variables: Mapping[str, Any]) -> list[bytes]:
        """An answer's root fields in the order of the document. Takes the columns: a large one is not held twice."""
        if sum(len(column) for column in columns if column is not None) > LARGEST_ANSWER:
            raise LimitExceeded(TOO_LARGE)
        columns.reverse()
        parts: list[bytes] = []
        for key, constant in plan.keys:
            value = constant
            if value is INTROSPECTED:
                value = orjson.dumps(self.plans.introspected(plan, variables).get(orjson.loads(key)))
            elif value is None:
                column = columns.pop()
                value = b"null" if column is None else column
            parts += (b",", key, b":", value)
        return parts

    async def _extended(
        self, context: Context, plan: ReadPlan, parts: list[bytes], variables: Mapping[str, Any]
    ) -> bytes:
        """The data of an answer, with the root fields that no statement answers in their places."""
        for position, asked in plan.extras:
            value = (
                self._rate_limit(context, plan, asked, variables)
                if asked.name == RATE_LIMIT
                else await extras.ROOTS[asked.name](context, asked, variables)
            )
            parts[4 * position + 3] = value
        return _joined(parts)

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
        operation = self.documents.operation(given["query"], given.get("operation_name"), context.viewer)
        variables = self.documents.variables(operation, values or {}, context.viewer)
        if operation.subscribes:
            plan, told = self.plans.live(operation, variables, context.asking)
            reader, given_too = plan.reader, {**told, "position": None}
            lists = costs.lists_of(reader, given_too)
            nodes = sum(one.nodes for one in lists)
            return costs.Cost(costs.REQUEST + costs.of_records(nodes), nodes, lists)
        return self._cost(self.plans.of(operation, variables, context.viewer), variables)

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
        context, plan = await self._permitted(context, lambda asks: self.plans.of(operation, variables, asks))
        assert isinstance(plan, WritePlan)  # noqa: S101  a mutation's plan
        requested = self._cost(plan, variables).points
        if context.rate is not None and requested > costs.REQUEST:
            context.rate.take(requested - costs.REQUEST, costs.REQUEST)

        for position in range(len(plan.acts)):

            async def attempt(current: Context, position: int = position) -> bytes:
                again = (
                    plan if current.viewer is context.viewer else self.plans.of(operation, variables, current.viewer)
                )
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


def _outermost(value: Any, variables: Mapping[str, Any]) -> Any:
    """Like `concrete`, as far as the length of an input's lists needs it."""
    value = read(value, variables)
    return {name: read(one, variables) for name, one in value.items()} if isinstance(value, dict) else value


def _beside(wrong: Sequence[extras.Wrong]) -> bytes:
    """Errors beside data that stands all the same."""
    shown = [{**refused(one).errors[0], "path": where} for one, where in wrong]
    return b',"errors":' + orjson.dumps(shown) if shown else b""


def _joined(parts: list[bytes]) -> bytes:
    return b"".join((DATA, b"{", *parts[1:], b"}}"))
