"""One read, one statement: from a neutral selection tree to SQL that returns the answer as JSON.

Every table reference carries the workspace; where a customer asks, also what that customer may see. Nested lists are
correlated sub-selects with their own limit and keyset. The statement's text and its binders are made once for each
shape of a request and kept.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Integer,
    Select,
    bindparam,
    case,
    func,
    literal_column,
    null,
    select,
)
from sqlalchemy.types import NullType

from db.columns import Key
from db.engines.dialects import Dialect, Ordered, quoted
from db.errors import LimitExceeded
from db.ids import PREFIXES
from db.reads.connection import Connection
from db.reads.filtering import MOST_CONDITIONS, mentions, where
from db.reads.paging import ROOT_PAGE, Page, order_of, page_of
from db.reads.records import AnyOf, Arguments, Members, Part, Record, Relation, Row, Source
from db.reads.scope import Scope
from db.reads.selection import Binder, Constant, Field, Fields, Path, Slot, Variables, read
from db.statements import columns as columns_of
from db.tables import Workspace
from db.text import storable

Expression = ColumnElement[Any]

NOTHING: Expression = literal_column("0", Integer())
MOST_NODES = 50_000
MOST_IDS = 250


@dataclass(frozen=True, slots=True)
class Reader:
    """A finished statement: its text, how to make its parameters, and what it may cost."""

    text: str
    binders: tuple[Binder, ...]
    sizes: tuple[tuple[Callable[[Variables], int], ...], ...]
    names_viewer: bool = False
    """Whether the answer says who asks."""
    passing: bool = False
    """Whether the answer shows what moves without a change (when a key was last used)."""
    lists: tuple[Path, ...] = ()
    """Where each of the `sizes` is asked for."""
    known_nodes: int | None = None
    """How many records the answer could hold at the most, where no request brings the size of a page."""

    def parameters(self, variables: Variables, scope: Scope) -> list[Any]:
        return [bind(variables, scope) for bind in self.binders]

    def nodes(self, variables: Variables) -> int:
        """How many records the answer could hold at the most; refused beyond 50,000."""
        if self.known_nodes is not None:
            return self.known_nodes
        nodes = sum(prod(size(variables) for size in path) for path in self.sizes)
        at_most(nodes)
        return nodes


def at_most(nodes: int) -> None:
    """Refuses an answer that could hold too many records."""
    if nodes > MOST_NODES:
        message = (
            f"The query could return {nodes:,} records; at most {MOST_NODES:,} are allowed. Ask for smaller pages."
        )
        raise LimitExceeded(message)


class Reading:
    """A statement in the making."""

    def __init__(self, dialect: Dialect, records: Mapping[str, Record], *, for_customer: bool) -> None:
        self.dialect = dialect
        self.records = records
        self.for_customer = for_customer
        self.sizes: list[tuple[Callable[[Variables], int], ...]] = []
        self.lists: list[Path] = []
        self._path_sizes: tuple[Callable[[Variables], int], ...] = ()
        self._binders: dict[str, Binder] = {}
        self._aliases = 0
        self._passing = False
        self._brought = False
        self._conditions = 0

    # Parameters

    def parameter(self, bind: Binder, kind: Any = Key, name: str | None = None) -> BindParameter[Any]:
        """A place in the statement that `bind` fills for each request."""
        name = name or f"p{len(self._binders)}"
        self._binders[name] = bind
        return bindparam(name, type_=kind)

    def value(self, given: Any, make: Callable[[Any], Any] | None = None) -> BindParameter[Any]:
        """A parameter for a value of the request, passed through `make`."""
        make = make or (lambda v: storable(v) if isinstance(v, str) else v)
        if isinstance(given, Slot) or (isinstance(given, list) and any(isinstance(one, Slot) for one in given)):
            return self.parameter(lambda variables, _: make(read(given, variables)), NullType())  # as what it meets
        constant = make(given)
        return self.parameter(lambda _variables, _scope: constant, Key if isinstance(constant, str) else BigInteger())

    def members(self, given: Any, make: Callable[[Any], list[str]]) -> Select[Any]:
        """The members of a list of the request, as a sub-select of one column."""
        each = self.each(given, make)
        return select(each.c.value)

    def each(self, given: Any, make: Callable[[Any], list[str]]) -> Any:
        values = self.value(given, lambda v: orjson.dumps(make(v)).decode())
        return self.dialect.each(values, self.alias("each"))

    def size(self, page: Page) -> Expression:
        """The size of a page, as a sum: SQLite plans a statement anew whenever a bare parameter of LIMIT is bound."""
        if page.brought:
            return NOTHING + self.parameter(lambda variables, _: page.read_size(variables), Integer())
        size = page.read_size({})
        return NOTHING + self.parameter(lambda _variables, _scope: size, Integer())

    @property
    def workspace(self) -> BindParameter[Any]:
        return self.parameter(lambda _, scope: scope.workspace_id, name="workspace")

    @property
    def now(self) -> Expression:
        """Now, and never before the workspace's last change: what expired stays so when a clock is set back."""
        given = self.parameter(lambda _, scope: scope.now, BigInteger(), name="now")
        workspace = self.rows(Workspace)
        last = select(workspace.row.changed_at).select_from(workspace.clause).where(*workspace.where)
        return self.dialect.later(given, last.scalar_subquery())

    @property
    def depends_on_time(self) -> bool:
        """Whether anything in the statement is compared with now."""
        return "now" in self._binders

    @property
    def viewer(self) -> BindParameter[Any]:
        """Who asks."""
        return self.parameter(lambda _, scope: scope.viewer_id, name="viewer")

    @property
    def viewing_customer(self) -> BindParameter[Any]:
        return self.parameter(lambda _, scope: scope.customer_id, name="viewing_customer")

    def counted(self, rows: Select[Any], most: int) -> Expression:
        """How many rows there are, counted no farther than to one beyond the most."""
        some = rows.limit(literal_column(str(most + 1), Integer())).subquery(self.alias("some"))
        return select(func.count()).select_from(some).scalar_subquery()

    def count_conditions(self, count: int, path: Path) -> None:
        self._conditions += count
        if self._conditions > MOST_CONDITIONS:
            raise LimitExceeded(f"At most {MOST_CONDITIONS} conditions are allowed in an operation's filters.", path)

    # Rows

    def alias(self, stem: str) -> str:
        self._aliases += 1
        return f"{stem}_{self._aliases}"

    def rows(self, table: Any) -> Source:
        """A table's rows within the workspace, whoever asks. For the paths a predicate takes, never for what is shown."""
        core = table.__table__
        name = self.alias(core.name)
        row = Row(name, {c.name: c.type for c in core.c})
        return Source(core.alias(name), row, [row.workspace_id == self.workspace])

    def records_of(self, kind: str) -> Source:
        """A record's rows that whoever asks may see."""
        record = self.records[kind]
        source = self.rows(record.table)
        if self.for_customer:
            source.where.append(record.visible(self, source.row) if record.visible else literal_column("0") == 1)
        if record.owner is not None:
            source.where.append(getattr(source.row, record.owner) == self.viewer)
        return source

    def in_sight(self, kind: str, identity: Expression) -> list[Expression]:
        """That a record named by the request is one whoever asks may see. A name out of sight answers as an absent one."""
        if not self.for_customer:
            return []
        source = self.records_of(kind)
        return [identity.in_(select(source.row.id).select_from(source.clause).where(*source.where))]

    def led_by(self, members: Any, source: Source, by: str = "id") -> Source:
        """The rows whose column is in a set (a sub-select of one column, `id`); the set comes first."""
        led = members.subquery(self.alias("among"))
        source.clause = Ordered(led, source.clause, getattr(source.row, by) == led.c.id)
        return source

    # Objects

    def object(self, record: Record, row: Any, fields: Fields) -> Expression:
        """The JSON object of one row."""
        return self.dialect.object(
            [(f.key, quoted(f.value) if isinstance(f, Constant) else self.entry(record, row, f)) for f in fields]
        )

    def entry(self, record: Record, row: Any, field: Field) -> Expression:  # noqa: PLR0911  one way out a shape
        """One entry of an object: a column, an expression or a relation."""
        self._passing = self._passing or field.name == "last_used_at"
        if (expression := record.expressions.get(field.name)) is not None:
            return self.dialect.printed(expression(self, row, field.arguments))
        relation = record.relations.get(field.name)
        match relation:
            case None:
                return self.dialect.printed(getattr(row, field.name))
            case Part():
                return self.object(self.records[relation.record], row, field.fields)
            case AnyOf():
                return self._any_of(relation.kinds, relation.id(self, row, field.arguments), field)
            case Members():
                return self._members(relation, field)
            case Relation(shape="one"):
                return self._one(relation, row, field)
            case Relation(shape="list"):
                return self._list(relation, row, field)
            case Relation():
                return self._connection(relation, row, field)

    def _source(self, relation: Relation, parent: Any, arguments: Arguments) -> Source:
        source = relation.source(self, parent, arguments) if relation.source else self.records_of(relation.target)
        if relation.on:
            source.where.extend(relation.on(self, parent, source.row, arguments))
        if relation.branches:
            source.branches = relation.branches(self, parent.id, source)
        members = relation.among(self, parent, arguments) if relation.among else None
        return source if members is None else self.led_by(members, source, relation.by)

    def _one(self, relation: Relation, parent: Any, field: Field) -> Expression:
        source = self._source(relation, parent, field.arguments)
        found = self.object(self.records[relation.target], source.row, field.fields)
        query = select(found).select_from(source.clause).where(*source.where)
        return self.dialect.nested(query.scalar_subquery())

    def _any_of(self, kinds: Sequence[str], identity: Expression, field: Field) -> Expression:
        """A sub-select for each kind; the id's prefix says which of them runs."""
        ways = []
        for kind in kinds:
            if field.by_kind is not None and kind not in field.by_kind:
                continue  # outside what the viewer may read
            record, source = self.records[kind], self.records_of(kind)
            found = self.object(record, source.row, (field.by_kind or {}).get(kind, ()))
            query = (
                select(found)
                .select_from(source.clause)
                .where(*source.where, getattr(source.row, record.identity) == identity)
            )
            ways.append((quoted(PREFIXES[kind]), self.dialect.nested(query.scalar_subquery())))
        if not ways:
            return null()
        return case(dict(ways), value=func.substr(identity, literal_column("1"), literal_column("3")), else_=null())

    def _members(self, relation: Members, field: Field) -> Expression:
        given = field.arguments[relation.ids]

        def ids(values: Any) -> list[str]:
            if len(values) > MOST_IDS:
                raise LimitExceeded(
                    f"At most {MOST_IDS} ids are allowed; {len(values)} were given.", (*field.path, "ids")
                )
            return [storable(v) for v in values]

        each = self.each(given, ids)
        self._sized(lambda variables: min(len(read(given, variables)), MOST_IDS), field.path)
        identity = literal_column(f"{each.name}.value", Key)
        found = self._any_of(relation.kinds, identity, field)
        ordered = select(each.c.value).order_by(each.c.position).subquery(each.name)
        self._unsized()
        return self.dialect.nested(select(self.dialect.array(found)).select_from(ordered).scalar_subquery())

    def _list(self, relation: Relation, parent: Any, field: Field) -> Expression:
        source = self._source(relation, parent, field.arguments)
        record = self.records[relation.target]
        page = Page(field.arguments.get("first"), False, None, None, field.path, relation.page)
        self._sized(page.read_size, page.path, brought=page.brought)
        row, inner = self._paged(source, record, field.fields)
        query = inner(source.order).limit(self.size(page)).offset(NOTHING)
        self._unsized()
        items = select(self.dialect.array(row[1])).select_from(query.subquery(row[0].alias_()))
        return self.dialect.nested(items.scalar_subquery())

    def _paged(
        self, source: Source, record: Record, fields: Fields
    ) -> tuple[tuple[Row, Expression], Callable[[list[Expression]], Select[Any]]]:
        """The row a page yields with its object, and the sub-select of the columns that object needs."""
        row = Row(self.alias("page"), source.row._columns)  # noqa: SLF001
        found = self.object(record, row, fields)

        def inner(order: list[Expression]) -> Select[Any]:
            columns = [getattr(source.row, name).label(name) for name in row.used_()] or [
                literal_column("1").label("one")
            ]
            return select(*columns).select_from(source.clause).where(*source.where).order_by(*order)

        return (row, found), inner

    # Connections

    def _connection(self, relation: Relation, parent: Any, field: Field) -> Expression:
        record = self.records[relation.target]
        arguments = field.arguments
        source = self._source(relation, parent, arguments)
        given = arguments.get("filter")
        source.alone = parent is None and relation.on is None and given is None
        if record.archives and relation.living and not mentions(given, "archived"):
            source.where.append(source.row.archived_at.is_(None))
            source.living = True
        order = order_of(record, arguments.get("order_by"), relation.order, field.path)
        search = arguments.get("search") if record.search else None
        if parent is None and relation.on is None and not self.for_customer:
            given = self._led(record, source, given, order.keys[0][0], search=search is not None)
        if not source.living:
            source.crowd = None
        if given is not None:
            source.where.append(where(self, record, source.row, given, (*field.path, "filter")))
        found = record.search(self, search, order) if search is not None and record.search else None
        page = page_of(arguments, ROOT_PAGE if parent is None else relation.page, field.path)
        return Connection(self, record, source, order, page, found).build(field.fields)

    def _led(self, record: Record, source: Source, given: Any, order: str, *, search: bool) -> Any:
        """Lets one of a filter's conditions lead, if one can; what is left of the filter."""
        given = given or {}
        leads = (
            n for n, lead in record.leads.items() if given.get(n) is not None and lead.applies(given[n], order, search)
        )
        name = next(leads, None)
        if name is None:
            return given
        value, holds = given[name], record.filters[name]
        source.branches = record.leads[name].branches(self, value, source)
        crowd = source.crowd if source.living else None
        source.led = crowd.holds if crowd is not None else lambda row: holds(self, row, value)
        self.count_conditions(1, ())
        return {n: v for n, v in given.items() if n != name}

    def _sized(self, size: Callable[[Variables], int], path: Path, *, brought: bool = True) -> None:
        self._brought = self._brought or brought
        self._path_sizes = (*self._path_sizes, size)
        self.sizes.append(self._path_sizes)
        self.lists.append(path)

    def _unsized(self) -> None:
        self._path_sizes = self._path_sizes[:-1]

    # The whole

    def answering(self, columns: Sequence[Expression]) -> Reader:
        """The statement of an answer: the access and change number that its own snapshot sees, then its columns."""
        w = columns_of(Workspace)
        return self.finish(select(w.access_number, w.change_number, *columns).where(w.workspace_id == self.workspace))

    def alone(self, column: Expression) -> Reader:
        """The statement of one value."""
        return self.finish(select(column))

    def by_ids(self, kinds: Sequence[str], field: Field, ids: Slot) -> Reader:
        """Records by a list of ids: rows of the id and its object (null where there is none in sight)."""
        each = self.each(ids, list)
        identity = literal_column(f"{each.name}.value", Key)
        found = self._any_of(kinds, identity, field)
        columns: list[Expression] = [identity, found]
        return self.finish(select(*columns).select_from(each))

    def finish(self, statement: Select[Any]) -> Reader:
        """The statement's text for the engine, with a binder for each of its parameters in order."""
        compiled = statement.compile(dialect=self.dialect.engine)
        names = compiled.positiontup or []
        fixed = {n: v for n, v in compiled.params.items() if n not in self._binders}
        binders = tuple(self._binders.get(n) or _fixed(fixed[n]) for n in names)
        names_viewer, lists = "viewer" in self._binders, tuple(self.lists)
        reader = Reader(str(compiled), binders, tuple(self.sizes), names_viewer, self._passing, lists)
        if self._brought:
            return reader
        try:
            return replace(reader, known_nodes=reader.nodes({}))
        except LimitExceeded:
            return reader  # each request is refused by itself, and can still be told what it would cost


def _fixed(value: Any) -> Binder:
    return lambda _variables, _scope: value
