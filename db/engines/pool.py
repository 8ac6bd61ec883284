"""Connections of one process to a PostgreSQL server: opened when they are needed, and no more than so many.

asyncpg's own pool wraps each connection anew for every loan, waits with a timer of its own for each, and gives back in
a task; that takes a quarter of all that a read by key takes in this process. Here one that is given back goes straight
to who waited longest. Nothing is ever set on a connection outside a transaction, so nothing has to be reset; one whose
statement was cancelled waits for that by itself before its next.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final

from db.errors import StorageBusy

IDLE_SECONDS: Final = 300
"""A connection that nobody used for so long is not trusted to be there: firewalls forget."""
TAKEN = "All connections to the database are busy. Try again in a second."


class Pool:
    """The connection that was used last is lent first; who finds none waits in line for so long, and is refused then."""

    def __init__(self, connect: Callable[[], Awaitable[Any]], most: int, wait_seconds: float) -> None:
        """`connect` opens one, and gives up by itself."""
        self._connect = connect
        self._room = most
        """How many more may be opened."""
        self._wait_seconds = wait_seconds
        self._idle: list[tuple[Any, float]] = []
        self._lent: set[Any] = set()
        self._waiting: deque[tuple[asyncio.Future[Any], float]] = deque()
        """Who waits and until when. Each is given a connection, or None for the room to open one."""
        self._timer: asyncio.TimerHandle | None = None
        self._over: asyncio.Event | None = None

    async def take(self) -> Any:
        """A connection, to be given back whatever comes of it."""
        if not self._waiting:
            while self._idle:
                connection, since = self._idle.pop()
                if not connection.is_closed() and time.monotonic() - since < IDLE_SECONDS:
                    self._lent.add(connection)
                    return connection
                connection.terminate()
                self._room += 1
            if self._room:
                self._room -= 1
                return await self._opened()
        return await self._turn() or await self._opened()

    def give_back(self, connection: Any) -> None:
        if connection.is_closed() or self._over is not None:
            self._lent.discard(connection)
            connection.terminate()
            self._make_room()
            if self._over is not None and not self._lent:
                self._over.set()
        elif (waiter := self._next()) is not None:
            waiter.set_result(connection)
        else:
            self._lent.discard(connection)
            self._idle.append((connection, time.monotonic()))

    def forget(self) -> None:
        """Ends all that are idle: the server that they were opened to is gone."""
        while self._idle:
            self._idle.pop()[0].terminate()
            self._room += 1

    async def close(self) -> None:
        """Ends all; those that are lent when they come back, or when that takes too long."""
        self._over = asyncio.Event()
        self.forget()
        if self._lent:
            try:
                async with asyncio.timeout(self._wait_seconds):
                    await self._over.wait()
            except TimeoutError:
                for connection in self._lent:
                    connection.terminate()
        if self._timer is not None:
            self._timer.cancel()

    async def _opened(self) -> Any:
        """A new connection, for which there is room."""
        try:
            connection = await self._connect()
        except BaseException:
            self._make_room()
            raise
        self._lent.add(connection)
        return connection

    async def _turn(self) -> Any:
        """A connection that came back, or None where one may be opened."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Any] = loop.create_future()
        ends = loop.time() + self._wait_seconds
        self._waiting.append((waiter, ends))
        if self._timer is None:
            self._timer = loop.call_at(ends, self._refuse)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:  # given at the same moment
                if waiter.result() is None:
                    self._make_room()
                else:
                    self.give_back(waiter.result())
            raise

    def _next(self) -> "asyncio.Future[Any] | None":
        while self._waiting:
            waiter, _ = self._waiting.popleft()
            if not waiter.done():
                return waiter
        return None

    def _make_room(self) -> None:
        waiter = self._next()
        if waiter is None:
            self._room += 1
        else:
            waiter.set_result(None)

    def _refuse(self) -> None:
        """Refuses who waited long enough. One timer for all: they stand in the order in which their time is over."""
        loop = asyncio.get_running_loop()
        while self._waiting and (self._waiting[0][0].done() or self._waiting[0][1] <= loop.time()):
            waiter, _ = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(StorageBusy(TAKEN))
        self._timer = loop.call_at(self._waiting[0][1], self._refuse) if self._waiting else None
