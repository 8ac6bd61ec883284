"""What is used again is kept: the most recently used, up to a bound."""

from collections import OrderedDict
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Kept(OrderedDict[Key, Value], Generic[Key, Value]):
    """The most recently used entries, up to a bound."""

    def __init__(self, bound: int) -> None:
        super().__init__()
        self.bound = bound

    def find(self, key: Key) -> Value | None:
        value = self.get(key)
        if value is not None:
            self.move_to_end(key)
        return value

    def keep(self, key: Key, value: Value) -> None:
        self[key] = value
        if len(self) > self.bound:
            self.popitem(last=False)
