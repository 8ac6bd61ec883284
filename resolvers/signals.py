"""That something changed: one look at the change numbers, and one read of what changed, for all who wait for the same."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Sequence
from typing import Any, TypeVar

from db.database import Database
from db.errors import Refusal
from db.workspaces import change_number

Result = TypeVar("Result")

EVERY_SECONDS = 0.1
SHARED_SECONDS = 0.05
"""How long the rows of a read are shared: less than between two looks, so nobody waits on what is old."""


class Signals:
    """Waits for workspaces to change. It looks only while somebody waits."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[str, list[tuple[int, asyncio.Future[None]]]] = {}
        self._looking: asyncio.Task[None] | None = None
        self._reads: dict[Hashable, asyncio.Task[Any]] = {}

    async def read(self, text: str, parameters: Sequence[Any]) -> list[Any]:
        """The rows of a statement. Those who ask the same at the same moment share one read and its rows."""
        return await self.once((text, tuple(parameters)), lambda: self._database.read(text, parameters))

    async def once(self, key: Hashable, ask: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """What `ask` answers, asked once for all who want it at the same moment."""
        asking = self._reads.get(key)
        if asking is None:
            asking = self._reads[key] = asyncio.create_task(ask())
            asyncio.get_running_loop().call_later(SHARED_SECONDS, self._reads.pop, key, None)
        answer: Result = await asyncio.shield(asking)
        return answer

    async def moved(self, workspace_id: str, beyond: int) -> None:
        """Returns once the workspace's change number is beyond this one."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(workspace_id, []).append((beyond, future))
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        await future

    async def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        await asyncio.gather(*self._reads.values(), return_exceptions=True)

    async def _look(self) -> None:
        while self._waiting:
            await asyncio.sleep(EVERY_SECONDS)
            for workspace_id in list(self._waiting):
                try:
                    present = await change_number(self._database, workspace_id)
                except Refusal:  # the database is busy: look again later
                    continue
                left = []
                for beyond, future in self._waiting.pop(workspace_id):
                    if future.done():
                        continue
                    if present > beyond:
                        future.set_result(None)
                    else:
                        left.append((beyond, future))
                if left:
                    self._waiting[workspace_id] = left
