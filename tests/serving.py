"""What tests of processes share: servers started as an operator starts them, and asked over a socket."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx2

STARTS_WITHIN_SECONDS = 30


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(**settings: str) -> dict[str, str]:
    """This process's environment with these settings of the project and no others."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ROLODESK_") and name != "PORT"}
    return {**kept, **{f"ROLODESK_{name.upper()}": value for name, value in settings.items()}}


def command(*arguments: str, **settings: str) -> str:
    """What `rolodesk …` prints."""
    done = subprocess.run(
        [sys.executable, "-m", "server", *arguments],
        env=environment(**settings),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.strip()


@dataclass
class Serving:
    """`rolodesk serve` over a data directory, with a port of its own that it keeps when it is started again."""

    directory: Path
    arguments: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> float:
        """Starts it; how many seconds it took until it was ready."""
        began = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "server", "serve", "--port", str(self.port), *self.arguments],
            env=environment(**{"data_dir": str(self.directory), "rate_limit": "off", **self.settings}),
            stdout=subprocess.DEVNULL,
        )
        while time.monotonic() < began + STARTS_WITHIN_SECONDS:
            try:
                if httpx2.get(f"{self.url}/readyz", timeout=5).status_code == 200:
                    return time.monotonic() - began
            except httpx2.TransportError:
                assert self.process.poll() is None, "it ended"
            time.sleep(0.02)
        raise AssertionError("it is not ready")

    def children(self) -> list[int]:
        """Its processes: servers where it has several, and the worker beside."""
        assert self.process is not None
        found = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True, check=True).stdout
        pairs = [tuple(map(int, line.split())) for line in found.splitlines()[1:]]
        return [pid for pid, parent in pairs if parent == self.process.pid]

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        finally:
            self.kill()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()


@dataclass
class Asking:
    """A client over a socket that outlasts the death of its server or database: it says None instead of an answer."""

    key: str
    http: httpx2.AsyncClient

    async def __call__(self, url: str, document: str, **variables: Any) -> dict[str, Any] | None:
        try:
            answer = await self.http.post(
                f"{url}/graphql",
                json={"query": document, "variables": variables},
                headers={"authorization": f"Bearer {self.key}"},
            )
        except httpx2.TransportError:
            return None
        if answer.status_code == httpx2.codes.SERVICE_UNAVAILABLE:
            return None
        said: dict[str, Any] = answer.json()
        assert "errors" not in said, said
        return said["data"]  # type: ignore[no-any-return]
