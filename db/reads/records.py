"""The vocabulary in which each noun says what can be read of it: records, their expressions, relations and filters."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import CTE, ColumnElement, FromClause, literal_column
from sqlmodel import SQLModel

if TYPE_CHECKING:
    from db.reads.connection import Connection
    from db.reads.leaping import Leap
    from db.reads.paging import Order
    from db.reads.reading import Reading

Expression = ColumnElement[Any]
Arguments = Mapping[str, Any]


class Row:
    """One row of a statement under its alias: `row.name` is the column, and remembered as used."""

    def __init__(self, alias: str, columns: Mapping[str, Any], called: Mapping[str, str] | None = None) -> None:
        """`called`: other names by which columns are asked for."""
        self._alias = alias
        self._columns = columns
        self._called = called or {}
        self._used: dict[str, None] = {}

    def __getattr__(self, name: str) -> Expression:
        name = self._called.get(name, name)
        if name not in self._columns:
            raise AttributeError(f"{self._alias} has no column {name}")
        self._used[name] = None
        return literal_column(f"{self._alias}.{name}", self._columns[name])

    def alias_(self) -> str:
        return self._alias

    def columns_(self) -> Mapping[str, Any]:
        """The types of all columns, by name."""
        return self._columns

    def used_(self) -> tuple[str, ...]:
        """The columns asked for so far."""
        return tuple(self._used)


@dataclass(frozen=True, slots=True)
class Branch:
    """One of several ways to a source's rows: a join that ends at them, and what holds on this way alone."""

    clause: FromClause
    where: Sequence[Expression]


@dataclass(frozen=True, slots=True)
class Crowd:
    """The rows that come by branches, where these may be very many: how many they are, and whether a row is one of them.

    `size` counts them no farther than to one beyond its limit; beyond `few` they are looked for along the list.
    """

    size: Callable[[int], Expression]
    few: int
    holds: Callable[[Row], Expression]


@dataclass(slots=True)
class Source:
    """Where rows come from: a FROM clause, the row it yields, and the predicates that always hold (workspace, sight).

    Where there are branches, rows come by these and not by the clause alone; no row comes by two of them. A `crowd` of
    them may also be met by walking along all living rows. Where it is a filter that leads, `led` says whether a row is
    among them. `living` are lists without archived rows, and `alone` those that are all of these, as far as is in sight.
    """

    clause: FromClause
    row: Row
    where: list[Expression]
    order: list[Expression] = field(default_factory=list)
    branches: Sequence[Branch] = ()
    crowd: Crowd | None = None
    led: Callable[[Row], Expression] | None = None
    living: bool = False
    alone: bool = False


Branching = Callable[["Reading", Any, Source], Sequence[Branch]]
"""Makes the branches by which a source's rows are reached from a value, such as a project's id."""


@dataclass(frozen=True, slots=True)
class Lead:
    """A filter by whose rows a list of all records is better led than searched through, where it `applies`.

    That is asked of the filter's value, the column that the list is ordered by first, and whether there is a search.
    """

    branches: Branching
    applies: Callable[[Any, str, bool], bool] = lambda _given, _order, _search: True


@dataclass(frozen=True, slots=True)
class Relation:
    """From one row to others.

    `on` says which of the target's rows belong to the parent's; `among` gives the set of values that their column `by`
    may have, and leads the statement; `branches` leads it by several such sets, for a connection whose set is large:
    each yields sort keys, and only the page's rows are looked up; `source` brings rows that are no table's as they are.
    A `connection` is paged; a `list` is short by nature, bounded by its `first` where it has one.
    """

    target: str
    shape: Literal["one", "list", "connection"]
    on: "Callable[[Reading, Any, Row, Arguments], Sequence[Expression]] | None" = None
    source: "Callable[[Reading, Any, Arguments], Source] | None" = None
    among: "Callable[[Reading, Any, Arguments], Any] | None" = None
    by: str = "id"
    branches: Branching | None = None
    order: Sequence[tuple[str, str]] | None = None
    living: bool = True
    page: int = 20


@dataclass(frozen=True, slots=True)
class AnyOf:
    """A reference whose target's kind is told by its id."""

    kinds: Sequence[str]
    id: "Callable[[Reading, Any, Arguments], Expression]"


@dataclass(frozen=True, slots=True)
class Members:
    """Records of any kind by a list of ids, in the list's order, null where there is none."""

    kinds: Sequence[str]
    ids: str


@dataclass(frozen=True, slots=True)
class Part:
    """An object made of the same row's values."""

    record: str


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """A part of a list: what holds of its rows, the order they are taken in, and how many are taken."""

    within: Callable[[Row], Sequence[Expression]]
    order: "Order"
    size: Expression


@dataclass(frozen=True, slots=True)
class Way:
    """One of several ways to a list's rows: when it is taken (None: always), and the joins that end at them."""

    taken: Expression | None
    branches: Sequence[Branch]


@dataclass(frozen=True, slots=True)
class LookedUp:
    """How the rows that a search finds are looked up: `branches` lead to them, `ids` are those they lead to.

    `few` says whether these are few, `size` how many they are as far as that is counted, `total` how many living ones
    the search finds. `leap` looks for them along the list, where it is in an order in which that is quick.
    """

    ids: Callable[[], Any]
    branches: Callable[[Source], Sequence[Branch]]
    few: Callable[[], Expression]
    size: Callable[[], Expression]
    total: Callable[[], Expression]
    leap: "Callable[[Connection, Expression, Expression], Leap] | None" = None


@dataclass(frozen=True, slots=True)
class Search:
    """What a search finds: whether a row is found, and how those are looked up; without that, each row is looked at.

    `tables` are what these refer to: they go with the statement.
    """

    holds: Callable[[Row], Expression]
    looked_up: LookedUp | None = None
    tables: Sequence[CTE] = ()


@dataclass(frozen=True)
class Record:
    """A kind of record: its table and what can be asked of it beyond the table's columns."""

    kind: str
    table: type[SQLModel] | None = None
    expressions: "Mapping[str, Callable[[Reading, Any, Arguments], Expression]]" = field(default_factory=dict)
    relations: Mapping[str, Relation | AnyOf | Members | Part] = field(default_factory=dict)
    filters: "Mapping[str, Callable[[Reading, Row, Any], Expression]]" = field(default_factory=dict)
    leads: Mapping[str, Lead] = field(default_factory=dict)
    """The first that is given and applies leads."""
    orders: Mapping[str, str] = field(default_factory=dict)
    default_order: Sequence[tuple[str, str]] = ()
    search: "Callable[[Reading, Any, Order], Search] | None" = None
    visible: "Callable[[Reading, Row], Expression] | None" = None
    """What a signed-in customer may see; None: nothing of this kind."""
    owner: str | None = None
    """The column that names the only one who may see a row, whatever the others are permitted."""
    archives: bool = False
    identity: str = "id"
