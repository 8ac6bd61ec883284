"""A second server for reads, which is asked only for what it has: never for anything older than what was written.

Its rows count only if they were read after everything that the first server had when the request came, which the
workspace's numbers tell. So whoever wrote reads what it wrote, in whichever process, and a key that was revoked stays
so. Where the replica is behind, does not answer or answers with a fault, the first server is asked.
"""

import logging
import time
from collections.abc import Sequence
from typing import Any, Final

from db.engines.pool import TAKEN
from db.engines.postgres_server import AGAIN, Address, Server
from db.errors import LimitExceeded, TimedOut

log = logging.getLogger("rolodesk.replica")

WAIT_SECONDS: Final = 1
"""For a connection. The first server is there as well; nobody waits long for this one."""
AWAY_SECONDS: Final = (1.0, 30.0)
"""How long it is left alone after a fault: at first, and at the most."""


class Replica:
    """A server that follows another one."""

    def __init__(self, address: Address, connections: int) -> None:
        self.answered = 0
        """How many reads it answered; so that tests and operators see that it does."""
        self.behind = 0
        """How many it could not answer yet."""
        self._server = Server(address, connections, WAIT_SECONDS)
        self._away_until = 0.0
        self._faults = 0

    @property
    def willing(self) -> bool:
        """Whether it is to be asked."""
        return time.monotonic() >= self._away_until

    async def read(self, numbers: tuple[int, int], text: str, parameters: Sequence[Any]) -> list[Any] | None:
        """The rows as of a moment at which the workspace had these numbers or later ones; None where it cannot tell."""
        last = len(parameters)
        reached = f"workspace.access_number >= ${last + 1}::bigint AND workspace.change_number >= ${last + 2}::bigint"
        try:
            rows = await self._server.fetch(f"{text} AND {reached}", (*parameters, *numbers))
        except LimitExceeded:
            raise
        except TimedOut as refusal:  # what takes ten seconds here is not begun again there
            if isinstance(refusal.__cause__, TimeoutError):  # nor did the server say so by itself
                self._leave(refusal)
            raise
        except Exception as fault:  # noqa: BLE001  whatever it is, there is another server to ask
            if str(fault) != TAKEN and not isinstance(fault.__cause__, AGAIN):
                self._leave(fault)
            return None
        self._faults = 0
        if not rows:
            self.behind += 1
            return None
        self.answered += 1
        return rows

    async def close(self) -> None:
        await self._server.close()

    def _leave(self, fault: BaseException) -> None:
        """Leaves it alone for a while, twice as long each time."""
        if self.willing:
            first, most = AWAY_SECONDS
            pause = min(first * 2**self._faults, most)
            log.warning("The replica %s is left alone for %.0f s: %s", self._server.address.shown, pause, fault)
            self._away_until = time.monotonic() + pause
            self._faults = min(self._faults + 1, 10)
            self._server.pool.forget()
