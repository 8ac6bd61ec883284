"""Which column of a file is read into which property: as suggested, or given and checked."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from db.errors import Refusal
from db.files.table import FileRefused, Look
from db.mapping import fields as import_fields
from db.mapping.headers import WORDS
from db.mapping.suggestions import suggest
from db.text import fold, required, shorten

MOST_LISTED = 30
MOST_MAPPED = 1_000
LONGEST_CONSTANT = 5_000

Given = Mapping[str, str | None]
"""An entry of a mapping as asked for: `column` or `constant`, and `field`."""


class Mapped(NamedTuple):
    """One column read into one property, or ignored (None); or, where `column` is empty, a constant."""

    column: str
    field: str | None
    constant: str | None = None


def refused(message: str, path: tuple[str, ...], value: str | None = None) -> Refusal:
    return Refusal(message, path, code="MAPPING", value=value)


def decide(kind: str, look: Look, given: Sequence[Given] | None, needed: str) -> list[Mapped]:
    """What is read into each property, in the order given and once checked, or else as suggested; then what is ignored."""
    columns = look.layout.columns
    if given is None:
        found = [Mapped(one.column, one.field) for one in suggest(kind, look)]
        if all(one.field != needed for one in found):
            message = (
                f"No column of the file seems to hold {WORDS[needed]}, which {kind.lower()} need. "
                f"Its columns are: {_listed(columns)}. Say with `mapping` which one is {needed}."
            )
            raise FileRefused(message, ("uploadId",))
        return found
    check(kind, given, needed)
    mapped: list[Mapped] = []
    for i, one in enumerate(given):
        mapped.append(_mapped(one, i, columns))
        if mapped[-1] in mapped[:-1]:
            raise refused(f"{one['column']!r} is mapped to {one.get('field')} twice.", ("mapping", str(i), "column"))
    used = {one.column for one in mapped if one.field is not None}
    for i, row in enumerate(mapped):
        if row.field is None and row.column in used:
            message = f"{row.column!r} is mapped, and ignored by an entry without a field. Leave one of them out."
            raise refused(message, ("mapping", str(i), "column"), shorten(row.column))
    return [*(one for one in mapped if one.field is not None), *(Mapped(c, None) for c in columns if c not in used)]


def _mapped(one: Given, i: int, columns: Sequence[str]) -> Mapped:
    """An entry of a mapping, its column as the file names it."""
    named, constant = one.get("column"), one.get("constant")
    if named is None:
        return Mapped("", one.get("field"), constant)
    column = column_of(named, columns)
    if column is None:
        message = f"The file has no column {shorten(named)!r}. Its columns are: {_listed(columns)}."
        raise refused(message, ("mapping", str(i), "column"), shorten(named))
    return Mapped(column, one.get("field"))


def check(kind: str, given: Sequence[Given], *needed: str) -> None:
    """Refuses a mapping that no file could make good: an unknown property, two constants for one, all that is needed missing."""
    if len(given) > MOST_MAPPED:
        raise refused(f"A mapping has at most {MOST_MAPPED:,} entries; this one has {len(given):,}.", ("mapping",))
    known, seen, constants = import_fields.names(kind), set[str](), set[str]()
    for i, one in enumerate(given):
        path, field, constant = ("mapping", str(i)), one.get("field"), one.get("constant")
        if (one.get("column") is None) == (constant is None):
            raise refused("An entry has either a column or a constant.", path)
        if field is None:
            if constant is not None:
                raise refused("A constant needs the property that it is for.", (*path, "field"))
            continue
        if field not in known:
            message = f"{shorten(field)!r} is no property of {kind.lower()}. The properties are: {', '.join(known)}."
            raise refused(message, (*path, "field"), shorten(field))
        if constant is not None:
            required(constant, LONGEST_CONSTANT, (*path, "constant"))
            if field in constants:
                raise refused(f"{field} has two constants. Leave one of them out.", (*path, "field"), field)
            constants.add(field)
        seen.add(field)
    if seen.isdisjoint(needed):
        first = needed[0]
        raise refused(f"{first} is required. Map the column that holds {WORDS[first]} to it.", ("mapping",))


def column_of(name: str, columns: Sequence[str]) -> str | None:
    """The column of this name; without regard to case and marks where that is plain."""
    if name in columns:
        return name
    alike = [column for column in columns if fold(column) == fold(name)]
    return alike[0] if len(alike) == 1 else None


def _listed(columns: Sequence[str]) -> str:
    more = f" and {len(columns) - MOST_LISTED:,} more" if len(columns) > MOST_LISTED else ""
    return ", ".join(repr(shorten(column, 60)) for column in columns[:MOST_LISTED]) + more
