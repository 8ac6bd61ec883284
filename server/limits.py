"""How fast one may ask: a bucket of points for each key, user or address, refilled evenly."""

from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from math import ceil

from db.errors import RateLimited

MOST_BUCKETS = 50_000
SECONDS = 10
"""A full bucket is so many seconds' worth of points."""


class RateLimit:
    """Points that refill at `rate` a second, up to ten seconds' worth; no limit where the rate is None."""

    def __init__(self, rate: int | None, clock: Callable[[], int]) -> None:
        self.rate = rate or 0
        self.burst = self.rate * SECONDS
        self.clock = clock
        self.policy = b'"default";q=%d;w=%d' % (self.burst, SECONDS)
        """The bound as each answer tells it."""
        self._limited = rate is not None
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def bucket(self, who: str) -> "Bucket | None":
        """Somebody's points; None where there is no limit."""
        if not self._limited:
            return None
        bucket = self._buckets.get(who)
        if bucket is None:
            if len(self._buckets) >= MOST_BUCKETS:
                self._buckets.popitem(last=False)
            bucket = self._buckets[who] = Bucket(self)
        else:
            self._buckets.move_to_end(who)
        return bucket

    def take(self, client: str) -> None:
        """Takes a point of an address."""
        bucket = self.bucket(network(client))
        if bucket is not None:
            bucket.take(1)


class Bucket:
    """The points of one key, user or address."""

    __slots__ = ("_limit", "_points", "_since")

    def __init__(self, limit: RateLimit) -> None:
        self._limit = limit
        self._points = float(limit.burst)
        self._since = limit.clock()

    def _refilled(self) -> float:
        limit, now = self._limit, self._limit.clock()
        self._points = min(limit.burst, self._points + (now - self._since) / 1_000 * limit.rate)
        self._since = now
        return self._points

    @property
    def limit(self) -> int:
        """The points of a full bucket."""
        return self._limit.burst

    @property
    def refilled_a_second(self) -> int:
        return self._limit.rate

    @property
    def remaining(self) -> int:
        return max(0, int(self._refilled()))

    @property
    def full_at(self) -> int:
        """When the bucket is full again, if nothing more is taken."""
        missing = self._limit.burst - self._refilled()
        return self._since + ceil(missing / self._limit.rate * 1_000) if self._limit.rate else self._since

    def take(self, points: int, taken: int = 0) -> None:
        """Takes points, beyond those `taken` already; refuses with RATE_LIMITED where there are not as many.

        What needs more than a full bucket takes all of it.
        """
        wanted = min(points, self._limit.burst - taken)
        left = self._refilled()
        if left < wanted or not wanted:
            seconds = max(1, ceil((wanted + taken - left) / self._limit.rate)) if self._limit.rate else 3_600
            message = f"Too many requests: this one costs {wanted + taken:,} points, {max(0, int(left)):,} are left."
            raise RateLimited(f"{message} Wait {seconds} seconds, or ask for smaller pages.", seconds)
        self._points = left - wanted

    def debit(self, points: int) -> None:
        """Takes points for what was done already; the bucket may owe some then."""
        self._points = max(-float(self._limit.burst), self._refilled() - points)

    def give_back(self, points: int) -> None:
        self._points = min(self._limit.burst, self._points + points)

    def headers(self) -> list[tuple[bytes, bytes]]:
        """The RateLimit header fields of an answer (draft-ietf-httpapi-ratelimit-headers)."""
        left, burst, rate = self._points, self._limit.burst, self._limit.rate  # refilled when some were taken
        seconds = ceil((burst - left) / rate) if rate else 3_600
        return [
            (b"ratelimit", b'"default";r=%d;t=%d' % (max(0, int(left)), seconds)),
            (b"ratelimit-policy", self._limit.policy),
        ]


def network(client: str) -> str:
    """What counts as one address: an IPv6 network of 64 bits is given to one customer as a whole."""
    try:
        address = ip_address(client)
    except ValueError:
        return client
    if isinstance(address, IPv6Address):
        return f"{IPv6Address(int(address) >> 64 << 64)}/64"
    return client
