"""A process of its own that reads one sheet of a workbook and writes its rows as CSV, each led by its row's number.

A workbook of a few kilobytes can ask for more memory than there is (far cells, repeated rows, packed zeros), and is laid
out in memory as a whole. So it is read where memory and time are limited, and the server only sees rows. The first
line is a JSON object: `sheets`, `sheet` and `width`, or `refused`.
"""

import csv
import datetime as dt
import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

from python_calamine import CalamineError, CalamineSheet, PasswordError, SheetTypeEnum, SheetVisibleEnum, load_workbook

MEMORY_BYTES = 1024 * 1024 * 1024
SECONDS = 60
LARGEST_WHOLE = 1e21
MOST_MERGED = 100_000


def limit() -> None:
    """Holds this process to its limits, where the system knows such."""
    with suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415  not everywhere

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def shown(value: Any) -> str:
    """A cell as a person reads it, without regard to a language: whole numbers without a point, dates as ISO 8601 has them."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < LARGEST_WHOLE else repr(value)
    if isinstance(value, dt.datetime):
        return value.isoformat(" ", "seconds")
    if isinstance(value, dt.time):
        return value.isoformat("seconds")
    return str(value)


def merged(sheet: CalamineSheet) -> dict[tuple[int, int], tuple[int, int]]:
    """Cells that a merged one of several rows covers in its first column, and the cell whose value they show."""
    covered: dict[tuple[int, int], tuple[int, int]] = {}
    for (top, left), (bottom, _) in sheet.merged_cell_ranges or ():
        for row in range(top + 1, bottom + 1):
            if len(covered) >= MOST_MERGED:
                return covered
            covered[row, left] = (top, left)
    return covered


def write(path: str, sheet_name: str | None, most: int | None) -> None:
    try:
        book = load_workbook(path)
        names = [
            one.name
            for one in book.sheets_metadata
            if one.typ == SheetTypeEnum.WorkSheet and one.visible == SheetVisibleEnum.Visible
        ]
        if not names or sheet_name not in {None, *names}:
            say({"refused": "SHEET", "sheets": names})
            return
        for name in names if sheet_name is None else (sheet_name,):
            sheet = book.get_sheet_by_name(name)
            if sheet.height:
                break
    except PasswordError:
        say({"refused": "PASSWORD"})
    except CalamineError as fault:
        say({"refused": "PASSWORD" if "assword" in str(fault) else "UNREADABLE"})
    else:
        say({"sheets": names, "sheet": sheet.name, "width": (sheet.end or (0, -1))[1] + 1})
        rows(sheet, most)


def rows(sheet: CalamineSheet, most: int | None) -> None:
    """The rows that are not blank."""
    covered = merged(sheet)
    wanted, tops = set(covered.values()), dict[tuple[int, int], str]()

    def lines() -> Iterator[list[Any]]:
        for row, cells in enumerate(sheet.iter_rows()):
            texts = [shown(cell) for cell in cells]
            for column in range(len(texts)) if covered else ():
                if (row, column) in wanted:
                    tops[row, column] = texts[column]
                elif (top := covered.get((row, column))) is not None and not texts[column]:
                    texts[column] = tops.get(top, "")
            if any(texts):
                yield [row + 1, *texts]

    csv.writer(sys.stdout).writerows(islice(lines(), most))


def say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    limit()
    sys.stdout.reconfigure(encoding="utf-8", newline="", errors="replace")  # type: ignore[union-attr]
    asked = json.loads(sys.argv[1])
    write(asked["path"], asked["sheet"], asked["most"])
