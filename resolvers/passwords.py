"""Passwords: argon2id in a small thread pool, and a policy after NIST SP 800-63B, section 5.1.1.2."""

import asyncio
import os
import re
import sys
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from db.errors import InvalidValue, Path, RateLimited

Result = TypeVar("Result")

SHORTEST = 15
LONGEST = 256
FEWEST_CHARACTERS = 5
AT_ONCE = 2
"""Hashes computed at the same time; each takes about 64 MB."""
LONGEST_QUEUE = 60
LOW_PRIORITY = 10

NOBODY: Final = "$argon2id$v=19$m=65536,t=3,p=4$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
"""A hash no password has, with the cost of a real one: verifying against it takes as long."""


class Passwords:
    """Hashes and verifies passwords without holding up the event loop."""

    def __init__(self) -> None:
        self._hash = PasswordHash((Argon2Hasher(),))
        self._pool = ThreadPoolExecutor(AT_ONCE, "passwords", initializer=_stand_back)
        self._queued = 0

    async def hash(self, password: str) -> str:
        return await self._run(lambda: self._hash.hash(one_form(password)))

    async def verify(self, password: str, kept: str | None) -> bool:
        """Whether a password is the one that was hashed; as slow where there is none to compare with."""
        matches = await self._run(lambda: self._hash.verify(one_form(password[: 2 * LONGEST]), kept or NOBODY))
        return matches and kept is not None

    async def _run(self, work: Callable[[], Result]) -> Result:
        if self._queued >= LONGEST_QUEUE:
            raise RateLimited("Too many people are signing in at this moment. Wait 5 seconds.", 5)
        self._queued += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._queued -= 1

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def _stand_back() -> None:
    """Lets a thread of the pool run when reads do not need the processor; the threads that argon2 starts inherit it."""
    if sys.platform == "linux":  # elsewhere a priority is the whole process's
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOW_PRIORITY)


def one_form(password: str) -> str:
    """A password as every keyboard and system means it (NFKC; SP 800-63B asks for a normalisation before hashing)."""
    return unicodedata.normalize("NFKC", password)


def check(password: str, path: Path = ("password",), *, about: tuple[str | None, ...] = ()) -> None:
    """Refuses a password that the policy does not allow. `about` holds texts it may not simply repeat."""
    if len(password) < SHORTEST:
        message = f"The password has {len(password)} characters; at least {SHORTEST} are needed. A sentence is fine."
        raise InvalidValue(message, path, code="INVALID_PASSWORD")
    if len(password) > LONGEST:
        raise InvalidValue(f"The password is longer than {LONGEST} characters.", path, code="INVALID_PASSWORD")
    folded = one_form(password).casefold()
    if len(set(folded)) < FEWEST_CHARACTERS:
        raise InvalidValue("The password repeats very few characters. Choose another.", path, code="INVALID_PASSWORD")
    known = sorted((part for text in about if text for part in _parts(text)), key=len, reverse=True)
    if any(folded in run for run in RUNS) or _made_of(folded, known):
        message = "The password is among the first to be guessed. Choose another."
        raise InvalidValue(message, path, code="INVALID_PASSWORD")


def _parts(text: str) -> list[str]:
    """What of a name or an address a password may not be made of."""
    folded = one_form(text).casefold()
    return [part for part in (folded, *re.split(r"[\W_]+", folded)) if len(part) > 2]  # noqa: PLR2004


def _made_of(folded: str, known: list[str]) -> bool:
    """Whether nothing is left of a password without the commonest words, digits and signs."""
    for part in known:
        folded = folded.replace(part, "")
    left = COMMON.sub("", folded)
    return not any(c.isalpha() for c in left)


COMMON: Final = re.compile(
    "administrator|password|passwort|correct|horse|battery|staple|iloveyou|changeme|football|baseball|princess|sunshine"
    "|superman|trustno|whatever|passw0rd|p@ssw0rd|p@ssword|starwars|computer|internet|qwertyuiop|qwertzuiop|asdfghjkl"
    "|zxcvbnm|letmein|welcome|default|abcdefghijklmnopqrstuvwxyz|abcdef|abc|dragon|monkey|master|shadow|secret|qwerty"
    "|qwertz|azerty|asdfgh|zxcvbn|1q2w3e4r|q1w2e3r4|q2w3e|w2e3|admin|login|guest|hello|users?|test|pass|root"
)
"""The words that the commonest long passwords of breaches are put together from, long ones first."""

RUNS: Final = (
    "abcdefghijklmnopqrstuvwxyz" * 2,
    "zyxwvutsrqponmlkjihgfedcba" * 2,
    "qwertyuiopasdfghjklzxcvbnm" * 2,
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
)
"""Rows of keys and of the alphabet."""
