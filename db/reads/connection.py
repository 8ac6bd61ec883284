"""A Relay connection of a statement: a page's rows by keyset, its edges, nodes, pageInfo and totalCount.

Source: GraphQL Cursor Connections Specification, sections 2 to 5.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    case,
    exists,
    false,
    literal_column,
    or_,
    select,
    true,
    type_coerce,
    union_all,
)

from db.columns import Flag, Key
from db.engines.dialects import Ordered, quoted
from db.errors import InvalidValue
from db.reads.paging import Order, Page, cursor_part
from db.reads.records import Record, Row, Search, Source, Stretch, Way
from db.reads.selection import Constant, Field, Fields
from db.reads.ways import Ways

if TYPE_CHECKING:
    from db.reads.reading import Reading

Expression = ColumnElement[Any]
NOTHING: Expression = literal_column("0", Integer())
ONE: Expression = literal_column("1", Integer())


class Connection:
    """A page of a list as edges, nodes, pageInfo and totalCount, each only where it is asked for."""

    def __init__(
        self, reading: "Reading", record: Record, source: Source, order: Order, page: Page, search: Search | None = None
    ) -> None:
        self.reading, self.record, self.source, self.order, self.page = reading, record, source, order, page
        self.row = Row(reading.alias("page"), source.row._columns)  # noqa: SLF001
        self.numeric = [not isinstance(source.row._columns[name], type(Key)) for name, _ in order.keys]  # noqa: SLF001
        self.bounds: list[tuple[Order, list[Expression]]] = []
        """Where the page lies: beyond each of these positions in an order."""
        for given, name in ((page.after, "after"), (page.before, "before")):
            if given is not None:
                self.bounds.append((order if name == "after" else order.reversed(), self.position(given, name)))

        ahead = order.reversed() if page.backward else order
        self.ahead = Stretch(self.within, ahead, reading.size(page) + ONE)
        """The page's rows and one more, as they are read."""
        self.ways = Ways(self, search)

    def within(self, row: Row) -> list[Expression]:
        """What holds of a row that lies where the page is."""
        return [towards.beyond(row, position) for towards, position in self.bounds]

    @property
    def positioned(self) -> list[Expression]:
        return [*self.source.where, *self.within(self.source.row)]

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
        for table in self.ways.tables:
            answer = answer.add_cte(table, nest_here=True)
        return dialect.nested(answer.scalar_subquery())

    def rows(self) -> Any:
        """The rows of the page, in the order of the list."""
        for name, _ in self.order.keys if self.page.backward else ():
            getattr(self.row, name)
        source, order = self.source, self.ahead.order
        columns = [getattr(source.row, name).label(name) for name in self.row.used_()] or [
            literal_column("1").label("one")
        ]
        (way, *others), near = self.ways.of_page, self.ways.near
        if others or near or len(way.branches) > 1:
            page = self.looked_up(order)
        else:
            (page,) = self.limited(columns, order, [way])
        name = self.row.alias_()
        if not self.page.backward:
            return page.subquery(name)
        backward = Row(f"{name}_backward", source.row._columns)  # noqa: SLF001
        columns = [getattr(backward, c).label(c) for c in self.row.used_()]
        turned = select(*columns).select_from(page.subquery(backward.alias_()))
        return turned.order_by(*self.order.clauses(backward)).subquery(name)

    def limited(self, columns: Sequence[Expression], order: Order, ways: Sequence[Way]) -> list[Select[Any]]:
        """A page's worth of rows from every branch of each way; all ways but those taken are empty."""
        size = self.reading.size(self.page)
        return [
            rows.order_by(*order.clauses(self.source.row)).limit(_if(way.taken, size)).offset(NOTHING)
            for way in ways
            for rows in self.selected(columns, self.positioned, way)
        ]

    def selected(self, columns: Sequence[Expression], where: Sequence[Expression], way: Way) -> list[Select[Any]]:
        """The rows of a way, a statement for each branch."""
        return [select(*columns).select_from(b.clause).where(*where, *b.where) for b in way.branches]

    def together(self, parts: Sequence[Any]) -> Any:
        """Statements as one; each stands by itself, with its own order, limit and recursive query."""
        if len(parts) == 1:
            return parts[0]
        star: Expression = literal_column("*")
        every: list[Any] = [select(star).select_from(p.subquery(self.reading.alias("way"))) for p in parts]
        return union_all(*every)

    def looked_up(self, order: Order) -> Select[Any]:
        """The page where there are several ways: these yield sort keys, and the rows of those on the page come last."""
        reading, source, ways = self.reading, self.source, self.ways.of_page
        columns = [getattr(source.row, name).label(name) for name, _ in order.keys]
        size, by = reading.size(self.page), [_by(name, down) for name, down in order.keys]
        near = [one.page() for one in self.ways.near]
        if near or len(ways) > 1:
            found = self.together([*near, *self.limited(columns, order, ways)])
        else:  # the engine merges what the branches yield
            found = union_all(*self.selected(columns, self.positioned, ways[0]))
        found = found.order_by(*by).limit(size).offset(NOTHING)
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
                return self.ways.total()
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
        near, beyond = self.ways.near, self.any_row(self.ahead, self.reading.size(self.page), self.ways.of_page)
        return _flag(or_(*(one.more for one in near), beyond)) if near else beyond

    def any_row(self, stretch: Stretch, after: Expression, among: Sequence[Way]) -> Expression:
        """Whether a stretch has a row more than `after`."""
        where, ways = [*self.source.where, *stretch.within(self.source.row)], []
        for way in among:
            rows = self.together(self.selected([literal_column("1")], where, way))
            ways.append(exists(rows.limit(_if(way.taken, ONE)).offset(after)))
        return _flag(or_(*ways))

    def on_the_far_side(self, cursor: Any, order: Order, name: str) -> Expression:
        """Whether rows lie on the cursor or behind it, seen from the page."""
        if cursor is None:
            return type_coerce(false(), Flag())
        position = self.position(cursor, name)
        behind = Stretch(lambda row: [order.beyond(row, position, inclusive=True)], order, ONE)
        anywhere = self.any_row(behind, NOTHING, self.ways.of_all)
        if not self.ways.near:
            return anywhere
        same = [c == p for c, p in zip(order.columns(self.source.row), position, strict=True)]
        itself = select(ONE).select_from(self.source.clause).where(*self.source.where, self.ways.holds, *same)
        return _flag(case((exists(itself), true()), else_=anywhere))


def _if(taken: Expression | None, size: Any) -> Any:
    """A limit of nothing where a way is not taken."""
    return size if taken is None else case((taken, size), else_=literal_column("0", Integer()))


def _by(name: str, down: bool) -> Expression:
    column: Expression = literal_column(name)
    return column.desc() if down else column


def _gathers(field: Field) -> bool:
    """Whether a part of a connection is made of the page's rows; if none is, the rows stay unread."""
    if field.name == "page_info":
        return any(isinstance(f, Field) and f.name in {"start_cursor", "end_cursor"} for f in field.fields)
    return field.name in {"edges", "nodes"}


def _flag(condition: Any) -> Expression:
    return type_coerce(condition, Flag())
