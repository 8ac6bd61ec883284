"""Where engines differ: building JSON, printing moments, cursors, lists as parameters. Nowhere else.

Tree and statements are written once in SQLAlchemy's expression language; what it has no word for is said here.
"""

from collections.abc import Hashable, Mapping, Sequence
from functools import reduce
from typing import Any, Protocol

from sqlalchemy import (
    JSON,
    ColumnElement,
    Double,
    FromClause,
    Integer,
    LargeBinary,
    Text,
    case,
    cast,
    collate,
    column,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.engine import Dialect as Engine
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.selectable import Join

from db.columns import Flag, JsonText, Key, Milliseconds

Expression = ColumnElement[Any]

SEPARATOR = "\x1f"
"""Stands between the parts of a cursor (U+001F, unit separator; folding never leaves one in a key)."""


def quoted(text: str) -> Expression:
    """A text that is part of the statement itself. Only for names of this code's or GraphQL's making."""
    return literal_column("'" + text.replace("'", "''") + "'", Text())


class Ordered(Join):
    """A join whose left side leads: a small set first, then what belongs to it by an index.

    Every table is reached by its workspace first, which tells SQLite's planner nothing about how many rows there are;
    left to itself it would walk the larger side and look into the set for each of its rows.
    """

    inherit_cache = False


@compiles(Ordered)
def _joined(join: Ordered, compiler: Any, **options: Any) -> str:
    how = "CROSS JOIN" if compiler.dialect.name == "sqlite" else "JOIN"
    options["asfrom"] = True
    left, right = (compiler.process(side, **options) for side in (join.left, join.right))
    options.pop("asfrom")
    return f"{left} {how} {right} ON {compiler.process(join.onclause, **options)}"


class Dialect(Hashable, Protocol):
    """What a statement needs of an engine."""

    name: str
    engine: Engine

    def object(self, pairs: Sequence[tuple[str, Expression]]) -> Expression: ...
    def array(self, item: Expression) -> Expression: ...
    def nested(self, query: Expression) -> Expression: ...
    def printed(self, value: Expression) -> Expression: ...
    def encoded(self, value: Expression) -> Expression: ...
    def cursor(self, tag: str, keys: Sequence[Expression]) -> Expression: ...
    def first_of(self, value: Expression) -> Expression: ...
    def last_of(self, value: Expression) -> Expression: ...
    def each(self, values: Expression, name: str) -> FromClause: ...
    def entries(self, values: Expression, names: Mapping[str, str], name: str) -> FromClause: ...
    def contains(self, text: Expression, part: Expression) -> Expression: ...
    def place(self, text: Expression, part: Expression) -> Expression: ...
    def key(self, text: Expression) -> Expression: ...
    def given(self, value: Expression) -> Expression: ...
    def later(self, one: Expression, other: Expression) -> Expression: ...
    def insert(self, table: Any) -> Any: ...
    def gathered(self, pairs: Sequence[tuple[str, Expression]]) -> Expression: ...

    @property
    def aborts(self) -> bool:
        """Whether a statement that fails takes the whole transaction with it, unless there is a savepoint."""
        ...


class Sqlite:
    """SQLite 3.38 and newer, with its JSON functions."""

    name = "sqlite"
    aborts = False

    def __init__(self, *, keeps_subtype: bool = True) -> None:
        """`keeps_subtype`: whether a scalar sub-select keeps its value's JSON subtype (3.54.1 dropped it)."""
        self.keeps_subtype = keeps_subtype
        self.engine: Engine = sqlite.dialect(paramstyle="qmark")

    def object(self, pairs: Sequence[tuple[str, Expression]]) -> Expression:
        """A JSON object; its keys keep the order given."""
        return func.json_object(*(part for key, value in pairs for part in (quoted(key), value)))

    def gathered(self, pairs: Sequence[tuple[str, Expression]]) -> Expression:
        """A JSON object of few values that were gathered over rows, or that are columns of a table."""
        return self.object(pairs)

    def array(self, item: Expression) -> Expression:
        """All rows' items as a JSON array, in the order of the rows."""
        return func.json_group_array(item)

    def nested(self, query: Expression) -> Expression:
        """A sub-select whose JSON becomes part of a larger document."""
        return query if self.keeps_subtype else func.json(query)

    def printed(self, value: Expression) -> Expression:
        """A value as answers show it: a moment as RFC 3339, a flag as a boolean, kept JSON as JSON."""
        match value.type:
            case Milliseconds():
                return func.strftime(
                    quoted("%Y-%m-%dT%H:%M:%fZ"), value / literal_column("1000.0"), quoted("unixepoch")
                )
            case Flag():
                return func.json(case((value, quoted("true")), else_=quoted("false")))
            case JsonText():
                return func.json(value)
            case _:
                return value

    def encoded(self, value: Expression) -> Expression:
        """JSON as its bytes in UTF-8: a long answer is never made a text and encoded again."""
        return cast(value, LargeBinary)

    def cursor(self, tag: str, keys: Sequence[Expression]) -> Expression:
        """Hex of the order's tag, the sort keys and the id."""
        parts: list[Expression] = [quoted(tag), *(cast(key, Text) for key in keys)]
        joined = reduce(lambda left, right: left.concat(literal_column("x'1f'", Text())).concat(right), parts)
        return func.lower(func.hex(joined))

    def first_of(self, value: Expression) -> Expression:
        return func.json_extract(func.json_group_array(value), quoted("$[0]"))

    def last_of(self, value: Expression) -> Expression:
        return func.json_extract(func.json_group_array(value), quoted("$[#-1]"))

    def each(self, values: Expression, name: str) -> FromClause:
        """The members of a JSON array of texts, as rows (position, value)."""
        return (
            select(column("key").label("position"), column("value", Key))
            .select_from(func.json_each(values).alias(f"{name}_each"))
            .subquery(name)
        )

    def entries(self, values: Expression, names: Mapping[str, str], name: str) -> FromClause:
        """The members of a JSON array of objects, as rows: their position, and by column the member of a name."""
        each = func.json_each(values).alias(f"{name}_each")
        members = [
            func.json_extract(literal_column(f"{name}_each.value"), quoted(f"$.{member}")).label(label)
            for label, member in names.items()
        ]
        return select(literal_column(f"{name}_each.key").label("position"), *members).select_from(each).subquery(name)

    def contains(self, text: Expression, part: Expression) -> Expression:
        return func.instr(text, part) > 0

    def place(self, text: Expression, part: Expression) -> Expression:
        """Where a part of a text begins; 0 if it is none."""
        return func.instr(text, part, type_=Integer())

    def key(self, text: Expression) -> Expression:
        """A text that is compared as keys are."""
        return text

    def given(self, value: Expression) -> Expression:
        """A text parameter inside a JSON object."""
        return value

    def later(self, one: Expression, other: Expression) -> Expression:
        """The greater of two moments."""
        return func.max(one, other, type_=Milliseconds())

    def insert(self, table: Any) -> Any:
        """An INSERT that can say what happens on a conflict."""
        return sqlite.insert(table)


LONGEST_NAME = 63
"""Bytes of a column's name that PostgreSQL keeps; a longer one would be cut."""


class Postgres:
    """PostgreSQL 14 and newer, with its JSON functions."""

    name = "postgresql"
    aborts = True

    def __init__(self) -> None:
        self.engine: Engine = asyncpg.dialect()  # type: ignore[no-untyped-call]

    def object(self, pairs: Sequence[tuple[str, Expression]]) -> Expression:
        """A JSON object; its keys keep the order given.

        Of a row of columns: twice as fast as `json_build_object`, and without its limit of 50 pairs.
        """
        if not pairs or any(len(key) > LONGEST_NAME for key, _ in pairs):
            return self.gathered(pairs)
        row = select(*(value.label(key) for key, value in pairs)).subquery("o")
        return select(func.row_to_json(literal_column("o"))).select_from(row).scalar_subquery()

    def gathered(self, pairs: Sequence[tuple[str, Expression]]) -> Expression:
        return func.json_build_object(*(part for key, value in pairs for part in (quoted(key), value)))

    def array(self, item: Expression) -> Expression:
        return func.coalesce(func.json_agg(item), cast(quoted("[]"), JSON))

    def nested(self, query: Expression) -> Expression:
        return query

    def printed(self, value: Expression) -> Expression:
        match value.type:
            case Milliseconds():
                moment = func.timezone(quoted("UTC"), func.to_timestamp(cast(value, Double) / literal_column("1000")))
                return func.to_char(moment, quoted('YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
            case JsonText():
                return cast(value, JSON)
            case _:
                return value

    def encoded(self, value: Expression) -> Expression:
        return func.convert_to(cast(value, Text), quoted("UTF8"))

    def cursor(self, tag: str, keys: Sequence[Expression]) -> Expression:
        parts: list[Expression] = [quoted(tag), *(cast(key, Text) for key in keys)]
        joined = reduce(lambda left, right: left.concat(literal_column("chr(31)", Text())).concat(right), parts)
        return func.encode(func.convert_to(joined, quoted("UTF8")), quoted("hex"))

    def first_of(self, value: Expression) -> Expression:
        return _member(func.array_agg(value), "1")

    def last_of(self, value: Expression) -> Expression:
        return _member(func.array_agg(value), "count(*)")

    def each(self, values: Expression, name: str) -> FromClause:
        members = func.json_array_elements_text(cast(values, JSON)).table_valued(
            column("value", Key), with_ordinality="position"
        )
        each = members.render_derived(name=f"{name}_each")
        value = literal_column(f'{name}_each.value COLLATE "C"', Key).label("value")
        return select(literal_column(f"{name}_each.position").label("position"), value).select_from(each).subquery(name)

    def entries(self, values: Expression, names: Mapping[str, str], name: str) -> FromClause:
        members = func.json_array_elements(cast(values, JSON)).table_valued(
            column("entry", JSON), with_ordinality="position"
        )
        each = members.render_derived(name=f"{name}_each")
        columns = [
            literal_column(f"{name}_each.entry ->> '{member}'", Text()).label(label) for label, member in names.items()
        ]
        return (
            select(literal_column(f"{name}_each.position").label("position"), *columns).select_from(each).subquery(name)
        )

    def contains(self, text: Expression, part: Expression) -> Expression:
        return func.strpos(text, part) > literal_column("0")

    def place(self, text: Expression, part: Expression) -> Expression:
        return func.strpos(text, part, type_=Integer())

    def key(self, text: Expression) -> Expression:
        return collate(cast(text, Text), "C")

    def given(self, value: Expression) -> Expression:
        return cast(value, Text)

    def later(self, one: Expression, other: Expression) -> Expression:
        return func.greatest(one, other, type_=Milliseconds())

    def insert(self, table: Any) -> Any:
        return postgresql.insert(table)


class _Member(ColumnElement[Any]):
    """A member of an array that an expression makes."""

    inherit_cache = False

    def __init__(self, array: Expression, place: str) -> None:
        self.array, self.place, self.type = array, place, Text()


@compiles(_Member)
def _taken(member: _Member, compiler: Any, **options: Any) -> str:
    return f"({compiler.process(member.array, **options)})[{member.place}]"


def _member(array: Expression, place: str) -> Expression:
    return _Member(array, place)
