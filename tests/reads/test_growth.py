"""What a read costs follows its answer, not the table: SQLite's own steps in a small database and in one eight times as large.

How many members are few, and how far it is gone along a list, is set as low here as these databases are small.
"""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from benchmarks import data
from benchmarks.scale import OPERATIONS, Scaled, asking
from db.reads.reading import Reader

pytestmark = pytest.mark.sqlite

SIZES = (2_000, 16_000)
MOST_TIMES = 1.6
"""Trees of indexes are higher, shares of a set lie differently: so much more may the same answer cost."""
ASKED = 4
PAGE = 5
"""Records of a page, so few that the small database fills each."""
GRAIN = 20
"""SQLite tells each so many steps."""
LIMITS = {
    "db.reads.searching.FEW": 60, "db.reads.searching.FEW_IN_ORDER": 20, "db.reads.ways.MOST_COUNTED": 300, "db.access.FEW": 100,
    "db.leading.FEW": 60, "db.reads.walking.FARTHEST": 1_000, "db.reads.leaping.MOST_LOOKED_UP": 1_000,
}  # fmt: skip
BOUNDED = [one for one in OPERATIONS if one.follows in {"the answer", "its customers", "the members, up to 10,000"}]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    made = [tmp_path_factory.mktemp("growth") / f"{size}.db" for size in SIZES]
    for path, size in zip(made, SIZES, strict=True):
        data.make(path, size)
    return made


def steps(path: Path, text: str, parameters: Sequence[Any]) -> int:
    """How many of its instructions SQLite carries out for a statement."""
    counted = 0

    def count() -> int:
        nonlocal counted
        counted += GRAIN
        return 0

    connection = sqlite3.connect(path)
    connection.set_progress_handler(count, GRAIN)
    connection.execute(text, parameters).fetchall()
    connection.close()
    return counted


async def cost(monkeypatch: pytest.MonkeyPatch, path: Path, operation: Scaled) -> float:
    """The steps of a typical statement of an operation."""
    run: list[tuple[str, Sequence[Any]]] = []
    parameters = Reader.parameters

    def seen(self: Reader, variables: Any, scope: Any) -> list[Any]:
        made = parameters(self, variables, scope)
        run.append((self.text, made))
        return made

    monkeypatch.setattr(Reader, "parameters", seen)
    chance, found = Random(4), []
    async with asking(path) as (world, ask):
        for _ in range(ASKED):
            run.clear()
            document = operation.document.replace("first: 50", f"first: {PAGE}")
            await ask(document, operation.variables(world, chance))
            ((text, given),) = run
            found.append(steps(path, text, given))
    monkeypatch.setattr(Reader, "parameters", parameters)
    return sum(found) / len(found)


@pytest.mark.parametrize("operation", BOUNDED, ids=lambda one: one.title)
async def test_the_cost_does_not_grow_with_the_table(
    files: list[Path], monkeypatch: pytest.MonkeyPatch, operation: Scaled
) -> None:
    for name, limit in LIMITS.items():
        monkeypatch.setattr(name, limit)
    small, large = [await cost(monkeypatch, path, operation) for path in files]
    assert large < small * MOST_TIMES + 1_000, (
        f"{small:,.0f} steps in the small database, {large:,.0f} in the large one"
    )


async def test_what_goes_through_the_table_is_seen_to(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the others can fail."""
    table = next(one for one in OPERATIONS if one.title == "part of an address that one has")
    small, large = [await cost(monkeypatch, path, table) for path in files]
    assert large > small * 4
