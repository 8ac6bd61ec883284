"""Statements that are written once and run often: compiled to text at first use, then kept."""

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy.sql.elements import ClauseElement
from sqlmodel import SQLModel

from db.engines.dialects import Dialect


class Statement:
    """An SQLAlchemy construct (or what makes one for an engine) whose `bindparam` names are the keywords it is run with."""

    def __init__(self, construct: Any, copies: tuple[str, Sequence[str]] | None = None) -> None:
        """`copies`: the table and the columns, where it adds whole rows; many of them may go another way."""
        self._construct = construct
        self.copies = copies
        self._compiled: dict[str, tuple[str, tuple[str, ...], dict[str, Any]]] = {}

    def text(self, dialect: Dialect) -> str:
        return self._compile(dialect)[0]

    def parameters(self, dialect: Dialect, values: Mapping[str, Any]) -> list[Any]:
        """The values in the order of the text's places; those the construct holds itself are its own."""
        _, names, own = self._compile(dialect)
        return [values[name] if name in values else own[name] for name in names]

    def many(
        self, dialect: Dialect, many: Iterable[Mapping[str, Any]], common: Mapping[str, Any]
    ) -> list[Sequence[Any]]:
        """The parameters of many runs, those of `common` alike in each."""
        _, names, own = self._compile(dialect)
        if len(names) < 2:  # noqa: PLR2004  of one, itemgetter makes no sequence
            return [[{**own, **values, **common}[name] for name in names] for values in many]
        picked = itemgetter(*names)
        return [picked({**own, **values, **common}) for values in many]

    def in_order(
        self, dialect: Dialect, names: Sequence[str], rows: Iterable[Sequence[Any]]
    ) -> Iterable[Sequence[Any]]:
        """Rows of values by these names as parameters of many runs."""
        wanted = self._compile(dialect)[1]
        if tuple(names) == wanted:
            return rows
        picked = itemgetter(*(names.index(name) for name in wanted))
        return map(picked, rows)

    def _compile(self, dialect: Dialect) -> tuple[str, tuple[str, ...], dict[str, Any]]:
        kept = self._compiled.get(dialect.name)
        if kept is None:
            construct = self._construct if isinstance(self._construct, ClauseElement) else self._construct(dialect)
            compiled: Any = construct.compile(dialect=dialect.engine)
            own = {name: bound.value for name, bound in compiled.binds.items() if not bound.required}
            kept = str(compiled), tuple(compiled.positiontup or ()), own
            self._compiled[dialect.name] = kept
        return kept


def columns(table: type[SQLModel]) -> Any:
    """A table's columns, for statements."""
    return table.__table__.c  # type: ignore[attr-defined]
