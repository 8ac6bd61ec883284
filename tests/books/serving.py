"""Local servers that stand in for providers, over real HTTP on loopback: what they share.

A server keeps the requests that came in and answers the faults it was given first, as providers do under load.
"""

import asyncio
import socket
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send


@dataclass
class Fault:
    """An answer that comes instead of the right one, for the requests whose path holds `at`; status 0: none ever comes."""

    at: str
    status: int
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Provider:
    """A server under test: its address, what it was asked, and the faults it still has to answer."""

    url: str = ""
    asked: list[str] = field(default_factory=list)
    faults: deque[Fault] = field(default_factory=deque)

    def routes(self) -> Sequence[BaseRoute]:
        raise NotImplementedError

    def fail(self, at: str, status: int, body: bytes = b"{}", **headers: str) -> None:
        self.faults.append(Fault(at, status, body, {name.replace("_", "-"): value for name, value in headers.items()}))

    def asked_for(self, part: str) -> int:
        return sum(part in one for one in self.asked)


class Faulty:
    """Answers faults first, and lets what is over through."""

    def __init__(self, app: ASGIApp, provider: Provider) -> None:
        self.app = app
        self.provider = provider

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        target = f"{request.method} {request.url.path}?{request.url.query}"
        self.provider.asked.append(target)
        for fault in self.provider.faults:
            if fault.at in target:
                self.provider.faults.remove(fault)
                if not fault.status:
                    await asyncio.Event().wait()
                await Response(fault.body, fault.status, fault.headers)(scope, receive, send)
                return
        await self.app(scope, receive, send)


@asynccontextmanager
async def serving(provider: Provider) -> AsyncIterator[Provider]:
    """The provider, listening on a port of its own."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    provider.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    app = Faulty(Starlette(routes=list(provider.routes())), provider)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
    server.config.load()
    running = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:  # noqa: ASYNC110  it says so nowhere else
        await asyncio.sleep(0.005)
    try:
        yield provider
    finally:
        server.should_exit = True
        await running
        listener.close()
