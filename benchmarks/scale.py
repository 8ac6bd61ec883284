"""Whether a read's cost grows with its answer or with the table: the same operations on databases of different sizes.

Each is asked of the engine itself, answers not kept, with the connections a server has; what is told is the median of
its runs, warm, without HTTP.
"""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import data
from benchmarks.queries import BY_NAME, PERSON, cursor
from db.clock import system_clock
from db.engines.sqlite import SqliteDatabase
from db.permissions import EVERYTHING
from resolvers.context import Context, Process, Viewer
from resolvers.engine import Engine
from resolvers.passwords import Passwords
from resolvers.refusals import RequestErrors
from schema.build import schema

RUNS = 15
SIZES = (2_000, 100_000, 1_000_000)
MOST_SECONDS = 20
"""After so long an operation is not run again."""

Make = Callable[[data.World, random.Random], dict[str, Any]]


@dataclass(frozen=True)
class Scaled:
    """An operation and what its cost should follow."""

    title: str
    follows: str
    document: str
    variables: Make = lambda _world, _chance: {}


def _at(part: float) -> Make:
    """A position that far down the list of customers by name."""

    def make(world: data.World, _chance: random.Random) -> dict[str, Any]:
        record_id, name = world.customers[int((len(world.customers) - 100) * part)]
        return {"after": cursor("customer", name, record_id)}

    return make


def _own(name: str) -> Scaled:
    query = BY_NAME[name]
    return Scaled(query.title, "the answer", query.document, query.variables)


def _organization(world: data.World, chance: random.Random) -> dict[str, Any]:
    return {"id": chance.choice(world.organizations)[0]}


def _project(world: data.World, chance: random.Random) -> dict[str, Any]:
    return {"id": chance.choice(world.projects)}


def _rare(world: data.World, chance: random.Random) -> dict[str, Any]:
    return {"text": f"c-{chance.randrange(len(world.customers))}"}


PAGE = f"query Page($after: String!) {{ customers(first: 50, after: $after) {{ nodes {{ {PERSON} }} }} }}"
OPERATIONS = (
    _own("one"),
    _own("fifty"),
    _own("levels"),
    _own("hundred"),
    Scaled("page of 50 at the beginning", "the answer", PAGE, _at(0)),
    Scaled("page of 50 in the middle", "the answer", PAGE, _at(0.5)),
    Scaled("page of 50 at the end", "the answer", PAGE, _at(1)),
    Scaled("the last 50", "the answer", f"{{ customers(last: 50) {{ nodes {{ {PERSON} }} }} }}"),
    Scaled(
        "50 customers of one project",
        "the project's members",
        BY_NAME["project"].document,
        BY_NAME["project"].variables,
    ),
    Scaled(
        "customers filtered by project, 50",
        "the project's members",
        f"query P($id: ID!) {{ customers(first: 50, filter: {{project: $id}}) {{ nodes {{ {PERSON} }} }} }}",
        _project,
    ),
    Scaled(
        "count over a subtree",
        "the subtree's customers",
        "query C($id: ID!) { organization(by: {id: $id}) { id customerCount(includeDescendants: true) } }",
        _organization,
    ),
    Scaled(
        "search for a rare word, 50",
        "the matches",
        f"query S($text: String!) {{ customers(first: 50, search: $text) {{ nodes {{ {PERSON} }} }} }}",
        _rare,
    ),
    Scaled(
        "search for a common word, 50",
        "the answer",
        f'{{ customers(first: 50, search: "grace") {{ nodes {{ {PERSON} }} }} }}',
    ),
    Scaled("how many a common word finds", "the matches", '{ customers(search: "grace") { totalCount } }'),
    Scaled("how many customers there are", "the table", "{ customers { totalCount } }"),
)


async def _measured(path: Path) -> list[tuple[float, int]]:
    """Of each operation the median of its milliseconds, and the bytes of its answer."""
    world, passwords = data.world(path), Passwords()
    database = await SqliteDatabase.open(path, system_clock)
    engine = Engine(schema._schema, database.dialect, introspection_for_all=True)  # noqa: SLF001
    process = Process(database, system_clock, ("benchmark",), "", path.parent, passwords, "")
    viewer = Viewer("api_key", "key", world.workspace_id, frozenset(EVERYTHING), 0, "key")
    context, found = Context(process, viewer, "1", "127.0.0.1"), []
    for operation in OPERATIONS:
        chance, times, size = random.Random(4), [], 0
        began = time.perf_counter()
        for number in range(RUNS + 2):
            variables = operation.variables(world, chance)
            before = time.perf_counter()
            try:
                answer = await engine.answer(context, operation.document, None, variables)
            except RequestErrors as refused:
                print(f"{operation.title}: {refused}")
                times = [float("nan")]
                break
            if number > 1 or before - began > 1:
                times.append((time.perf_counter() - before) * 1_000)
            size = len(answer.body)
            if time.perf_counter() - began > MOST_SECONDS:
                break
        found.append((median(times), size))
    await database.close()
    passwords.close()
    return found


def scale(sizes: Sequence[int]) -> str:
    """A table in Markdown: an operation a line, a size a column."""
    columns = [asyncio.run(_measured(data.database(size))) for size in sizes]
    head = ["operation", "cost should follow", *(f"ms at {size:,}" for size in sizes), "KB"]
    rows = [head, ["---"] * len(head)]
    for operation, *measured in zip(OPERATIONS, *columns, strict=True):
        times = [f"{milliseconds:.2f}" for milliseconds, _ in measured]
        rows.append([operation.title, operation.follows, *times, f"{measured[-1][1] / 1000:.1f}"])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
