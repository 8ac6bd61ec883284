"""Requests that come again: what was made of one is kept, so that the next is neither parsed nor prepared anew.

Of queries alone, and of those whose answers are kept. What holds for a moment only is looked at each time: the rate, the
time at which credentials or an answer end, and in the database whether rights or data moved.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Final, NamedTuple

from resolvers.context import Viewer
from resolvers.engine import PreparedQuery
from resolvers.kept import Kept
from server.requests import Asked

MOST: Final = 1_000
LONGEST: Final = 8_000
"""Bytes of a request that is kept: what is made of a long one takes many times its length."""
NAMED: Final = (
    b"authorization",
    b"cookie",
    b"origin",
    b"sec-fetch-site",
    b"content-type",
    b"content-encoding",
    b"idempotency-key",
)
"""The header fields that say who asks, and by which a request may be refused before it is run."""

ABSENT: Final = (b"",) * len(NAMED)


class Repetition(NamedTuple):
    """A request that was answered before: who asked, and what."""

    viewer: Viewer
    asked: Asked
    query: PreparedQuery


class Repeated(Kept[bytes, Repetition]):
    """Requests by a digest of them: it tells neither tokens nor what was asked."""

    def __init__(self) -> None:
        super().__init__(MOST)

    @staticmethod
    def digest(method: str, headers: Mapping[bytes, bytes], content: bytes) -> bytes:
        """What two requests share that ask the same as the same; empty for one too long to keep. No field holds a line break."""
        if len(content) > LONGEST:
            return b""
        return sha256(b"\n".join((method.encode(), *map(headers.get, NAMED, ABSENT), content))).digest()
