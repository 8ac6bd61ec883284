"""The way into files of records: how one is to be read, told from its beginning, and its records."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from db.files import content, delimited, encodings, json_lines, vcards, workbooks
from db.files.table import (
    AS_RECOGNISED,
    HEAD_BYTES,
    JSON_LINES,
    VCARD,
    WORKBOOK,
    FileRecord,
    FileRefused,
    How,
    Layout,
    Look,
    Undecodable,
)

EMPTY = "The file is empty. Send one with a header and records."


def look(path: Path, how: How = AS_RECOGNISED) -> Look:
    """How a file is to be read; refused if it holds no records."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        whole = not file.read(1)
    if not head.strip():
        raise FileRefused(EMPTY)
    if content.packed(head) == WORKBOOK:
        return workbooks.look(path, how)
    if how.encoding:
        encoding, assumed = encodings.named(how.encoding), False
    else:
        encoding, assumed = encodings.recognised(head, whole=whole)
    text = encodings.decoded(head, encoding, whole=whole)
    if not text.strip():
        raise FileRefused(EMPTY)
    form = content.written(text)
    if form == VCARD:
        return vcards.look(path, encoding, assumed=assumed)
    if form == JSON_LINES:
        return json_lines.look(path, encoding, assumed=assumed)
    return delimited.look(text, how, encoding, assumed=assumed, whole=whole)


def records(path: Path, layout: Layout) -> Iterator[FileRecord]:
    """The records of a file, lazily."""
    if layout.format == WORKBOOK:
        return workbooks.records(path, layout)
    if layout.format == VCARD:
        return vcards.records(path, layout)
    if layout.format == JSON_LINES:
        return json_lines.records(path, layout)
    return delimited.records(path, layout)


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
    layout = delimited.corrected(path, layout)
    return Counted(layout, _length(path, layout))


def _length(path: Path, layout: Layout) -> int:
    number = 0
    for record in records(path, layout):
        number = record.number
    return number
