"""Search of customers: every word typed is a prefix of one of a customer's words (`customer_word`).

Where the rarest word typed begins few words, the customers who have these are looked up. Where it begins many, a page
is looked for along the list: in the order of names by leaping from word to word (`db/reads/leaping.py`), in other orders by
walking (`db/reads/walking.py`); what neither fills comes from the rarest word all the same.
"""

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Integer, case, column, exists, func, literal_column, select, table

from db.columns import Key
from db.engines.dialects import Ordered
from db.errors import LimitExceeded
from db.reads.leaping import Leap, begins
from db.reads.records import Branch, LookedUp, Row, Search, Source
from db.tables import Customer, CustomerWord
from db.text import words

if TYPE_CHECKING:
    from db.reads.connection import Connection
    from db.reads.paging import Order
    from db.reads.reading import Reading

Expression = ColumnElement[Any]

MOST_SEARCHED = 20
"""Words that one search may hold."""

FEW = 5_000
"""Up to so many words that begin alike, a search looks their customers up; beyond, it goes along the list."""

FEW_IN_ORDER = 500
"""The same where the list is in the order of names, in which leaping finds a page sooner."""

MOST_COUNTED = 100_000
"""So far the members of large sets are counted, where it is to be told which of them are fewer."""

ONE: Expression = literal_column("1", Integer())


def typed(text: str) -> list[str]:
    """The words of a search; one that begins all others where it has none."""
    found = sorted(words(text))
    if len(found) > MOST_SEARCHED:
        raise LimitExceeded(f"A search takes at most {MOST_SEARCHED} words; it has {len(found)}.", ("search",))
    return found or [""]


def search(reading: "Reading", given: Any, order: "Order") -> Search:
    """What a search finds in a list of this order."""
    in_order = [name for name, _ in order.keys] == ["name_key", "id"]
    found = Words(reading, given, in_order=in_order)
    leap = found.leap if in_order else None
    looked_up = LookedUp(found.ids, found.branches, found.few, found.size, found.total, leap)
    return Search(found.hold, looked_up, found.tables)


class Words:
    """The words of one search, as tables of the statement."""

    def __init__(self, reading: "Reading", given: Any, *, in_order: bool) -> None:
        self.reading = reading
        self.typed, self.counted, self.rarest = (reading.alias(stem) for stem in ("typed", "counted", "rarest"))
        self.most = FEW_IN_ORDER if in_order else FEW
        each = reading.each(given, typed)
        self.tables = [select(each.c.value.label("word")).cte(self.typed), self._counted(), self._rarest()]

    def few(self) -> Expression:
        """Whether the rarest word typed begins few words."""
        counted = self.named(self.counted)
        return (
            select(func.min(counted.c.number) <= literal_column(str(self.most))).select_from(counted).scalar_subquery()
        )

    def size(self) -> Expression:
        """How many words the rarest one begins, as far as they are counted."""
        rarest = self.named(self.rarest)
        return select(rarest.c.number).select_from(rarest).scalar_subquery()

    def hold(self, customer: Row, *, but: Expression | None = None) -> Expression:
        """Whether a customer has all words typed (or all but one)."""
        one, own = self.named(self.typed), self.rows()
        has = exists(
            select(ONE)
            .select_from(own.clause)
            .where(*own.where, own.row.customer_id == customer.id, begins(own.row.word, one.c.word))
        )
        lacks = select(ONE).select_from(one).where(~has)
        return ~exists(lacks if but is None else lacks.where(one.c.word != but))

    def branches(self, member: Source) -> list[Branch]:
        """The customers found."""
        led = self.ids().subquery(self.reading.alias("found"))
        return [Branch(Ordered(led, member.clause, member.row.id == led.c.id), [])]

    def ids(self) -> Any:
        """The ids of the customers who have words that the rarest one begins, and the other words."""
        matching = self.rows()
        ids = select(matching.row.customer_id.label("id")).distinct().select_from(matching.clause)
        return ids.where(*matching.where, begins(matching.row.word, self._leading()), self._others(matching.row))

    def total(self) -> Expression:
        """How many living customers are found. None has a word twice: of one word, nobody is counted twice."""

        def counted(number: Any) -> Any:
            matches = self.rows()
            query = select(number(matches.row.customer_id)).select_from(matches.clause)
            query = query.where(*matches.where, begins(matches.row.word, self._leading()), *self._matching(matches.row))
            return query.scalar_subquery()

        one = self._end(func.min) == self._end(func.max)
        return case((one, counted(func.count)), else_=counted(lambda column: func.count(column.distinct())))

    def leap(self, connection: "Connection", wanted: Expression, holds: Expression) -> Leap:
        return Leap(connection, wanted, holds, self)

    # Tables

    def rows(self) -> Source:
        return self.reading.rows(CustomerWord)

    def named(self, name: str) -> Any:
        """One of the tables, under an alias of its own."""
        return table(name, column("word", Key), column("number", Integer())).alias(self.reading.alias(name))

    def _leading(self) -> Expression:
        rarest = self.named(self.rarest)
        found: Expression = select(rarest.c.word).select_from(rarest).scalar_subquery()
        return found

    def _some(self, prefix: Expression, most: int) -> Expression:
        """How many words of customers begin like this, counted only as far as one beyond the most."""
        counted = self.rows()
        one: Any = select(ONE.label("one")).select_from(counted.clause)
        one = one.where(*counted.where, begins(counted.row.word, prefix))
        return self.reading.counted(one, most)

    def _counted(self) -> Any:
        """The words typed with how many words each begins, up to one more than are few."""
        one = self.named(self.typed)
        word = literal_column(f"{one.name}.word", Key)
        return select(one.c.word, self._some(word, self.most).label("number")).select_from(one).cte(self.counted)

    def _rarest(self) -> Any:
        """The word typed that begins the fewest, of several that begin alike many the longest."""
        one, all_ = self.named(self.counted), self.named(self.counted)
        several = select(func.count()).select_from(all_).scalar_subquery() > ONE
        farther = self._some(literal_column(f"{one.name}.word", Key), MOST_COUNTED)
        number = case((self.few(), one.c.number), (several, farther), else_=one.c.number).label("number")
        counted = select(one.c.word, number).select_from(one).subquery(self.reading.alias("sized"))
        order = (counted.c.number, func.length(counted.c.word).desc(), counted.c.word)
        return select(counted.c.word, counted.c.number).order_by(*order).limit(ONE).cte(self.rarest)

    def _end(self, end: Any) -> Expression:
        """The first or last word that begins like the rarest one."""
        own = self.rows()
        found: Expression = (
            select(end(own.row.word))
            .select_from(own.clause)
            .where(*own.where, begins(own.row.word, self._leading()))
            .scalar_subquery()
        )
        return found

    def _matching(self, word: Row) -> list[Expression]:
        """Whether the customer of one of the rarest words is living and has the other words too."""
        owner = self.reading.rows(Customer)
        living = exists(
            select(ONE)
            .select_from(owner.clause)
            .where(
                *owner.where,
                owner.row.archived_at.is_(
                    None
                ),  # told by the index of the list, in which neighbours here are neighbours
                owner.row.name_key == word.name_key,
                owner.row.id.between(
                    word.customer_id, word.customer_id
                ),  # with "=" it would be looked up by the id alone
            )
        )
        return [self._others(word), living]

    def _others(self, word: Row) -> Expression:
        """Whether the customer of one of the rarest words has the other words too."""
        customer = Row(word.alias_(), word.columns_(), {"id": "customer_id"})
        return self.hold(customer, but=self._leading())
