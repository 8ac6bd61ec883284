"""How fast a worker may begin jobs: so many a minute, and no more than a second's worth at once."""

from db.clock import MINUTE, Clock


class Pace:
    """Counts what was begun; `a_minute` None: there is no limit."""

    def __init__(self, a_minute: int | None, clock: Clock) -> None:
        self._a_minute = a_minute
        self._clock = clock
        self._most = max(1.0, (a_minute or 0) / 60)
        self._left = self._most
        self._filled_at = clock()

    def ready(self) -> bool:
        """Whether one more may begin now."""
        if self._a_minute is None:
            return True
        now = self._clock()
        earned = max(0, now - self._filled_at) * self._a_minute / MINUTE
        self._left, self._filled_at = min(self._most, self._left + earned), now
        return self._left >= 1

    def took(self) -> None:
        """One more began."""
        self._left -= 1
