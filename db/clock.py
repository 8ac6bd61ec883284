"""Time: UTC milliseconds, from one place, so that a test can set it."""

import time
from collections.abc import Callable

Clock = Callable[[], int]

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def system_clock() -> int:
    """Now, in milliseconds since 1970-01-01T00:00:00Z."""
    return time.time_ns() // 1_000_000
