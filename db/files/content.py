"""What a file is, told by its first bytes and not by its name; what holds no records is refused and named."""

import re
from pathlib import Path
from typing import Final

from db.files.table import DELIMITED, HEAD_BYTES, JSON_LINES, VCARD, WORKBOOK, FileRefused, Format

READABLE = "Files of text with separated columns (CSV), workbooks (XLSX, ODS, XLS), JSON lines and address cards (vCard) are read."
SAMPLE = 32 * 1024
MOST_CONTROLS = 8
"""Control characters that a small file may hold before it counts as binary; rows are refused for what they hold."""

ZIP: Final = b"PK\x03\x04"
OLE: Final = b"\xd0\xcf\x11\xe0"

SIGNATURES: Final = (
    (b"\x1f\x8b", "compressed with gzip; unpack it first"),
    (b"BZh", "compressed with bzip2; unpack it first"),
    (b"\xfd7zXZ", "compressed with xz; unpack it first"),
    (b"7z\xbc\xaf", "a 7z archive; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"PK\x05\x06", "an empty ZIP archive"),
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
)

WORKBOOKS: Final = (
    (b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "application/vnd.oasis.opendocument.spreadsheet"),
    (b"xl/workbook.bin", "application/vnd.ms-excel.sheet.binary.macroEnabled.12"),
    (b"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
)
"""What the beginning of a packed file holds that is a workbook."""
MEDIA_TYPES: Final[tuple[tuple[bytes, str], ...]] = (
    (OLE, "application/vnd.ms-excel"),
    (b"\x1f\x8b", "application/gzip"),
    (b"BZh", "application/x-bzip2"),
    (b"\xfd7zXZ", "application/x-xz"),
    (b"7z\xbc\xaf", "application/x-7z-compressed"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"Rar!", "application/vnd.rar"),
    (b"PK\x05\x06", "application/zip"),
    (b"%PDF", "application/pdf"),
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"SQLite format 3\x00", "application/vnd.sqlite3"),
    (b"{\\rtf", "application/rtf"),
)
TEXTS: Final = (
    ("<!doctype html", "text/html"), ("<html", "text/html"), ("<table", "text/html"), ("<?xml", "application/xml"),
    ("begin:vcard", "text/vcard"),
)  # fmt: skip

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_JSON = re.compile(r'\[\s*[\[{]|\{\s*["}]')
_JSON_LINE = re.compile(r'\{\s*".*\}\s*$')
_CARD = re.compile(r"\s*begin:vcard\s", re.IGNORECASE)


def refused(what: str) -> FileRefused:
    return FileRefused(f"The file is {what}. {READABLE}")


def packed(head: bytes) -> Format | None:
    """What bytes that are no text hold; None for text. Refused where they hold no records."""
    if head.startswith((ZIP, OLE)):
        return WORKBOOK
    for signature, what in SIGNATURES:
        if head.startswith(signature):
            raise refused(what)
    return None


def written(text: str) -> Format:
    """What a text holds. Refused where it holds no records."""
    start = _start(text)
    for signature, what in MARKUP:
        if start.startswith(signature):
            raise refused(what)
    if _JSON.match(start):
        if _holds_a_record(text):
            return JSON_LINES
        raise refused("JSON; write an object on each line (JSON lines), or export it as CSV")
    if _CARD.match(text[:200]):
        return VCARD
    if _binary(text[:SAMPLE]):
        raise refused("binary")
    return DELIMITED


def _start(text: str) -> str:
    """What a text begins with, in lower case, without space and comments of markup before it."""
    start = text[:SAMPLE].lstrip()
    return _COMMENT.sub("", start).lstrip()[:200].lower() if start.startswith("<!--") else start[:200].lower()


def _holds_a_record(text: str) -> bool:
    """Whether the first line is an object by itself."""
    return _JSON_LINE.match(text.lstrip().partition("\n")[0]) is not None


def _binary(sample: str) -> bool:
    """Whether a text holds more control characters than a table may have gathered."""
    found = len(_CONTROL.findall(sample))
    return found > MOST_CONTROLS and found * 100 > len(sample)


def media_type(head: bytes) -> str:
    """The media type of a file by its first bytes; a text of no other kind counts as CSV."""
    if head.startswith(ZIP):
        return next((kind for mark, kind in WORKBOOKS if mark in head), "application/zip")
    for signature, kind in MEDIA_TYPES:
        if head.startswith(signature):
            return kind
    wide = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = head[:SAMPLE].decode("utf-16" if wide else "utf-8-sig", "replace")
    start = _start(text)
    for mark, kind in TEXTS:
        if start.startswith(mark):
            return kind
    if _JSON.match(start):
        return "application/jsonl" if _holds_a_record(text) else "application/json"
    return "application/octet-stream" if _binary(text) else "text/csv"


def media_type_of(path: Path) -> str:
    """The media type of a file."""
    with path.open("rb") as file:
        return media_type(file.read(HEAD_BYTES))
