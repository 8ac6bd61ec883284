"""The words in which any file of records is spoken of: its layout, its records, and the refusal of one that cannot be read."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, NamedTuple

from db.errors import ErrorCode, Refusal

HEAD_BYTES = 1024 * 1024
"""How much of a file is looked at to tell how it is read, so that one of any size answers at once."""
LOOKED_AT = 200
"""Records of the head that tell the delimiter and what a column holds."""
MOST_COLUMNS = 16_384
LONGEST_LINE = 16 * 1024 * 1024
LARGEST_CELL = 4 * 1024 * 1024
LONGEST_COLUMN_NAME = 200

DELIMITED: Final = "DELIMITED"
WORKBOOK: Final = "WORKBOOK"
VCARD: Final = "VCARD"
JSON_LINES: Final = "JSON_LINES"
Format = str
"""One of the four."""

_ADDRESS = re.compile(r"[^\s@,;<>]+@[^\s@,;<>]+\.[^\s@,;<>.]{2,}")


class FileRefused(Refusal):
    """A file that cannot be read as what it was said to be."""

    code: ErrorCode = "FILE_REFUSED"


class Undecodable(FileRefused):
    """A file that is not in the encoding it was taken to be in."""


@dataclass(frozen=True, slots=True)
class How:
    """What was said about how a file is to be read; None: it is recognised.

    `first_line` is the line (of a sheet: the row) the table begins on: its header, where it has one.
    """

    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    has_header: bool | None = None
    first_line: int | None = None
    sheet: str | None = None


AS_RECOGNISED: Final = How()


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is read. Columns without a name are called `Column 3`; of two with one name, the second `Name (2)`.

    `assumed`: nothing but ASCII was seen, so that the encoding is an assumption that the rest of the file may refute.
    `quote` is '' where quotes have no meaning. `sheet` is a workbook's, by its name.
    """

    encoding: str
    delimiter: str
    has_header: bool
    columns: tuple[str, ...]
    skipped_lines: int = 0
    assumed: bool = False
    format: Format = DELIMITED
    quote: str = '"'
    sheet: str | None = None

    def kept(self) -> dict[str, Any]:
        """As JSON keeps it, without the columns."""
        return {name: value for name, value in asdict(self).items() if name != "columns"}

    @classmethod
    def of(cls, kept: Mapping[str, Any], columns: Iterable[str] = ()) -> "Layout":
        """As it was kept; what an older version did not keep is as it was then."""
        names = {one.name for one in fields(cls)} & set(kept)
        return cls(**{name: kept[name] for name in names}, columns=tuple(columns))


class FileRecord(NamedTuple):
    """One record of a file: its number from 1 (the header not counted), the line it begins on, and its cells."""

    number: int
    line: int
    cells: list[str]


class Look(NamedTuple):
    """A file's layout, the first records as they will be read, and the names of its sheets, where it has any."""

    layout: Layout
    records: list[list[str]]
    sheets: tuple[str, ...] = ()


def is_address(text: str) -> bool:
    """Whether a text has the shape of an e-mail address. Never to accept one, only to tell what a column holds."""
    return _ADDRESS.fullmatch(text.strip()) is not None


def is_blank(cells: Sequence[str]) -> bool:
    return not any(cells) or not any(cell.strip() for cell in cells)


def column_names(header: Sequence[str]) -> tuple[str, ...]:
    """The names by which a header's columns are known, each different."""
    if len(header) > MOST_COLUMNS:
        raise FileRefused(f"The file has {len(header):,} columns; at most {MOST_COLUMNS:,} are read.")
    found: dict[str, None] = {}
    again: dict[str, int] = {}
    for i, cell in enumerate(header, 1):
        stem = " ".join(cell.split())[:LONGEST_COLUMN_NAME] or f"Column {i}"
        name = stem
        while name in found:
            again[stem] = again.get(stem, 1) + 1
            name = f"{stem} ({again[stem]})"
        found[name] = None
    return tuple(found)
