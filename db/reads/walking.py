"""A page that is looked for along its list, instead of being chosen from all that the list holds.

Rows of a large set are never far from each other, unless the list's order has to do with which they are. So looking
for them ends after so many; where that does not fill the page, the set itself does.
"""

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    and_,
    case,
    column,
    exists,
    false,
    func,
    literal_column,
    select,
    table,
    true,
)

from db.columns import Flag

if TYPE_CHECKING:
    from db.reads.connection import Connection

Expression = ColumnElement[Any]

FARTHEST = 10_000
"""Rows that a walk passes at the most."""

NOTHING: Expression = literal_column("0", Integer())
ONE: Expression = literal_column("1", Integer())


class Near:
    """A page, and a row more, of the first rows beyond its cursor; `done` if they fill it, or are the last ones.

    `wanted` says whether they are looked for, `holds` what else than what holds of all of the source's rows.
    """

    def __init__(self, connection: "Connection", wanted: Expression, holds: Expression) -> None:
        self.connection, self.holds = connection, holds
        reading = connection.reading
        self._wanted, self._met, self._done = (reading.alias(stem) for stem in ("wanted", "near", "done"))
        size = reading.size(connection.page)
        met = self.named()
        count = select(func.count(met.c[self.identity])).select_from(met).scalar_subquery()
        looked_for = told(reading, self._wanted)
        done = case((~looked_for, false()), (count > size, true()), else_=self.ended())
        self.tables = [
            select(wanted.label("told")).cte(self._wanted),
            self.found(case((looked_for, size + ONE), else_=NOTHING)).cte(self._met),
            select(done.label("told")).cte(self._done),
        ]
        self.done = told(reading, self._done)
        self.more = and_(self.done, count > size)

    def found(self, limit: Expression) -> Any:
        """The sort keys of the rows met, at most so many; rows without an id say something else."""
        raise NotImplementedError

    def ended(self) -> Expression:
        """Whether the list holds no row beyond those looked at."""
        raise NotImplementedError

    def page(self) -> Any:
        """The sort keys of the rows met, where these are the page's."""
        met = self.named()
        rows = select(*(met.c[name] for name in self.keys)).select_from(met)
        return rows.where(self.done, met.c[self.identity].is_not(None))

    @property
    def identity(self) -> str:
        return self.connection.record.identity

    @property
    def keys(self) -> list[str]:
        return [name for name, _ in self.connection.order.keys]

    def named(self) -> Any:
        """The rows met, under an alias of their own."""
        return table(self._met, *(column(key) for key in self.keys)).alias(self.connection.reading.alias(self._met))


class Walk(Near):
    """Looks at row after row of the living ones, in the list's order."""

    def found(self, limit: Expression) -> Any:
        source, order = self.connection.source, self.connection.ahead.order
        where = [*source.where, self.holds]
        keys = [column_.label(name) for column_, name in zip(order.columns(source.row), self.keys, strict=True)]
        first = self._first(source.row.used_()).limit(literal_column(str(FARTHEST))).offset(NOTHING)
        found = select(*keys).select_from(first.subquery(source.row.alias_())).where(*where)
        return found.order_by(*order.clauses(source.row)).limit(limit).offset(NOTHING)

    def ended(self) -> Expression:
        return ~exists(self._first(("id",)).limit(ONE).offset(literal_column(str(FARTHEST))))

    def _first(self, columns: tuple[str, ...]) -> Any:
        """The living rows beyond the cursor, in the list's order."""
        connection = self.connection
        rows = connection.reading.rows(connection.record.table)
        found = select(*(getattr(rows.row, name).label(name) for name in columns)).select_from(rows.clause)
        found = found.where(*rows.where, rows.row.archived_at.is_(None), *connection.within(rows.row))
        return found.order_by(*connection.ahead.order.clauses(rows.row))


def told(reading: Any, name: str) -> Expression:
    """What a table of the statement with one row says."""
    one: Any = table(name, column("told", Flag())).alias(reading.alias(name))
    found: Expression = select(one.c.told).select_from(one).scalar_subquery()
    return found
