"""An import's refused rows as a file: as they came, with the reasons beside them, to be corrected and read again.

Cells that a spreadsheet would take for formulas are written with an apostrophe before them, and a file that says by its
columns that it comes from here is read without it again: exactly as the cells were.
"""

import asyncio
import csv
import io
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import orjson
from sqlalchemy import bindparam, select

from db import uploads
from db.database import Database
from db.engines.dialects import quoted
from db.files import reading as files
from db.files.table import FileRecord, Layout
from db.statements import Statement, columns
from db.tables import Import, ImportRow

LINE: Final = "Rolodesk line"
RECORD_ID: Final = "Rolodesk id"
"""The last column of an export; by it, one that comes back is recognised."""

ADDED: Final = (LINE, "Rolodesk codes", "Rolodesk reasons")
"""Columns that are added to a file's own; by the first, a file that comes back is recognised."""

PAGE: Final = 500
BYTE_ORDER_MARK: Final = "\ufeff"
"""Tells spreadsheets that a CSV file is in UTF-8."""

_RISKY = re.compile(r"'*[=+\-@\t\r]")


def neutral(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if _RISKY.match(cell) else cell


def as_it_was(cell: str) -> str:
    """What `neutral` was given."""
    return cell[1:] if cell.startswith("'") and _RISKY.match(cell) else cell


def csv_lines(rows: Iterable[Sequence[str]]) -> str:
    """Rows as lines of CSV (RFC 4180)."""
    text = io.StringIO()
    csv.writer(text).writerows([neutral(cell) for cell in row] for row in rows)
    return text.getvalue()


class Source:
    """The file of an import, to be read again."""

    def __init__(self, path: Path, layout: Layout) -> None:
        self.columns = layout.columns
        self._records = files.records(path, layout)

    def rows(self, refused: Sequence[tuple[int, int, str]]) -> list[list[str]]:
        """The cells of these records (number, line, errors), with what is wrong with them."""
        wanted = {number: (line, errors) for number, line, errors in refused}
        return [self._row(record, *wanted[record.number]) for record in self._found(wanted, max(wanted))]

    def _found(self, wanted: Iterable[int], last: int) -> Iterator[FileRecord]:
        numbers = set(wanted)
        for record in self._records:
            if record.number in numbers:
                yield record
            if record.number >= last:
                return

    def _row(self, record: FileRecord, line: int, errors: str) -> list[str]:
        issues = orjson.loads(errors)
        width = len(self.columns)
        cells = [*record.cells[:width], *([""] * (width - len(record.cells)))]
        codes = "; ".join(issue["code"] for issue in issues)
        reasons = "; ".join(f"{issue['column']}: {issue['message']}".removeprefix("None: ") for issue in issues)
        return [*cells, str(line), codes, reasons, *record.cells[width:]]


async def opened(database: Database, directory: Path, workspace_id: str, import_id: str) -> Source | None:
    """The file of an import; None if there is no such import, or its file is gone."""
    rows = await database.rows(FILE, workspace=workspace_id, id=import_id)
    if not rows:
        return None
    upload_id, kept, named = rows[0]
    settings = orjson.loads(kept)
    names = list(dict.fromkeys(one["column"] for one in orjson.loads(named)))
    names += [f"Column {n}" for n in range(len(names) + 1, settings["width"] + 1)]
    path = uploads.path_of(directory, upload_id)
    there = await asyncio.to_thread(path.is_file)
    return Source(path, Layout.of(settings["layout"], names)) if there else None


async def lines(database: Database, workspace_id: str, import_id: str, source: Source) -> AsyncIterator[str]:
    """The file's lines, a page of the report at a time."""
    yield BYTE_ORDER_MARK + csv_lines([[*source.columns, *ADDED]])
    after = 0
    while refused := await database.rows(REFUSED, workspace=workspace_id, id=import_id, after=after, most=PAGE):
        after = refused[-1][0]
        yield csv_lines(await asyncio.to_thread(source.rows, [tuple(row) for row in refused]))


_i, _r = columns(Import), columns(ImportRow)
FILE = Statement(
    select(_i.upload_id, _i.settings, _i.columns).where(
        _i.workspace_id == bindparam("workspace"), _i.id == bindparam("id")
    )
)
REFUSED = Statement(
    select(_r.record_number, _r.line, _r.errors)
    .where(
        _r.workspace_id == bindparam("workspace"),
        _r.import_id == bindparam("id"),
        _r.status == quoted("REFUSED"),
        _r.record_number > bindparam("after"),
    )
    .order_by(_r.record_number)
    .limit(bindparam("most"))
)
