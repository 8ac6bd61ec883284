"""A Relay connection of a statement: a page's rows by keyset, its edges, nodes, pageInfo and totalCount.

Source: GraphQL Cursor Connections Specification, sections 2 to 5.
"""

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    case,
    exists,
    false,
    func,
    literal_column,
    or_,
    select,
    type_coerce,
    union_all,
)

from db.columns import Flag, Key
from db.dialects import Ordered, quoted
from db.errors import InvalidValue
from db.paging import Order, Page, cursor_part
from db.records import Branch, Record, Row, Search, Source
from db.selection import Constant, Field, Fields

if TYPE_CHECKING:
    from db.reading import Reading

Expression = ColumnElement[Any]
NOTHING: Expression = literal_column("0", Integer())


class Connection:
    """A page of a list as edges, nodes, pageInfo and totalCount, each only where it is asked for."""

    def __init__(
        self, reading: "Reading", record: Record, source: Source, order: Order, page: Page, search: Search | None = None
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
        reading._sized(self.page.read_size, self.page.path, brought=self.page.brought)  # noqa: SLF001
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
        """Statements as one; each stands by itself, with its own order, limit and recursive query."""
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
            rows = self.together(self.selected([literal_column("1")], [*where, *predicates]))
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
