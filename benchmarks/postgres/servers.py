"""Starting the servers of a run over a PostgreSQL database, one process each."""

import os
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields

from benchmarks import data
from benchmarks.servers import OURS, Running, started
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
    with started(name or kind, kind, url, environment(kind, url), _ready) as server:
        yield server


def _ready(port: int) -> urllib.request.Request:
    return urllib.request.Request(f"http://127.0.0.1:{port}/readyz")
