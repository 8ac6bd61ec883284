"""Points in time as people and programs write them. A date whose day and month could be each other is never guessed at."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from db.errors import InvalidValue
from db.text import shorten

DAY_FIRST: Final = "DAY_FIRST"
MONTH_FIRST: Final = "MONTH_FIRST"

MOST_MONTHS = 12
TWO_DIGITS = 100
NOON = 12
COMPACT = 8
"""Digits of a date without dashes."""

_TIME = (
    r"(?:[ T,]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?\s*(?P<half>[AaPp]\.?[Mm]\.?)?"
    r"(?:\s*(?:UTC|GMT|Z|(?P<zone>[+-]\d{2}:?\d{2})))?)?"
)
_NUMBERS = re.compile(r"(?P<one>\d{1,2})(?P<by>[./-])(?P<two>\d{1,2})(?P=by)(?P<year>\d{4}|\d{2})" + _TIME)
_YEAR_FIRST = re.compile(r"(?P<year>\d{4})[./-](?P<one>\d{1,2})[./-](?P<two>\d{1,2})" + _TIME)
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?:[ T]\S+)?")
_NAMED = re.compile(
    r"(?:[A-Za-z]{3,9},?\s+)?(?:(?P<day>\d{1,2})[ -](?P<month>[A-Za-z]{3,9})\.?[ -]|"
    r"(?P<month_before>[A-Za-z]{3,9})\.? (?P<day_after>\d{1,2}),? )(?P<year>\d{4})" + _TIME
)
MONTHS: Final = {
    name: i
    for i, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}  # fmt: skip


def order_of(texts: Iterable[str]) -> str | None:
    """Whether dates have the day or the month first, where some of them tell and none tells otherwise."""
    told = set()
    for text in texts:
        if (match := _NUMBERS.fullmatch(text.strip())) is not None and match["by"] != ".":
            one, two = int(match["one"]), int(match["two"])
            if one > MOST_MONTHS >= two:
                told.add(DAY_FIRST)
            elif two > MOST_MONTHS >= one:
                told.add(MONTH_FIRST)
    return told.pop() if len(told) == 1 else None


def moment(text: str, order: str | None = None, path: tuple[str, ...] = ("createdAt",)) -> int:
    """A point in time in milliseconds, in UTC where no zone is given; refused where it is none, or could be two."""
    try:
        at = _read(text.strip(), order)
        return round(at.timestamp() * 1000)
    except (ValueError, OverflowError, TypeError):
        message = f"{shorten(text)!r} is no time. Write it as 2026-01-31T10:00:00Z or 2026-01-31."
        raise InvalidValue(message, path, value=shorten(text)) from None
    except _Ambiguous:
        message = f"{shorten(text)!r} could have the day or the month first. Say `dateOrder`, or write 2026-01-31."
        raise InvalidValue(message, path, value=shorten(text)) from None


class _Ambiguous(Exception):  # noqa: N818  an answer
    """Day and month could be each other."""


def _read(text: str, order: str | None) -> datetime:
    if (match := _NUMBERS.fullmatch(text)) is not None:
        one, two = int(match["one"]), int(match["two"])
        if match["by"] != "." and one != two and max(one, two) <= MOST_MONTHS and order is None:
            raise _Ambiguous
        month_first = match["by"] != "." and (two > MOST_MONTHS or (order == MONTH_FIRST and one <= MOST_MONTHS))
        day, month = (two, one) if month_first else (one, two)
        return _at(match, month, day)
    if (match := _YEAR_FIRST.fullmatch(text)) is not None and not _ISO.fullmatch(text):
        return _at(match, int(match["one"]), int(match["two"]))
    if (match := _NAMED.fullmatch(text)) is not None:
        month = MONTHS[(match["month"] or match["month_before"])[:3].lower()] if _is_month(match) else 0
        return _at(match, month, int(match["day"] or match["day_after"]))
    if len(text) > COMPACT and text[: COMPACT + 1].isdecimal():
        raise ValueError  # fromisoformat takes a digit for what stands between date and time
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _is_month(match: re.Match[str]) -> bool:
    return (match["month"] or match["month_before"])[:3].lower() in MONTHS


def _at(match: re.Match[str], month: int, day: int) -> datetime:
    year = int(match["year"])
    if year < TWO_DIGITS:
        year += 2000 if year < 70 else 1900  # noqa: PLR2004  as POSIX reads two digits
    hour = int(match["hour"] or 0)
    if (half := match["half"]) is not None:
        hour = hour % NOON + (NOON if half[0] in "pP" else 0)
    at = datetime(year, month, day, hour, int(match["minute"] or 0), int(match["second"] or 0), tzinfo=UTC)
    if (zone := match["zone"]) is not None:
        minutes = int(zone[1:3]) * 60 + int(zone[-2:])
        at -= timedelta(minutes=minutes if zone[0] == "+" else -minutes)
    return at
