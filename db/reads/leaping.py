"""A page of a search in the order of names, found by leaping: each word has its customers in that order.

From a position, the next customer of each word typed is looked up; none that the search finds lies before the farthest
of them, so that is the next position. Where it is the next customer of all words at once, it is found. Two common
words that hardly ever meet are so gone through in a few leaps, however many customers have either.
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

from db.columns import Key
from db.engines.dialects import SEPARATOR, Ordered, quoted
from db.reads.paging import Order
from db.reads.walking import Near
from db.text import BEYOND

if TYPE_CHECKING:
    from db.reads.connection import Connection
    from db.reads.searching import Words

Expression = ColumnElement[Any]

MOST_BEGINNINGS = 200
"""Up to so many different words that begin like one typed, it is leapt by; beyond, a customer found is asked for it."""

MOST_LOOKED_UP = 10_000
"""Next customers of a word that are looked up for a page at the most."""

ONE: Expression = literal_column("1", Integer())
NOTHING: Expression = literal_column("0", Integer())
MARK = quoted(SEPARATOR)
"""Between the name and the id of a position; behind them, it says that the customer there is found.

It comes before all characters of keys, so that positions as texts are in the list's order.
"""


def begins(word: Expression, prefix: Expression) -> Expression:
    """Whether a word begins like another."""
    return and_(word >= prefix, word < prefix.concat(quoted(BEYOND)))


class Leap(Near):
    """The customers that a search finds in the order of names, from the cursor on."""

    def __init__(self, connection: "Connection", wanted: Expression, holds: Expression, words: "Words") -> None:
        self.words, self.reading = words, connection.reading
        self.down = connection.ahead.order.keys[0][1]
        self.begun, self.leapt, self.leaps = (self.reading.alias(stem) for stem in ("begun", "leapt", "leaps"))
        super().__init__(connection, case((wanted, self.possible)), holds)
        self.tables = [self._begun(), self._leapt(), *self.tables]

    @property
    def possible(self) -> Expression:
        """Whether there is a word to leap by."""
        return exists(select(ONE).select_from(self._named_leapt()))

    def found(self, limit: Expression) -> Any:
        """The sort keys of the customers found; an empty row where there is none farther on."""
        source = self.connection.source
        leaps = self._leaps()
        _, identity, is_found = self._parts(leaps.c.position)
        here = and_(source.row.workspace_id == self.reading.workspace, source.row.id == identity)
        keys = [getattr(source.row, name).label(name) for name, _ in self.connection.order.keys]
        matches = [*source.where, self.holds, *self.connection.within(source.row)]
        wanted = or_(leaps.c.position.is_(None), and_(leaps.c.number > NOTHING, is_found, *matches))
        one = select(ONE.label("one")).subquery(self.reading.alias("one"))
        each = Ordered(leaps, one, true())  # likewise: what comes before a left join is made whole otherwise
        rows = select(*keys).select_from(each.outerjoin(source.clause, here)).where(wanted)
        return rows.limit(limit).offset(NOTHING)

    def ended(self) -> Expression:
        met = self.named()
        return exists(select(ONE).select_from(met).where(met.c.id.is_(None)))

    # Tables

    def _named_leapt(self) -> Any:
        leapt = table(self.leapt, column("typed", Key), column("word", Key))
        return leapt.alias(self.reading.alias(self.leapt))

    def _named_begun(self) -> Any:
        begun = table(self.begun, column("typed", Key), column("word", Key), column("number", Integer()))
        return begun.alias(self.reading.alias(self.begun))

    def _begun(self) -> Any:
        """The different words that begin like each one typed, up to one more than are leapt by, and an empty row."""
        one, first, after = self.words.named(self.words.typed), self.words.rows(), self.words.rows()
        begin = select(func.min(first.row.word)).select_from(first.clause)
        begin = begin.where(*first.where, begins(first.row.word, one.c.word))
        word: Expression = begin.correlate(one).scalar_subquery()
        found = select(one.c.word.label("typed"), word.label("word"), ONE.label("number")).select_from(one)
        found_: Any = found.cte(self.begun, recursive=True)
        step = select(func.min(after.row.word)).select_from(after.clause)
        step = step.where(*after.where, after.row.word > found_.c.word)
        step = step.where(begins(after.row.word, found_.c.typed)).correlate(found_)
        further = and_(found_.c.word.is_not(None), found_.c.number <= literal_column(str(MOST_BEGINNINGS)))
        return found_.union_all(select(found_.c.typed, step.scalar_subquery(), found_.c.number + ONE).where(further))

    def _leapt(self) -> Any:
        """The words to leap by, each with the one typed that it begins like."""
        begun, beyond = self._named_begun(), self._named_begun()
        many = select(beyond.c.typed).select_from(beyond)
        many = many.where(beyond.c.word.is_not(None), beyond.c.number > literal_column(str(MOST_BEGINNINGS)))
        words = select(begun.c.typed, begun.c.word).distinct().select_from(begun)  # distinct: SQLite makes it once
        return words.where(begun.c.word.is_not(None), begun.c.typed.not_in(many)).cte(self.leapt)

    def _leaps(self) -> Any:
        """Positions from the cursor on; the last one is empty where no customer has all words farther on."""
        leapt = self._named_leapt()
        each = select(func.count()).select_from(leapt).scalar_subquery()
        begin = select(self._start().label("position"), NOTHING.label("number"))
        leaps: Any = begin.cte(self.leaps, recursive=True, nesting=True)  # for one use, so that SQLite leaps as asked
        lasts = and_(leaps.c.position.is_not(None), leaps.c.number * each < literal_column(str(MOST_LOOKED_UP)))
        return leaps.union_all(select(self._next(leaps), leaps.c.number + ONE).where(lasts))

    def _start(self) -> Expression:
        connection = self.connection
        cursor = next((position for towards, position in connection.bounds if towards == connection.ahead.order), None)
        if cursor is None:
            return self.reading.dialect.key(quoted((BEYOND if self.down else "") + SEPARATOR))
        name, identity = cursor
        return self.reading.dialect.key(name.concat(MARK).concat(identity).concat(MARK))

    def _parts(self, position: Expression) -> tuple[Expression, Expression, Expression]:
        """The name and the id of a position, and whether the customer there is found."""
        end = self.reading.dialect.place(position, MARK)
        rest: Expression = func.substr(position, end + ONE)
        identity: Expression = func.rtrim(rest, MARK)
        return func.substr(position, ONE, end - ONE), identity, func.length(rest) > func.length(identity)

    def _next(self, leaps: Any) -> Expression:
        """The farthest of the next customers of each word typed; found if it is that of all; none if a word has none."""
        nearest, farthest = (func.max, func.min) if self.down else (func.min, func.max)
        word = self._named_leapt()
        one = select(word.c.typed, nearest(self._next_of(word, leaps)).label("position")).select_from(word)
        of_typed = one.group_by(word.c.typed).subquery(self.reading.alias("next"))
        position = of_typed.c.position
        all_have_one = func.count(position) == func.count()
        mark = case((func.min(position) == func.max(position), MARK), else_=quoted(""))
        return select(case((all_have_one, farthest(position).concat(mark)))).select_from(of_typed).scalar_subquery()

    def _next_of(self, word: Any, leaps: Any) -> Expression:
        """The first customer of a word at a position or beyond it; beyond it if that one has been found."""
        entry = self.words.rows()
        name, identity, found = self._parts(literal_column(f"{leaps.name}.position", Key))
        order = Order((("name_key", self.down), ("customer_id", self.down)), "")
        if self.down:
            beyond = order.beyond(entry.row, [name, case((found, identity), else_=identity.concat(MARK))])
        else:
            beyond = order.beyond(
                entry.row, [name, case((found, identity.concat(MARK)), else_=identity)], inclusive=True
            )
        first = select(entry.row.name_key.concat(MARK).concat(entry.row.customer_id)).select_from(entry.clause)
        first = first.where(*entry.where, entry.row.word == literal_column(f"{word.name}.word", Key), beyond)
        return first.order_by(*order.clauses(entry.row)).limit(ONE).scalar_subquery()
