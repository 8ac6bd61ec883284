r"""An organization's path in one text: the names from the top with ` / ` between, as files have it.

A slash of a name that would be taken for such a separator is written `\/` (`AC \/ DC`); so is one that follows a
backslash, with one backslash more, so that every path is read back as it was.
"""

import re
from collections.abc import Iterable
from typing import Final

SEPARATOR: Final = " / "

_AFTER_BACKSLASHES = re.compile(r"(\\+)/")
_ALONE = re.compile(r"(?:^|(?<= ))/(?= |\Z)")
_ESCAPED = re.compile(r"\\(\\*)/")


def escaped(name: str) -> str:
    """A name as a path has it."""
    return _ALONE.sub(r"\\/", _AFTER_BACKSLASHES.sub(r"\\\1/", name)) if "/" in name else name


def joined(names: Iterable[str]) -> str:
    return SEPARATOR.join(map(escaped, names))


def names_of(path: str) -> list[str]:
    """The names along a path, empty ones left out."""
    parts = [part for part in path.split(SEPARATOR) if part.strip()]
    return [_ESCAPED.sub(r"\1/", part) for part in parts] if "\\" in path else parts
