"""Time: UTC milliseconds, from one place, so that a test can set it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], int]

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def system_clock() -> int:
    """Now, in milliseconds since 1970-01-01T00:00:00Z."""
    return time.time_ns() // 1_000_000


def printed(moment: int) -> str:
    """A moment as answers show it: RFC 3339 in UTC, with milliseconds."""
    return datetime.fromtimestamp(moment / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
