"""Filters: a tree of conditions to one predicate. Every condition is true or false, never unknown, so `not` means not."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, false, not_, or_, true

from db.engines.dialects import quoted
from db.errors import InvalidValue, LimitExceeded
from db.reads.records import Record, Row
from db.reads.selection import Path
from db.text import fold, prefix_range, storable

if TYPE_CHECKING:
    from db.reads.reading import Reading

Expression = ColumnElement[Any]
MOST_VALUES = 1_000
MOST_CONDITIONS = 100


def where(reading: "Reading", record: Record, row: Row, given: Any, path: Path = ()) -> Expression:
    """The predicate of a filter: its conditions joined by and; `and: []` is true, `or: []` false."""
    if given is None:
        return true()
    conditions: list[Expression] = []
    for name, value in given.items():
        if value is None:
            continue
        if name == "and":
            conditions.append(and_(true(), *(where(reading, record, row, one, path) for one in value)))
        elif name == "or":
            conditions.append(or_(false(), *(where(reading, record, row, one, path) for one in value)))
        elif name == "not":
            conditions.append(not_(where(reading, record, row, value, path)))
        else:
            conditions.append(record.filters[name](reading, row, value))
    reading.count_conditions(len(conditions), path)
    return and_(true(), *conditions)


def mentions(given: Any, name: str) -> bool:
    """Whether a filter speaks of a property anywhere."""
    if isinstance(given, list):
        return any(mentions(one, name) for one in given)
    if isinstance(given, dict):
        return given.get(name) is not None or any(
            mentions(given[k], name) for k in ("and", "or", "not") if given.get(k) is not None
        )
    return False


def values(limit: int = MOST_VALUES, fold_one: Callable[[str], str] = storable) -> Callable[[Any], list[str]]:
    """Makes a list parameter: each value folded, at most `limit` of them."""

    def make(given: Any) -> list[str]:
        if len(given) > limit:
            raise LimitExceeded(
                f"At most {limit:,} values are allowed in a list; {len(given):,} were given.", ("filter",)
            )
        return [fold_one(one) for one in given if one is not None]

    return make


def text_filter(column: str, folded: Callable[[str], str] = fold) -> Callable[["Reading", Row, Any], Expression]:
    """Comparisons of a text by its key column: eq, in, contains, startsWith, isNull, each without regard to case."""

    def condition(reading: "Reading", row: Row, given: Any) -> Expression:
        key = getattr(row, column)
        nullable = not column.endswith("_key")
        absent = key.is_(None) if nullable else key == quoted("")
        compared = {name: value for name, value in given.items() if value is not None}
        parts: list[Expression] = [key.is_not(None)] if nullable and compared.keys() - {"is_null"} else []
        for name, value in compared.items():
            if name == "is_null":
                parts.append(absent if value else not_(absent))
            elif name == "in":
                parts.append(key.in_(reading.members(value, values(fold_one=folded))))
            elif name == "starts_with":
                low = reading.value(value, lambda v: prefix_range(folded(v))[0])
                high = reading.value(value, lambda v: prefix_range(folded(v))[1])
                parts.append(and_(key >= low, key < high))
            elif name == "contains":
                parts.append(reading.dialect.contains(key, reading.value(value, folded)))
            elif name == "eq":
                parts.append(key == reading.value(value, folded))
            else:
                raise InvalidValue(f"{name} is not a comparison of text.", ("filter",))
        return and_(true(), *parts)

    return condition


def moment_filter(column: str) -> Callable[["Reading", Row, Any], Expression]:
    """A range of moments: gte, gt, lte, lt."""

    def condition(reading: "Reading", row: Row, given: Any) -> Expression:
        moment = getattr(row, column)
        compare = {"gte": moment.__ge__, "gt": moment.__gt__, "lte": moment.__le__, "lt": moment.__lt__}
        return and_(true(), *(compare[name](reading.value(v)) for name, v in given.items() if v is not None))

    return condition


def one_of_filter(column: str) -> Callable[["Reading", Row, Any], Expression]:
    """The value is one of an enumeration's members; an empty list matches nothing."""

    def condition(_reading: "Reading", row: Row, given: Any) -> Expression:
        return getattr(row, column).in_([quoted(name) for name in given]) if given else false()

    return condition


def reference_filter(column: str) -> Callable[["Reading", Row, Any], Expression]:
    """The record refers to this id."""

    def condition(reading: "Reading", row: Row, given: Any) -> Expression:
        reference = getattr(row, column)
        return and_(reference.is_not(None), reference == reading.value(given))

    return condition


def archived_filter(_reading: "Reading", row: Row, given: Any) -> Expression:
    return row.archived_at.is_not(None) if given else row.archived_at.is_(None)


def id_filter(reading: "Reading", row: Row, given: Any) -> Expression:
    """The record is one of these."""
    return row.id.in_(reading.members(given, values()))
