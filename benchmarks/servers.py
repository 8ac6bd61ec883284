"""Starting servers, one process each on the loopback, and ending them by their ids."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path

from benchmarks import data
from server.settings import Settings

TICKS = os.sysconf("SC_CLK_TCK")
LONGEST_START = 60


@dataclass(frozen=True)
class Running:
    """A server process."""

    kind: str
    process: subprocess.Popen[str]
    port: int
    started_in: float
    """Seconds from the start of the process to its first answer."""
    idle: int
    """Resident bytes after that."""

    @property
    def ours(self) -> bool:
        return self.kind in OURS

    def cpu(self) -> float:
        """Seconds of processor that the process and its threads used so far."""
        after_name = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / TICKS

    def memory(self, entry: str = "VmRSS") -> int:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(entry + ":"):
                return int(line.split()[1]) * 1024
        raise RuntimeError(f"The {self.kind} server has ended.")


OURS = {"ours": "off", "keeping": "on", "alone": "off"}
"""Our servers by name, and whether each keeps answers; `alone` shares no commits."""


def environment(kind: str, path: Path) -> dict[str, str]:
    given = {name: value for name, value in os.environ.items() if not name.startswith("ROLODESK_")}
    if kind not in OURS:
        return given
    given |= {
        "ROLODESK_DATABASE_URL": f"sqlite:///{path.absolute()}",
        "ROLODESK_DATA_DIR": str(data.DIRECTORY.absolute()),
        "ROLODESK_RATE_LIMIT": "1000000",
        "ROLODESK_LOG_LEVEL": "warning",
    }
    if any(field.name == "answer_cache" for field in fields(Settings)):
        given["ROLODESK_ANSWER_CACHE"] = OURS[kind]
    return given


@contextmanager
def running(kind: str, size: int) -> Iterator[Running]:
    """A server of a kind on its own copy of the data."""
    path = data.copied(size, kind)
    try:
        with started(kind, kind, str(path), environment(kind, path), _asking(kind, path)) as server:
            yield server
    finally:
        data.removed(kind)


Asks = Callable[[int], urllib.request.Request]
"""A server's first request, by its port."""


@contextmanager
def started(name: str, kind: str, source: str, given: Mapping[str, str], asks: Asks) -> Iterator[Running]:
    """A server of a kind on the data of a file or an address, from its first answer until it is ended."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.serve", kind, source], env=given, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.strip().isdecimal():
            raise RuntimeError(f"The {kind} server did not start: {line!r}")
        port = int(line)
        _first_answer(asks(port), process)
        started_in = time.perf_counter() - began
        server = Running(name, process, port, started_in, 0)
        yield replace(server, idle=server.memory())
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _asking(kind: str, path: Path) -> Asks:
    def asks(port: int) -> urllib.request.Request:
        if kind.startswith("floor"):
            return urllib.request.Request(f"http://127.0.0.1:{port}/one/none")
        headers = {"content-type": "application/json"}
        if kind in OURS:
            headers["authorization"] = f"Bearer {data.world(path).key}"
        body = json.dumps({"query": '{ customer(by: {id: "none"}) { id } }'}).encode()
        return urllib.request.Request(f"http://127.0.0.1:{port}/graphql", body, headers)

    return asks


def _first_answer(request: urllib.request.Request, process: "subprocess.Popen[str]") -> None:
    ends = time.monotonic() + LONGEST_START
    while True:
        try:
            with urllib.request.urlopen(request, timeout=LONGEST_START) as answer:
                answer.read()
                return
        except OSError:
            if process.poll() is not None or time.monotonic() > ends:
                raise
            time.sleep(0.02)
