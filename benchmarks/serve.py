"""One server process: `python -m benchmarks.serve KIND DATABASE`. It prints its port when it listens."""

import socket
import sys
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp

import db  # noqa: F401  puts the bundled SQLite in its place

OURS = {"ours", "keeping", "alone"}


def application(kind: str, database: str) -> ASGIApp:
    path = Path(database)
    if kind.startswith("floor"):
        from benchmarks.floor.app import application as floor  # noqa: PLC0415  each kind imports its own

        return floor(path, connections=int(kind.removeprefix("floor") or 1))
    if kind == "statement":
        from benchmarks.postgres.floor import application as statement  # noqa: PLC0415  each kind imports its own

        return statement(database)
    if kind == "loaders":
        from benchmarks.loaders.app import application as loaders  # noqa: PLC0415  each kind imports its own

        return loaders(path)
    if kind == "alone":
        import db.engines.sqlite_writer  # noqa: PLC0415

        db.engines.sqlite_writer.LARGEST_BATCH = 1
    from server.serving import create  # noqa: PLC0415

    return create()


def protocol(kind: str) -> Any:
    """Uvicorn's own, but for our server, which has one (`server/protocol.py`)."""
    if kind not in OURS:
        return "httptools"
    from server.protocol import Protocol  # noqa: PLC0415  each kind imports its own

    return Protocol


def main() -> None:
    kind, database = sys.argv[1], sys.argv[2]
    config = uvicorn.Config(
        application(kind, database),
        loop="uvloop",
        http=protocol(kind),
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
    )
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", 0))
    listening.listen(128)
    print(listening.getsockname()[1], flush=True)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
