"""Starting the servers of a run over a PostgreSQL database, one process each."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields

from benchmarks import data
from benchmarks.servers import LONGEST_START, OURS, Running
from server.settings import Settings, variable

FLOOR = "statement"


def environment(kind: str, url: str) -> dict[str, str]:
    given = {name: value for name, value in os.environ.items() if not name.startswith("ROLODESK_")}
    if kind == FLOOR:
        return given
    chosen = {
        "database_url": url,
        "data_dir": str(data.DIRECTORY.absolute()),
        "rate_limit": "1000000",
        "log_level": "warning",
        "answer_cache": OURS[kind],
    }
    assert chosen.keys() <= {one.name for one in fields(Settings)}
    return given | {variable(name): value for name, value in chosen.items()}


@contextmanager
def running(kind: str, url: str, name: str | None = None) -> Iterator[Running]:
    """A server of a kind. Under another name it may be one of several."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.serve", kind, url],
        env=environment(kind, url),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.strip().isdecimal():
            raise RuntimeError(f"The {kind} server did not start: {line!r}")
        port = int(line)
        _ready(port, process)
        server = Running(name or kind, process, port, time.perf_counter() - began, 0)
        yield Running(server.kind, process, port, server.started_in, server.memory())
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _ready(port: int, process: "subprocess.Popen[str]") -> None:
    ends = time.monotonic() + LONGEST_START
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=LONGEST_START):
                return
        except OSError:
            if process.poll() is not None or time.monotonic() > ends:
                raise
            time.sleep(0.02)
