"""`python -m benchmarks.soak [MINUTES]`: a mixed load for a long while; what grows, and what goes wrong.

`rolodesk serve` with its worker, on 2,000 customers. Clients read, create, change, move, invite, archive, import a file
and undo nothing, listen to changes and hang up, at a pace that leaves the processor free. Every minute it prints what
was answered and how much memory each process holds; at the end how much they grew since the tenth part of the time.
"""

import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import websockets

from benchmarks import data
from benchmarks.queries import BY_NAME
from benchmarks.servers import environment

PORT = 8793
SIZE = 2_000
CLIENTS = 8
A_SECOND = 40
"""Requests that all clients together send in a second."""
LISTENERS = 20
IMPORTED = 200
PATIENCE = 60

UPDATE = """mutation Update($input: UpdateCustomerInput!) {
  updateCustomer(input: $input) { customer { id title version } errors { code message } }
}"""
INVITE = """mutation Invite($input: InviteCustomersInput!) {
  inviteCustomers(input: $input) { count errors { code message } }
}"""
ARCHIVE = """mutation Archive($input: ArchiveCustomersInput!) {
  archiveCustomers(input: $input) { count errors { code message } }
}"""
SEARCH = """query Search($words: String!) {
  customers(search: $words, first: 20) { totalCount nodes { id name organization { name ancestors { name } } } }
}"""
LOG = (
    """query Log { changes(last: 20) { nodes { number operation records(first: 5) { nodes { recordId after } } } } }"""
)
IMPORT = """mutation Import($input: ImportFileInput!) {
  importCustomers(input: $input) { import { id } errors { code message } }
}"""
PROGRESS = "query Progress($id: ID!) { import(id: $id) { status counts { records created updated refused } } }"
LISTEN = "subscription Listen { customersChanged { number operation records { nodes { recordId action } } } }"


@dataclass
class Seen:
    """What happened in a minute."""

    times: list[float] = field(default_factory=list)
    wrong: Counter[str] = field(default_factory=Counter)
    heard: int = 0


class Soak:
    """The clients, and what they know of the data."""

    def __init__(self, world: data.World, ends: float) -> None:
        self.world = world
        self.ends = ends
        self.chance = random.Random(1)
        self.made: list[str] = []
        self.seen = Seen()
        self.http = httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{PORT}",
            headers={"authorization": f"Bearer {world.key}"},
            limits=httpx2.Limits(max_connections=CLIENTS),
            timeout=PATIENCE,
        )

    async def ask(self, document: str, variables: dict[str, Any]) -> Any:
        began = time.perf_counter()
        try:
            answer = (await self.http.post("/graphql", json={"query": document, "variables": variables})).json()
        except (httpx2.HTTPError, ValueError) as error:
            self.seen.wrong[type(error).__name__] += 1
            return None
        self.seen.times.append((time.perf_counter() - began) * 1000)
        if "errors" in answer:
            self.seen.wrong[answer["errors"][0]["extensions"]["code"]] += 1
            return None
        for payload in answer["data"].values():
            for error in (payload or {}).get("errors") or ():
                self.seen.wrong[error["code"]] += 1
        return answer["data"]

    async def read(self) -> None:
        name = self.chance.choice(("one", "one", "one", "fifty", "fifty", "levels", "hundred", "project"))
        query = BY_NAME[name]
        await self.ask(query.document, query.variables(self.world, self.chance))

    async def search(self) -> None:
        await self.ask(SEARCH, {"words": self.chance.choice(data.LAST)[:4]})

    async def log(self) -> None:
        await self.ask(LOG, {})

    async def create(self) -> None:
        query = BY_NAME["create"]
        answer = await self.ask(query.document, query.variables(self.world, self.chance))
        if answer and answer["createCustomer"]["customer"]:
            self.made.append(answer["createCustomer"]["customer"]["id"])

    async def move(self) -> None:
        query = BY_NAME["move"]
        await self.ask(query.document, query.variables(self.world, self.chance))

    async def update(self) -> None:
        one = self.chance.choice(self.world.customers)[0]
        await self.ask(UPDATE, {"input": {"customer": {"id": one}, "title": f"Title {self.chance.random():.6f}"}})

    async def invite(self) -> None:
        if self.made:
            await self.ask(INVITE, {"input": {"customerIds": [self.made[-1]]}})

    async def archive(self) -> None:
        if len(self.made) > 50:
            await self.ask(ARCHIVE, {"input": {"customerIds": [self.made.pop(0)]}})

    async def bring(self) -> None:
        """Sends a file, imports it, and sees it end."""
        rows = [f"i{self.chance.getrandbits(50)}@file.example,Ina,Number {n}" for n in range(IMPORTED)]
        content = "\n".join(("Email,First name,Last name", *rows)).encode()
        try:
            sent = (await self.http.post("/uploads", content=content, headers={"content-type": "text/csv"})).json()
        except (httpx2.HTTPError, ValueError) as error:
            self.seen.wrong[type(error).__name__] += 1
            return
        answer = await self.ask(IMPORT, {"input": {"uploadId": sent["id"]}})
        if not answer or not answer["importCustomers"]["import"]:
            self.seen.wrong["import not begun"] += 1
            return
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            told = await self.ask(PROGRESS, {"id": answer["importCustomers"]["import"]["id"]})
            if told and told["import"]["status"] not in {"QUEUED", "RUNNING"}:
                if told["import"]["counts"]["created"] != IMPORTED:
                    self.seen.wrong["import not whole"] += 1
                return
            await asyncio.sleep(1)
        self.seen.wrong["import not ended"] += 1

    async def listen(self) -> None:
        """Listens for a while, then hangs up; every other time without a word."""
        while time.monotonic() < self.ends:
            until = time.monotonic() + self.chance.uniform(5, 60)
            try:
                await self._hear(until)
            except (OSError, websockets.WebSocketException) as error:
                self.seen.wrong[f"socket: {type(error).__name__}"] += 1
                await asyncio.sleep(1)

    async def _hear(self, until: float) -> None:
        address = f"ws://127.0.0.1:{PORT}/graphql"
        async with websockets.connect(address, subprotocols=["graphql-transport-ws"]) as socket:  # type: ignore[list-item]
            await socket.send(
                json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {self.world.key}"}})
            )
            await socket.recv()
            await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": LISTEN}}))
            while (left := until - time.monotonic()) > 0:
                try:
                    message = json.loads(await asyncio.wait_for(socket.recv(), left))
                except TimeoutError:
                    break
                if message["type"] == "next":
                    self.seen.heard += 1
                elif message["type"] == "ping":
                    await socket.send('{"type":"pong"}')
                else:
                    self.seen.wrong[f"socket: {message['type']}"] += 1
            if self.chance.random() < 0.5:
                socket.transport.abort()

    async def client(self) -> None:
        ways: list[tuple[Callable[[], Awaitable[None]], int]] = [
            (self.read, 60),
            (self.search, 8),
            (self.log, 4),
            (self.create, 8),
            (self.update, 8),
            (self.move, 8),
            (self.invite, 2),
            (self.archive, 4),
        ]
        acts, weights = zip(*ways, strict=True)
        while time.monotonic() < self.ends:
            began = time.monotonic()
            await self.chance.choices(acts, weights)[0]()
            await asyncio.sleep(max(0.0, CLIENTS / A_SECOND - (time.monotonic() - began)))

    async def importing(self) -> None:
        while time.monotonic() < self.ends - PATIENCE:
            await self.bring()
            await asyncio.sleep(50)


def tree(pid: int) -> list[int]:
    """A process and those below it."""
    below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in below for one in tree(int(child)))]


def memory(pid: int) -> tuple[str, int]:
    """What a process is, and its resident KiB."""
    command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    what = "worker" if b"work" in command else "server"
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return what, int(line.split()[1])
    return what, 0


async def soak(pid: int, world: data.World, minutes: float) -> bool:
    began = time.monotonic()
    whole = Soak(world, began + 60 * minutes)
    listeners = [asyncio.create_task(whole.listen()) for _ in range(LISTENERS)]
    clients = [asyncio.create_task(whole.client()) for _ in range(CLIENTS)]
    clients.append(asyncio.create_task(whole.importing()))
    held: list[dict[str, int]] = []
    wrong: Counter[str] = Counter()
    answered, heard = 0, 0
    while time.monotonic() < whole.ends:
        await asyncio.sleep(min(60.0, max(1.0, whole.ends - time.monotonic())))
        seen, whole.seen = whole.seen, Seen()
        sizes: dict[str, int] = {}
        for one in tree(pid):
            what, size = memory(one)
            sizes[what] = max(size, sizes.get(what, 0))
        held.append(sizes)
        wrong += seen.wrong
        answered, heard = answered + len(seen.times), heard + seen.heard
        p99 = statistics.quantiles(seen.times, n=100)[98] if len(seen.times) > 1 else 0
        told = ", ".join(f"{what} {size // 1024} MiB" for what, size in sorted(sizes.items()))
        print(
            f"minute {len(held):3}: {len(seen.times):,} answers, p50 {statistics.median(seen.times or [0]):.1f} ms, "
            f"p99 {p99:.1f} ms, {seen.heard:,} events, {told}, wrong: {dict(seen.wrong) or 'nothing'}",
            flush=True,
        )
    await asyncio.gather(*clients)
    for task in listeners:
        task.cancel()
    await asyncio.gather(*listeners, return_exceptions=True)
    await whole.http.aclose()
    first = held[len(held) // 10]
    print(f"{answered:,} answers and {heard:,} events in {minutes:g} minutes; wrong: {dict(wrong) or 'nothing'}")
    for what, size in sorted(held[-1].items()):
        growth = size / first[what] - 1
        print(
            f"{what}: {first[what] // 1024} MiB after a tenth of the time, {size // 1024} MiB at the end: {growth:+.1%}"
        )
    return not wrong


def ready(server: subprocess.Popen[bytes], port: int = PORT) -> None:
    """Waits until the server answers."""
    ends = time.monotonic() + PATIENCE
    while True:
        time.sleep(0.1)
        try:
            if httpx2.get(f"http://127.0.0.1:{port}/readyz").status_code == httpx2.codes.OK:
                return
        except httpx2.TransportError:
            if server.poll() is not None or time.monotonic() > ends:
                raise RuntimeError(f"The server does not answer; its log in {data.DIRECTORY} says why.") from None


def main() -> None:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 60
    path = data.copied(SIZE, "soak")
    given = environment("keeping", path) | {"PORT": str(PORT)}
    command = [sys.executable, "-m", "server", "serve"]
    log = (data.DIRECTORY / "soak.log").open("w")
    server = subprocess.Popen(command, env={**os.environ, **given}, stdout=log, stderr=log)
    try:
        ready(server)
        well = asyncio.run(soak(server.pid, data.world(path), minutes))
    finally:
        server.terminate()
        server.wait(20)
        log.close()
        data.removed("soak")
    sys.exit(not well)


if __name__ == "__main__":
    main()
