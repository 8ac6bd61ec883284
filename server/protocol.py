"""HTTP as uvicorn speaks it, but that the head of an answer leaves in one packet with what follows it.

Written one after the other they are two system calls, two packets and two wake-ups of who reads them.
"""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD = b"HTTP/1."


class Joining:
    """A transport that holds the head of an answer until more is written, at the longest until the event loop's next turn."""

    __slots__ = ("_held", "_loop", "transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self._loop = asyncio.get_running_loop()
        self._held: bytes | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.transport, name)

    def write(self, data: bytes) -> None:
        held = self._held
        if held is not None:
            self._held = None
            self.transport.writelines((held, data) if data else (held,))
        elif data.startswith(HEAD):
            self._held = data
            self._loop.call_soon(self.flush)
        else:
            self.transport.write(data)

    def flush(self) -> None:
        """Writes what is held, if anything is."""
        if self._held is not None:
            held, self._held = self._held, None
            self.transport.write(held)

    def close(self) -> None:
        self.flush()
        self.transport.close()


class Protocol(HttpToolsProtocol):
    """One connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(cast("asyncio.Transport", Joining(transport)))

    def handle_websocket_upgrade(self) -> None:
        joining = cast("Joining", self.transport)
        joining.flush()
        self.transport = joining.transport  # a socket's frames are whole by themselves
        super().handle_websocket_upgrade()
