"""Pages of a list by keyset: orders, cursors and page sizes (Relay's cursor connections specification, section 4)."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, tuple_

from db.engines.dialects import SEPARATOR
from db.errors import BadCursor, InvalidValue, LimitExceeded
from db.reads.records import Record, Row
from db.reads.selection import Path, Slot, Variables, read

LARGEST_PAGE = 250
ROOT_PAGE = 50
MOST_SORT_KEYS = 3

Expression = ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class Order:
    """The order of a list: column and direction of each sort key, the id last; `tag` recognises its cursors."""

    keys: tuple[tuple[str, bool], ...]
    tag: str

    def reversed(self) -> "Order":
        return Order(tuple((name, not descending) for name, descending in self.keys), self.tag)

    def columns(self, row: Row) -> list[Expression]:
        return [getattr(row, name) for name, _ in self.keys]

    def clauses(self, row: Row) -> list[Expression]:
        columns = self.columns(row)
        return [c.desc() if down else c for c, (_, down) in zip(columns, self.keys, strict=True)]

    def beyond(self, row: Row, position: Sequence[Expression], *, inclusive: bool = False) -> Expression:
        """The rows that come after a position (or on it)."""
        columns = self.columns(row)
        directions = {descending for _, descending in self.keys}
        if len(directions) == 1:
            left, right = tuple_(*columns), tuple_(*position)
            if directions == {True}:
                return left <= right if inclusive else left < right
            return left >= right if inclusive else left > right
        ways = []
        for i, (_, down) in enumerate(self.keys):
            same = [c == p for c, p in zip(columns[:i], position[:i], strict=True)]
            last = inclusive and i == len(self.keys) - 1
            ahead = _step(columns[i], position[i], down=down, inclusive=last)
            ways.append(and_(*same, ahead))
        return or_(*ways)


def _step(left: Expression, right: Expression, *, down: bool, inclusive: bool) -> Expression:
    if down:
        return left <= right if inclusive else left < right
    return left >= right if inclusive else left > right


def order_of(
    record: Record, wanted: Sequence[Any] | None, default: Sequence[tuple[str, str]] | None, path: Path
) -> Order:
    """The order asked for, or the default; refused beyond three keys or with a key twice."""
    asked = [(item["field"], item["direction"]) for item in wanted or ()]
    if len(asked) > MOST_SORT_KEYS:
        raise LimitExceeded(
            f"At most {MOST_SORT_KEYS} sort keys are allowed; {len(asked)} were given.", (*path, "orderBy")
        )
    if len({name for name, _ in asked}) < len(asked):
        raise InvalidValue("A sort key may be given once only.", (*path, "orderBy"))
    asked = asked or list(default or record.default_order)
    keys = [(record.orders[name], direction == "DESC") for name, direction in asked]
    keys.append((record.identity, keys[-1][1] if keys else False))
    text = record.kind + "".join(f" {name} {'desc' if down else 'asc'}" for name, down in keys)
    return Order(tuple(keys), hashlib.blake2s(text.encode(), digest_size=3).hexdigest())


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is asked for: its size, and a cursor after or before which it lies."""

    size: Any
    backward: bool
    after: Any
    before: Any
    path: Path
    default: int

    @property
    def brought(self) -> bool:
        """Whether each request brings the size."""
        return isinstance(self.size, Slot)

    def read_size(self, variables: Variables) -> int:
        """The size for a request; refused outside 1 to 250."""
        name = "last" if self.backward else "first"
        size = read(self.size, variables)
        if size is None:
            return self.default
        if not 1 <= size <= LARGEST_PAGE:
            message = f"{name} must be between 1 and {LARGEST_PAGE}; it is {size}. Page through with after: endCursor."
            raise LimitExceeded(message, (*self.path, name))
        return int(size)


def page_of(arguments: Any, default: int, path: Path) -> Page:
    """The paging arguments of a connection, checked."""
    first, last = arguments.get("first"), arguments.get("last")
    if first is not None and last is not None:
        raise InvalidValue("Give first or last, not both.", (*path, "last"))
    backward = last is not None
    return Page(last if backward else first, backward, arguments.get("after"), arguments.get("before"), path, default)


def cursor_part(cursor: Any, order: Order, index: int, numeric: bool, path: Path) -> Callable[[Variables, Any], Any]:
    """A binder for one sort key of a cursor; refused as BAD_CURSOR if the cursor is not of this order."""

    def bind(variables: Variables, _scope: Any) -> Any:
        parts = _decode(read(cursor, variables), order, path)
        return _whole_number(parts[index], path) if numeric else parts[index]

    if not isinstance(cursor, Slot):
        bind({}, None)
    return bind


def _whole_number(text: str, path: Path) -> int:
    """A number that every engine can compare with (64 bits)."""
    try:
        number = int(text)
    except ValueError:
        raise _bad(path) from None
    if not -(2**63) <= number < 2**63:
        raise _bad(path)
    return number


def _decode(cursor: str, order: Order, path: Path) -> list[str]:
    try:
        tag, *parts = bytes.fromhex(cursor).decode().split(SEPARATOR)
    except (ValueError, TypeError):
        raise _bad(path) from None
    if tag != order.tag or len(parts) != len(order.keys) or "\x00" in cursor or any("\x00" in p for p in parts):
        raise _bad(path)
    return parts


def _bad(path: Path) -> BadCursor:
    return BadCursor("The cursor is malformed or belongs to another order. Start again without it.", path)
