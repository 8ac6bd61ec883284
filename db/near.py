"""Reads that are over before a thread would have woken: run where they are asked for, within a bound of time.

A customer by id takes SQLite some ten microseconds; the hop to a thread and back takes five times as long. So a
statement is begun on a connection of the event loop's own, and given up after a millisecond: then a reader's thread
runs it, and goes on doing so for a while, twice as long each time, before the loop tries again. A lock is not waited
for here either.
"""

import sqlite3
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, TypeVar

Result = TypeVar("Result")

LONGEST_SECONDS: Final = 0.001
"""How long a read may hold up the event loop."""
STEPS: Final = 1_000
"""SQLite's own instructions between two looks at the clock: some tens of microseconds."""
ELSEWHERE: Final = (8, 1_024)
"""How often a statement that took too long is run in a thread before it is tried here again: at first, and at the most."""
REMEMBERED: Final = 1_000


class Near:
    """A read-only connection of the event loop's own."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._ends = 0.0
        self._slow: OrderedDict[str, list[int]] = OrderedDict()
        """By statement: how often it is still to be run elsewhere, and how often it was to be at first."""
        connection.set_progress_handler(self._over, STEPS)

    def _over(self) -> bool:
        return time.perf_counter() > self._ends

    def takes(self, text: str) -> bool:
        """Whether a statement is to be tried here."""
        if not self._slow or (counts := self._slow.get(text)) is None or counts[0] == 0:
            return True
        counts[0] -= 1
        return False

    def run(self, text: str, ask: Callable[[sqlite3.Connection], Result]) -> tuple[bool, Result | None]:
        """Whether it was run here, and what it gave."""
        self._ends = time.perf_counter() + LONGEST_SECONDS
        try:
            found = ask(self._connection)
        except sqlite3.OperationalError as error:
            told = str(error)
            if "interrupted" not in told and "locked" not in told and "busy" not in told:
                raise
            self._leave(text)
            return False, None
        if self._slow:
            self._slow.pop(text, None)
        return True, found

    def _leave(self, text: str) -> None:
        first, most = ELSEWHERE
        _, before = self._slow.pop(text, (0, 0))
        times = min(most, before * 2) or first
        self._slow[text] = [times, times]
        if len(self._slow) > REMEMBERED:
            self._slow.popitem(last=False)

    def close(self) -> None:
        self._connection.close()
