"""A file's record on its way: its values by property, what is wrong with it, and what becomes of it."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, Final

import orjson

from db.errors import Path, Refusal
from db.files.table import FileRecord
from db.import_policy import PLACES
from db.import_refused import as_it_was
from db.imports import MOST_ISSUES, Work
from db.mapping.fields import JOINED
from db.organization_paths import SEPARATOR, names_of
from db.text import clean, fold, shorten
from db.tree import DEEPEST

LONGEST_VALUE = 200
LONGEST_NUMBER = 9
BETWEEN_ADDRESSES = re.compile(r"\s*(?::::|[;,|])\s*|\s+")

HINTS: Mapping[str, str] = {
    "REQUIRED": "Fill the cell and import the row again.",
    "INVALID_EMAIL": "Correct the address and import the row again.",
    "TOO_LONG": "Shorten the text and import the row again.",
    "EMAIL_TAKEN": "Use another address, or change the record that has it.",
    "EXTERNAL_ID_TAKEN": "Use another id, or change the record that has it.",
    "NAME_TAKEN": "Use another name, or change the record that has it.",
    "ORGANIZATION_CYCLE": "Correct the parents so that they lead to the top.",
    "TOO_MANY_CELLS": 'Put values that hold the delimiter into double quotes ("…") and import the row again.',
    "TOO_FEW_CELLS": "Check that its values are in their columns.",
    "DUPLICATE_IN_FILE": "Remove the row, or correct what names its record.",
    "AMBIGUOUS_ORGANIZATION": f"Write its path from the top, such as 'Acme{SEPARATOR}Europe'.",
    "OTHER_ADDRESSES": "Choose another of them on the customer, if it is the better one.",
    "ORGANIZATION_GONE": "Restore the organization, or choose another one.",
    "WEBSITE_DIFFERS": "Change the organization if the other website is the right one.",
    "EXTERNAL_ID_DIFFERS": "Change the organization's external id, or name another organization.",
    "INVALID_VALUE": "Correct the cell and import the row again.",
    "TOO_DEEP": "Shorten the path, or put what is above it higher up.",
    "UNKNOWN_STATUS": "Write OPEN, PENDING or CLOSED.",
    "UNKNOWN_PRIORITY": "Write LOW, NORMAL, HIGH or URGENT.",
    "VALUE_DIFFERS": "Correct the cell, or change the record that has the other value.",
    "NOT_FOUND": "Create it first, or correct the cell.",
    "RECORD_EXISTS": "Remove the row, or let existing records be changed.",
}
"""What to do about each kind of problem."""

Issue = dict[str, Any]
NO_POLICIES: Final[Mapping[str, str]] = {}
FOUND_BY_ITSELF: Final[Mapping[str | None, str]] = {"ID": "id", "EXTERNAL_ID": "externalId"}
"""The property of a row that alone says which record it is, by what records are matched by."""


@dataclass(slots=True)
class Entry:
    """A record as read: the values of the mapped columns, trimmed, blank ones left out; and what a noun makes of it."""

    number: int
    line: int
    values: Mapping[str, str]
    columns: Mapping[str, tuple[int, str]]
    errors: list[Issue] = field(default_factory=list)
    warnings: list[Issue] = field(default_factory=list)
    kept: dict[str, Any] = field(default_factory=dict)

    def issue(self, code: str, message: str, name: str | None = None) -> Issue:
        """A problem with the value of a property, or with the whole record."""
        column = self.columns[name][1] if name is not None and name in self.columns else None
        value = self.values.get(name) if name is not None else None
        return {
            "column": column,
            "value": None if value is None else shorten(_showable(value), LONGEST_VALUE),
            "code": code,
            "message": message,
            "hint": HINTS.get(code),
        }

    def refuse(self, refusal: Refusal, name: str | None = None) -> None:
        self.errors.append(self.issue(refusal.code, refusal.message, name or _name(refusal.path)))

    def attempt(self, work: Callable[[], Any], name: str | None = None) -> Any:
        """The value of `work`, None where it is refused: then that is an error of this record."""
        try:
            return work()
        except Refusal as refusal:
            self.refuse(refusal, name)
            return None

    def properties(self, prepared: Callable[[Mapping[str, Any]], dict[str, Any]], names: Mapping[str, str]) -> None:
        """Keeps the properties of `names` (field to column), prepared by their noun's rules; each refusal is an error."""
        given = {column: self.values[name] for name, column in names.items() if name in self.values}
        try:
            self.kept |= prepared(given)
        except Refusal:
            for column, value in given.items():
                self.kept |= self.attempt(partial(prepared, {column: value})) or {}

    def first_address(self, name: str) -> None:
        """Takes the first of several addresses in one cell (`a@x; b@y`, Google's `a@x ::: b@y`), with a warning."""
        cell = self.values.get(name, "")
        if cell.count("@") < 2:  # noqa: PLR2004  several
            return
        parts = [part for part in BETWEEN_ADDRESSES.split(cell) if part]
        if len(parts) > 1 and all("@" in part for part in parts):
            message = "The cell holds several addresses; the first is taken and the others are left out."
            self.warnings.append(self.issue("OTHER_ADDRESSES", message, name))
            self.values = {**self.values, name: parts[0]}

    def path(self, name: str) -> tuple[tuple[str, str], ...]:
        """The names along a path cell (`Acme / Europe`), each with its key."""
        if name not in self.values:
            return ()
        text = self.values[name]
        return self.attempt(partial(_short_path if len(text) <= LONGEST_VALUE else _path, text), name) or ()


def _path(text: str) -> tuple[tuple[str, str], ...]:
    parts = names_of(text)
    if len(parts) > DEEPEST:
        message = f"Organizations nest at most {DEEPEST} deep; the path has {len(parts):,} levels."
        raise Refusal(message, code="TOO_DEEP")
    return tuple((part, fold(part)) for one in parts if (part := clean(one, 200, ())))


_short_path = lru_cache(maxsize=4096)(_path)
"""Organizations repeat from row to row."""


def _name(path: Path) -> str | None:
    return path[-1] if path else None


def _showable(text: str) -> str:
    return text.replace("\x00", "\ufffd")


@dataclass(slots=True)
class Outcome:
    """What becomes of an entry in one attempt at its chunk."""

    entry: Entry
    status: str = "REFUSED"
    record_id: str | None = None
    errors: list[Issue] = field(default_factory=list)
    warnings: list[Issue] = field(default_factory=list)
    unmatched: bool = False

    @classmethod
    def of(cls, entry: Entry) -> "Outcome":
        return cls(entry, errors=list(entry.errors), warnings=list(entry.warnings))

    def refuse(self, code: str, message: str, name: str | None = None, record_id: str | None = None) -> None:
        self.status, self.record_id = "REFUSED", record_id
        self.errors.append(self.entry.issue(code, message, name))

    def differs(self, kind: str, was: Mapping[str, Any], wanted: Mapping[str, Any], own: Mapping[str, str]) -> bool:
        """Refuses a row whose value would replace one that is to stand."""
        column = differing(was, wanted, own) if own else None
        if column is None:
            return False
        name = next(name for name, place in (*PLACES[kind].items(), ("email", "email")) if place == column)
        self.refuse("VALUE_DIFFERS", f"The existing record has another {name}, which is to stand.", name, was["id"])
        return True

    def warn(self, code: str, message: str, name: str | None = None) -> None:
        self.warnings.append(self.entry.issue(code, message, name))

    def settle(self, status: str, record_id: str | None) -> None:
        self.status, self.record_id = status, record_id

    def again(self, what: str, line: int, name: str, record_id: str | None, *, policy: str) -> None:
        """A record of the file that names one that came before it: the first one stands, whatever the policy."""
        message = f"Line {line:,} has the same {what} already. The first one stands."
        if policy == "FAIL":
            self.refuse("DUPLICATE_IN_FILE", message, name, record_id)
        else:
            self.settle("SKIPPED", record_id)
            self.warn("DUPLICATE_IN_FILE", message, name)

    def row(self) -> dict[str, Any]:
        """As the report keeps it."""
        return {
            "record_number": self.entry.number,
            "line": self.entry.line,
            "status": self.status,
            "record_id": self.record_id,
            "errors": _json(self.errors if self.status == "REFUSED" else []),
            "warnings": _json(self.warnings),
        }


def _json(issues: list[Issue]) -> str:
    return orjson.dumps(issues[:MOST_ISSUES]).decode() if issues else "[]"


TAKEN: Final = ("CREATED", "UPDATED", "UNCHANGED")
"""What becomes of a row that is its record's: another one that finds the same record comes too late."""


class Waits(Exception):  # noqa: N818  a way out
    """A row takes what one before it gave up: it is for the next chunk. Only `records` of this one are to be taken."""

    def __init__(self, records: int) -> None:
        super().__init__(records)
        self.records = records


def counted(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """How many became what."""
    counts: dict[str, int] = {}
    for outcome in outcomes:
        status = outcome.status.lower()
        counts[status] = counts.get(status, 0) + 1
        if outcome.warnings and outcome.status != "REFUSED":
            counts["warnings"] = counts.get("warnings", 0) + 1
        if outcome.unmatched:
            counts["unmatched"] = counts.get("unmatched", 0) + 1
    return counts


def entry_of(record: FileRecord, work: Work) -> Entry:
    """A record's values by property. More cells than columns may be a shifted row, and is refused."""
    cells, line = record.cells, record.line
    if work.neutralised:
        cells = [as_it_was(cell) for cell in cells]
        line = record.line if work.line_column is None else _line(record, work.line_column)
    values = {}
    for name, (place, _) in work.fields.items():
        if place < len(cells) and (value := cells[place].strip()):
            values[name] = value
    columns = _several(cells, values, work) if work.further else work.fields
    if work.constants:
        standing = {name: constant for name, constant in work.constants.items() if name not in values}
        values |= standing
        columns = {name: place for name, place in columns.items() if name not in standing}
    entry = Entry(record.number, line, values, columns)
    if len(cells) > work.width and any(cell.strip() for cell in cells[work.width :]):
        message = f"The row has {len(cells):,} cells, the header {work.width:,}: values may stand in wrong columns."
        entry.errors.append(entry.issue("TOO_MANY_CELLS", message))
    elif len(cells) < work.width:
        message = f"The row has {len(cells):,} cells, the header {work.width:,}: the last columns were taken as empty."
        entry.warnings.append(entry.issue("TOO_FEW_CELLS", message))
    return entry


def value_of(record: FileRecord, name: str, work: Work) -> str:
    """The value of one property, before a record is taken up."""
    if name in work.further:
        return entry_of(record, work).values.get(name, "")
    place = work.fields.get(name, (-1, ""))[0]
    value = record.cells[place] if 0 <= place < len(record.cells) else ""
    return value if value.strip() else work.constants.get(name, "")


def _several(cells: Sequence[str], values: dict[str, str], work: Work) -> Mapping[str, tuple[int, str]]:
    """Reads properties that have several columns: joined, or the first value. Answers which columns were read."""
    columns = dict(work.fields)
    for name, more in work.further.items():
        found = [
            (place, column, value)
            for place, column in (work.fields[name], *more)
            if place < len(cells) and (value := cells[place].strip())
        ]
        if not found:
            continue
        place, column, values[name] = found[0]
        if (between := JOINED.get(name)) is not None:
            column = " + ".join(column for _, column, _ in found)
            values[name] = between.join(value for _, _, value in found)
        columns[name] = (place, column)
        others = [one for one in found if name == "email" and fold(one[2]) != fold(values[name])]
        if others and "otherEmails" not in values:
            columns["otherEmails"] = others[0][:2]
            values["otherEmails"] = "; ".join(value for _, _, value in others)
    return columns


def _line(record: FileRecord, place: int) -> int:
    """The line of the first file that a corrected row was on."""
    said = record.cells[place].strip() if place < len(record.cells) else ""
    return int(said) if said.isdecimal() and len(said) <= LONGEST_NUMBER else record.line


def moved(
    policy: str, was: Mapping[str, Any], wanted: Mapping[str, Any], own: Mapping[str, str] = NO_POLICIES
) -> dict[str, Any]:
    """What of a record moves: to the file's values where it has any, or only where the record has none.

    `own` are the policies of single columns.
    """
    return {
        column: value
        for column, value in wanted.items()
        if value is not None
        and value != was[column]
        and ((how := own.get(column, policy)) == "UPDATE" or (how != "SKIP" and was[column] is None))
    }


def differing(was: Mapping[str, Any], wanted: Mapping[str, Any], own: Mapping[str, str]) -> str | None:
    """The first column that has another value and whose policy is FAIL."""
    for column, policy in own.items():
        value = wanted.get(column)
        if policy == "FAIL" and value is not None and was[column] is not None and value != was[column]:
            return column
    return None
