"""Where a request's time goes: our server in this process, asked without a socket, under cProfile."""

import asyncio
import cProfile
import io
import os
import pstats
import random
from pathlib import Path
from typing import Any

from benchmarks import data, servers
from benchmarks.queries import BY_NAME, Query, graphql_request
from db.engines.sqlite_writer import Writer
from server.serving import create

AT_ONCE = 16
REQUESTS = 2_000
SHOWN = 25


def profile(name: str, size: int) -> str:
    """The functions a query spends its time in: those of the event loop, and for writes those of the writer's thread."""
    path = data.copied(size, "profile")
    os.environ |= {k: v for k, v in servers.environment("ours", path).items() if k.startswith("ROLODESK_")}
    try:
        return asyncio.run(_profiled(BY_NAME[name], path))
    finally:
        data.removed("profile")


async def _profiled(query: Query, path: Path) -> str:
    app, world, chance = create(), data.world(path), random.Random(2)
    made = [graphql_request(query, query.variables(world, chance), world.key) for _ in range(REQUESTS + 100)]
    loop_profile, writer_profile = cProfile.Profile(), cProfile.Profile()
    together = Writer._together  # noqa: SLF001
    async with app.router.lifespan_context(app):
        await _all(app, made[:100])

        def watched(*given: Any) -> Any:
            return writer_profile.runcall(together, *given)

        Writer._together = watched  # type: ignore[method-assign]  # noqa: SLF001
        loop_profile.enable()
        await _all(app, made[100:])
        loop_profile.disable()
        Writer._together = together  # type: ignore[method-assign]  # noqa: SLF001
    parts = [f"## The event loop, {REQUESTS} times {query.title}", _top(loop_profile)]
    if query.writes:
        parts += ["## The writer's thread", _top(writer_profile)]
    return "\n".join(parts)


def _top(profile: cProfile.Profile) -> str:
    out = io.StringIO()
    stats = pstats.Stats(profile, stream=out)
    for order in ("tottime", "cumulative"):
        out.write(f"by {order}\n")
        stats.sort_stats(order).print_stats(SHOWN)
    root = str(Path.cwd()) + "/"
    return out.getvalue().replace(root + ".venv/lib/python3.11/site-packages/", "").replace(root, "")


async def _all(app: Any, made: list[bytes]) -> None:
    """Asks everything, 16 requests at a time."""
    waiting = iter(made)

    async def one_after_the_other() -> None:
        for request in waiting:
            await _ask(app, request)

    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))


async def _ask(app: Any, request: bytes) -> None:
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")[1:]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "query_string": b"",
        "root_path": "",
        "headers": [tuple(line.split(b": ", 1)) for line in lines],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": {},
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start" and message["status"] != 200:
            raise RuntimeError(message)

    await app(scope, receive, send)
