"""A clock in the place of `time`, where how busy the machine is must not count."""


class Clock:
    """Passes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def perf_counter(self) -> float:
        return self.now
