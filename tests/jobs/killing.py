"""Workers as processes of their own, each killed at a moment that chance says, until a job is done."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path

from tests.conftest import World, at

CHILD = """
import asyncio, sys
from pathlib import Path
from db.clock import system_clock
from server.settings import Settings
from db.engines.opening import open_database
from jobs import imports, runner, undo
from jobs.worker import Worker

async def main(path, uploads, name):
    for module in (imports, undo):
        module.LARGEST_CHUNK = module.FIRST_CHUNK = module.SMALLEST_CHUNK = 40
    runner.job_queue.LEASE_MILLISECONDS = 300
    database = await open_database(Settings(database_url=path).database, system_clock)
    worker = Worker(database, system_clock, None, ("s" * 32,), "http://x", Path(uploads), "a@example.com", name)
    while True:
        print(await runner.drain(worker), flush=True)
        await asyncio.sleep(0.05)

asyncio.run(main(*sys.argv[1:]))
"""
ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 120

State = tuple[str, ...]


def begin(world: World, script: Path, name: str) -> subprocess.Popen[bytes]:
    """A worker of its own, with small chunks and a short lease."""
    script.write_text(CHILD)
    arguments = [str(script), at(world.where), str(world.directory / "uploads"), name]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)


async def killed_again_and_again(
    world: World, script: Path, state: Callable[[], Awaitable[State]], at_work: Collection[str], most: int
) -> int:
    """Lets one worker after the other go on, kills each soon after it moved something, and the last not; tells how many.

    `state` answers a status, which is in `at_work` until the job is done, and how far it is.
    """
    chance, deadline, killed = random.Random(7), time.monotonic() + PATIENCE_SECONDS, 0
    while (before := await state())[0] in at_work:
        child = begin(world, script, f"worker {killed}")
        try:
            while await state() == before and time.monotonic() < deadline:  # noqa: ASYNC110  another process moves it
                await asyncio.sleep(0.005)
            await asyncio.sleep(chance.random() * 0.2 if killed < most else 3)
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait()
        killed += 1
        assert time.monotonic() < deadline
    return killed
