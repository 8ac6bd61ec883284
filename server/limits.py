"""How fast one may ask: a bucket of points for each key, user or address, refilled evenly."""

from collections.abc import Callable
from math import ceil

from db.errors import RateLimited

FORGET_AFTER = 50_000


class RateLimit:
    """Points that refill at `rate` a second, up to ten seconds' worth; no limit where the rate is None."""

    def __init__(self, rate: int | None, clock: Callable[[], int]) -> None:
        self._rate = rate
        self._burst = (rate or 0) * 10
        self._clock = clock
        self._buckets: dict[str, tuple[float, int]] = {}

    def take(self, who: str, points: int = 1) -> int | None:
        """Takes points; tells how many are left, and refuses with RATE_LIMITED where there are none."""
        if self._rate is None:
            return None
        now = self._clock()
        left, since = self._buckets.get(who, (float(self._burst), now))
        left = min(self._burst, left + (now - since) / 1000 * self._rate)
        if left < points:
            seconds = max(1, ceil((points - left) / self._rate))
            raise RateLimited(f"Too many requests. Wait {seconds} seconds.", seconds)
        if len(self._buckets) >= FORGET_AFTER:
            self._buckets.clear()
        self._buckets[who] = (left - points, now)
        return int(left - points)

    def header(self, remaining: int) -> bytes:
        """The RateLimit header field of an answer."""
        return f'"default";r={remaining};t=10'.encode()
