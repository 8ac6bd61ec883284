"""Address cards (vCard 2.1, 3.0, 4.0) as records: a card is a record, and its properties are columns of fixed names."""

import binascii
import codecs
import quopri
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from db.files.encodings import UTF_8, codec
from db.files.table import LONGEST_LINE, LOOKED_AT, VCARD, FileRecord, FileRefused, Layout, Look, Undecodable

COLUMNS: Final = (
    "Full name",
    "First name",
    "Middle name",
    "Last name",
    "E-mail",
    "E-mail 2",
    "E-mail 3",
    "Further e-mails",
    "Phone",
    "Phone 2",
    "Phone 3",
    "Further phones",
    "Organization",
    "Department",
    "Job title",
    "Website",
    "Note",
    "Birthday",
    "UID",
)
"""Columns by which a card's properties are known, of one order whatever a file holds."""

SINGLE: Final = {
    "FN": "Full name",
    "TITLE": "Job title",
    "URL": "Website",
    "NOTE": "Note",
    "BDAY": "Birthday",
    "UID": "UID",
}
SEVERAL: Final = {
    "EMAIL": ("E-mail", "E-mail 2", "E-mail 3", "Further e-mails"),
    "TEL": ("Phone", "Phone 2", "Phone 3", "Further phones"),
}
GROUP: Final = ("KIND", "X-ADDRESSBOOKSERVER-KIND")
LEAST_PREFERRED = 101

_LINE = re.compile(r"(?:[\w-]+\.)?(?P<name>[\w-]+)(?P<parameters>(?:;(?:\"[^\"]*\"|[^\":])*)*):", re.ASCII)
_PARAMETER = re.compile(r";((?:\"[^\"]*\"|[^\";])+)")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_SEMICOLON = re.compile(r"(?<!\\)((?:\\\\)*);")


class Property(NamedTuple):
    """One line of a card, unfolded: its name, its parameters, and its value as it stands."""

    name: str
    parameters: Mapping[str, str]
    value: str


class Card(NamedTuple):
    line: int
    properties: list[Property]


def look(path: Path, encoding: str, *, assumed: bool) -> Look:
    """The first cards as they will be read."""
    layout = Layout(encoding, ",", has_header=False, columns=COLUMNS, assumed=assumed, format=VCARD)
    found = []
    for record in records(path, layout):
        found.append(record.cells)
        if len(found) == LOOKED_AT:
            break
    return Look(layout, found)


def records(path: Path, layout: Layout) -> Iterator[FileRecord]:
    """The cards of a file, lazily; a record's line is the one its card begins on."""
    base = UTF_8 if layout.encoding.startswith(("utf-16", "utf-32")) else layout.encoding
    for number, card in enumerate(cards(_raw(path, layout.encoding), base), 1):
        yield FileRecord(number, card.line, list(values(card).values()))


# Lines


def _unfolded(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Lines as bytes that ASCII can be read in, without what folds them; base64's lines hold no colon and are left out."""
    whole: bytes | None = None
    begins, soft = 0, False
    for number, raw in enumerate(lines, 1):
        line = raw.rstrip(b"\r\n")
        if whole is not None and soft:
            whole = whole[:-1] + line
        elif whole is not None and line[:1] in {b" ", b"\t"}:
            whole += line[1:]
        else:
            if whole:
                yield begins, whole
            whole, begins = line, number
        if len(whole) > LONGEST_LINE:
            raise FileRefused(f"The value that begins on line {begins:,} has no end within 16 million characters.")
        soft = whole.endswith(b"=") and b"QUOTED-PRINTABLE" in whole[: whole.find(b":") + 1].upper()
    if whole:
        yield begins, whole


def _raw(path: Path, encoding: str) -> Iterator[bytes]:
    """Physical lines, in the file's own encoding where that has ASCII's bytes, or else in UTF-8."""
    try:
        if encoding.startswith(("utf-16", "utf-32")):
            with path.open(encoding=codec(encoding), newline="") as file:
                for text in iter(lambda: file.readline(LONGEST_LINE), ""):
                    yield from text.encode("utf-8", "surrogatepass").splitlines(keepends=True)
        else:
            with path.open("rb") as binary:
                for line in iter(lambda: binary.readline(LONGEST_LINE), b""):
                    yield from line.removeprefix(codecs.BOM_UTF8).splitlines(keepends=True)
    except UnicodeDecodeError:
        raise Undecodable(f"The file is not {encoding} throughout. Save it as UTF-8, or say its `encoding`.") from None


def cards(lines: Iterable[bytes], encoding: str) -> Iterator[Card]:
    """The cards of physical lines; `encoding` is that of values which do not say their own."""
    card: Card | None = None
    inner = 0
    for line, raw in _unfolded(lines):
        plain = raw.strip().upper()
        if plain == b"BEGIN:VCARD":
            if card is None:
                card = Card(line, [])
            else:
                inner += 1
        elif plain == b"END:VCARD":
            if inner:
                inner -= 1
            elif card is not None:
                yield card
                card = None
        elif card is not None and not inner and (found := _property(raw, encoding, line)) is not None:
            card.properties.append(found)
    if card is not None:
        raise FileRefused(f"The card that begins on line {card.line:,} has no END:VCARD: the file seems to be cut off.")


def _property(raw: bytes, encoding: str, line: int) -> Property | None:
    """A property, its value decoded as its parameters say; None for those that no column shows, such as photos."""
    match = _LINE.match(raw[: raw.find(b":") + 1 or None].decode("latin-1"))
    if match is None:
        match = _LINE.match(raw.decode("latin-1"))
    if match is None:
        return None
    name = match["name"].upper()
    if name not in SINGLE and name not in SEVERAL and name not in {"N", "ORG", *GROUP}:
        return None
    parameters = _parameters(match["parameters"])
    value = raw[match.end() :]
    how = parameters.get("ENCODING", "")
    if how == "QUOTED-PRINTABLE":
        value = quopri.decodestring(value)
    elif how in {"B", "BASE64"}:
        try:
            value = binascii.a2b_base64(value)
        except binascii.Error:
            return None
    charset = parameters.get("CHARSET") or encoding
    try:
        return Property(name, parameters, value.decode(codec(charset.lower())).replace("\r\n", "\n"))
    except LookupError:
        raise FileRefused(f"Line {line:,} says it is in {charset[:40]!r}, which is no encoding of text.") from None
    except UnicodeDecodeError:
        raise Undecodable(
            f"Line {line:,} holds bytes that mean nothing in {charset}. Save the file as UTF-8, or say its `encoding`."
        ) from None


def _parameters(text: str) -> dict[str, str]:
    """Parameters by their names; version 2.1 writes bare values (`;HOME;PREF`)."""
    found: dict[str, str] = {}
    for one in _PARAMETER.findall(text):
        name, equals, value = one.upper().partition("=")
        if not equals:
            name, value = ("ENCODING", name) if name in {"QUOTED-PRINTABLE", "BASE64", "B"} else ("TYPE", name)
        value = value.strip('"')
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


# Records


def values(card: Card) -> dict[str, str]:
    """A card's values by `COLUMNS`."""
    found = dict.fromkeys(COLUMNS, "")
    for one in card.properties:
        if one.name == "N":
            last, first, middle, *_ = (*_parts(one.value), "", "", "")
            found |= {"Last name": last, "First name": first, "Middle name": middle}
        elif one.name == "ORG":
            name, *below = _parts(one.value)
            found |= {"Organization": name, "Department": ", ".join(filter(None, below))}
        elif one.name in SINGLE and not found[SINGLE[one.name]]:
            found[SINGLE[one.name]] = _plain(one.value)
    for name, columns in SEVERAL.items():
        ordered = several(card, name)
        *own, further = columns
        found |= dict(zip(own, ordered, strict=False))
        found[further] = ", ".join(ordered[len(own) :])
    return found


def several(card: Card, name: str) -> list[str]:
    """A card's values of a property that stands in it as often as one likes, the most preferred first, each once."""
    found: dict[str, int] = {}
    for one in card.properties:
        if one.name == name:
            value = _plain(one.value)
            value = value[value.find(":") + 1 :] if value.lower().startswith(("mailto:", "tel:")) else value
            if value:
                found.setdefault(value, _preference(one))
    return sorted(found, key=found.__getitem__)


def is_group(card: Card) -> bool:
    """Whether a card stands for a group of others."""
    return any(one.name in GROUP and one.value.strip().lower() == "group" for one in card.properties)


def _preference(one: Property) -> int:
    """1 for the most preferred."""
    if "PREF" in one.parameters.get("TYPE", "").split(","):
        return 1
    given = one.parameters.get("PREF", "")
    return int(given) if given.isdecimal() else LEAST_PREFERRED


def _parts(value: str) -> list[str]:
    """The components of a structured value."""
    return [_plain(part) for part in _SEMICOLON.sub("\\1\x00", value).split("\x00")]


def _plain(value: str) -> str:
    """A value without its escapes."""
    return _ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], value).strip()
