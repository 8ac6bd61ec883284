"""Search of customers: every word typed is a prefix of one of a customer's words (`customer_word`).

The rarest word typed leads. Where the list is in the order in which each word has its customers, and few different
words begin like the leading one, a page takes the first customers of each such word: it costs what the page does,
however many there are. Otherwise customers are looked up where they are few; and where they are many, the list is
walked until a page is full.
"""

from typing import TYPE_CHECKING, Any

from sqlalchemy import CTE, ColumnElement, Integer, and_, case, column, exists, func, literal_column, select, table

from db.columns import Key
from db.engines.dialects import quoted
from db.errors import LimitExceeded
from db.reads.records import Row, Search, Source, Stretch, Way
from db.tables import Customer, CustomerWord
from db.text import words

if TYPE_CHECKING:
    from db.reads.paging import Order
    from db.reads.reading import Reading

Expression = ColumnElement[Any]

MOST_SEARCHED = 20
"""Words that one search may hold."""

FEW = 5_000
"""Up to so many words that begin alike, a search looks their customers up; beyond, it walks the list."""

MOST_BEGINNINGS = 1_000
"""Up to so many different words that begin alike, a page in order takes the first customers of each."""

BEYOND = "\U0010ffff"
"""No word holds this character, so that a word with it stands behind all that begin with the word."""

ONE: Expression = literal_column("1", Integer())


def typed(text: str) -> list[str]:
    """The words of a search."""
    found = sorted(words(text))
    if len(found) > MOST_SEARCHED:
        raise LimitExceeded(f"A search takes at most {MOST_SEARCHED} words; it has {len(found)}.", ("search",))
    return found


def search(reading: "Reading", customer: Row, given: Any, order: "Order | None") -> Search:
    """The customers found; `order` is the list's where nothing but the search narrows it."""
    return _Words(reading, given).found(customer, order)


class _Words:
    """The words of one search, as tables of the statement: those typed, the one that leads, those that begin like it."""

    def __init__(self, reading: "Reading", given: Any) -> None:
        self.reading = reading
        self.typed, self.lead, self.begun = (reading.alias(stem) for stem in ("typed", "lead", "begun"))
        each = reading.each(given, typed)
        self.first: dict[Stretch, str] = {}
        self.tables = [select(each.c.value.label("word")).cte(self.typed), self._lead(), self._begun()]

    def found(self, customer: Row, order: "Order | None") -> Search:
        reading, candidate, own = self.reading, self._words(), self._words()
        candidates = select(candidate.row.customer_id).select_from(candidate.clause)
        candidates = candidates.where(*candidate.where, self._begins(candidate.row.word))
        leads = exists(
            select(ONE)
            .select_from(own.clause)
            .where(*own.where, own.row.customer_id == customer.id, self._begins(own.row.word))
        )
        others = self._others(customer.id)
        few = self._some(self._leading()) <= literal_column(str(FEW))
        looked_up, walked = and_(customer.id.in_(candidates), others), and_(leads, others)
        if order is None or [name for name, _ in order.keys] != ["name_key", "id"] or reading.for_customer:
            ways = [Way(few, lambda _: looked_up), Way(~few, lambda _: walked)]
            return Search(ways, looked_up, None, self.tables)
        counted = self._name(self.begun)
        begun = select(func.count(counted.c.word)).select_from(counted).scalar_subquery()
        in_order, one = begun <= literal_column(str(MOST_BEGINNINGS)), begun == ONE
        ways = [
            Way(in_order, lambda stretch: customer.id.in_(self._first(stretch))),
            Way(and_(~in_order, few), lambda _: looked_up),
            Way(and_(~in_order, ~few), lambda _: walked),
        ]
        return Search(ways, looked_up, self._total(one), self.tables)

    def _words(self) -> Source:
        return self.reading.rows(CustomerWord)

    def _name(self, name: str) -> Any:
        """One of the tables, under an alias of its own."""
        return table(name, column("word", Key), column("number", Integer())).alias(self.reading.alias(name))

    def _leading(self) -> Expression:
        lead = self._name(self.lead)
        return select(lead.c.word).select_from(lead).scalar_subquery()

    def _begins(self, word: Expression, prefix: Expression | None = None) -> Expression:
        """Whether a word begins like another; without one, like the leading word."""
        low, high = (self._leading(), self._leading()) if prefix is None else (prefix, prefix)
        return and_(word >= low, word < high.concat(quoted(BEYOND)))

    def _some(self, prefix: Expression) -> Expression:
        """How many words of customers begin like this, counted only as far as it matters."""
        counted = self._words()
        one: Any = select(ONE).select_from(counted.clause)
        one = one.where(*counted.where, self._begins(counted.row.word, prefix)).limit(literal_column(str(FEW + 1)))
        return select(func.count()).select_from(one.subquery(self.reading.alias("some"))).scalar_subquery()

    def _lead(self) -> CTE:
        """The word typed that begins the fewest, of several that begin many the longest; '' where none was typed."""
        one, counted = self._name(self.typed), self._name(self.typed)
        several = select(func.count()).select_from(counted).scalar_subquery() > ONE
        some = self._some(literal_column(f"{one.name}.word", Key))
        rarest = select(one.c.word).select_from(one)
        rarest = rarest.order_by(case((several, some)), func.length(one.c.word).desc(), one.c.word)
        word = func.coalesce(rarest.limit(ONE).scalar_subquery(), quoted(""), type_=Key)
        return select(word.label("word")).cte(self.lead)

    def _begun(self) -> CTE:
        """The different words that begin like the leading one, up to two more than are looked at, and an empty row."""
        first, after = self._words(), self._words()
        begin = select(first.row.word).select_from(first.clause).where(*first.where, self._begins(first.row.word))
        begin = begin.order_by(first.row.word).limit(ONE)
        found = select(begin.scalar_subquery().label("word"), ONE.label("number")).cte(self.begun, recursive=True)
        step = select(after.row.word).select_from(after.clause).where(*after.where, after.row.word > found.c.word)
        step = step.where(after.row.word < self._leading().concat(quoted(BEYOND)))
        step = step.order_by(after.row.word).limit(ONE).correlate(found)
        return found.union_all(
            select(step.scalar_subquery(), found.c.number + ONE).where(
                found.c.word.is_not(None), found.c.number <= literal_column(str(MOST_BEGINNINGS + 1))
            )
        )

    def _others(self, customer_id: Expression) -> Expression:
        """Whether a customer has the other words typed too."""
        rest, other = self._name(self.typed), self._words()
        has = exists(
            select(ONE)
            .select_from(other.clause)
            .where(*other.where, other.row.customer_id == customer_id, self._begins(other.row.word, rest.c.word))
        )
        return ~exists(select(ONE).select_from(rest).where(rest.c.word != self._leading(), ~has))

    def _matching(self, word: Row) -> list[Expression]:
        """Whether the customer of one of the leading words is living and has the other words too."""
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
        return [self._others(word.customer_id), living]

    def _first(self, stretch: Stretch) -> Any:
        """The ids of the first customers of each word that begins like the leading one."""
        name = self.first.get(stretch)
        if name is None:
            name = self.first[stretch] = self.reading.alias("first")
            self.tables.append(self._first_of_each(stretch).cte(name))
        found = table(name, column("id", Key)).alias(self.reading.alias(name))
        return select(found.c.id)

    def _first_of_each(self, stretch: Stretch) -> Any:
        begun, one = self._name(self.begun), self._words()
        row = Row(one.row.alias_(), one.row.columns_(), {"id": "customer_id"})
        of_one = select(one.row.customer_id.label("id")).select_from(one.clause)
        of_one = of_one.where(
            *one.where,
            one.row.word == literal_column(f"{begun.name}.word", Key),
            *stretch.within(row),
            *self._matching(one.row),
        )
        of_one = of_one.order_by(*stretch.order.clauses(row)).limit(stretch.size)
        each, customer_id = self.reading.dialect.of_each(of_one, "id", self.reading.alias("each"))
        return select(customer_id.label("id")).select_from(begun, each).where(begun.c.word.is_not(None))

    def _total(self, one_word: Expression) -> Expression:
        """How many are found. No customer has a word twice: where one word begins like this, nobody is counted twice."""

        def counted(number: Any) -> Any:
            matches = self._words()
            query = select(number(matches.row.customer_id)).select_from(matches.clause)
            query = query.where(*matches.where, self._begins(matches.row.word), *self._matching(matches.row))
            return query.scalar_subquery()

        return case((one_word, counted(func.count)), else_=counted(lambda one: func.count(one.distinct())))
