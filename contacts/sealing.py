"""Secrets at rest: sealed by the newest of the server's secrets, opened by any of them.

A secret that is replaced stays in the list until everything sealed by it was sealed again, which each fetch does.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PURPOSE = b"rolodesk: credentials of address books"


class Broken(Exception):  # noqa: N818  an answer
    """What was sealed cannot be opened: its secret is gone, or it is another's."""


class Seal:
    """Seals values for one place each, such as a row: sealed for one, they do not open as another's."""

    def __init__(self, secrets: Sequence[str]) -> None:
        keys = [Fernet(_key(secret)) for secret in secrets]
        self._newest = keys[0]
        self._all = MultiFernet(keys)

    def close(self, value: Mapping[str, Any], place: str) -> str:
        return self._newest.encrypt(orjson.dumps({"place": place, "value": value})).decode()

    def open(self, sealed: str, place: str) -> dict[str, Any]:
        try:
            found = orjson.loads(self._all.decrypt(sealed.encode()))
        except InvalidToken:
            raise Broken from None
        if found["place"] != place:
            raise Broken
        value: dict[str, Any] = found["value"]
        return value

    def is_newest(self, sealed: str) -> bool:
        """Whether it was sealed by the newest secret."""
        try:
            self._newest.decrypt(sealed.encode())
        except InvalidToken:
            return False
        return True


def _key(secret: str) -> bytes:
    return base64.urlsafe_b64encode(HKDF(SHA256(), 32, salt=None, info=PURPOSE).derive(secret.encode()))
