"""An export as a workbook: each cell is text, so that none is a formula, and rows go to the file one by one."""

import re
from collections.abc import Sequence
from typing import IO, Final

from xlsxwriter import Workbook as Book

from db.errors import LimitExceeded
from db.import_refused import as_it_was

MOST_ROWS: Final = 1_048_575
LONGEST_CELL: Final = 32_767
"""What a workbook's sheet and its cells hold, beside the header."""

UNKNOWN: Final = re.compile("[\ufffe\uffff]|_x[0-9A-Fa-f]{4}_x[0-9A-Fa-f]{4}_")
"""What a workbook cannot hold, or is not read back from it as it was."""


class Workbook:
    """A workbook of one sheet that is being written."""

    def __init__(self, target: IO[bytes], header: Sequence[str]) -> None:
        self._book = Book(target, {"constant_memory": True, "use_zip64": True})
        self._sheet = self._book.add_worksheet("Export")
        self._lines = 0
        self.add([header])

    def add(self, page: Sequence[Sequence[str | None]]) -> None:
        """Writes rows; refused where a workbook cannot hold them, for nothing may be left out."""
        for row in page:
            if self._lines > MOST_ROWS:
                raise LimitExceeded(f"A workbook holds {MOST_ROWS:,} records. Filter them, or take CSV or JSON lines.")
            for place, cell in enumerate(row):
                if cell:
                    self._write(place, cell, row)
            self._lines += 1

    def _write(self, place: int, cell: str, row: Sequence[str | None]) -> None:
        kept = cell if as_it_was(cell) == cell else f"'{cell}"  # imports take one apostrophe away
        if UNKNOWN.search(kept):
            message = (
                f"A text of {row[-1]} holds U+FFFE, U+FFFF or two escapes of workbooks in a row, which none reads back."
            )
            raise LimitExceeded(f"{message} Take CSV or JSON lines.")
        if len(kept) > LONGEST_CELL:
            message = f"A text of {row[-1]} is longer than a workbook's cell holds ({LONGEST_CELL:,} characters)."
            raise LimitExceeded(f"{message} Take CSV or JSON lines.")
        self._sheet.write_string(self._lines, place, kept)

    def close(self) -> None:
        """Puts the rows into the file."""
        self._book.close()
