"""The words by which search finds an import's new customers: written for thousands of them at once, soon after them.

Each word lies in the order of names, apart from the others, so that a customer's words touch a page each; thousands of
customers' words touch each page once. They go with no chunk but follow it in a transaction of their own. A worker that
takes an import up writes first those that the one before it left.
"""

from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter
from typing import Final

from db import import_words
from db.customers import NewCustomer
from db.database import Database
from db.transaction import Intent, Transaction

FIRST: Final = 500
SMALLEST: Final = 50
LARGEST: Final = 4_000
"""Customers whose words are written at once."""
FURTHEST: Final = 10_000
"""Records that an import reads, at the most, until the words of the customers among them are written."""
WANTED_SECONDS: Final = 0.05
FASTEST_GROWTH: Final = 1.5

Hold = Callable[[Transaction], Awaitable[None]]


class Words:
    """The words that one worker's go at an import has yet to write. `hold` refuses where another worker has the job."""

    def __init__(self, database: Database, intent: Intent, hold: Hold) -> None:
        self._database = database
        self._intent = intent
        self._hold = hold
        self._waiting: list[NewCustomer] = []
        self._records = 0
        self._size = FIRST

    async def find_left(self, import_id: str, next_record: int) -> None:
        """Looks for customers that a worker made whose words it did not come to write."""
        after, workspace_id = next_record - FURTHEST, self._intent.workspace_id
        if next_record:
            self._waiting += await import_words.left(self._database, workspace_id, import_id, after)

    def note(self, new: Sequence[NewCustomer], records: int) -> None:
        """Customers that a chunk of so many records made."""
        self._waiting += new
        self._records += records

    async def write_due(self, chunk: int) -> float:
        """Writes those that are many, or late if another chunk came first; answers how long the writer was held."""
        longest = 0.0
        while len(self._waiting) >= self._size:
            longest = max(longest, await self._write())
        if self._records + chunk > FURTHEST:
            longest = max(longest, await self.write())
        return longest

    async def write(self) -> float:
        """Writes all; answers for how many seconds the writer was held at the longest."""
        longest = 0.0
        while self._waiting:
            longest = max(longest, await self._write())
        self._records = 0
        return longest

    async def _write(self) -> float:
        began, part = 0.0, self._waiting[: self._size]

        async def work(tx: Transaction) -> None:
            nonlocal began
            began = perf_counter()
            await self._hold(tx)
            await import_words.add(tx, part)

        await self._database.write(work, self._intent)
        held = perf_counter() - began
        del self._waiting[: len(part)]
        if not self._waiting:
            self._records = 0
        wanted = len(part) * WANTED_SECONDS / held
        self._size = max(SMALLEST, min(LARGEST, int(min(self._size * FASTEST_GROWTH, (self._size + wanted) / 2))))
        return held
