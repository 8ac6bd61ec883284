"""Passwords: argon2id in a small thread pool, and a policy after NIST SP 800-63B, section 5.1.1.2."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from db.errors import InvalidValue, Path

SHORTEST = 15
LONGEST = 256
AT_ONCE = 2
"""Hashes computed at the same time; each takes about 64 MB."""


class Passwords:
    """Hashes and verifies passwords without holding up the event loop."""

    def __init__(self) -> None:
        self._hash = PasswordHash((Argon2Hasher(),))
        self._pool = ThreadPoolExecutor(AT_ONCE, "passwords")
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._hash.hash, password)

    async def verify(self, password: str, kept: str | None) -> bool:
        """Whether a password is the one that was hashed; as slow where there is none to compare with."""
        if self._nobody is None:
            self._nobody = await self.hash("nobody has this password")
        loop = asyncio.get_running_loop()
        matches = await loop.run_in_executor(self._pool, self._hash.verify, password, kept or self._nobody)
        return matches and kept is not None

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def check(password: str, path: Path = ("password",), *, about: tuple[str | None, ...] = ()) -> None:
    """Refuses a password that the policy does not allow. `about` holds texts it may not simply repeat."""
    if len(password) < SHORTEST:
        message = f"The password has {len(password)} characters; at least {SHORTEST} are needed. A sentence is fine."
        raise InvalidValue(message, path, code="INVALID_PASSWORD")
    if len(password) > LONGEST:
        raise InvalidValue(f"The password is longer than {LONGEST} characters.", path, code="INVALID_PASSWORD")
    folded = password.casefold()
    if len(set(folded)) < 5:  # noqa: PLR2004
        raise InvalidValue("The password repeats very few characters. Choose another.", path, code="INVALID_PASSWORD")
    if any(folded in COMMON for folded in (folded, folded.rstrip("0123456789!"))) or folded in {
        a and a.casefold() for a in about
    }:
        raise InvalidValue(
            "The password is among the first to be guessed. Choose another.", path, code="INVALID_PASSWORD"
        )


COMMON = frozenset(
    """
    passwordpassword password1234567 123456789012345 1234567890123456 qwertyuiopasdfgh qwertyuiopasdfghjkl
    qwertyqwertyqwerty iloveyouiloveyou letmeinletmeinletmein correcthorsebatterystaple administrator
    administratoradministrator adminadminadmin welcomewelcome changemechangeme passwordpasswordpassword
    """.split()  # noqa: SIM905  read as a list
)
"""Passwords of 15 and more characters that lists of breaches are full of; shorter ones are refused by their length."""
