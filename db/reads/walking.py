"""A page of a crowd: where very many rows come by branches, the list is walked along its index until the page is full.

Rows of a crowd are never far from each other, unless the list's order has to do with who is one. So the walk is bounded;
where it does not fill the page, the branches do.
"""

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    and_,
    case,
    column,
    exists,
    func,
    literal_column,
    or_,
    select,
    table,
    true,
)

from db.columns import Flag
from db.reads.records import Crowd, Way

if TYPE_CHECKING:
    from db.reads.connection import Connection

Expression = ColumnElement[Any]

FARTHEST = 10_000
"""Rows that a walk passes at the most."""

NOTHING: Expression = literal_column("0", Integer())
ONE: Expression = literal_column("1", Integer())


class Walk:
    """A page, and a row more, of the first rows beyond its cursor; `taken` if they fill it, or are the last ones."""

    def __init__(self, connection: "Connection", crowd: Crowd) -> None:
        self.connection, self.crowd = connection, crowd
        reading, page = connection.reading, connection.page
        self.large, self.near, self.done = (reading.alias(stem) for stem in ("large", "near", "done"))
        size = reading.size(page)
        met, large = self._named(self.near), self._told(self.large)
        count = select(func.count()).select_from(met).scalar_subquery()
        self.tables = [
            select(crowd.large.label("told")).cte(self.large),
            self._walked(case((large, size + ONE), else_=NOTHING)).cte(self.near),
            select(and_(large, or_(count > size, ~self._farther())).label("told")).cte(self.done),
        ]
        self.taken = self._told(self.done)
        self.branches = Way(~self.taken, lambda _: true())
        """The branches, where the walk does not do."""
        self.more = and_(self.taken, count > size)

    def page(self) -> Any:
        """The sort keys of the rows met."""
        met = self._named(self.near)
        return select(*(met.c[name] for name in self._keys())).select_from(met).where(self.taken)

    def _keys(self) -> list[str]:
        return [name for name, _ in self.connection.order.keys]

    def _named(self, name: str) -> Any:
        return table(name, *(column(key) for key in self._keys())).alias(self.connection.reading.alias(name))

    def _told(self, name: str) -> Expression:
        """What one of the tables with one row says."""
        told: Any = table(name, column("told", Flag())).alias(self.connection.reading.alias(name))
        found: Expression = select(told.c.told).select_from(told).scalar_subquery()
        return found

    def _walked(self, limit: Expression) -> Any:
        """The rows of the crowd among the first ones beyond the cursor, under the name of the list's own."""
        source, order = self.connection.source, self.connection.ahead.order
        where = [*source.where, self.crowd.holds(source.row)]
        keys = [column_.label(name) for column_, name in zip(order.columns(source.row), self._keys(), strict=True)]
        first = self._first(source.row.used_()).limit(literal_column(str(FARTHEST))).offset(NOTHING)
        found = select(*keys).select_from(first.subquery(source.row.alias_())).where(*where)
        return found.order_by(*order.clauses(source.row)).limit(limit).offset(NOTHING)

    def _farther(self) -> Expression:
        """Whether the list goes on beyond the farthest row."""
        return exists(self._first(("id",)).limit(ONE).offset(literal_column(str(FARTHEST))))

    def _first(self, columns: tuple[str, ...]) -> Any:
        """The living rows beyond the cursor, in the list's order."""
        connection = self.connection
        rows = connection.reading.rows(connection.record.table)
        found = select(*(getattr(rows.row, name).label(name) for name in columns)).select_from(rows.clause)
        found = found.where(*rows.where, rows.row.archived_at.is_(None), *connection.within(rows.row))
        return found.order_by(*connection.ahead.order.clauses(rows.row))
