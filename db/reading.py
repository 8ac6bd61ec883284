"""One read, one statement: from a neutral selection tree to SQL that returns the answer as JSON.

Every table reference carries the workspace; where a customer asks, also what that customer may see. Nested lists are
correlated sub-selects with their own limit and keyset. The statement's text and its binders are made once for each
shape of a request and kept.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from math import prod
from operator import add
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
    exists,
    false,
    func,
    literal_column,
    null,
    or_,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.types import NullType

from db.columns import Flag, Key
from db.dialects import Dialect, Ordered, quoted
from db.errors import InvalidValue, LimitExceeded
from db.filtering import MOST_CONDITIONS, mentions, where
from db.ids import PREFIXES
from db.paging import ROOT_PAGE, Order, Page, cursor_part, order_of, page_of
from db.records import AnyOf, Arguments, Branch, Members, Part, Record, Relation, Row, Search, Source
from db.scope import Scope
from db.selection import Binder, Constant, Field, Fields, Path, Slot, Variables, read
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

    def parameters(self, variables: Variables, scope: Scope) -> list[Any]:
        return [bind(variables, scope) for bind in self.binders]

    def nodes(self, variables: Variables) -> int:
        """How many records the answer could hold at the most; refused beyond 50,000."""
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
        return NOTHING + self.parameter(lambda variables, _: page.read_size(variables), Integer())

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
            source.branches = relation.branches(self, parent, source)
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
        self._sized(page.read_size, page.path)
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
        if record.archives and relation.living and not mentions(given, "archived"):
            source.where.append(source.row.archived_at.is_(None))
        if parent is None and relation.on is None:
            given = self._led(record, source, given)
        if given is not None:
            source.where.append(where(self, record, source.row, given, (*field.path, "filter")))
        found = None
        if arguments.get("search") is not None and record.search:
            found = record.search(self, source.row, arguments["search"])
        order = order_of(record, arguments.get("order_by"), relation.order, field.path)
        page = page_of(arguments, ROOT_PAGE if parent is None else relation.page, field.path)
        return Connection(self, record, source, order, page, found).build(field.fields)

    def _led(self, record: Record, source: Source, given: Any) -> Any:
        """Lets one of a filter's conditions lead, if one can; what is left of the filter."""
        name = next((n for n in record.leads if (given or {}).get(n) is not None), None)
        if name is None:
            return given
        source.branches = record.leads[name](self, given[name], source)
        self.count_conditions(1, ())
        return {n: value for n, value in given.items() if n != name}

    def _sized(self, size: Callable[[Variables], int], path: Path) -> None:
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
        return Reader(str(compiled), binders, tuple(self.sizes), names_viewer, self._passing, lists)


def _fixed(value: Any) -> Binder:
    return lambda _variables, _scope: value


class Connection:
    """A page of a list as edges, nodes, pageInfo and totalCount, each only where it is asked for."""

    def __init__(
        self, reading: Reading, record: Record, source: Source, order: Order, page: Page, search: Search | None = None
    ) -> None:
        self.reading, self.record, self.source, self.order, self.page = reading, record, source, order, page
        self.row = Row(reading.alias("page"), source.row._columns)  # noqa: SLF001
        self.numeric = [not isinstance(source.row._columns[name], type(Key)) for name, _ in order.keys]  # noqa: SLF001
        self.ways: list[tuple[Expression | None, Sequence[Expression]]] = [(None, ())]
        """How the rows are come by: predicates, each with the condition under which this way is taken at all."""
        if search is not None:
            self.ways = [(search.few, (search.by_candidates,)), (~search.few, (search.by_row,))]
        self.positioned = list(source.where)
        for given, name in ((page.after, "after"), (page.before, "before")):
            if given is not None:
                towards = order if name == "after" else order.reversed()
                self.positioned.append(towards.beyond(source.row, self.position(given, name)))

    def position(self, cursor: Any, name: str) -> list[Expression]:
        """The sort keys of a cursor, as parameters."""
        path = (*self.page.path, name)
        return [
            self.reading.parameter(cursor_part(cursor, self.order, i, n, path), BigInteger() if n else Key)
            for i, n in enumerate(self.numeric)
        ]

    def build(self, fields: Fields) -> Expression:
        reading, dialect = self.reading, self.reading.dialect
        reading._sized(self.page.read_size, self.page.path)  # noqa: SLF001
        pairs = [(f.key, quoted(f.value) if isinstance(f, Constant) else self.part(f)) for f in fields]
        reading._unsized()  # noqa: SLF001
        answer = select(dialect.gathered(pairs))
        if any(isinstance(f, Field) and _gathers(f) for f in fields):
            answer = answer.select_from(self.rows())
        return dialect.nested(answer.scalar_subquery())

    def rows(self) -> Any:
        """The rows of the page, in the order of the list."""
        for name, _ in self.order.keys if self.page.backward else ():
            getattr(self.row, name)
        source, order = self.source, self.order.reversed() if self.page.backward else self.order
        columns = [getattr(source.row, name).label(name) for name in self.row.used_()] or [
            literal_column("1").label("one")
        ]
        page = self.looked_up(order) if source.branches else self.together(self.limited(columns, order))
        name = self.row.alias_()
        if not self.page.backward:
            return page.subquery(name)
        backward = Row(f"{name}_backward", source.row._columns)  # noqa: SLF001
        columns = [getattr(backward, c).label(c) for c in self.row.used_()]
        turned = select(*columns).select_from(page.subquery(backward.alias_()))
        return turned.order_by(*self.order.clauses(backward)).subquery(name)

    def limited(self, columns: Sequence[Expression], order: Order) -> list[Select[Any]]:
        """A page's worth of rows from every branch, each way that they are come by; of the ways all but one are empty."""
        return [
            rows.order_by(*order.clauses(self.source.row))
            .limit(_if(taken, self.reading.size(self.page)))
            .offset(NOTHING)
            for taken, predicates in self.ways
            for rows in self.selected(columns, [*self.positioned, *predicates])
        ]

    def selected(self, columns: Sequence[Expression], where: Sequence[Expression]) -> list[Select[Any]]:
        """The rows, a statement for each branch."""
        branches = self.source.branches or (Branch(self.source.clause, ()),)
        return [select(*columns).select_from(b.clause).where(*where, *b.where) for b in branches]

    def together(self, parts: Sequence[Any]) -> Any:
        """Statements that have their own order and limit, as one."""
        if len(parts) == 1:
            return parts[0]
        star: Expression = literal_column("*")
        every: list[Any] = [select(star).select_from(p.subquery(self.reading.alias("way"))) for p in parts]
        return union_all(*every)

    def looked_up(self, order: Order) -> Select[Any]:
        """The page where there are branches: these yield sort keys, and the rows of those on the page come last."""
        reading, source = self.reading, self.source
        columns = [getattr(source.row, name).label(name) for name, _ in order.keys]
        if len(self.ways) == 1:  # the engine merges what the branches yield
            found = union_all(*self.selected(columns, self.positioned))
        else:
            found = self.together(self.limited(columns, order))
        by: list[Expression] = [
            literal_column(name).desc() if down else literal_column(name) for name, down in order.keys
        ]
        found = found.order_by(*by).limit(reading.size(self.page)).offset(NOTHING)
        key, whole = Row(reading.alias("key"), source.row._columns), reading.rows(self.record.table)  # noqa: SLF001
        same = getattr(whole.row, self.record.identity) == getattr(key, self.record.identity)
        shown = [getattr(whole.row, name).label(name) for name in self.row.used_()]
        page = select(*(shown or [literal_column("1").label("one")]))
        page = page.select_from(Ordered(found.subquery(key.alias_()), whole.clause, same)).where(*whole.where)
        return page.order_by(*order.clauses(key))

    def part(self, field: Field) -> Expression:
        dialect = self.reading.dialect
        match field.name:
            case "total_count":
                _, predicates = self.ways[0]
                counts = self.selected([func.count()], [*self.source.where, *predicates])
                return reduce(add, (count.scalar_subquery() for count in counts))
            case "nodes":
                return dialect.array(self.reading.object(self.record, self.row, field.fields))
            case "edges":
                return dialect.array(self.edge(field))
            case "page_info":
                return dialect.gathered(
                    [
                        (f.key, quoted(f.value) if isinstance(f, Constant) else dialect.printed(self.info(f.name)))
                        for f in field.fields
                    ]
                )
        raise InvalidValue(f"A connection has no {field.name}.", field.path)

    def edge(self, field: Field) -> Expression:
        pairs: list[tuple[str, Expression]] = []
        for f in field.fields:
            if isinstance(f, Constant):
                pairs.append((f.key, quoted(f.value)))
            elif f.name == "cursor":
                pairs.append((f.key, self.cursor()))
            else:
                pairs.append((f.key, self.reading.object(self.record, self.row, f.fields)))
        return self.reading.dialect.object(pairs)

    def cursor(self) -> Expression:
        return self.reading.dialect.cursor(self.order.tag, self.order.columns(self.row))

    def info(self, name: str) -> Expression:
        """pageInfo: `hasNextPage` from one row more than the page, `hasPreviousPage` from a row up to the cursor."""
        match name:
            case "start_cursor":
                return self.reading.dialect.first_of(self.cursor())
            case "end_cursor":
                return self.reading.dialect.last_of(self.cursor())
            case "has_next_page" if not self.page.backward:
                return self.more()
            case "has_previous_page" if self.page.backward:
                return self.more()
            case "has_next_page":
                return self.on_the_far_side(self.page.before, self.order, "before")
            case _:
                return self.on_the_far_side(self.page.after, self.order.reversed(), "after")

    def more(self) -> Expression:
        return self.any_row(self.positioned, self.reading.size(self.page))

    def any_row(self, where: Sequence[Expression], after: Any = None) -> Expression:
        """Whether there is a row, or one more than `after`."""
        ways = []
        for taken, predicates in self.ways:
            every = self.selected([literal_column("1")], [*where, *predicates])
            rows: Any = every[0] if len(every) == 1 else union_all(*every)
            ways.append(exists(rows.limit(_if(taken, literal_column("1"))).offset(NOTHING if after is None else after)))
        return _flag(or_(*ways))

    def on_the_far_side(self, cursor: Any, order: Order, name: str) -> Expression:
        """Whether rows lie on the cursor or behind it, seen from the page."""
        if cursor is None:
            return type_coerce(false(), Flag())
        behind = order.beyond(self.source.row, self.position(cursor, name), inclusive=True)
        return self.any_row([*self.source.where, behind])


def _if(taken: Expression | None, size: Any) -> Any:
    """A limit of nothing where a way is not taken."""
    return size if taken is None else case((taken, size), else_=literal_column("0", Integer()))


def _gathers(field: Field) -> bool:
    """Whether a part of a connection is made of the page's rows; if none is, the rows stay unread."""
    if field.name == "page_info":
        return any(isinstance(f, Field) and f.name in {"start_cursor", "end_cursor"} for f in field.fields)
    return field.name in {"edges", "nodes"}


def _flag(condition: Any) -> Expression:
    return type_coerce(condition, Flag())
