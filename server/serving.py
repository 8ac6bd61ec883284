"""A server process: the application as uvicorn runs it, and how it stops."""

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from server.app import application
from server.logs import configure
from server.protocol import Protocol
from server.settings import read
from server.websocket import LARGEST_MESSAGE_BYTES

GRACE_SECONDS = 10
PING_SECONDS = 2
PONG_SECONDS = 3
"""A socket whose network is gone without a word ends within five seconds, when a ping stays unanswered."""
SWITCH_SECONDS = 0.0001
"""How long a thread that could go on waits for the event loop to let it: a commit is to begin at once, not in 5 ms."""
DRAIN_SECONDS = 0.5
"""How long a process that is told to end still listens, its `/readyz` answering 503, before it takes no more."""


def create() -> Starlette:
    """The application for the environment's settings, as each server process makes it."""
    settings = read()
    configure(settings.log_level, settings.log_format)
    app = application(settings)
    lifespan = app.router.lifespan_context

    @asynccontextmanager
    async def draining(app: Starlette) -> AsyncIterator[None]:
        async with lifespan(app):
            drain_first(app)
            sys.setswitchinterval(SWITCH_SECONDS)
            gc.freeze()  # what was loaded stays; looking through it held all requests up
            yield

    app.router.lifespan_context = draining
    return app


def drain_first(app: Starlette) -> None:
    """Lets a SIGTERM turn `/readyz` to 503 at once, and end the process a moment later."""
    stop, loop = signal.getsignal(signal.SIGTERM), asyncio.get_running_loop()

    def drain(number: int, frame: FrameType | None) -> None:
        app.state.draining = True
        if callable(stop):
            loop.call_later(DRAIN_SECONDS, stop, number, frame)

    signal.signal(signal.SIGTERM, drain)


def configuration(host: str, port: int, workers: int) -> uvicorn.Config:
    return uvicorn.Config(
        "server.serving:create",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        loop="uvloop",
        http=Protocol,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        ws_max_size=LARGEST_MESSAGE_BYTES,
        ws_per_message_deflate=False,  # its windows take more memory than a subscriber may
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PONG_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


class Server(uvicorn.Server):
    """Says when it serves."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None] | None = None) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and self._announce is not None:
            self._announce()
