"""The encoding of a file's text: told by its byte order mark, strict UTF-8, UTF-16's shape, and then by what makes words."""

import codecs
import re
from collections.abc import Iterable
from typing import Final

from charset_normalizer import from_bytes

from db.errors import InvalidValue
from db.files.table import FileRefused

SAMPLE_BYTES = 32 * 1024
UTF_8 = "utf-8"

BOMS: Final = (
    (codecs.BOM_UTF8, UTF_8),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

LEGACY: Final = {
    "cp1252": "windows-1252",
    "iso8859_15": "iso-8859-15",
    "cp1250": "windows-1250",
    "cp1251": "windows-1251",
    "cp1253": "windows-1253",
    "cp1254": "windows-1254",
    "cp1255": "windows-1255",
    "cp1256": "windows-1256",
    "cp1257": "windows-1257",
    "koi8_r": "koi8-r",
    "cp874": "windows-874",
    "cp932": "shift_jis",
    "euc_jp": "euc-jp",
    "gb18030": "gb18030",
    "big5": "big5",
    "cp949": "euc-kr",
    "mac_roman": "macintosh",
    "cp850": "cp850",
}
"""Encodings that are recognised beside Unicode's, by their names in Python and in answers."""

LATIN: Final = ("cp1252", "iso8859_15", "cp1250", "cp1254", "cp1257", "mac_roman", "cp850")
PUNCTUATION: Final = frozenset("‘“”„–—…«»‹›€©®™°§·•\xa0")  # noqa: RUF001  these are meant

NEVER_MEANT: Final = frozenset(map(chr, range(0x80, 0xA0))) | {"¤"}
"""What a wrong encoding makes of bytes, and nobody types."""

FREQUENT: Final = {"big5": 0xC6, "cp932": 0x97}
"""Encodings in which the second byte of a character may be ASCII, and the last first byte of frequent characters."""

CODECS: Final = {
    UTF_8: "utf-8-sig",
    "shift_jis": "cp932",
    "euc-kr": "cp949",
    "macintosh": "mac_roman",
    "windows-874": "cp874",
}
"""Encodings that are read by another codec than their name's."""

NOT_FOR_FILES: Final = frozenset(
    {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "unicode-escape", "raw-unicode-escape", "undefined"}
)

_HIGH = re.compile(rb"[\x80-\xff]+")
_FOREIGN = re.compile(r"[^\x00-\x7f]")
_LATIN_LETTER = re.compile(r"[A-Za-z]")
_IDEOGRAPHIC = re.compile("[\u3000-\u30ff\u4e00-\u9fff\uff01-\uff5e]")


def named(encoding: str) -> str:
    """An encoding that was asked for, if it is one for files."""
    wanted = encoding.strip().lower()
    try:
        info = codecs.lookup(CODECS.get(wanted, wanted))
        known = info.name.replace("-", "_") not in {n.replace("-", "_") for n in NOT_FOR_FILES}
        "".encode(info.name)  # refused by codecs that are not of text
    except (LookupError, ValueError):
        known = False
    if not known:
        message = f"{encoding[:40]!r} is no encoding of files. Say one such as utf-8, utf-16 or windows-1252."
        raise InvalidValue(message, ("encoding",), value=encoding[:80])
    return UTF_8 if info.name in {"utf-8", "utf-8-sig"} else wanted


def recognised(head: bytes, *, whole: bool) -> tuple[str, bool]:
    """The encoding, and whether it is an assumption: the byte order mark, strict UTF-8, UTF-16, then what is likely."""
    for bom, name in BOMS:
        if head.startswith(bom):
            return name, False
    zeros = head[:4096].count(0)
    if zeros * 10 > len(head[:4096]) * 3:
        return ("utf-16-le" if head[1:4096:2].count(0) > head[0:4096:2].count(0) else "utf-16-be"), False
    try:
        codecs.getincrementaldecoder("utf-8")("strict").decode(head, final=whole)
    except UnicodeDecodeError:
        return likely_encoding(telling_lines(head.splitlines(keepends=True))), False
    return UTF_8, head.isascii()


def telling_lines(lines: Iterable[bytes]) -> bytes:
    """Lines that are not ASCII: those that tell encodings apart."""
    found: list[bytes] = []
    size = 0
    for line in lines:
        if not line.isascii():
            found.append(line[:SAMPLE_BYTES])
            size += len(line)
            if size >= SAMPLE_BYTES:
                break
    return b"".join(found)


def likely_encoding(sample: bytes) -> str:
    """The encoding of lines that are neither ASCII nor UTF-8.

    Where single bytes stand between ASCII letters the script is Latin; there the frequencies of characters, which tell
    other scripts well, mislead, and what makes no words decides.
    """
    runs = [len(run) for run in _HIGH.findall(sample)]
    among = tuple(LEGACY)
    if sum(runs) < 2 * len(runs):
        for name, last in FREQUENT.items():
            if _is_of_ideographs(sample, name, last):
                return LEGACY[name]
        oddities = {name: odd for name in LATIN if (odd := _oddities(sample, name)) is not None}
        fewest = min(oddities.values(), default=0)
        if oddities and fewest * 2 <= len(runs):
            among = tuple(name for name, odd in oddities.items() if odd == fewest)
        if set(among) <= set(oddities) and len({sample.decode(name) for name in among}) == 1:
            return LEGACY[among[0]]
    best = from_bytes(sample, cp_isolation=list(among)).best()
    if best is None:
        raise FileRefused("The file's encoding cannot be told. Save it as UTF-8, or say its `encoding`.")
    return LEGACY.get(best.encoding, best.encoding)


def _is_of_ideographs(sample: bytes, encoding: str, last: int) -> bool:
    """Whether this encoding makes frequent characters of ideographic scripts of nearly all, and puts none into Latin words."""
    try:
        text = sample.decode(encoding)
    except UnicodeDecodeError:
        return False
    found = list(_FOREIGN.finditer(text))
    wrong = sum(
        _IDEOGRAPHIC.fullmatch(one[0]) is None
        or one[0].encode(encoding)[0] > last
        or _LATIN_LETTER.search(text[max(one.start() - 1, 0) : one.end() + 1]) is not None
        for one in found
    )
    return wrong * 10 <= len(found)


def _oddities(sample: bytes, encoding: str) -> int | None:
    """Characters that words do not hold where they stand, were this the encoding; None if it cannot be."""
    try:
        text = sample.decode(encoding)
    except UnicodeDecodeError:
        return None
    odd = 0
    for match in _FOREIGN.finditer(text):
        before, one, after = text[match.start() - 1 : match.start()], match[0], text[match.end() : match.end() + 1]
        if one in NEVER_MEANT:
            odd += 1
        elif one.isalpha():
            odd += one.isupper() and before.islower()
        elif one != "’":  # noqa: RUF001  an apostrophe
            odd += before.isalpha() and after.isalpha() if one in PUNCTUATION else before.isalpha() or after.isalpha()
    return odd


def decoded(head: bytes, encoding: str, *, whole: bool) -> str:
    try:
        text = codecs.getincrementaldecoder(codec(encoding))("strict").decode(head, final=whole)
    except UnicodeDecodeError as fault:
        line = head.count(b"\n", 0, fault.start) + 1
        message = f"The file is not {encoding}: line {line:,} holds bytes that mean nothing in it. Say its `encoding`."
        raise FileRefused(message) from None
    return str(text)


def codec(encoding: str) -> str:
    return CODECS.get(encoding, encoding)
