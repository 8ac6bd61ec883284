"""Files of text with separated columns (CSV): what separates and quotes them, and their records one after the other.

A file is read as it is or refused; a cell never lands in another column, and no character becomes another.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal, TextIO, TypedDict

from db.errors import InvalidValue
from db.files import headers
from db.files.encodings import SAMPLE_BYTES, codec, likely_encoding, telling_lines
from db.files.table import (
    LARGEST_CELL,
    LONGEST_LINE,
    LOOKED_AT,
    FileRecord,
    FileRefused,
    How,
    Layout,
    Look,
    Undecodable,
    column_names,
    is_blank,
)

DELIMITERS: Final = (",", ";", "\t", "|")
QUOTES: Final = ('"', "'", "")

csv.field_size_limit(LARGEST_CELL)

_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
"""Lines as files have them: ended by LF, CR LF or CR, and by nothing else that Unicode calls a line's end."""


class Dialect(TypedDict, total=False):
    """What csv is told."""

    delimiter: str
    quotechar: str | None
    quoting: Literal[0, 3]
    strict: bool


def dialect(delimiter: str, quote: str) -> Dialect:
    if not quote:
        return {"delimiter": delimiter, "quotechar": None, "quoting": csv.QUOTE_NONE}
    return {"delimiter": delimiter, "quotechar": quote, "strict": True}


# Looking


def look(text: str, how: How, encoding: str, *, assumed: bool, whole: bool) -> Look:
    """How a text is to be read, told from its head; `whole` if there is nothing more."""
    _check(how)
    lines = _LINE.findall(text)
    if not whole and len(lines) > 1:
        lines.pop()
    delimiter, skipped = how.delimiter, 0
    if (said := _SEPARATOR_LINE.fullmatch(lines[0])) is not None:
        delimiter, skipped = delimiter or said[1], 1
    if how.first_line is not None:
        skipped = how.first_line - 1
    lines = lines[skipped:]
    quote = _likely_quote(lines) if how.quote is None else how.quote
    delimiter = delimiter or _likely_delimiter(lines, quote)
    found = _first_records(lines, dialect(delimiter, quote), whole=whole)
    if not found and how.first_line is not None:
        raise FileRefused(f"The file holds nothing from line {how.first_line:,} on. Say another `firstLine`, or none.")
    if not found:
        raise FileRefused("The file holds nothing but blank lines. Send one with a header and records.")
    rows = [cells for _, cells in found]
    above = headers.preface(rows) if how.first_line is None else 0
    if above:
        skipped += found[above][0] - 1
        rows = rows[above:]
    named = headers.has_header(rows) if how.has_header is None else how.has_header
    columns = column_names(rows[0] if named else [""] * max(map(len, rows)))
    layout = Layout(encoding, delimiter, named, columns, skipped, assumed, quote=quote)
    return Look(layout, rows[1:] if named else rows)


def _check(how: How) -> None:
    if how.delimiter is not None and (len(how.delimiter) != 1 or how.delimiter in "\0\r\n\"' "):
        message = (
            "The delimiter is one character, such as a comma, a semicolon or a tab; no quote, space or line's end."
        )
        raise InvalidValue(message, ("delimiter",), value=how.delimiter[:10])
    if how.quote is not None and how.quote not in QUOTES:
        message = "The quote is a double quote, a single quote, or empty where quotes have no meaning."
        raise InvalidValue(message, ("quote",), value=how.quote[:10])
    if how.first_line is not None and how.first_line < 1:
        raise InvalidValue("Lines are counted from 1.", ("firstLine",), value=str(how.first_line))


def _likely_quote(lines: Sequence[str]) -> str:
    """The single quote where cells are wrapped in it and none in the double quote."""
    head = "".join(lines[:LOOKED_AT])
    edges = r"(?:^|[,;\t|]){0}[^{0}\r\n]*{0}(?=[,;\t|\r\n]|$)"
    double, single = (len(re.findall(edges.format(quote), head, re.MULTILINE)) for quote in QUOTES[:2])
    return "'" if single and not double else '"'


def _likely_delimiter(lines: Sequence[str], quote: str) -> str:
    """What divides the first records most evenly; the comma if nothing does."""

    def evenness(delimiter: str) -> tuple[float, int]:
        records = _first_records(lines[:LOOKED_AT], dialect(delimiter, quote), whole=False)
        widths = [len(cells) for _, cells in records]
        usual = max(set(widths), key=lambda width: (widths.count(width), width), default=1)
        if usual == 1:
            return 0.0, 0
        return round(widths.count(usual) / len(widths), 1), usual

    return max(DELIMITERS, key=evenness)


def _first_records(lines: Sequence[str], how: Dialect, *, whole: bool) -> list[tuple[int, list[str]]]:
    """The first records with the lines they begin on; without the last one where it may go on beyond the head."""
    found: list[tuple[int, list[str]]] = []
    read = csv.reader(lines, **how)
    line = 1
    try:
        for record in read:
            begins, line = line, read.line_num + 1
            if not is_blank(record):
                found.append((begins, record))
            if len(found) > LOOKED_AT:
                return found
    except csv.Error:
        return found
    return found if whole or len(found) <= 1 else found[:-1]


# Reading


def records(path: Path, layout: Layout) -> Iterator[FileRecord]:
    """The records of a file, lazily. Blank lines and those of blank cells alone are none."""
    with path.open(encoding=codec(layout.encoding), newline="") as file:
        lines = lines_of(file)
        try:
            for _ in range(layout.skipped_lines):
                next(lines, None)
            yield from _records(lines, layout)
        except UnicodeDecodeError:
            message = (
                f"The file is not {layout.encoding} throughout: {_undecodable(path, layout)} bytes that mean nothing in "
                "it. Save it as UTF-8, or say its `encoding`."
            )
            raise Undecodable(message) from None


def _records(lines: Iterator[str], layout: Layout) -> Iterator[FileRecord]:
    read = csv.reader(lines, **dialect(layout.delimiter, layout.quote))
    line, number, header = 1 + layout.skipped_lines, 0, layout.has_header
    try:
        for cells in read:
            begins, line = line, read.line_num + 1 + layout.skipped_lines
            if is_blank(cells):
                continue
            if header:
                header = False
                continue
            number += 1
            yield FileRecord(number, begins, cells)
    except csv.Error as fault:
        raise _misquoted(line, layout.quote, str(fault)) from None


def _misquoted(line: int, quote: str, fault: str) -> FileRefused:
    if "expected after" in fault:
        return FileRefused(
            f"The record that begins on line {line:,} has text behind a closing quote ({quote}), so that its cells cannot "
            "be told apart. Double the quotes within quoted cells."
        )
    return FileRefused(
        f"The record that begins on line {line:,} opens a quote ({quote}) that is never closed, and would swallow the rest "
        "of the file. Close it, or double the quotes within quoted cells."
    )


def _undecodable(path: Path, layout: Layout) -> str:
    """Where a file has bytes that its encoding does not know."""
    if not layout.encoding.startswith(("utf-16", "utf-32")):
        with path.open("rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE), b""), 1):
                try:
                    line.decode(codec(layout.encoding))
                except UnicodeDecodeError:
                    return f"line {number:,} has"
    return "it has"


def lines_of(file: TextIO) -> Iterator[str]:
    while line := file.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise FileRefused("The file holds a line of more than 16 million characters. It seems to be no table.")
        yield line


def corrected(path: Path, layout: Layout) -> Layout:
    """The layout in the encoding that the whole file is in, where the head was ASCII and the rest is not UTF-8."""
    with path.open("rb") as file:
        sample = telling_lines(iter(lambda: file.readline(SAMPLE_BYTES), b""))
    return replace(layout, encoding=likely_encoding(sample), assumed=False)
