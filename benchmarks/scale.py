"""Whether a read's cost grows with its answer or with the table: the same operations on databases of different sizes.

Each is asked of the engine itself, answers not kept, with the connections a server has; what is told is the median of
its runs, warm, without HTTP.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
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


def _top(world: data.World, chance: random.Random) -> dict[str, Any]:
    return {"id": chance.choice(world.tops)}


def _search(title: str, follows: str, arguments: str, make: Make | None = None) -> Scaled:
    declared = "query Q($id: ID!) " if make else ""
    text = f"{declared}{{ customers(first: 50, {arguments}) {{ nodes {{ {PERSON} }} pageInfo {{ hasNextPage }} }} }}"
    return Scaled(title, follows, text, make or (lambda _world, _chance: {}))


LATEST = "orderBy: [{field: CREATED_AT, direction: DESC}]"
BY_ADDRESS = "orderBy: [{field: EMAIL}]"
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
        "the members, up to 10,000",
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
    _search("search for two common words, 50", "the answer", 'search: "grace hopper"'),
    _search("search for the beginnings of two, 50", "the answer", 'search: "gra hop"'),
    _search("search for two common words that never meet", "the answer", 'search: "ada grace"'),
    _search("search for a common word and one that all have, 50", "the answer", 'search: "grace customer"'),
    _search("search in the order of creation, 50", "the answer", f'search: "grace", {LATEST}'),
    _search("search in an order that goes with the word, 50", "the matches", f'search: "noor", {BY_ADDRESS}'),
    _search("search among the active, 50", "the answer", 'search: "grace", filter: {status: [ACTIVE]}'),
    _search("search in a project, 50", "the answer", 'search: "grace", filter: {project: $id}', _project),
    _search(
        "search in an organization, 50", "its customers", 'search: "grace", filter: {organization: $id}', _organization
    ),
    _search("search in a subtree of a quarter, 50", "the answer", 'search: "grace", filter: {inTreeOf: $id}', _top),
    _search("customers in a subtree of a quarter, 50", "the answer", "filter: {inTreeOf: $id}", _top),
    _search("the active in the order of addresses, 50", "the answer", f"filter: {{status: [ACTIVE]}}, {BY_ADDRESS}"),
    _search("the invited, 50", "the invited", "filter: {status: [INVITED]}"),
    _search("part of a name, 50", "the table", 'filter: {name: {contains: "opp"}}'),
    _search("part of an address that one has", "the table", 'filter: {email: {contains: ".1234@"}}'),
    Scaled("how many a common word finds", "the matches", '{ customers(search: "grace") { totalCount } }'),
    Scaled("how many customers there are", "the table", "{ customers { totalCount } }"),
)


@asynccontextmanager
async def asking(path: Path) -> AsyncIterator[tuple[data.World, Callable[[str, Any], Awaitable[Any]]]]:
    """A function that asks the engine over a database."""
    world, passwords = data.world(path), Passwords()
    database = await SqliteDatabase.open(path, system_clock)
    engine = Engine(schema._schema, database.dialect, introspection_for_all=True)  # noqa: SLF001
    process = Process(database, system_clock, ("benchmark",), "", path.parent, passwords, "")
    viewer = Viewer("api_key", "key", world.workspace_id, frozenset(EVERYTHING), 0, "key")
    context = Context(process, viewer, "1", "127.0.0.1")
    try:
        yield world, lambda document, variables: engine.answer(context, document, None, variables)
    finally:
        await database.close()
        passwords.close()


async def _measured(path: Path) -> list[tuple[float, int]]:
    """Of each operation the median of its milliseconds, and the bytes of its answer."""
    found = []
    async with asking(path) as (world, ask):
        for operation in OPERATIONS:
            chance, times, size = random.Random(4), [], 0
            began = time.perf_counter()
            for number in range(RUNS + 2):
                variables = operation.variables(world, chance)
                before = time.perf_counter()
                try:
                    answer = await ask(operation.document, variables)
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
