"""Times as files have them."""

from datetime import UTC, datetime

import pytest

from db.dates import moment, order_of
from db.errors import InvalidValue


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31", "2026-01-31 00:00:00"),
        ("2026-01-31T10:00:00Z", "2026-01-31 10:00:00"),
        ("2026-01-31 10:00:00+02:00", "2026-01-31 08:00:00"),
        ("2026-01-31 10:00:00 UTC", "2026-01-31 10:00:00"),
        ("2026/1/31 9:05", "2026-01-31 09:05:00"),
        ("31/01/2026", "2026-01-31 00:00:00"),
        ("01/31/2026 1:30 PM", "2026-01-31 13:30:00"),
        ("1/31/26 12:05 am", "2026-01-31 00:05:00"),
        ("05.04.2026 14:30", "2026-04-05 14:30:00"),
        ("04/04/2026", "2026-04-04 00:00:00"),
        ("Jan 31, 2026", "2026-01-31 00:00:00"),
        ("31 January 2026 10:00", "2026-01-31 10:00:00"),
        ("31-Jan-2026", "2026-01-31 00:00:00"),
        ("Sat, 31 Jan 2026 10:00:00 +0100", "2026-01-31 09:00:00"),
    ],
)
def test_reads_times_as_they_are_written(text: str, expected: str) -> None:
    assert datetime.fromtimestamp(moment(text) / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S") == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("03/04/2026", "could have the day or the month first"),
        ("03-04-26 10:00", "could have the day or the month first"),
        ("31/31/2026", "is no time"),
        ("2026-02-30", "is no time"),
        ("Foo 31, 2026", "is no time"),
        ("99.99.9999", "is no time"),
        ("yesterday", "is no time"),
        ("1" * 500, "is no time"),
        ("4915112345678", "is no time"),
        ("9" * 500, "is no time"),
    ],
)
def test_refuses_what_is_no_time_and_what_could_be_two(text: str, said: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        moment(text)
    assert said in refused.value.message
    assert refused.value.path == ("createdAt",)


def test_dates_that_tell_decide_about_those_that_do_not() -> None:
    assert order_of(["03/04/2026", "", "13/04/2026 10:00"]) == "DAY_FIRST"
    assert order_of(["03/04/2026", "04/13/2026"]) == "MONTH_FIRST"
    assert order_of(["13/04/2026", "04/13/2026"]) is None
    assert order_of(["03/04/2026", "13.04.2026", "2026-04-13"]) is None
    assert moment("03/04/2026", "DAY_FIRST") == moment("2026-04-03")
    assert moment("03/04/2026", "MONTH_FIRST") == moment("2026-03-04")
