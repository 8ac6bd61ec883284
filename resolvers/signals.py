"""That something changed: one look at the change numbers, and one read of what changed, for all who wait for the same."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Sequence
from typing import Any, TypeVar

from db.database import Database
from db.errors import Refusal
from db.workspaces import change_number

Result = TypeVar("Result")

EVERY_SECONDS = 0.1
SELDOM_SECONDS = 1
"""Between two looks at all who wait while notices of changes are heard: a notice may be lost with the process that owed it."""
SHARED_SECONDS = 0.05
"""How long the rows of a read are shared: less than between two looks, so nobody waits on what is old."""
PAUSE_SECONDS = 0.01
"""Between two looks that notices ask for, and how long a read is shared then."""


class Signals:
    """Waits for workspaces to change. It looks only while somebody waits."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[str, list[tuple[int, asyncio.Future[None]]]] = {}
        self._looking: asyncio.Task[None] | None = None
        self._reads: dict[Hashable, asyncio.Task[Any]] = {}
        self._stirred: set[str] = set()
        """The workspaces to look at now: a notice came, or somebody who may have missed it."""
        self._stirring = asyncio.Event()
        if database.notices is not None:
            database.notices.follow(self._heard)

    async def read(self, text: str, parameters: Sequence[Any]) -> list[Any]:
        """The rows of a statement. Those who ask the same at the same moment share one read and its rows."""
        return await self.once((text, tuple(parameters)), lambda: self._database.read(text, parameters))

    async def once(self, key: Hashable, ask: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """What `ask` answers, asked once for all who want it at the same moment."""
        asking = self._reads.get(key)
        if asking is None:
            asking = self._reads[key] = asyncio.create_task(ask())
            shared = PAUSE_SECONDS if self._hears else SHARED_SECONDS
            asyncio.get_running_loop().call_later(shared, self._reads.pop, key, None)
        answer: Result = await asyncio.shield(asking)
        return answer

    async def moved(self, workspace_id: str, beyond: int) -> None:
        """Returns once the workspace's change number is beyond this one."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(workspace_id, []).append((beyond, future))
        if self._hears:
            self._heard(workspace_id)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        await future

    async def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        await asyncio.gather(*self._reads.values(), return_exceptions=True)

    @property
    def _hears(self) -> bool:
        return self._database.notices is not None and self._database.notices.connected

    def _heard(self, workspace_id: str | None) -> None:
        self._stirred |= set(self._waiting) if workspace_id is None else {workspace_id} & set(self._waiting)
        if self._stirred:
            self._stirring.set()

    async def _look(self) -> None:
        while self._waiting:
            for workspace_id in await self._due():
                await self._look_at(workspace_id)

    async def _due(self) -> list[str]:
        """The workspaces to look at: all after a while, and before that those of which something was heard."""
        try:
            async with asyncio.timeout(SELDOM_SECONDS if self._hears else EVERY_SECONDS):
                await self._stirring.wait()
        except TimeoutError:
            return list(self._waiting)
        await asyncio.sleep(PAUSE_SECONDS)
        self._stirring.clear()
        stirred, self._stirred = self._stirred, set()
        return [workspace_id for workspace_id in stirred if workspace_id in self._waiting]

    async def _look_at(self, workspace_id: str) -> None:
        try:
            present = await change_number(self._database, workspace_id)
        except Refusal:  # the database is busy: look again later
            return
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
