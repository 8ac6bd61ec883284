"""Connections of one process to a PostgreSQL server: opened when they are needed, and no more than so many.

asyncpg's own pool wraps each connection anew for every loan and gives it back in a task of its own, which takes a
fifth of all that a read by key takes in this process. Here a loan is a list's pop. Nothing is ever set on a connection
outside a transaction, so nothing has to be reset; one whose statement was cancelled waits for that before its next.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from db.errors import StorageBusy

IDLE_SECONDS: Final = 300
"""A connection that nobody used for so long is not trusted to be there: firewalls forget."""
TAKEN = "All connections to the database are busy. Try again in a second."


class Pool:
    """The one that was used last is lent first; who finds none waits in line for so long, and is refused then."""

    def __init__(self, connect: Callable[[], Awaitable[Any]], most: int, wait_seconds: float) -> None:
        self._connect = connect
        self._free = asyncio.Semaphore(most)
        self._wait_seconds = wait_seconds
        self._idle: list[tuple[Any, float]] = []
        self._lent: set[Any] = set()
        self._over: asyncio.Event | None = None

    async def take(self) -> Any:
        """A connection, to be given back whatever comes of it; `TimeoutError` where none could be opened in time."""
        if self._free.locked() or (connection := self._ready()) is None:
            return await self._wait()
        await self._free.acquire()  # does not wait
        self._lent.add(connection)
        return connection

    def give_back(self, connection: Any) -> None:
        self._lent.discard(connection)
        if self._over is not None:
            connection.terminate()
            if not self._lent:
                self._over.set()
        elif not connection.is_closed():
            self._idle.append((connection, time.monotonic()))
        self._free.release()

    def forget(self) -> None:
        """Ends all that are idle: the server that they were opened to is gone."""
        while self._idle:
            self._idle.pop()[0].terminate()

    async def close(self) -> None:
        """Ends all, those that are lent when they come back or their time is over."""
        self._over = asyncio.Event()
        self.forget()
        if self._lent:
            try:
                async with asyncio.timeout(self._wait_seconds):
                    await self._over.wait()
            except TimeoutError:
                for connection in self._lent:
                    connection.terminate()

    def _ready(self) -> Any:
        while self._idle:
            connection, since = self._idle.pop()
            if time.monotonic() - since > IDLE_SECONDS:
                connection.terminate()
            elif not connection.is_closed():
                return connection
        return None

    async def _wait(self) -> Any:
        """A connection that came back, or a new one; one deadline for both."""
        granted = False
        try:
            async with asyncio.timeout(self._wait_seconds):
                granted = await self._free.acquire()
                connection = self._ready() or await self._connect()
        except BaseException as error:
            if granted:
                self._free.release()
            elif isinstance(error, TimeoutError):
                raise StorageBusy(TAKEN) from None
            raise
        self._lent.add(connection)
        return connection
