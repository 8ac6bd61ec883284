"""Answers that are kept as long as nothing changed.

An answer is kept under the workspace's change number and access number that its own statement saw. It is given again
only after the database was asked for the present numbers, so it is never stale, whichever process wrote.
"""

import gzip
from dataclasses import dataclass
from hashlib import blake2s
from typing import NamedTuple

from resolvers.kept import Kept

KEPT_BYTES = 64 * 1024 * 1024
LARGEST_ANSWER_BYTES = 4 * 1024 * 1024
SMALLEST_COMPRESSED_BYTES = 1_400
ENTRY_BYTES = 800
"""What keeping an answer takes beside its bytes and its variables."""


class AnswerKey(NamedTuple):
    """Under what an answer is kept: who asks the same sees the same, as long as nothing changes."""

    plan: int
    variables: bytes
    workspace_id: str
    customer_id: str | None
    viewer_id: str | None


@dataclass(slots=True)
class Answer:
    """The bytes of an answer; `etag` where it may be asked for again by `If-None-Match`.

    The tag is weak: it is the same for the plain and the compressed form (RFC 9110, section 8.8.1).
    """

    body: bytes
    etag: bytes | None = None
    numbers: tuple[int, int] | None = None
    until: int | None = None
    given: int = 0
    replayed: bool = False
    """Whether a part of it was done before, under the same Idempotency-Key."""
    _compressed: bytes | None = None

    @property
    def compressed(self) -> bytes | None:
        """The gzip form, made when the answer is given a second time; None where it is not worth it."""
        if self._compressed is None and self.given > 1 and len(self.body) >= SMALLEST_COMPRESSED_BYTES:
            self._compressed = gzip.compress(self.body, 5)
        return self._compressed


class Answers:
    """Kept answers, the most recently used up to a number of bytes."""

    def __init__(self, bound_bytes: int = KEPT_BYTES) -> None:
        self._kept: Kept[AnswerKey, Answer] = Kept(bound_bytes)

    def find(self, key: AnswerKey, now: int) -> Answer | None:
        """The kept answer, unless its time is over; whether it still holds is for the database to say."""
        answer = self._kept.find(key)
        if answer is None:
            return None
        if answer.until is not None and answer.until <= now:
            self._kept.drop(key)
            return None
        answer.given += 1
        return answer

    def keep(self, key: AnswerKey, body: bytes, numbers: tuple[int, int], until: int | None) -> Answer:
        etag = b'W/"' + blake2s(body, digest_size=12).hexdigest().encode() + b'"'
        answer = Answer(body, etag, numbers, until)
        self._kept.drop(key)
        if len(body) <= LARGEST_ANSWER_BYTES:
            self._kept.keep(key, answer, len(body) + len(key.variables) + ENTRY_BYTES)
        return answer
