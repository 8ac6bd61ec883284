"""What is used again is kept: the most recently used, up to a bound.

A bound in entries is no bound in memory where clients decide how large an entry is; each has a weight.
"""

from collections import OrderedDict
from typing import Any, Generic, TypeVar

import orjson

Key = TypeVar("Key")
Value = TypeVar("Value")


def compact(value: Any) -> bytes:
    """JSON that is to be held: what orjson makes holds on to the 4 KB it was written in, however short it is."""
    return bytes(memoryview(orjson.dumps(value)))


class Kept(Generic[Key, Value]):
    """The most recently used entries, whose weights together are within a bound."""

    def __init__(self, bound: int) -> None:
        self.bound = bound
        self.weight = 0
        self._values: OrderedDict[Key, Value] = OrderedDict()
        self._weights: dict[Key, int] = {}

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: Key) -> bool:
        return key in self._values

    def find(self, key: Key) -> Value | None:
        """What is kept under a key, which was used now."""
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def keep(self, key: Key, value: Value, weight: int = 1) -> None:
        """Keeps what is not heavier than the bound; what was not used for the longest makes room."""
        self.drop(key)
        if weight > self.bound:
            return
        self._values[key] = value
        self._weights[key] = weight
        self.weight += weight
        while self.weight > self.bound:
            self.drop(next(iter(self._values)))

    def drop(self, key: Key) -> None:
        """Forgets what is kept under a key, if anything is."""
        if key in self._weights:
            del self._values[key]
            self.weight -= self._weights.pop(key)
