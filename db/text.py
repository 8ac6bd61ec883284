"""Text made comparable: the keys by which names and addresses are ordered, searched and kept unique on every engine."""

import re
import unicodedata
from contextlib import suppress
from functools import lru_cache
from typing import NamedTuple

from email_validator import EmailNotValidError, validate_email
from email_validator.exceptions import EmailSyntaxError

from db.errors import InvalidValue, Refusal

LONGEST_WORD = 64
"""Characters of a word that search compares; the rest of a longer word is not looked at."""

_SPACE = re.compile(r"\s+")
_WORD = re.compile(r"[^\W_]+")
SHORT = 40
"""Characters of a text whose key is remembered: names repeat."""


class Email(NamedTuple):
    """An address as it is shown and the key that decides whether two are the same (NFC, lower case, IDNA)."""

    address: str
    key: str


def fold(text: str | None) -> str:
    """The sort key of a text: NFKD, marks dropped, case folded, space and control characters collapsed; '' if absent.

    Compared byte by byte it orders alike on every engine.
    """
    if not text:
        return ""
    if text.isascii():
        return _plain(text.lower())
    return _short(text) if len(text) <= SHORT else _folded(text)


def _folded(text: str) -> str:
    return _plain("".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).casefold())


_short = lru_cache(maxsize=8192)(_folded)


def _plain(folded: str) -> str:
    """A text without control characters and with single spaces. The only space that is printable is U+0020."""
    if folded.isprintable():
        return (folded if "  " not in folded else _SPACE.sub(" ", folded)).strip()
    return _SPACE.sub(" ", "".join(" " if unicodedata.category(c) == "Cc" else c for c in folded)).strip()


def words(*texts: str | None) -> set[str]:
    """The words of these texts as search knows them: folded runs of letters and digits."""
    return {word[:LONGEST_WORD] for text in texts if text for word in _WORD.findall(fold(text))}


BEYOND = "\U0010ffff"
"""No word and no key holds this character, so that a text with it stands behind all that begin with the text."""


def prefix_range(prefix: str) -> tuple[str, str]:
    """Bounds (lower inclusive, upper exclusive) of all keys that begin with this prefix."""
    return prefix, prefix + BEYOND


def storable(text: str, path: tuple[str, ...] = ()) -> str:
    """The text itself, in NFC; refused if it holds what no engine keeps alike (U+0000, lone surrogates)."""
    if "\x00" in text:
        raise InvalidValue("The text holds the character U+0000, which cannot be stored. Remove it.", path)
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidValue(
            "The text holds half of a surrogate pair, which is not a character. Remove it.", path
        ) from None
    return unicodedata.normalize("NFC", text)


@lru_cache(maxsize=4096)
def _domain(domain: str) -> tuple[str, str]:
    """A domain as shown and in ASCII. Domains repeat, so they are remembered."""
    checked = validate_email(f"a@{domain}", check_deliverability=False, test_environment=True)
    return checked.domain, (checked.ascii_domain or checked.domain).lower()


def address_key(text: str) -> str:
    """The key by which an address is looked for; of a text that is none, the text in lower case, a whole domain as keys have it."""
    try:
        return email(text).key
    except Refusal:
        kept = storable(text).strip().lower()
    local, at, domain = kept.rpartition("@")
    if at and not domain.isascii():
        with suppress(EmailNotValidError, EmailSyntaxError, UnicodeError):
            return f"{local}@{_domain(domain)[1]}"
    return kept


_PLAIN_LOCAL_PART = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_+-]|\.(?!\.|$)){0,63}")


def email(text: str, path: tuple[str, ...] = ("email",)) -> Email:
    """An address checked and normalised (RFC 5321, RFC 6531); refused with INVALID_EMAIL and the reason."""
    address = storable(text, path).strip()
    local, at, domain = address.rpartition("@")
    try:
        if at and _PLAIN_LOCAL_PART.fullmatch(local):
            shown, ascii_domain = _domain(domain)
            if len(local) + len(ascii_domain) < 254:  # noqa: PLR2004  RFC 5321, section 4.5.3.1.3
                return Email(f"{local}@{shown}", f"{local.lower()}@{ascii_domain}")
        checked = validate_email(address, check_deliverability=False, test_environment=True, strict=True)
    except (EmailNotValidError, EmailSyntaxError, UnicodeError) as reason:
        message = f"{shorten(address)!r} is not an e-mail address: {reason}"
        raise InvalidValue(message, path, code="INVALID_EMAIL", value=shorten(address)) from None
    key = f"{checked.local_part.lower()}@{(checked.ascii_domain or checked.domain).lower()}"
    return Email(checked.normalized, unicodedata.normalize("NFC", key))


def shorten(text: str, limit: int = 80) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def clean(text: str | None, limit: int, path: tuple[str, ...]) -> str | None:
    """A property as it is kept: trimmed, NFC, None when empty; refused when longer than `limit` characters."""
    if text is None:
        return None
    kept = storable(text, path).strip()
    if len(kept) > limit:
        message = f"The text has {len(kept):,} characters; at most {limit:,} are kept. Shorten it."
        raise InvalidValue(message, path, code="TOO_LONG", value=shorten(kept))
    return kept or None


def required(text: str | None, limit: int, path: tuple[str, ...]) -> str:
    """Like `clean`, and refused when nothing is left."""
    kept = clean(text, limit, path)
    if kept is None:
        raise InvalidValue(
            f"{path[-1] if path else 'The value'} is required and may not be blank.", path, code="REQUIRED"
        )
    return kept


def split_name(name: str) -> tuple[str, str]:
    """First and last name of a whole one: `Lee, Ann`, or the last word and what is before it."""
    last, comma, first = (part.strip() for part in name.partition(","))
    if comma:
        return first, last
    first, _, last = " ".join(name.split()).rpartition(" ")
    return (first, last) if first else (last, "")
