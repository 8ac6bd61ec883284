"""A connection that keeps its reads prepared, and ends when one of them is not answered in time.

A statement is kept by its text, so a read that comes again is bound and run: one round trip, without a look through
asyncpg's own cache. asyncpg sets a timer for each statement; here one stands for all that follow each other.
"""

from asyncio import TimerHandle
from collections.abc import Sequence
from typing import Any, Final

import asyncpg
from asyncpg.protocol import NO_TIMEOUT

KEPT_STATEMENTS: Final = 512
MOVED = (asyncpg.InvalidCachedStatementError, asyncpg.OutdatedSchemaCacheError)
"""What a statement is refused with that was prepared before a migration changed what it answers."""


class Connection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg says nothing of its types
    """A connection to PostgreSQL. Its server ends statements that take long; this ends it where the server says nothing."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self._kept: dict[str, Any] = {}
        self._until = 0.0
        """When the read that runs is given up; 0 where none does."""
        self._timer: TimerHandle | None = None
        self._overdue = False

    async def read(self, text: str, parameters: Sequence[Any], longest_seconds: float) -> list[Any]:
        """All rows of a statement that is likely to come again; a TimeoutError when it is not answered in time."""
        statement = self._kept.get(text)
        if statement is None:
            statement = await self._prepared(text)
        self._until = self._loop.time() + longest_seconds
        if self._timer is None:
            self._timer = self._loop.call_at(self._until, self._look)
        try:
            return await statement.fetch(*parameters, timeout=NO_TIMEOUT)  # type: ignore[no-any-return]
        except MOVED:
            del self._kept[text]
            return await self.fetch(text, *parameters)  # type: ignore[no-any-return]
        except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError):
            if self._overdue:
                raise TimeoutError from None
            raise
        finally:
            self._until = 0.0

    async def _prepared(self, text: str) -> Any:
        if len(self._kept) >= KEPT_STATEMENTS:
            del self._kept[next(iter(self._kept))]
        statement = self._kept[text] = await self.prepare(text)
        return statement

    def _look(self) -> None:
        """Ends the connection if its read is overdue, or looks again when the one that runs would be."""
        self._timer = None
        if not self._until or self.is_closed():
            return
        if self._until <= self._loop.time():
            self._overdue = True
            self.terminate()
        else:
            self._timer = self._loop.call_at(self._until, self._look)
