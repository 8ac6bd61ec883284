"""Workbooks (XLSX, XLSB, ODS, XLS): their sheets, and the rows of one. The reading itself is done by a process with limits."""

import csv
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Final, TextIO

from db.errors import InvalidValue
from db.files import headers
from db.files.table import LOOKED_AT, WORKBOOK, FileRecord, FileRefused, How, Layout, Look, column_names, is_blank
from db.text import shorten

MOST_MEMBERS = 5_000
LARGEST_UNPACKED = 300 * 1024 * 1024
SECONDS = 60
PROGRAM: Final = Path(__file__).with_name("workbook_process.py")

TOO_LARGE = (
    "The workbook is too large to be laid out: unpacked it holds more than 300 MB, or cells far from its table. Save the "
    "sheet as CSV, which may have any size."
)


def look(path: Path, how: How) -> Look:
    """How a workbook is to be read: the sheet asked for, or else the first that holds anything."""
    _check(path)
    with _spool(path, how.sheet, LOOKED_AT + headers.LONGEST_PREFACE) as (answer, file):
        rows = [(line, cells) for line, cells in _rows(file) if how.first_line is None or line >= how.first_line]
    if not rows and how.first_line is not None:
        message = (
            f"The sheet {answer['sheet']!r} holds nothing from row {how.first_line:,} on, or that is too far down."
        )
        raise FileRefused(f"{message} Say another `firstLine`, or none.")
    if not rows:
        raise FileRefused(f"The sheet {answer['sheet']!r} is empty. Name another one with `sheet`.")
    above = headers.preface([cells for _, cells in rows]) if how.first_line is None else 0
    first, table = rows[above][0], [cells for _, cells in rows[above : above + LOOKED_AT + 1]]
    named = headers.has_header(table) if how.has_header is None else how.has_header
    columns = column_names(table[0] if named else [""] * int(answer["width"]))
    layout = Layout(
        "utf-8", ",", named, columns, skipped_lines=first - 1, format=WORKBOOK, sheet=answer["sheet"]
    )  # fmt: skip
    return Look(layout, table[1:] if named else table, tuple(answer["sheets"]))


def records(path: Path, layout: Layout) -> Iterator[FileRecord]:
    """The records of a sheet, lazily; their lines are the sheet's rows."""
    with _spool(path, layout.sheet, None) as (_, file):
        number, header = 0, layout.has_header
        for line, cells in _rows(file):
            if line <= layout.skipped_lines or is_blank(cells):
                continue
            if header:
                header = False
                continue
            number += 1
            yield FileRecord(number, line, cells)


def _check(path: Path) -> None:
    """Refuses an archive that is no workbook, and one that unpacks to too much."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        names = {member.filename for member in members}
        if not names & {"xl/workbook.xml", "xl/workbook.bin", "content.xml"}:
            raise FileRefused("The file is a ZIP archive, and no workbook. Unpack it first, and send the file in it.")
        if len(members) > MOST_MEMBERS or sum(member.file_size for member in members) > LARGEST_UNPACKED:
            raise FileRefused(TOO_LARGE)


def _rows(file: TextIO) -> Iterator[tuple[int, list[str]]]:
    for line, *cells in csv.reader(file):
        yield int(line), cells


@contextmanager
def _spool(path: Path, sheet: str | None, most: int | None) -> Iterator[tuple[dict[str, Any], TextIO]]:
    """What the process says of a sheet, and a file of its rows that is gone when it is closed, or its reader killed."""
    asked = json.dumps({"path": str(path.absolute()), "sheet": sheet, "most": most})
    with TemporaryFile("w+", encoding="utf-8", newline="") as file:
        command = (sys.executable, "-I", str(PROGRAM), asked)
        try:
            done = subprocess.run(command, stdout=file, stderr=subprocess.DEVNULL, timeout=SECONDS, check=False)  # noqa: S603
        except subprocess.TimeoutExpired:
            raise FileRefused(TOO_LARGE) from None
        file.seek(0)
        said = file.readline()
        if done.returncode or not said:
            raise FileRefused(TOO_LARGE)
        answer: dict[str, Any] = json.loads(said)
        if "refused" in answer:
            raise _refused(answer, sheet)
        yield answer, file


def _refused(answer: dict[str, Any], sheet: str | None) -> FileRefused | InvalidValue:
    if answer["refused"] == "PASSWORD":
        return FileRefused("The workbook is protected by a password. Save it without one.")
    if answer["refused"] == "SHEET" and sheet is not None:
        names = ", ".join(repr(shorten(name, 60)) for name in islice(answer["sheets"], 30))
        return InvalidValue(
            f"No sheet in sight is named {shorten(sheet)!r}. There are: {names}.", ("sheet",), value=sheet
        )
    if answer["refused"] == "SHEET":
        return FileRefused("The workbook has no sheet in sight.")
    return FileRefused("The file is no workbook that can be read, or it is damaged. Save the sheet as CSV.")
