"""`python -m benchmarks.subscribers`: many subscribers, each told of a share of the changes; how late, and at what memory.

A server with 100 workspaces of 10 subscribers each; changes are written through its API, 100 a second in turn over the workspaces,
so that each is told to 10. Subscribers and writers are a process of their own.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import websockets
from websockets.typing import Subprotocol

from benchmarks.postgres.data import served
from db import api_keys, workspaces
from db.clock import system_clock
from db.engines.opening import Where, open_database
from db.migrating import migrate
from db.transaction import Intent

CHANGED = "subscription { customersChanged { number records(first: 1) { nodes { after } } } }"
CREATE = "mutation($email: EmailAddress!) { createCustomer(input: {email: $email}) { errors { code } } }"


async def keys(where: Where, count: int) -> list[str]:
    """A key of each of as many new workspaces."""
    database = await open_database(where, system_clock)
    found = []
    for number in range(count):
        workspace_id = await workspaces.create(database, f"Workspace {number}")
        _, key = await database.write(lambda tx: api_keys.create(tx, "load", ["ADMIN"]), Intent(workspace_id, "load"))
        found.append(key)
    await database.close()
    return found


@asynccontextmanager
async def serving(directory: Path, where: Where, port: int) -> AsyncIterator[int]:
    """A server process; answers its process id."""
    environment = os.environ | {"ROLODESK_DATA_DIR": str(directory), "ROLODESK_RATE_LIMIT": "off", "PORT": str(port)}
    if isinstance(where, str):
        environment["ROLODESK_DATABASE_URL"] = where
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server", "serve", "--port", str(port), env=environment, stdout=subprocess.DEVNULL
    )
    try:
        async with httpx2.AsyncClient() as http:
            for _ in range(300):
                try:
                    if (await http.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200:
                        break
                except httpx2.TransportError:
                    await asyncio.sleep(0.1)
        yield process.pid
    finally:
        process.terminate()
        await process.wait()


def memory(pid: int) -> int:
    """Resident bytes of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def subscriber(url: str, key: str, ready: asyncio.Event, late: list[float]) -> None:
    """Subscribes, and notes how late each change comes: its customer's address holds when it was written."""
    offered = [Subprotocol("graphql-transport-ws")]
    async with websockets.connect(url, subprotocols=offered, compression=None) as socket:
        await socket.send(json.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {key}"}}))
        await socket.recv()
        await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": CHANGED}}))
        ready.set()
        async for message in socket:
            payload = json.loads(message).get("payload")
            email = payload["data"]["customersChanged"]["records"]["nodes"][0]["after"]["email"]
            late.append(time.monotonic() - float(email.split("@")[0].removeprefix("t")))


@asynccontextmanager
async def database(directory: Path, *, postgres: bool) -> AsyncIterator[Where]:
    """An empty database: a file, or one of a PostgreSQL server of the run's own."""
    with ExitStack() as stack:
        where: Where = directory / "rolodesk.db"
        if postgres:
            server = stack.enter_context(served())
            where = server.url(await server.database())
        await asyncio.to_thread(migrate, where)
        yield where


async def measured(
    subscribers: int, each: int, rate: int, seconds: int, port: int, *, postgres: bool
) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        async with (
            database(directory, postgres=postgres) as where,
            serving(directory, where, port) as pid,
            AsyncExitStack() as stack,
        ):
            found = await keys(where, subscribers // each)
            http = await stack.enter_async_context(httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}"))
            for key in found:
                await http.post(
                    "/graphql", json={"query": "{ __typename }"}, headers={"authorization": f"Bearer {key}"}
                )
            idle, late = memory(pid), list[float]()
            running = []
            for number in range(subscribers):
                ready = asyncio.Event()
                url = f"ws://127.0.0.1:{port}/graphql"
                running.append(asyncio.create_task(subscriber(url, found[number % len(found)], ready, late)))
                await ready.wait()
            await asyncio.sleep(1)
            grown = memory(pid) - idle
            started, writing = time.monotonic(), []
            for number in range(rate * seconds):
                await asyncio.sleep(max(0, started + number / rate - time.monotonic()))
                variables = {"email": f"t{time.monotonic():.6f}@example.com"}
                sending = http.post(
                    "/graphql",
                    json={"query": CREATE, "variables": variables},
                    headers={"authorization": f"Bearer {found[number % len(found)]}"},
                )
                writing.append(asyncio.create_task(sending))
            await asyncio.gather(*writing)
            await asyncio.sleep(2)
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
    late.sort()
    return {
        "subscribers": subscribers,
        "told": len(late),
        "expected": rate * seconds * each,
        "p50_ms": round(statistics.median(late) * 1_000),
        "p99_ms": round(late[int(len(late) * 0.99)] * 1_000),
        "bytes_each": grown // subscribers,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.subscribers", description=__doc__)
    parser.add_argument("--subscribers", type=int, default=1_000)
    parser.add_argument("--each", type=int, default=10, help="how many are told of a change")
    parser.add_argument("--rate", type=int, default=100, help="changes a second")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL server of the run's own")
    given = parser.parse_args()
    load = (given.subscribers, given.each, given.rate, given.seconds, given.port)
    print(json.dumps(asyncio.run(measured(*load, postgres=given.postgres))))


if __name__ == "__main__":
    main()
