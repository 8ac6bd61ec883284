"""What a file holds: its encoding, what separates its columns, its header, and its records one after the other.

A file is read as it is or refused; a cell never lands in another column, and no character becomes another. Only the
first MiB is looked at to tell how to read it, so that a file of any size answers at once.
"""

import codecs
import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple, TextIO

from charset_normalizer import from_bytes

from db.errors import ErrorCode, InvalidValue, Refusal

HEAD_BYTES = 1024 * 1024
SAMPLE_BYTES = 32 * 1024
LONGEST_LINE = 16 * 1024 * 1024
LARGEST_CELL = 4 * 1024 * 1024
MOST_COLUMNS = 16_384
LOOKED_AT = 200
"""Records of the head that tell the delimiter and what a column holds."""

DELIMITERS: Final = (",", ";", "\t", "|")
UTF_8 = "utf-8"
END = "\x1e end of file"

csv.field_size_limit(LARGEST_CELL)

BOMS: Final = (
    (codecs.BOM_UTF8, UTF_8),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

LEGACY: Final = {
    "cp1252": "windows-1252",
    "cp1250": "windows-1250",
    "cp1251": "windows-1251",
    "cp1253": "windows-1253",
    "cp1254": "windows-1254",
    "cp1255": "windows-1255",
    "cp1256": "windows-1256",
    "cp1257": "windows-1257",
    "koi8_r": "koi8-r",
    "cp932": "shift_jis",
    "euc_jp": "euc-jp",
    "gb18030": "gb18030",
    "big5": "big5",
    "cp949": "euc-kr",
    "mac_roman": "macintosh",
    "cp850": "cp850",
}
"""Encodings that are recognised beside Unicode's, by their names in Python and in answers."""

LATIN: Final = ("cp1252", "cp1250", "cp1254", "cp1257", "mac_roman", "cp850")
PUNCTUATION: Final = frozenset("‘“”„–—…«»‹›€©®™°§·•\xa0")  # noqa: RUF001  these are meant

CODECS: Final = {UTF_8: "utf-8-sig", "shift_jis": "cp932", "euc-kr": "cp949", "macintosh": "mac_roman"}
"""Encodings that are read by another codec than their name's."""

NOT_FOR_FILES: Final = frozenset(
    {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "unicode-escape", "raw-unicode-escape", "undefined"}
)

SIGNATURES: Final = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook; open it and save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook; open it and save the sheet as CSV"),
    (b"\x1f\x8b", "compressed with gzip; unpack it first"),
    (b"BZh", "compressed with bzip2; unpack it first"),
    (b"\xfd7zXZ", "compressed with xz; unpack it first"),
    (b"7z\xbc\xaf", "a 7z archive; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"%PDF", "a PDF document; export the table as CSV"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"SQLite format 3\x00", "an SQLite database; export the table as CSV"),
    (b"{\\rtf", "an RTF document; export the table as CSV"),
)
MARKUP: Final = (
    ("<!doctype html", "a web page (HTML); it may be a sign-in page that was saved instead of the export"),
    ("<html", "a web page (HTML); it may be a sign-in page that was saved instead of the export"),
    ("<table", "a table in HTML; save it as CSV"),
    ("<?xml", "an XML document; export it as CSV"),
    ("begin:vcard", "an address book in vCard form; export it as CSV"),
    ('{"', "JSON; export it as CSV"),
    ("[{", "JSON; export it as CSV"),
)

_HIGH = re.compile(rb"[\x80-\xff]+")
_FOREIGN = re.compile(r"[^\x00-\x7f]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
_ADDRESS = re.compile(r"[^\s@,;<>]+@[^\s@,;<>]+\.[^\s@,;<>.]{2,}")
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)


class FileRefused(Refusal):
    """A file that cannot be read as what it was said to be."""

    code: ErrorCode = "FILE_REFUSED"


class Undecodable(FileRefused):
    """A file that is not in the encoding it was taken to be in."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is read. Columns without a name are called `Column 3`; of two with one name, the second `Name (2)`.

    `assumed`: nothing but ASCII was seen, so that the encoding is an assumption that the rest of the file may refute.
    """

    encoding: str
    delimiter: str
    has_header: bool
    columns: tuple[str, ...]
    skipped_lines: int = 0
    assumed: bool = False

    def kept(self) -> dict[str, Any]:
        """As JSON keeps it, without the columns."""
        return {name: value for name, value in asdict(self).items() if name != "columns"}

    @classmethod
    def of(cls, kept: Mapping[str, Any], columns: Iterable[str] = ()) -> "Layout":
        names = ("encoding", "delimiter", "has_header", "skipped_lines", "assumed")
        return cls(**{name: kept[name] for name in names}, columns=tuple(columns))


class FileRecord(NamedTuple):
    """One record of a file: its number from 1 (the header not counted), the line it begins on, and its cells."""

    number: int
    line: int
    cells: list[str]


class Look(NamedTuple):
    """A file's layout, and the first records as they will be read."""

    layout: Layout
    records: list[list[str]]


def is_address(text: str) -> bool:
    """Whether a text has the shape of an e-mail address. Never to accept one, only to tell what a column holds."""
    return _ADDRESS.fullmatch(text.strip()) is not None


# Looking


def look(path: Path, encoding: str | None = None, delimiter: str | None = None) -> Look:
    """How a file is to be read, told from its first MiB; refused if it is no table of text."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        whole = not file.read(1)
    if not head.strip():
        raise FileRefused("The file is empty. Send one with a header and records.")
    _refuse_binary(head)
    chosen, assumed = (named(encoding), False) if encoding else _recognised(head, whole=whole)
    text = _decoded(head, chosen, whole=whole)
    _refuse_markup(text)
    lines = _universal(text)
    if not whole and len(lines) > 1:
        lines.pop()
    skipped = 0
    if (said := _SEPARATOR_LINE.fullmatch(lines[0])) is not None:
        delimiter, skipped = delimiter or said[1], 1
    lines = lines[skipped:]
    delimiter = delimiter or _likely_delimiter(lines)
    records = _first_records(lines, delimiter, whole=whole)
    if not records:
        raise FileRefused("The file holds nothing but blank lines. Send one with a header and records.")
    first = records[0]
    if len(first) > MOST_COLUMNS:
        raise FileRefused(f"The file has {len(first):,} columns; at most {MOST_COLUMNS:,} are read.")
    has_header = not any(is_address(cell) for cell in first)
    columns = column_names(first if has_header else [""] * max(map(len, records)))
    layout = Layout(chosen, delimiter, has_header, columns, skipped, assumed)
    return Look(layout, records[1:] if has_header else records)


def named(encoding: str) -> str:
    """An encoding that was asked for, if it is one for files."""
    wanted = encoding.strip().lower()
    try:
        info = codecs.lookup(CODECS.get(wanted, wanted))
        known = info.name.replace("-", "_") not in {n.replace("-", "_") for n in NOT_FOR_FILES}
        "".encode(info.name)  # refused by codecs that are not of text
    except (LookupError, ValueError):
        known = False
    if not known:
        message = f"{encoding[:40]!r} is no encoding of files. Say one such as utf-8, utf-16 or windows-1252."
        raise InvalidValue(message, ("encoding",), value=encoding[:80])
    return UTF_8 if info.name in {"utf-8", "utf-8-sig"} else wanted


def column_names(header: list[str]) -> tuple[str, ...]:
    """The names by which a header's columns are known, each different."""
    found: dict[str, None] = {}
    for i, cell in enumerate(header, 1):
        stem = " ".join(cell.split())[:200] or f"Column {i}"
        name, again = stem, 1
        while name in found:
            again += 1
            name = f"{stem} ({again})"
        found[name] = None
    return tuple(found)


def _refuse_binary(head: bytes) -> None:
    for signature, what in SIGNATURES:
        if head.startswith(signature):
            raise FileRefused(f"The file is {what}. Files of text with separated columns (CSV) are read.")


def _refuse_markup(text: str) -> None:
    start = text[:200].lstrip().lower()
    for signature, what in MARKUP:
        if start.startswith(signature):
            raise FileRefused(f"The file is {what}. Files of text with separated columns (CSV) are read.")
    if len(_CONTROL.findall(text[:SAMPLE_BYTES])) * 100 > len(text[:SAMPLE_BYTES]):
        raise FileRefused("The file is binary. Files of text with separated columns (CSV) are read.")


def _recognised(head: bytes, *, whole: bool) -> tuple[str, bool]:
    """The encoding, and whether it is an assumption: the byte order mark, strict UTF-8, UTF-16, then what is likely."""
    for bom, name in BOMS:
        if head.startswith(bom):
            return name, False
    zeros = head[:4096].count(0)
    if zeros * 10 > len(head[:4096]) * 3:
        return ("utf-16-le" if head[1:4096:2].count(0) > head[0:4096:2].count(0) else "utf-16-be"), False
    try:
        codecs.getincrementaldecoder("utf-8")("strict").decode(head, final=whole)
    except UnicodeDecodeError:
        return _likely_encoding(_telling_lines(head.splitlines(keepends=True))), False
    return UTF_8, head.isascii()


def _telling_lines(lines: Iterable[bytes]) -> bytes:
    """Lines that are not ASCII: those that tell encodings apart."""
    found: list[bytes] = []
    size = 0
    for line in lines:
        if not line.isascii():
            found.append(line[:SAMPLE_BYTES])
            size += len(line)
            if size >= SAMPLE_BYTES:
                break
    return b"".join(found)


def _likely_encoding(sample: bytes) -> str:
    """The encoding of lines that are neither ASCII nor UTF-8.

    Where single bytes stand between ASCII letters the script is Latin; there the frequencies of characters, which tell
    other scripts well, mislead, and what makes no words decides.
    """
    runs = [len(run) for run in _HIGH.findall(sample)]
    among = tuple(LEGACY)
    if sum(runs) < 2 * len(runs):
        oddities = {name: odd for name in LATIN if (odd := _oddities(sample, name)) is not None}
        fewest = min(oddities.values(), default=0)
        if oddities and fewest * 2 <= len(runs):
            among = tuple(name for name, odd in oddities.items() if odd == fewest)
        if set(among) <= set(oddities) and len({sample.decode(name) for name in among}) == 1:
            return LEGACY[among[0]]
    best = from_bytes(sample, cp_isolation=list(among)).best()
    if best is None:
        raise FileRefused("The file's encoding cannot be told. Save it as UTF-8, or say its `encoding`.")
    return LEGACY.get(best.encoding, best.encoding)


def _oddities(sample: bytes, encoding: str) -> int | None:
    """Characters that words do not hold where they stand, were this the encoding; None if it cannot be."""
    try:
        text = sample.decode(encoding)
    except UnicodeDecodeError:
        return None
    odd = 0
    for match in _FOREIGN.finditer(text):
        before, one, after = text[match.start() - 1 : match.start()], match[0], text[match.end() : match.end() + 1]
        if one.isalpha():
            odd += one.isupper() and before.islower()
        elif one != "’":  # noqa: RUF001  an apostrophe
            odd += before.isalpha() and after.isalpha() if one in PUNCTUATION else before.isalpha() or after.isalpha()
    return odd


def _decoded(head: bytes, encoding: str, *, whole: bool) -> str:
    try:
        text = codecs.getincrementaldecoder(_codec(encoding))("strict").decode(head, final=whole)
    except UnicodeDecodeError as fault:
        line = head.count(b"\n", 0, fault.start) + 1
        message = f"The file is not {encoding}: line {line:,} holds bytes that mean nothing in it. Say its `encoding`."
        raise FileRefused(message) from None
    return str(text)


def _codec(encoding: str) -> str:
    return CODECS.get(encoding, encoding)


def _universal(text: str) -> list[str]:
    """Lines as files have them: ended by LF, CR LF or CR, and by nothing else that Unicode calls a line's end."""
    return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text)


def _likely_delimiter(lines: list[str]) -> str:
    """What divides the first records most evenly; the comma if nothing does."""

    def evenness(delimiter: str) -> tuple[float, int]:
        widths = [len(record) for record in _first_records(lines[:LOOKED_AT], delimiter, whole=False)]
        if not widths or widths[0] == 1:
            return 0.0, 0
        return round(widths.count(widths[0]) / len(widths), 1), widths[0]

    return max(DELIMITERS, key=evenness)


def _first_records(lines: list[str], delimiter: str, *, whole: bool) -> list[list[str]]:
    """The first records; without the last one where it may go on beyond the head."""
    found: list[list[str]] = []
    read = csv.reader(lines, delimiter=delimiter)
    try:
        for record in read:
            if any(cell.strip() for cell in record):
                found.append(record)
            if len(found) > LOOKED_AT:
                return found
    except csv.Error:
        return found
    return found if whole or len(found) <= 1 else found[:-1]


# Reading


def records(path: Path, layout: Layout) -> Iterator[FileRecord]:
    """The records of a file, lazily. Blank lines and those of blank cells alone are none."""
    with _opened(path, layout) as file:
        lines = _lines(file)
        for _ in range(layout.skipped_lines):
            next(lines, None)
        read = csv.reader(chain(lines, (END,)), delimiter=layout.delimiter)
        line, number, header = 1 + layout.skipped_lines, 0, layout.has_header
        try:
            for cells in read:
                begins, line = line, read.line_num + 1 + layout.skipped_lines
                if cells and cells[-1].endswith(END):
                    if cells != [END]:
                        raise _unclosed(begins)
                    return
                if not any(cells) or not any(cell.strip() for cell in cells):
                    continue
                if header:
                    header = False
                    continue
                number += 1
                yield FileRecord(number, begins, cells)
        except csv.Error:
            raise _unclosed(line) from None
        except UnicodeDecodeError:
            message = (
                f"The file is not {layout.encoding} throughout: {_undecodable(path, layout)} bytes that mean nothing in "
                "it. Save it as UTF-8, or say its `encoding`."
            )
            raise Undecodable(message) from None


def _undecodable(path: Path, layout: Layout) -> str:
    """Where a file has bytes that its encoding does not know."""
    if not layout.encoding.startswith(("utf-16", "utf-32")):
        with path.open("rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE), b""), 1):
                try:
                    line.decode(_codec(layout.encoding))
                except UnicodeDecodeError:
                    return f"line {number:,} has"
    return "it has"


def _unclosed(line: int) -> FileRefused:
    return FileRefused(
        f'The record that begins on line {line:,} opens a quote (") that is never closed, and would swallow the rest of '
        "the file. Close it, or double the quotes within quoted cells."
    )


def _opened(path: Path, layout: Layout) -> TextIO:
    return path.open(encoding=_codec(layout.encoding), newline="")


def _lines(file: TextIO) -> Iterator[str]:
    while line := file.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise FileRefused("The file holds a line of more than 16 million characters. It seems to be no table.")
        yield line


class Counted(NamedTuple):
    """A file that was read to its end once: how, and how many records it has."""

    layout: Layout
    records: int


def count(path: Path, layout: Layout) -> Counted:
    """Reads a file to its end; refused if that cannot be done. An assumed encoding is corrected by what is found."""
    try:
        return Counted(layout, _length(path, layout))
    except Undecodable:
        if not layout.assumed:
            raise
    with path.open("rb") as file:
        sample = _telling_lines(iter(lambda: file.readline(SAMPLE_BYTES), b""))
    layout = replace(layout, encoding=_likely_encoding(sample), assumed=False)
    return Counted(layout, _length(path, layout))


def _length(path: Path, layout: Layout) -> int:
    number = 0
    for record in records(path, layout):
        number = record.number
    return number
