"""The ways by which a connection's rows are come by: one, or several of which the statement takes what costs least.

Sets that narrow a list, a search's or a filter's, are looked up where they are few. Where all that narrow it are very
many, the page is looked for along the list; if it is not met there, it is chosen from the smaller set after all.
"""

from collections.abc import Callable, Sequence
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

from sqlalchemy import CTE, ColumnElement, and_, case, false, func, literal_column, or_, select, true

from db.reads.records import Branch, Crowd, LookedUp, Search, Way
from db.reads.searching import MOST_COUNTED
from db.reads.walking import Near, Walk, told

if TYPE_CHECKING:
    from db.reads.connection import Connection

Expression = ColumnElement[Any]

KEY_AND_ID = 2
"""Parts of an order by one column."""


class Ways:
    """`near` looks for a page along the list, `of_page` are taken where it fills none, `of_all` for what is no page."""

    def __init__(self, connection: "Connection", search: Search | None) -> None:
        self.connection, self.source = connection, connection.source
        self.tables: list[CTE] = [*search.tables] if search else []
        self.near: list[Near] = []
        self.own = self.source.branches or (Branch(self.source.clause, ()),)
        self.of_page = self.of_all = [Way(None, self.own)]
        self.counted: Expression | None = None
        self.holds: Expression = true()
        """Whether a row is in the sets that narrow the list, where there are several ways to them."""
        found = None if search is None or connection.reading.for_customer else search.looked_up
        if search is not None and found is not None:
            self._of_search(search.holds(self.source.row), found)
        elif search is not None:
            self.source.where.append(search.holds(self.source.row))
        elif self.source.crowd is not None:
            self._of_crowd(self.source.crowd)

    def total(self) -> Expression:
        """How many rows the list has."""
        if self.counted is not None:
            return self.counted
        counts = [self._count(way.branches) for way in self.of_all]
        last = counts.pop()
        taken = [(way.taken, count) for way, count in zip(self.of_all, counts, strict=False) if way.taken is not None]
        return case(*taken, else_=last) if taken else last

    def _of_crowd(self, crowd: Crowd) -> None:
        """The members of one set."""
        self.holds = crowd.holds(self.source.row)
        if self._look(self._larger(crowd)()):
            self.of_page = [Way(case((self._done, false()), else_=true()), self.own)]

    def _of_search(self, holds: Expression, found: LookedUp) -> None:
        """What a search finds."""
        few = self._told(found.few())
        branches, self.holds = found.branches(self.source), holds
        if self.source.led is not None:
            self._beside_a_filter(found, few, branches, self.source.led(self.source.row))
            return
        self.of_page = self.of_all = [Way(None, branches)]
        if self.source.alone:
            self.counted = found.total()
        if self.source.living and self._look(~few(), found):
            self.of_page = [Way(case((few(), true()), (self._done, false()), else_=true()), branches)]

    def _beside_a_filter(
        self, found: LookedUp, few: Callable[[], Expression], branches: Sequence[Branch], led: Expression
    ) -> None:
        """What a search finds among a filter's members, by the words or by the members, whichever are fewer."""
        by_words = [Branch(b.clause, [*b.where, led]) for b in branches]
        by_members = [Branch(b.clause, [*b.where, self.holds]) for b in self.own]
        self.holds, crowd = and_(self.holds, led), self.source.crowd
        if crowd is None:
            self.of_page = self.of_all = [Way(few(), by_words), Way(~few(), by_members)]
            return
        large = self._larger(crowd)
        fewer = self._told(found.size() <= crowd.size(MOST_COUNTED))
        looked_for = self._look(case((few(), false()), else_=large()), found)

        def ways(*met: tuple[Expression, Expression]) -> list[Way]:
            words = case((few(), true()), (~large(), false()), *met, else_=fewer())
            members = case((few(), false()), (~large(), true()), *met, else_=~fewer())
            return [Way(words, by_words), Way(members, by_members)]

        self.of_all = ways()
        self.of_page = ways((self._done, false())) if looked_for else self.of_all

    def _look(self, wanted: Expression, found: LookedUp | None = None) -> bool:
        """Looks for the page along the list where that is wanted; unless no index has the list's order."""
        order = self.connection.order.keys
        if len(order) != KEY_AND_ID or len({descending for _, descending in order}) > 1:
            return False
        if found is not None and found.leap is not None:
            leap = found.leap(self.connection, wanted, self.holds)
            self.near.append(leap)
            wanted = case((leap.possible, false()), else_=wanted)
        self.near.append(Walk(self.connection, wanted, self.holds))
        for one in self.near:
            self.tables += one.tables
        return True

    @property
    def _done(self) -> Expression:
        return or_(*(one.done for one in self.near))

    def _larger(self, crowd: Crowd) -> Callable[[], Expression]:
        return self._told(crowd.size(crowd.few) > literal_column(str(crowd.few)))

    def _told(self, expression: Expression) -> Callable[[], Expression]:
        """An expression that is computed once."""
        reading = self.connection.reading
        name = reading.alias("told")
        self.tables.append(select(expression.label("told")).cte(name))
        return lambda: told(reading, name)

    def _count(self, branches: Sequence[Branch]) -> Expression:
        counts = self.connection.selected([func.count()], self.source.where, Way(None, branches))
        return reduce(add, (count.scalar_subquery() for count in counts))
