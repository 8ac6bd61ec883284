"""What each column of a file seems to hold: by the layout of a known product, its header, or the shape of its values."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from db.files.table import VCARD, Look, is_address
from db.mapping import fields as import_fields
from db.mapping import layouts as import_layouts
from db.mapping.headers import HEADERS, WORDS, header_key
from db.text import shorten

MOST_SAMPLES = 5
LONGEST_SAMPLE = 200
MOSTLY = 0.8

KNOWN_LAYOUT: Final = "KNOWN_LAYOUT"
HEADER_NAME: Final = "HEADER_NAME"
VALUES: Final = "VALUES"
SAVED_MAPPING: Final = "SAVED_MAPPING"
EARLIER_IMPORT: Final = "EARLIER_IMPORT"
CONFIDENCE: Final[Mapping[str, float]] = {KNOWN_LAYOUT: 1.0, HEADER_NAME: 0.9}
"""How sure a suggestion is; one by values is as sure as its share of them."""
ALIKE = 0.7
"""How sure one by a header is that names the property among its less usual names."""
USUAL = 12

_COUNTED = re.compile(r" 1$")


class Suggestion(NamedTuple):
    """A column, its first values, the property it seems to hold (None: ignored), and why.

    `basis` is what tells it, `confidence` how surely (0 to 1), `fill_rate` the share of the first records with a value.
    """

    column: str
    samples: list[str]
    field: str | None
    reason: str
    basis: str | None
    confidence: float
    fill_rate: float


class Guess(NamedTuple):
    """The property a column seems to hold; None: it is to be ignored."""

    field: str | None
    reason: str
    basis: str | None
    confidence: float


class Remembered(NamedTuple):
    """A mapping of an earlier file with the same header: `what` names it in a sentence, `entries` are for this file's columns."""

    basis: str
    what: str
    confidence: float
    entries: Sequence[Mapping[str, str | None]]


def product(kind: str, look: Look) -> str | None:
    """The product whose export a file is."""
    layout = _layout(kind, look)
    return layout.product if layout else None


def _layout(kind: str, look: Look) -> import_layouts.ProductLayout | None:
    if not look.layout.has_header and look.layout.format != VCARD:
        return None
    return import_layouts.recognised(kind, [header_key(column) for column in look.layout.columns])


def suggest(kind: str, look: Look, remembered: Remembered | None = None) -> list[Suggestion]:
    """What each column seems to hold: by what is remembered of such files, else by this one itself."""
    columns = look.layout.columns
    cells = [[record[i] if i < len(record) else "" for record in look.records] for i in range(len(columns))]
    chosen = _by_memory(kind, columns, remembered) if remembered else _by_itself(kind, look, cells)
    chosen_fields = {guess.field: columns[i] for i, guess in chosen.items()}
    found = []
    for i, column in enumerate(columns):
        values = [cell for cell in cells[i] if cell.strip()]
        filled = [shorten(" ".join(cell.split()), LONGEST_SAMPLE) for cell in values]
        guess = chosen.get(i) or Guess(None, _why_ignored(kind, column, chosen_fields, empty=not filled), None, 0.0)
        rate = round(len(values) / len(look.records), 2) if look.records else 0.0
        found.append(Suggestion(column, list(dict.fromkeys(filled))[:MOST_SAMPLES], *guess, rate))
    return found


def mapping_of(suggestions: Sequence[Suggestion], remembered: Remembered | None) -> list[dict[str, str | None]]:
    """The mapping that suggestions amount to; of what is remembered, constants and further properties of a column too."""
    if remembered is not None:
        return [{**one, "column": one["column"] or ""} for one in remembered.entries if one["field"] is not None]
    return [
        {"column": one.column, "field": one.field, "constant": None} for one in suggestions if one.field is not None
    ]


def _by_memory(kind: str, columns: Sequence[str], remembered: Remembered) -> dict[int, Guess]:
    """What an earlier mapping says of each column; of several properties of one, the first."""
    known, told = import_fields.names(kind), dict[str, str]()
    for one in remembered.entries:
        if one["column"] and one["field"] in known:
            told.setdefault(one["column"], one["field"] or "")
    reasons = (f"It is ignored by {remembered.what}.", f"It is read so by {remembered.what}.")
    return {
        i: Guess(told.get(column), reasons[column in told], remembered.basis, remembered.confidence)
        for i, column in enumerate(columns)
    }


def _by_itself(kind: str, look: Look, cells: Sequence[Sequence[str]]) -> dict[int, Guess]:
    """What the file itself tells of its columns."""
    columns, layout = look.layout.columns, _layout(kind, look)
    chosen = _by_layout(layout, columns) if layout else {}
    if layout or look.layout.has_header:
        _by_header(kind, columns, chosen)
    _by_values(kind, columns, cells, chosen)
    return chosen


def _by_layout(layout: import_layouts.ProductLayout, columns: Sequence[str]) -> dict[int, Guess]:
    """What the product's columns hold. A whole name is left out where its parts have columns."""
    chosen: dict[int, Guess] = {}
    taken: set[str] = set()
    for i, column in enumerate(columns):
        field = layout.fields.get(header_key(column), "")
        if field == "" or field in taken:
            continue
        if field is None:
            reason = f"{layout.product} keeps something else in it."
            chosen[i] = Guess(None, reason, KNOWN_LAYOUT, CONFIDENCE[KNOWN_LAYOUT])
        else:
            taken.add(field)
            reason = f"{layout.product} keeps {WORDS[field]} in it."
            chosen[i] = Guess(field, reason, KNOWN_LAYOUT, CONFIDENCE[KNOWN_LAYOUT])
    return chosen


def _by_header(kind: str, columns: Sequence[str], chosen: dict[int, Guess]) -> None:
    """The best column of each property by its header; a column goes to the property that it names best."""
    ranked = sorted(
        (rank, i, order, field)
        for order, (field, headers) in enumerate(HEADERS[kind].items())
        for i, column in enumerate(columns)
        for rank in (_rank(column, field, headers),)
        if rank is not None
    )
    taken = {guess.field for guess in chosen.values() if guess.field is not None}
    for rank, i, _, field in ranked:
        if i not in chosen and field not in taken:
            taken.add(field)
            reason = f"The header {columns[i]!r} is a usual name for {WORDS[field]}."
            chosen[i] = Guess(field, reason, HEADER_NAME, CONFIDENCE[HEADER_NAME] if rank < USUAL else ALIKE)
    by_field = {guess.field: i for i, guess in chosen.items()}
    whole = by_field.get("name") if kind == "CUSTOMERS" else None
    if whole is not None and chosen[whole].basis != KNOWN_LAYOUT and {"firstName", "lastName"} <= taken:
        chosen[whole] = Guess(None, "First and last names have columns of their own.", HEADER_NAME, 0.9)
    elif whole is None and "lastName" in taken and "firstName" not in taken:
        alone = by_field["lastName"]
        if header_key(columns[alone]) == "nom":
            reason = f"The header {columns[alone]!r} stands alone, so it seems to hold whole names."
            chosen[alone] = Guess("name", reason, HEADER_NAME, ALIKE)


def _rank(column: str, field: str, headers: Sequence[str]) -> int | None:
    key = header_key(column)
    if key == header_key(field) and field != "id":
        return -1
    for candidate in (key, _COUNTED.sub("", key)):
        if candidate in headers:
            return headers.index(candidate)
    return None


def _by_values(kind: str, columns: Sequence[str], cells: Sequence[Sequence[str]], chosen: dict[int, Guess]) -> None:
    """The address column by the shape of its values, where the header does not tell or tells wrongly."""
    field = import_fields.required(kind)
    if kind == "ORGANIZATIONS":
        if all(guess.field != field for guess in chosen.values()) and len(columns) == 1:
            chosen[0] = Guess(field, "It is the only column.", VALUES, ALIKE)
        return
    shares = [_share(values, is_address) for values in cells]
    named = next((i for i, guess in chosen.items() if guess.field == field), None)
    if named is not None and (shares[named] > 0 or not any(cell.strip() for cell in cells[named])):
        return
    best = max(range(len(columns)), key=lambda i: shares[i], default=None)
    if best is not None and shares[best] >= MOSTLY:
        if named is not None:
            del chosen[named]
        reason = f"{shares[best]:.0%} of its first values are e-mail addresses."
        chosen[best] = Guess(field, reason, VALUES, round(shares[best], 2))


def _share(values: Sequence[str], fits: Callable[[str], bool]) -> float:
    filled = [value for value in values if value.strip()]
    return sum(map(fits, filled)) / len(filled) if filled else 0.0


def _why_ignored(kind: str, column: str, chosen: Mapping[str | None, str], *, empty: bool) -> str:
    if empty:
        return "It has no values in the first records."
    key = header_key(column)
    stem = re.sub(r" \d+$", "", key)
    for field, headers in HEADERS[kind].items():
        if field in chosen and (key in headers or stem in headers):
            return f"{field} is read from {chosen[field]!r} already."
    return f"No property of {kind.lower()} is called so."
