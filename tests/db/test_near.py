"""What is read on the event loop itself, and what is not."""

import sqlite3
from collections.abc import Callable, Iterator

import pytest

from db.engines import near
from db.engines.near import ELSEWHERE, LONGEST_SECONDS, MEASURED_AGAIN, SHARED_SECONDS, Near
from tests.db.ticking import Clock

pytestmark = pytest.mark.sqlite

LONG = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000) SELECT count(*) FROM n"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(near, "time", clock)
    return clock


@pytest.fixture
def loop() -> Iterator[Near]:
    near = Near(sqlite3.connect(":memory:"))
    yield near
    near.close()


def taking(clock: Clock, seconds: float) -> Callable[[sqlite3.Connection], int]:
    def ask(_connection: sqlite3.Connection) -> int:
        clock.now += seconds
        return 1

    return ask


def runs(loop: Near, clock: Clock, seconds: float, times: int = 10) -> None:
    for _ in range(times):
        loop.run("SELECT 1", taking(clock, seconds))


def test_a_short_read_is_run_on_the_event_loop(loop: Near, clock: Clock) -> None:
    assert loop.takes("SELECT 1", helping=False)
    runs(loop, clock, SHARED_SECONDS / 2)
    assert loop.takes("SELECT 1", helping=False)


def test_a_longer_one_is_a_threads_until_a_line_has_formed_there(loop: Near, clock: Clock) -> None:
    runs(loop, clock, SHARED_SECONDS * 2)
    assert not loop.takes("SELECT 1", helping=False)
    assert loop.takes("SELECT 1", helping=True)


def test_a_single_run_that_took_long_says_nothing(loop: Near, clock: Clock) -> None:
    runs(loop, clock, SHARED_SECONDS / 2)
    runs(loop, clock, LONGEST_SECONDS * 5, times=1)
    assert loop.takes("SELECT 1", helping=False)
    runs(loop, clock, SHARED_SECONDS / 2)
    assert loop.takes("SELECT 1", helping=False)


def test_the_first_run_says_nothing_since_it_prepares_the_statement(loop: Near, clock: Clock) -> None:
    runs(loop, clock, LONGEST_SECONDS * 5, times=1)
    assert loop.takes("SELECT 1", helping=False)


def test_a_threads_read_is_measured_again_and_comes_back_once_it_is_short(loop: Near, clock: Clock) -> None:
    runs(loop, clock, SHARED_SECONDS * 2)
    asked = [loop.takes("SELECT 1", helping=False) for _ in range(MEASURED_AGAIN + 1)]
    assert asked == [False] * MEASURED_AGAIN + [True]
    runs(loop, clock, SHARED_SECONDS / 2)
    assert loop.takes("SELECT 1", helping=False)


def test_what_takes_too_long_is_given_up_and_kept_away_for_twice_as_long_each_time() -> None:
    loop = Near(sqlite3.connect(":memory:"))
    first, most = ELSEWHERE
    for times in (first, 2 * first, 4 * first):
        assert loop.takes(LONG, helping=True)
        assert loop.run(LONG, lambda connection: connection.execute(LONG).fetchall()) == (False, None)
        assert [loop.takes(LONG, helping=True) for _ in range(times)] == [False] * times
    assert 4 * first < most
    loop.close()


def test_an_error_of_the_statement_is_told(loop: Near) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        loop.run("SELECT * FROM absent", lambda connection: connection.execute("SELECT * FROM absent").fetchall())
