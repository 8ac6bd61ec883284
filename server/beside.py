"""The worker process that runs beside the server: started with it, started again if it dies, ended with it."""

import logging
import subprocess
import sys
import threading
from typing import Self

log = logging.getLogger("rolodesk.beside")

COMMAND = (sys.executable, "-m", "server", "work", "--beside")
GRACE_SECONDS = 10
LONGEST_PAUSE_SECONDS = 30


class Beside:
    """A worker process. It watches its standard input, which ends with this process however that ends."""

    def __init__(self) -> None:
        self._ending = threading.Event()
        self._process = self._start()
        self._watching = threading.Thread(target=self._watch, name="beside", daemon=True)

    @property
    def pid(self) -> int:
        return self._process.pid

    def _start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(COMMAND, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603  our own

    def _watch(self) -> None:
        pause = 1
        while True:
            code = self._process.wait()
            if self._ending.wait(pause):
                return
            log.warning("the worker ended with %d; it is started again", code)
            self._process = self._start()
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def __enter__(self) -> Self:
        self._watching.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._process.terminate()
        try:
            self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._watching.join(GRACE_SECONDS)
