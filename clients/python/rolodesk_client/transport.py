"""Requests that are sent again where that is safe: after 429, 503 or a broken connection, as long as the server says."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count
from pathlib import Path
from uuid import uuid4

import httpx

SENT_AGAIN = (409, 429, 503)
LONGEST_WAIT_SECONDS = 60.0
CHUNK_BYTES = 1 << 20

Sleep = Callable[[float], Awaitable[None]]


class Retrying(httpx.AsyncBaseTransport):
    """Sends a request up to `attempts` times. All attempts carry the same Idempotency-Key: what was done is not done twice."""

    def __init__(self, inner: httpx.AsyncBaseTransport, attempts: int = 5, sleep: Sleep = asyncio.sleep) -> None:
        self._inner = inner
        self._attempts = attempts
        self._sleep = sleep

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.headers.setdefault("Idempotency-Key", str(uuid4()))
        for attempt in count(1):
            try:
                response = await self._inner.handle_async_request(request)
            except httpx.TransportError:
                if attempt >= self._attempts:
                    raise
                after = None
            else:
                after = response.headers.get("Retry-After")
                in_flight = response.status_code == SENT_AGAIN[0]
                if response.status_code not in SENT_AGAIN or (in_flight and after is None) or attempt >= self._attempts:
                    return response
                await response.aclose()
            await self._sleep(waiting(attempt, after))
        raise AssertionError  # count() does not end

    async def aclose(self) -> None:
        await self._inner.aclose()


def waiting(attempt: int, retry_after: str | None) -> float:
    """How many seconds to wait: what the server says, else longer each time, and not all clients at once."""
    if retry_after is not None and retry_after.isdigit():
        return min(float(retry_after), LONGEST_WAIT_SECONDS)
    return min(0.25 * (1 << attempt) * random.uniform(0.5, 1.0), LONGEST_WAIT_SECONDS)  # noqa: S311  no secret


class Contents:
    """A file's bytes, from the start whenever they are asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with await asyncio.to_thread(self._path.open, "rb") as file:
            while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
                yield chunk
