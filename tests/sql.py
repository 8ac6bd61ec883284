"""A test's own statements, as text: `?` stands for a parameter on every engine."""

import re
from collections.abc import Sequence
from itertools import count
from typing import Any

from db.database import Database
from db.transaction import Maintenance


def placed(database: Database, text: str) -> str:
    """The text with the engine's own places for parameters."""
    if database.dialect.name == "sqlite":
        return text
    numbers = count(1)
    return re.sub(r"\?", lambda _: f"${next(numbers)}", text)


async def rows(database: Database, text: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await database.read(placed(database, text), parameters)]


async def run(database: Database, text: str, parameters: Sequence[Any] = ()) -> None:
    """Changes rows behind the back of the log."""

    async def work(maintenance: Maintenance) -> None:
        await maintenance.connection.run(placed(database, text), parameters)

    await database.maintain(work)


async def run_many(database: Database, text: str, many: Sequence[Sequence[Any]]) -> None:
    async def work(maintenance: Maintenance) -> None:
        await maintenance.connection.run_many(placed(database, text), many)

    await database.maintain(work)
