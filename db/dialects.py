"""Where engines differ: building JSON, printing moments, cursors, lists as parameters. Nowhere else.

Tree and statements are written once in SQLAlchemy's expression language; what it has no word for is said here.
"""

from collections.abc import Hashable, Mapping, Sequence
from functools import reduce
from typing import Any, Protocol

from sqlalchemy import ColumnElement, FromClause, Text, case, cast, column, func, literal_column, select
from sqlalchemy.dialects import sqlite
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
    def cursor(self, tag: str, keys: Sequence[Expression]) -> Expression: ...
    def first_of(self, value: Expression) -> Expression: ...
    def last_of(self, value: Expression) -> Expression: ...
    def each(self, values: Expression, name: str) -> FromClause: ...
    def entries(self, values: Expression, names: Mapping[str, str], name: str) -> FromClause: ...
    def contains(self, text: Expression, part: Expression) -> Expression: ...
    def given(self, value: Expression) -> Expression: ...
    def later(self, one: Expression, other: Expression) -> Expression: ...
    def insert(self, table: Any) -> Any: ...


class Sqlite:
    """SQLite 3.38 and newer, with its JSON functions."""

    name = "sqlite"

    def __init__(self, *, keeps_subtype: bool = True) -> None:
        """`keeps_subtype`: whether a scalar sub-select keeps its value's JSON subtype (3.54.1 dropped it)."""
        self.keeps_subtype = keeps_subtype
        self.engine: Engine = sqlite.dialect(paramstyle="qmark")

    def object(self, pairs: Sequence[tuple[str, Expression]]) -> Expression:
        """A JSON object; its keys keep the order given."""
        return func.json_object(*(part for key, value in pairs for part in (quoted(key), value)))

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

    def given(self, value: Expression) -> Expression:
        """A text parameter inside a JSON object."""
        return value

    def later(self, one: Expression, other: Expression) -> Expression:
        """The greater of two moments."""
        return func.max(one, other, type_=Milliseconds())

    def insert(self, table: Any) -> Any:
        """An INSERT that can say what happens on a conflict."""
        return sqlite.insert(table)
