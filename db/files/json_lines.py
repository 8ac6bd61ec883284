"""Files of JSON lines: an object a line, whose properties are the columns; null and what is left out are empty cells."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from db.files.delimited import lines_of
from db.files.encodings import codec
from db.files.table import (
    HEAD_BYTES,
    JSON_LINES,
    LOOKED_AT,
    FileRecord,
    FileRefused,
    Layout,
    Look,
    Undecodable,
    column_names,
    is_blank,
)
from db.text import shorten


class _Repeated(ValueError):  # noqa: N818  a way out
    """A property that an object has twice."""


def look(path: Path, encoding: str, *, assumed: bool) -> Look:
    """How a file is to be read: its columns are the properties of the objects in its first mebibyte."""
    rows = list(_objects(path, encoding, HEAD_BYTES))
    names = list(dict.fromkeys(name for _, row in rows for name in row))
    if not names:
        raise FileRefused("The file holds no object with a property. Send one with a record on each line.")
    layout = Layout(encoding, ",", has_header=True, columns=column_names(names), assumed=assumed, format=JSON_LINES)
    cells = ([row.get(name, "") for name in names] for _, row in rows)
    return Look(layout, [row for row in cells if not is_blank(row)][: LOOKED_AT + 1])


def records(path: Path, layout: Layout) -> Iterator[FileRecord]:
    """The records of a file, lazily. Blank lines and objects without a value are none."""
    names = list(dict.fromkeys(name for _, row in _objects(path, layout.encoding, HEAD_BYTES) for name in row))
    known, number = frozenset(names), 0
    for line, row in _objects(path, layout.encoding):
        if not row.keys() <= known:
            late = next(name for name in row if name not in known)
            message = (
                f"Line {line:,} has the property {shorten(late)!r}, which no record at the beginning of the file has. Give the "
                "first record every property, null where it has no value."
            )
            raise FileRefused(message)
        cells = [row.get(name, "") for name in names]
        if not is_blank(cells):
            number += 1
            yield FileRecord(number, line, cells)


def _objects(path: Path, encoding: str, most: int | None = None) -> Iterator[tuple[int, dict[str, str]]]:
    """The objects of a file with their lines; where there is a limit, those that begin within so many characters."""
    read = 0
    for line, text in _lines(path, encoding):
        if most is not None and read > most:
            return
        read += len(text)
        if text.strip():
            yield line, _object(text, line)


def _lines(path: Path, encoding: str) -> Iterator[tuple[int, str]]:
    with path.open(encoding=codec(encoding)) as file:
        try:
            yield from enumerate(lines_of(file), 1)
        except UnicodeDecodeError:
            raise Undecodable(
                f"The file is not {encoding} throughout. Save it as UTF-8, or say its `encoding`."
            ) from None


def _object(text: str, line: int) -> dict[str, str]:
    """The cells of a line by their properties; refused where it is no object."""
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_float=str, parse_constant=_no_number)
        if not isinstance(found, dict):
            raise FileRefused(f"Line {line:,} is no JSON object. Write one record as an object on each line.")
        cells = {name: _cell(value) for name, value in found.items()}
        "".join((*cells, *cells.values())).encode()
    except UnicodeEncodeError:
        message = f"Line {line:,} holds half of a surrogate pair, which is not a character. Remove it."
        raise FileRefused(message) from None
    except _Repeated as again:
        raise FileRefused(
            f"Line {line:,} has the property {shorten(str(again))!r} twice. Leave one of them out."
        ) from None
    except RecursionError:
        raise FileRefused(f"Line {line:,} is nested too deep to be a record.") from None
    except json.JSONDecodeError as fault:
        message = (
            f"Line {line:,} is no JSON object: {fault.msg} at its character {fault.colno:,}. Write one record as an object on "
            "each line."
        )
        raise FileRefused(message) from None
    except ValueError as fault:
        message = f"Line {line:,} is no JSON object: {fault}."
        raise FileRefused(message) from None
    return cells


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _Repeated(name)
        found[name] = value
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no value")


def _cell(value: Any) -> str:
    """A value as a cell: texts as they are, and what is no plain value as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)
