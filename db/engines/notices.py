"""Telling other processes at once that a workspace changed: NOTIFY after the commit, LISTEN over a connection of its own.

A notice is a hint: whoever waits for a change still looks for it now and then. It is sent in a statement of its own,
because a transaction with a notice takes a lock of the whole server at its commit, and those of a moment are sent together.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import asyncpg

log = logging.getLogger("rolodesk.notices")

CHANNEL = "rolodesk_changed"
SEND = "SELECT pg_notify($1, workspace_id) FROM unnest($2::text[]) AS workspace_id"
WAIT_SECONDS = 5
AGAIN_SECONDS = 1
PAUSE_SECONDS = 0.005
"""Between two sendings, so that a process takes the lock at most so often."""
PROBE_SECONDS = 15
"""A connection over which nothing was sent for so long is tried: its network may be gone without a word."""
FAULTS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)

Follower = Callable[[str | None], None]
"""Is told the workspace that changed; None where any may have, for the connection is new."""


class Notices:
    """A process's connection for notices, sent and received. It connects again for as long as it takes."""

    def __init__(self, url: str) -> None:
        self.connected = False
        self._url = url
        self._followers: list[Follower] = []
        self._changed: set[str] = set()
        self._something = asyncio.Event()
        self._running = asyncio.create_task(self._run())

    def follow(self, follower: Follower) -> None:
        self._followers.append(follower)

    def changed(self, workspace_id: str) -> None:
        """Tells every process, this one too, that a workspace changed: after the commit."""
        self._changed.add(workspace_id)
        self._something.set()

    async def close(self) -> None:
        """Ends; what is not sent yet is found by those who look."""
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    async def _run(self) -> None:
        told = False
        while True:
            try:
                connection = await asyncpg.connect(self._url, timeout=WAIT_SECONDS, command_timeout=WAIT_SECONDS)
                try:
                    await connection.add_listener(CHANNEL, self._heard)
                    connection.add_termination_listener(lambda *_: self._something.set())
                    self.connected, told = True, False
                    self._tell(None)
                    await self._send(connection)
                finally:
                    self.connected = False
                    connection.terminate()
            except FAULTS as fault:
                if not told:
                    log.warning("No notices of changes can be sent or heard; looking for changes instead. %s", fault)
                told = True
            await asyncio.sleep(AGAIN_SECONDS)

    async def _send(self, connection: Any) -> None:
        while not connection.is_closed():
            try:
                async with asyncio.timeout(PROBE_SECONDS):
                    await self._something.wait()
            except TimeoutError:
                await connection.execute("SELECT 1")
            self._something.clear()
            sending, self._changed = self._changed, set()
            if not sending:
                continue
            try:
                await connection.execute(SEND, CHANNEL, sorted(sending))
            except BaseException:
                self._changed |= sending
                raise
            await asyncio.sleep(PAUSE_SECONDS)
        raise ConnectionError("The connection was closed.")

    def _heard(self, _connection: Any, _process: int, _channel: str, workspace_id: object) -> None:
        self._tell(str(workspace_id))

    def _tell(self, workspace_id: str | None) -> None:
        for follower in self._followers:
            follower(workspace_id)
