"""Threads that read: one does the work, others help while a read of its is slow.

Reads wait in one line, and the first thread takes one after the other without the event loop between them; what it
found it hands over in heaps, one wake-up of the loop for as many as are there. Several threads at once would only
stand in each other's way (SQLite allocates under one lock, Python runs under one): the second is for reads that would
otherwise wait for one that takes long.
"""

import asyncio
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any, Final

from db.errors import StorageBusy

SLOW_SECONDS: Final = 0.02
"""A read that runs for longer no longer keeps others waiting."""
LONGEST_WAIT_SECONDS: Final = 5
SHORT_LINE: Final = 2
"""So many reads may wait while the event loop, which could run them, goes on with other requests."""
STEPS: Final = 20_000
"""SQLite's own instructions between two looks at whether a read is to go on."""

Ask = Callable[[sqlite3.Connection], Any]


class _Read:
    """A read in the line, or under way."""

    __slots__ = ("answer", "ask", "asked")

    def __init__(self, ask: Ask, answer: "asyncio.Future[Any]") -> None:
        self.ask = ask
        self.answer = answer
        self.asked = time.perf_counter()


class _Reader(threading.Thread):
    """A thread with its connection; each token it is given lets it take one read from the line."""

    def __init__(self, connection: sqlite3.Connection, readers: "Readers") -> None:
        super().__init__(name="rolodesk reader", daemon=True)
        self.connection = connection
        self.tokens: SimpleQueue[bool] = SimpleQueue()
        self.running: _Read | None = None
        self.since = 0.0
        self._readers = readers
        connection.set_progress_handler(self._over, STEPS)

    def _over(self) -> bool:
        read = self.running
        late = time.perf_counter() > self.since + self._readers.longest_seconds
        return late or read is None or read.answer.cancelled()

    @property
    def slow(self) -> bool:
        return self.running is not None and time.perf_counter() > self.since + SLOW_SECONDS

    def run(self) -> None:
        line = self._readers.line
        while self.tokens.get():
            try:
                read = line.popleft()
            except IndexError:
                continue  # another took it
            if read.answer.done():
                continue
            self.since, self.running = time.perf_counter(), read
            try:
                found, error = read.ask(self.connection), None
            except BaseException as reason:  # noqa: BLE001  whatever it was, nobody is left waiting
                found, error = None, reason
            self.running = None
            self._readers.hand_over(read, found, error)
        self.connection.close()


class Readers:
    """The line of reads and the threads that serve it."""

    def __init__(self, connections: Sequence[sqlite3.Connection], longest_seconds: float) -> None:
        self.longest_seconds = longest_seconds
        self.line: deque[_Read] = deque()
        self._loop = asyncio.get_running_loop()
        self._found: deque[tuple[_Read, Any, BaseException | None]] = deque()
        self._woken = False
        self._watching: asyncio.TimerHandle | None = None
        self._threads = [_Reader(connection, self) for connection in connections]
        for thread in self._threads:
            thread.start()

    @property
    def need_help(self) -> bool:
        """Whether so many wait that what can be read elsewhere should be."""
        return len(self.line) >= SHORT_LINE

    async def run(self, ask: Ask) -> Any:
        """What `ask` finds on a connection of a thread's; refused where it waited five seconds for its turn."""
        read = _Read(ask, self._loop.create_future())
        self.line.append(read)
        self._threads[0].tokens.put(True)
        if self._watching is None:
            self._watching = self._loop.call_later(SLOW_SECONDS, self._watch)
        return await read.answer

    def hand_over(self, read: _Read, found: Any, error: BaseException | None) -> None:
        """From a thread: what it found, told to the loop together with what else is found until then."""
        self._found.append((read, found, error))
        if not self._woken:
            self._woken = True
            self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        self._woken = False
        while self._found:
            read, found, error = self._found.popleft()
            if read.answer.done():
                continue
            if error is not None:
                read.answer.set_exception(error)
            else:
                read.answer.set_result(found)

    def _watch(self) -> None:
        """While reads wait: has others help past a slow one, and refuses those that waited too long."""
        self._watching = None
        while self.line and (self.line[0].answer.done() or self._expired(self.line[0])):
            self.line.popleft()
        first, *others = self._threads
        if self.line and first.slow:
            for other in others:
                if other.running is None and other.tokens.empty():
                    for _ in self.line:
                        other.tokens.put(True)
        if self.line or any(thread.running for thread in self._threads):
            self._watching = self._loop.call_later(SLOW_SECONDS, self._watch)

    @staticmethod
    def _expired(read: _Read) -> bool:
        if time.perf_counter() < read.asked + LONGEST_WAIT_SECONDS:
            return False
        read.answer.set_exception(StorageBusy("All connections to the database are busy. Try again in a second."))
        return True

    async def close(self) -> None:
        """Ends the threads once the line is empty."""
        if self._watching is not None:
            self._watching.cancel()
        for thread in self._threads:
            thread.tokens.put(False)
        for thread in self._threads:
            await asyncio.to_thread(thread.join)
