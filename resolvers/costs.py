"""What an operation costs, in points, counted before it runs; and `rateLimit`, which tells it without running anything.

A request costs 1 point, and 1 more for each full hundred of records that its answer could hold. Each field of a mutation costs
10 points and 1 more for each full ten of items in its input. What was taken beyond what the answer held is given back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, prod
from typing import Any, Protocol

import orjson

from db.clock import printed
from db.reads.reading import MOST_NODES, Reader
from db.reads.selection import Path

REQUEST = 1
RECORDS_A_POINT = 100
FIELD_OF_A_MUTATION = 10
ITEMS_A_POINT = 10
COMPUTED = 10
"""Points of a root field that is computed and not stored, and of introspection."""
REFUSED = 10
"""Points of a document that is refused: it was parsed and validated all the same, and is not kept."""


class Rate(Protocol):
    """The points of who asks."""

    @property
    def limit(self) -> int: ...
    @property
    def remaining(self) -> int: ...
    @property
    def refilled_a_second(self) -> int: ...
    @property
    def full_at(self) -> int: ...
    def take(self, points: int, taken: int = 0) -> None: ...
    def debit(self, points: int) -> None: ...
    def give_back(self, points: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Listed:
    """A list that an operation asks for: where, how large a page, and how many records all its pages could hold."""

    path: Path
    size: int
    nodes: int
    within: int
    """How many records it and the lists within it could hold."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What an operation could cost at the most."""

    points: int
    nodes: int = 0
    lists: Sequence[Listed] = field(default_factory=tuple)

    @property
    def most_expensive(self) -> Listed | None:
        return max(self.lists, key=lambda one: one.nodes, default=None)


def of_records(nodes: int) -> int:
    """Points beyond the request's own."""
    return nodes // RECORDS_A_POINT


def of_input(given: Any) -> int:
    """Points of one field of a mutation."""
    items = max((len(v) for v in given.values() if isinstance(v, list)), default=0) if isinstance(given, dict) else 0
    return FIELD_OF_A_MUTATION + items // ITEMS_A_POINT


def held(body: bytes) -> int:
    """How many records an answer holds at the most: no record is without a brace."""
    return body.count(b"{")


def lists_of(reader: Reader, variables: Mapping[str, Any]) -> list[Listed]:
    """The lists a statement reads, with the records they could hold."""
    counted = [prod(size(variables) for size in path) for path in reader.sizes]
    return [
        Listed(
            where,
            path[-1](variables),
            nodes,
            sum(n for p, n in zip(reader.sizes, counted, strict=True) if path[-1] in p),
        )
        for path, where, nodes in zip(reader.sizes, reader.lists, counted, strict=True)
    ]


def suggestion(cost: Cost, affordable: int | None) -> str | None:
    """What to ask for instead, where the operation is too large or dearer than what is left; None where it is neither."""
    dear = cost.most_expensive
    if cost.nodes > MOST_NODES:
        bound, why = MOST_NODES, f"{cost.nodes:,} records are more than the {MOST_NODES:,} an operation may ask for"
    elif affordable is not None and cost.points > affordable:
        bound, why = (
            affordable * RECORDS_A_POINT,
            f"{cost.points:,} points are more than the {affordable:,} that are left",
        )
    else:
        return None
    if dear is None:
        return f"{why[0].upper()}{why[1:]}. Wait until there are more."
    each = dear.within / dear.size
    fits = int((bound - (cost.nodes - dear.within)) / each)
    where = ".".join(dear.path)
    if fits < 1:
        return f"{why[0].upper()}{why[1:]}. Ask for fewer levels: no page of {where} is small enough by itself."
    return f"{why[0].upper()}{why[1:]}. It fits with pages of {fits} in {where} (now {dear.size})."


def shown(cost: Cost, rate: Rate | None) -> dict[str, Any]:
    """The object `RateLimit` of the schema."""
    dear = cost.most_expensive
    return {
        "cost": cost.points,
        "node_count": cost.nodes,
        "limit": rate.limit if rate else None,
        "remaining": rate.remaining if rate else None,
        "reset_at": printed(rate.full_at) if rate else None,
        "most_expensive": dear
        and {"path": list(dear.path), "node_count": dear.nodes, "cost": ceil(dear.nodes / RECORDS_A_POINT)},
        "suggestion": suggestion(cost, rate.remaining if rate else None),
    }


def extension(requested: int, actual: int, nodes: int, rate: Rate | None) -> bytes:
    """`extensions.cost` of an answer."""
    throttle = rate and {
        "limit": rate.limit,
        "remaining": rate.remaining,
        "restoreRate": rate.refilled_a_second,
        "resetAt": printed(rate.full_at),
    }
    told = {"requested": requested, "actual": actual, "nodeCount": nodes, "throttle": throttle}
    return b',"extensions":{"cost":' + orjson.dumps(told) + b"}}"
