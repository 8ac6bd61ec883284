"""Address cards (vCard 2.1, 3.0 and 4.0) as a server sends them: the contact in one, photos and the rest left aside."""

import quopri
import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from contacts.book import Contact

_FOLDED = re.compile(r"\r?\n[ \t]")
_ESCAPED = re.compile(r"\\([\\,;:nN])")
LEAST_PREFERRED = 101
GROUP: Final = ("KIND", "X-ADDRESSBOOKSERVER-KIND")


class Property(NamedTuple):
    """One line of a card: its name, its parameters in upper case, and its value as it stands."""

    name: str
    parameters: Mapping[str, str]
    value: str

    @property
    def preference(self) -> int:
        """`PREF=1` (vCard 4.0) or `TYPE=pref` (earlier) comes first."""
        given = self.parameters.get("PREF", "")
        if given.isdecimal():
            return int(given)
        return (
            1 if "PREF" in self.parameters or "PREF" in self.parameters.get("TYPE", "").split(",") else LEAST_PREFERRED
        )


def contact(text: str, remote_id: str, tag: str | None) -> Contact | None:
    """The contact of a card; None for a group, or for what is no card."""
    lines = list(_properties(text))
    if not lines or any(one.name in GROUP and one.value.strip().lower() == "group" for one in lines):
        return None
    found: dict[str, list[Property]] = {}
    for one in lines:
        found.setdefault(one.name, []).append(one)
    names, company = _parts(found, "N"), _parts(found, "ORG")
    return Contact(
        id=remote_id,
        emails=tuple(
            _plain(one.value).strip() for one in sorted(found.get("EMAIL", ()), key=lambda one: one.preference)
        ),
        name=_first(found, "FN"),
        first_name=names[1] if len(names) > 1 else None,
        last_name=names[0] if names else None,
        company=company[0] if company else None,
        title=_first(found, "TITLE"),
        phone=(_first(found, "TEL") or "").removeprefix("tel:") or None,
        tag=tag,
    )


def _properties(text: str) -> Iterator[Property]:
    """The lines of the first card, unfolded."""
    lines = iter(_FOLDED.sub("", text).splitlines())
    within = False
    for line in lines:
        head, colon, value = line.partition(":")
        if not colon:
            continue
        name, *given = head.upper().split(";")
        if name == "BEGIN":
            within = value.strip().upper() == "VCARD"
        elif name == "END":
            return
        elif within:
            parameters = dict(_parameter(one) for one in given)
            if parameters.get("ENCODING") == "QUOTED-PRINTABLE":
                while value.endswith("=") and (more := next(lines, None)) is not None:
                    value = value[:-1] + more  # a soft line break (RFC 2045, section 6.7)
                value = _decoded(value, parameters.get("CHARSET", "UTF-8"))
            yield Property(name.rpartition(".")[2], parameters, value)


def _parameter(text: str) -> tuple[str, str]:
    """`TYPE=work`, or as vCard 2.1 has it: `WORK`, `QUOTED-PRINTABLE`."""
    name, equals, value = text.partition("=")
    if equals:
        return name.strip(), value.strip().strip('"')
    return ("ENCODING", name) if name == "QUOTED-PRINTABLE" else (name, "")


def _decoded(value: str, charset: str) -> str:
    try:
        return quopri.decodestring(value.encode()).decode(charset, "replace")
    except LookupError:
        return quopri.decodestring(value.encode()).decode("utf-8", "replace")


def _first(found: Mapping[str, list[Property]], name: str) -> str | None:
    ordered = sorted(found.get(name, ()), key=lambda one: one.preference)
    return _plain(ordered[0].value).strip() or None if ordered else None


def _parts(found: Mapping[str, list[Property]], name: str) -> list[str | None]:
    """The parts of a value that has several, such as the last name and the first."""
    return _split(found[name][0].value) if name in found else []


def _split(value: str) -> list[str | None]:
    parts, part, escaped = [], "", False
    for character in value:
        if character == ";" and not escaped:
            parts.append(part)
            part = ""
        else:
            part += character
        escaped = character == "\\" and not escaped
    return [_plain(one).strip() or None for one in (*parts, part)]


def _plain(value: str) -> str:
    return _ESCAPED.sub(lambda match: " " if match[1] in "nN" else match[1], value)
