"""The client, a process of its own: keeps 16 connections busy for a while and tells what it saw.

`python -m benchmarks.load` reads each task as one line of JSON and answers it with one line of JSON.
"""

import asyncio
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import uvloop

from benchmarks import data
from benchmarks.queries import BY_NAME, floor_request, graphql_request, plain_request

CONNECTIONS = 16
DISTINCT = 1_000
"""Requests made before the clock starts; reads go round them."""
WAIT = 120


@dataclass(frozen=True)
class Task:
    """What to ask, of whom, for how long."""

    query: str
    kind: str
    port: int
    path: str
    seconds: float
    seed: int
    most: int = 1_000_000
    connections: int = CONNECTIONS
    etags: bool = False
    """The same requests again and again; `If-None-Match` with the tag of the last answer."""
    same: bool = False
    ports: tuple[int, ...] = ()
    """Several servers, to which the connections go in turns; `port` is one of them."""


@dataclass(frozen=True)
class Seen:
    """What a client saw."""

    count: int
    seconds: float
    p50: float
    p99: float
    bytes: int

    @property
    def rate(self) -> float:
        return self.count / self.seconds


@cache
def client() -> subprocess.Popen[str]:
    """The client's process; it ends with this one, when its input does."""
    command = [sys.executable, "-m", "benchmarks.load"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def run(task: Task) -> Seen:
    """Has the client carry out a task."""
    one = client()
    assert one.stdin is not None
    assert one.stdout is not None
    one.stdin.write(json.dumps(asdict(task)) + "\n")
    one.stdin.flush()
    line = one.stdout.readline()
    if not line:
        raise RuntimeError(f"{task.kind}, {task.query}: the client ended")
    return Seen(**json.loads(line))


def requests(task: Task, world: data.World) -> Iterator[bytes]:
    """The requests in the order they are sent; a write is never sent twice."""
    query, chance = BY_NAME[task.query], random.Random(task.seed)

    def one(etag: str | None = None) -> bytes:
        variables = query.variables(world, chance)
        if task.kind.startswith("floor") or (task.kind == "statement" and query.writes):
            return floor_request(query, variables)
        if task.kind == "statement":
            from benchmarks.postgres.statements import parameters  # noqa: PLC0415  the server's code, for its statement

            given = parameters(query.name, variables, world.workspace_id, time.time_ns() // 1_000_000)
            return plain_request("POST", f"/{query.name}", given)
        return graphql_request(query, variables, world.key if task.kind != "loaders" else None, etag)

    if query.writes:
        made = [one() for _ in range(min(task.most, 8 * DISTINCT))]
        yield from made
        return
    made = [one() for _ in range(3 if task.same or task.etags else DISTINCT)]
    while True:
        yield from made


class Client(asyncio.Protocol):
    """One connection: the next request goes out when the last answer is in."""

    def __init__(self, load: "Load") -> None:
        self.load = load
        self.parts: list[bytes] = []
        self.missing = -1
        self.sent = 0.0
        self.request = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.next()

    def next(self) -> None:
        request = self.load.next()
        if request is None:
            self.transport.close()
            return
        self.parts, self.missing, self.request = [], -1, request
        self.sent = time.perf_counter()
        self.transport.write(self.load.tagged(request))  # type: ignore[attr-defined]

    def data_received(self, received: bytes) -> None:
        self.parts.append(received)
        if self.missing < 0:
            head = received if len(self.parts) == 1 else b"".join(self.parts)
            end = head.find(b"\r\n\r\n")
            if end < 0:
                return
            at = head.find(b"content-length: ")
            length = int(head[at + 16 : head.index(b"\r\n", at)]) if 0 <= at < end else 0
            self.missing = end + 4 + length - len(head)
        else:
            self.missing -= len(received)
        if self.missing <= 0:
            self.load.answered(self, time.perf_counter() - self.sent)
            self.next()

    def connection_lost(self, error: Exception | None) -> None:
        self.load.lost(self, error)


class Load:
    """All connections of a run."""

    def __init__(self, task: Task, made: Iterator[bytes]) -> None:
        self.task = task
        self.made = made
        self.times: list[float] = []
        self.bytes = 0
        self.started = 0
        self.ends = 0.0
        self.open = 0
        self.tags: dict[bytes, bytes] = {}
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def next(self) -> bytes | None:
        if time.perf_counter() > self.ends or self.started >= self.task.most:
            return None
        self.started += 1
        return next(self.made, None)

    def tagged(self, request: bytes) -> bytes:
        tag = self.tags.get(request) if self.task.etags else None
        return request.replace(b"\r\n\r\n", b"\r\nif-none-match: " + tag + b"\r\n\r\n", 1) if tag else request

    def answered(self, client: Client, seconds: float) -> None:
        self.times.append(seconds)
        answer = client.parts[0] if len(client.parts) == 1 else b"".join(client.parts)
        self.bytes += len(answer)
        head, _, body = answer.partition(b"\r\n\r\n")
        if head[9:12] == b"304" and self.task.etags:
            return
        if head[9:12] != b"200" or not body.startswith(b'{"data":') or body.startswith(b'{"data":null'):
            self.fail(answer)
        if BY_NAME[self.task.query].writes and not (b'"errors":[]' in body or b'"errors": []' in body):
            self.fail(answer)
        if self.task.etags:
            at = head.find(b"etag: ")
            if at >= 0:
                self.tags[client.request] = head[at + 6 :].split(b"\r\n", 1)[0]

    def fail(self, answer: bytes) -> None:
        if not self.over.done():
            self.over.set_exception(RuntimeError(f"Not the answer expected: {answer[:800]!r}"))

    def lost(self, _client: Client, error: Exception | None) -> None:
        self.open -= 1
        if error is not None and not self.over.done():
            self.over.set_exception(error)
        if self.open == 0 and not self.over.done():
            self.over.set_result(None)


_world = cache(data.world)


async def loaded(task: Task) -> Seen:
    load = Load(task, requests(task, _world(Path(task.path))))
    first = next(load.made)
    load.made = _with(first, load.made)  # whatever is made at first is made before the clock starts
    loop, began = asyncio.get_running_loop(), time.perf_counter()
    load.ends, load.open = began + task.seconds, task.connections
    ports = task.ports or (task.port,)
    for number in range(task.connections):
        await loop.create_connection(lambda: Client(load), "127.0.0.1", ports[number % len(ports)])
    await asyncio.wait_for(load.over, WAIT)
    seconds, times = time.perf_counter() - began, sorted(load.times)
    at = [times[min(len(times) - 1, int(len(times) * part))] for part in (0.5, 0.99)]
    return Seen(len(times), seconds, at[0], at[1], load.bytes)


def _with(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(asdict(uvloop.run(loaded(Task(**json.loads(line)))))), flush=True)
