"""Which column of a file is read into which property: as suggested, or given and checked."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from db import import_fields
from db.errors import Refusal
from db.files.table import FileRefused, Look
from db.import_headers import WORDS
from db.import_suggestions import suggest
from db.text import fold, shorten

MOST_LISTED = 30


class Mapped(NamedTuple):
    """One column read into one property, or ignored (None)."""

    column: str
    field: str | None


def refused(message: str, path: tuple[str, ...], value: str | None = None) -> Refusal:
    return Refusal(message, path, code="MAPPING", value=value)


def decide(kind: str, look: Look, given: Sequence[Mapping[str, str]] | None) -> list[Mapped]:
    """The property of each column of a file, in order: as given, once checked, or else as suggested."""
    columns = look.layout.columns
    if given is None:
        found = [Mapped(one.column, one.field) for one in suggest(kind, look)]
        needed = import_fields.required(kind)
        if all(one.field != needed for one in found):
            message = (
                f"No column of the file seems to hold {WORDS[needed]}, which {kind.lower()} need. "
                f"Its columns are: {_listed(columns)}. Say with `mapping` which one is {needed}."
            )
            raise FileRefused(message, ("uploadId",))
        return found
    check(kind, given)
    by_column: dict[str, list[str]] = {}
    for i, one in enumerate(given):
        column = _column(one["column"], columns)
        if column is None:
            message = f"The file has no column {shorten(one['column'])!r}. Its columns are: {_listed(columns)}."
            raise refused(message, ("mapping", str(i), "column"), shorten(one["column"]))
        by_column.setdefault(column, []).append(one["field"])
    return [Mapped(column, field) for column in columns for field in by_column.get(column, [None])]


def check(kind: str, given: Sequence[Mapping[str, str]]) -> None:
    """Refuses a mapping that no file could make good: an unknown property, one named twice, the required one missing."""
    known, seen = import_fields.names(kind), set[str]()
    for i, one in enumerate(given):
        path, field = ("mapping", str(i), "field"), one["field"]
        if field not in known:
            message = f"{shorten(field)!r} is no property of {kind.lower()}. The properties are: {', '.join(known)}."
            raise refused(message, path, shorten(field))
        if field in seen:
            raise refused(f"{field} is mapped twice. Map one column to it.", path, field)
        seen.add(field)
    needed = import_fields.required(kind)
    if needed not in seen:
        raise refused(f"{needed} is required. Map the column that holds {WORDS[needed]} to it.", ("mapping",))


def _column(name: str, columns: Sequence[str]) -> str | None:
    """The column of this name; without regard to case and marks where that is plain."""
    if name in columns:
        return name
    alike = [column for column in columns if fold(column) == fold(name)]
    return alike[0] if len(alike) == 1 else None


def _listed(columns: Sequence[str]) -> str:
    more = f" and {len(columns) - MOST_LISTED:,} more" if len(columns) > MOST_LISTED else ""
    return ", ".join(repr(shorten(column, 60)) for column in columns[:MOST_LISTED]) + more
