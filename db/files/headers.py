"""Where a table begins, and whether its first row names the columns: told from the shape of the first rows."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from db.files.table import is_address

Rows = Sequence[Sequence[str]]

MOSTLY = 0.8
LONGEST_PREFACE = 20
NARROWEST_AFTER_A_PREFACE = 3

_NUMBER = re.compile(r"[+-]?\d[\d.,' ]*")
_DATE = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([ T].*)?")
_WEBSITE = re.compile(r"(https?://|www\.)\S+", re.IGNORECASE)

SHAPES: Final[tuple[Callable[[str], bool], ...]] = (
    lambda text: _DATE.fullmatch(text) is not None,
    lambda text: _NUMBER.fullmatch(text) is not None,
    lambda text: _WEBSITE.fullmatch(text) is not None,
)
"""Shapes that values have and names of columns have not."""


def has_header(rows: Rows) -> bool:
    """Whether the first row names the columns: unless it holds an address, or a value like those below it."""
    first, below = rows[0], rows[1:]
    if any(map(is_address, first)):
        return False
    for i, cell in enumerate(first):
        shape = next((fits for fits in SHAPES if fits(cell.strip())), None)
        if shape is None:
            continue
        values = [row[i].strip() for row in below if i < len(row) and row[i].strip()]
        if values and sum(map(shape, values)) >= MOSTLY * len(values):
            return False
    return True


def preface(rows: Rows) -> int:
    """How many rows stand above the table, such as a title: each of one cell alone, where the table is wider."""
    filled = [sum(1 for cell in row if cell.strip()) for row in rows]
    widest = max(filled, default=0)
    if widest < NARROWEST_AFTER_A_PREFACE:
        return 0
    for i, many in enumerate(filled[: LONGEST_PREFACE + 1]):
        if many > 1 or any(map(is_address, rows[i])):
            return i if many * 2 >= widest else 0
    return 0
