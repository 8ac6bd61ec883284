"""Reads that are over at once, on the event loop itself.

A customer by id takes SQLite some ten microseconds; the hop to a thread and back takes five times as long. So a
statement is begun on a connection of the event loop's own, and given up after a millisecond: then a reader's thread
runs it, and goes on doing so for a while, twice as long each time, before the loop tries again. A lock is not waited
for here either. A statement that takes about as long as the hop is rather a thread's, so that two processors read at
once, until that has a line to work through.
"""

import sqlite3
import time
from collections.abc import Callable
from typing import Final, TypeVar

Result = TypeVar("Result")

LONGEST_SECONDS: Final = 0.001
"""How long a read may hold up the event loop."""
SHARED_SECONDS: Final = 0.00005
"""From here on a read is rather a thread's."""
WEIGHT: Final = 0.25
"""How much its last two runs, of which the shorter counts, make of how long a statement takes."""
STEPS: Final = 10_000
"""SQLite's own instructions between two looks at the clock: some hundred microseconds."""
ELSEWHERE: Final = (8, 1_024)
"""How often what took too long is run in a thread before it is tried here again: at first, and at the most."""
MEASURED_AGAIN: Final = 64
"""How often a statement that is rather a thread's is run there before it is run here, to see how long it takes now."""
REMEMBERED: Final = 1_000


class Elsewhere:
    """How often something is run elsewhere since it took too long here: twice as often each time it did so again."""

    __slots__ = ("_left", "_times")

    def __init__(self) -> None:
        self._left = self._times = 0

    def due(self) -> bool:
        """Whether it is to be run elsewhere this time."""
        if not self._left:
            return False
        self._left -= 1
        return True

    def took_too_long(self) -> None:
        first, most = ELSEWHERE
        self._times = self._left = min(most, self._times * 2) or first

    def was_quick(self) -> None:
        self._times = 0


class _Known:
    """What is known of a statement."""

    __slots__ = ("elsewhere", "last", "seconds", "shared")

    def __init__(self) -> None:
        self.elsewhere = Elsewhere()
        self.last = 0.0
        """Seconds that its last run took: one that took long between two that did not says nothing of the statement."""
        self.seconds = 0.0
        self.shared = 0
        """How often it is still to be run in a thread because that is better, though it could be run here."""


class Near:
    """A read-only connection of the event loop's own."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._ends = 0.0
        self._known: dict[str, _Known] = {}
        connection.set_progress_handler(self._over, STEPS)

    def _over(self) -> bool:
        return time.perf_counter() > self._ends

    def takes(self, text: str, *, helping: bool) -> bool:
        """Whether a statement is to be run here; `helping`: as the readers' threads have a line to work through."""
        known = self._known.get(text)
        if known is None:
            return True
        if known.elsewhere.due():
            return False
        if helping or not known.shared:
            return True
        known.shared -= 1
        return False

    def run(self, text: str, ask: Callable[[sqlite3.Connection], Result]) -> tuple[bool, Result | None]:
        """Whether it was run here, and what it gave."""
        known = self._known.get(text)
        began = time.perf_counter()
        self._ends = began + LONGEST_SECONDS
        try:
            found = ask(self._connection)
        except sqlite3.OperationalError as error:
            told = str(error)
            if "interrupted" not in told and "locked" not in told and "busy" not in told:
                raise
            (known or self._know(text)).elsewhere.took_too_long()
            return False, None
        if known is None:
            self._know(text)  # how long it takes shows when it is run again: now it was prepared as well
        else:
            known.elsewhere.was_quick()
            took = time.perf_counter() - began
            known.seconds += WEIGHT * (min(took, known.last) - known.seconds)
            known.last = took
            known.shared = MEASURED_AGAIN if known.seconds > SHARED_SECONDS else 0
        return True, found

    def _know(self, text: str) -> _Known:
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        known = self._known[text] = _Known()
        return known

    def close(self) -> None:
        self._connection.close()
