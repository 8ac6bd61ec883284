"""What a file is, told by its first bytes and not by its name; what holds no records is refused and named."""

import re
from typing import Final

from db.files.table import DELIMITED, VCARD, WORKBOOK, FileRefused, Format

READABLE = "Files of text with separated columns (CSV), workbooks (XLSX, ODS, XLS) and address cards (vCard) are read."
SAMPLE = 32 * 1024

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
    ('{"', "JSON; export it as CSV"),
    ("[{", "JSON; export it as CSV"),
)

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
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
    start = text[:200].lstrip().lower()
    for signature, what in MARKUP:
        if start.startswith(signature):
            raise refused(what)
    if _CARD.match(text[:200]):
        return VCARD
    sample = text[:SAMPLE]
    if len(_CONTROL.findall(sample)) * 100 > len(sample):
        raise refused("binary")
    return DELIMITED
