"""`python -m benchmarks.imports [SIZE] [--alone]`: what an import takes beside the least its rows could.

In turns in one run: a bare `executemany` of SIZE customers, with their addresses and search words, and of one
organization for each hundred, into our own tables with all indexes and keys, in one transaction; the same rows as a CSV
file through POST /uploads and `importCustomers` on `rolodesk serve`; its undo; the bare one again. Each has its own copy
of a database of 2,000 customers and the same pragmas. A page of 50 customers is asked of the server all the while.
With --alone it is only imported, and before it, if it is larger, 100,000 customers: how much longer it takes shows how
an import grows.
"""

import asyncio
import os
import random
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx2

from benchmarks import data
from benchmarks.queries import BY_NAME
from benchmarks.servers import environment
from benchmarks.soak import ready, tree
from db import batches, customers
from db.batches import blank
from db.engines.sqlite_connections import PRAGMAS
from db.ids import new_id
from db.tables import Customer, CustomerWord, EmailAddress, Organization
from db.text import fold

import sqlite3  # isort: skip  the one that db put in its place

PORT = 8794
PRESENT = 2_000
"""Customers that are there before."""
IN_EACH = 100
USUAL = 100_000
"""What a larger size is compared with."""
AT_REST_SECONDS = 5
A_SECOND = 50
"""Pages asked for in a second."""
PATIENCE = 1_200
TABLES = ("customer", "email_address", "customer_word", "organization")

IMPORT = """mutation Import($input: ImportFileInput!) {
  importCustomers(input: $input) { import { id } errors { code message } }
}"""
UNDO = "mutation Undo($input: UndoImportInput!) { undoImport(input: $input) { errors { code message } } }"
PROGRESS = "query Progress($id: ID!) { import(id: $id) { status counts { records created } undo { status } } }"
HEADER = "Email,First name,Last name,Company,Phone,Customer Id"

Result = TypeVar("Result")


@dataclass(frozen=True)
class Person:
    """A row of the file."""

    email: str
    first: str
    last: str
    organization: str
    phone: str
    external_id: str

    def line(self) -> str:
        return f"{self.email},{self.first},{self.last},{self.organization},{self.phone},{self.external_id}"


@dataclass
class Found:
    """What a run showed."""

    size: int
    alone: bool = False
    """Whether there is neither a bare one nor an undo."""
    least: str = "executemany"
    """What the bare one is made of."""
    bare: list[float] = field(default_factory=list)
    imported: float = 0
    undone: float = 0
    holds: list[float] = field(default_factory=list)
    grown: int = 0
    pages: dict[str, list[float]] = field(default_factory=dict)

    def told(self) -> str:
        bare = statistics.mean(self.bare) if self.bare else None
        p95 = {when: statistics.quantiles(times, n=20)[18] for when, times in self.pages.items()}
        imported = f"import: {self.imported:.2f} s, {self.size / self.imported:,.0f} records a second"
        lines = [imported]
        if bare is not None:
            lines = [
                f"bare {self.least}: {' and '.join(f'{one:.2f}' for one in self.bare)} s",
                f"{imported}, {self.imported / bare:.2f} times the bare one",
                f"undo: {self.undone:.2f} s, {self.undone / self.imported:.2f} times the import",
            ]
        lines += [*self._holds(), f"worker's peak memory above idle: {self.grown / 2**20:.0f} MiB"]
        for when, found in p95.items():
            times = f"{found / p95['at rest']:.2f} times that at rest"
            lines.append(f"50 customers, p95 {when}: {found:.1f} ms of {len(self.pages[when]):,}, {times}")
        return "\n".join(lines)

    def _holds(self) -> list[str]:
        """What only an engine with one writer has."""
        if not self.holds:
            return []
        told = (f"{what} {held:.0f} ms" for what, held in zip(("import", "undo"), self.holds, strict=False))
        return [f"longest hold of the writer: {', '.join(told)}"]


def people(size: int) -> list[Person]:
    chance = random.Random(size)
    made = []
    for n in range(size):
        first, last = chance.choice(data.FIRST), chance.choice(data.LAST)
        made.append(
            Person(
                f"{fold(first)}.{fold(last)}.{n}@file.example.com",
                first,
                last,
                f"Imported {n % max(1, size // IN_EACH):05}",
                f"+36 20 {n:07}",
                f"file-{n}",
            )
        )
    return made


# The bare one


def bare(path: Path, workspace_id: str, given: Sequence[Person]) -> float:
    """Seconds that the engine takes for the rows alone; they are made before."""
    made = rows(workspace_id, given)
    connection = sqlite3.connect(path, isolation_level=None)
    for name, value in PRAGMAS:
        connection.execute(f"PRAGMA {name} = {value}")
    began = time.perf_counter()
    connection.execute("BEGIN IMMEDIATE")
    for table, names, many in made:
        places = ", ".join("?" for _ in names)
        connection.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})", many)
    connection.execute("COMMIT")
    seconds = time.perf_counter() - began
    connection.close()
    return seconds


def rows(workspace_id: str, given: Sequence[Person]) -> list[tuple[str, list[str], list[list[Any]]]]:
    own = {"workspace_id": workspace_id, "version": 1, "created_at": data.BORN, "updated_at": data.BORN}
    places = {
        name: {**blank(Organization), **own, "id": new_id("organization"), "name": name, "name_key": fold(name)}
        for name in dict.fromkeys(one.organization for one in given)
    }
    people_rows, addresses, words = [], [], []
    for one in given:
        properties = {
            "email": one.email,
            "first_name": one.first,
            "last_name": one.last,
            "phone": one.phone,
            "external_id": one.external_id,
        }
        new = batches.new_customer(customers.prepared(properties))
        row = {**new.row, **own, "organization_id": places[one.organization]["id"]}
        people_rows.append(row)
        address = {"email_key": row["email_key"], "customer_id": row["id"], "user_id": None}
        addresses.append({"workspace_id": workspace_id, **address})
        of = {"workspace_id": workspace_id, "customer_id": row["id"], "name_key": row["name_key"]}
        words += [{**of, "word": word} for word in new.words]
    whole: list[tuple[Any, list[dict[str, Any]]]] = [
        (Organization, list(places.values())),
        (Customer, people_rows),
        (EmailAddress, addresses),
        (CustomerWord, words),
    ]
    made = []
    for table, many in whole:
        names = [column.name for column in table.__table__.c]
        made.append((table.__table__.name, names, [[row[name] for name in names] for row in many]))
    return made


def counted(path: Path) -> list[int]:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    found = [connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES]
    connection.close()
    return found


# Ours


class Ours:
    """The server's client."""

    def __init__(self, world: data.World) -> None:
        self.world = world
        self.chance = random.Random(3)
        self.http = httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{PORT}", headers={"authorization": f"Bearer {world.key}"}, timeout=60
        )

    async def ask(self, document: str, variables: dict[str, Any]) -> Any:
        answer = (await self.http.post("/graphql", json={"query": document, "variables": variables})).json()
        errors = answer.get("errors") or [e for one in answer["data"].values() for e in one.get("errors") or ()]
        if errors:
            raise RuntimeError(f"The server refused: {errors[0]}")
        return answer["data"]

    async def pages(self, seen: list[float]) -> None:
        """Asks for one page after the other, at a pace; until cancelled."""
        query = BY_NAME["fifty"]
        while True:
            began = time.perf_counter()
            await self.ask(query.document, query.variables(self.world, self.chance))
            took = time.perf_counter() - began
            seen.append(took * 1000)
            await asyncio.sleep(max(0.0, 1 / A_SECOND - took))

    async def beside(self, work: Awaitable[Result]) -> tuple[Result, list[float]]:
        """Does work while pages are asked for; their milliseconds."""
        seen: list[float] = []
        asking = asyncio.create_task(self.pages(seen))
        result = await work
        if asking.done():
            await asking
        asking.cancel()
        return result, seen

    async def imported(self, upload_id: str) -> tuple[str, float]:
        began = time.perf_counter()
        given = {"uploadId": upload_id}
        import_id = (await self.ask(IMPORT, {"input": given}))["importCustomers"]["import"]["id"]
        await self._ended(import_id, undo=False)
        return import_id, time.perf_counter() - began

    async def undone(self, import_id: str) -> float:
        began = time.perf_counter()
        await self.ask(UNDO, {"input": {"importId": import_id}})
        await self._ended(import_id, undo=True)
        return time.perf_counter() - began

    async def _ended(self, import_id: str, *, undo: bool) -> None:
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            told = (await self.ask(PROGRESS, {"id": import_id}))["import"]
            at_work = told["undo"]["status"] if undo else told["status"]
            if at_work not in {"QUEUED", "RUNNING"}:
                if told["status"] != ("UNDONE" if undo else "SUCCEEDED"):
                    raise RuntimeError(f"It ended with {told}.")
                return
            await asyncio.sleep(0.1)
        raise RuntimeError("It did not end.")


def worker_of(pid: int) -> int:
    """The process that carries out jobs."""
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        for one in tree(pid):
            if b"work" in Path(f"/proc/{one}/cmdline").read_bytes().split(b"\0"):
                return one
        time.sleep(0.1)
    raise RuntimeError("The server has no worker.")


def resident(pid: int, entry: str) -> int:
    found = re.search(rf"^{entry}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    if found is None:
        raise RuntimeError("The worker has ended.")
    return int(found[1]) * 1024


async def ours(
    server: int, world: data.World, given: Sequence[Person], found: Found, count: Callable[[], list[int]]
) -> list[int]:
    """Imports and undoes; what `count` told in between."""
    client = Ours(world)
    content = "\n".join((HEADER, *(one.line() for one in given))).encode()
    worker = worker_of(server)
    await client.beside(asyncio.sleep(1))  # warms up
    _, found.pages["at rest"] = await client.beside(asyncio.sleep(AT_REST_SECONDS))
    upload_id = (await client.http.post("/uploads", content=content, headers={"content-type": "text/csv"})).json()["id"]
    idle = resident(worker, "VmRSS")
    (import_id, found.imported), found.pages["during the import"] = await client.beside(client.imported(upload_id))
    found.grown = resident(worker, "VmHWM") - idle
    made = await asyncio.to_thread(count)
    if not found.alone:
        found.undone, found.pages["during the undo"] = await client.beside(client.undone(import_id))
    await client.http.aclose()
    return made


def served(size: int, given: Sequence[Person], found: Found) -> list[int]:
    """Imports and undoes on a server of its own; tells how many rows there were in between."""
    path = data.copied(PRESENT, f"imports-{size}")
    try:
        return serving(environment("ours", path), data.world(path), given, found, lambda: counted(path))
    finally:
        data.removed(f"imports-{size}")


def serving(
    environment: Mapping[str, str],
    world: data.World,
    given: Sequence[Person],
    found: Found,
    count: Callable[[], list[int]],
) -> list[int]:
    """Has a server with its worker import and undo; tells how many rows there were in between."""
    settings = {**environment, "PORT": str(PORT), "ROLODESK_LOG_LEVEL": "info"}
    told = data.DIRECTORY / "imports.log"
    with told.open("w") as log:
        command = [sys.executable, "-m", "server", "serve"]
        server = subprocess.Popen(command, env={**os.environ, **settings}, stdout=log, stderr=log)
        try:
            ready(server, PORT)
            made = asyncio.run(ours(server.pid, world, given, found, count))
        finally:
            server.terminate()
            server.wait(20)
    found.holds = [float(one) for one in re.findall(r"the writer held for (\d+) ms", told.read_text())]
    return made


def compared(size: int) -> Found:
    found, given = Found(size), people(size)

    def floor() -> list[int]:
        path = data.copied(PRESENT, "bare")
        found.bare.append(bare(path, data.world(path).workspace_id, given))
        made = counted(path)
        data.removed("bare")
        return made

    least = floor()
    made = served(size, given, found)
    floor()
    if made != least:
        raise RuntimeError(f"The import made other rows than the bare one: {made} and {least} of {TABLES}.")
    return found


def main() -> None:
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    print(f"{size:,} customers; load of the machine at the start {os.getloadavg()[0]:.1f}", flush=True)
    if "--alone" not in sys.argv:
        print(compared(size).told())
        return
    usual = alone(USUAL) if size > USUAL else None
    found = alone(size)
    if usual is not None:
        print(f"{found.imported / usual.imported:.2f} times as long as {USUAL:,}")


def alone(size: int) -> Found:
    found = Found(size, alone=True)
    served(size, people(size), found)
    print(f"{size:,}: {found.told()}", flush=True)
    return found


if __name__ == "__main__":
    main()
