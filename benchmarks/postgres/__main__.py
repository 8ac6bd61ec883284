"""`python -m benchmarks.postgres` (`make bench ENGINE=postgres`): runs everything in turns, prints and keeps it."""

import argparse
import os
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.checking import ASKED, asked
from benchmarks.data import World, world
from benchmarks.load import Task, requests
from benchmarks.measuring import Plan
from benchmarks.postgres import data
from benchmarks.postgres.imports import compared
from benchmarks.postgres.measuring import PROCESSES_BAR, READS_BAR, against_the_floor, table, two_against_one
from benchmarks.postgres.servers import FLOOR, running
from benchmarks.queries import BY_NAME, QUERIES
from benchmarks.reporting import RESULTS, about
from benchmarks.servers import Running
from tests.postgres import PostgresServer

PARTS = ("reads", "writes", "processes", "import")
NOTES = """One PostgreSQL server of the run's own on the same machine; commits wait for its disk. floor: the server's own
statement through asyncpg from a bare Starlette route, over as many connections held open as the server's pool has; no
GraphQL, no authentication, no limits. ours: with all of these, answers not kept (`ROLODESK_ANSWER_CACHE=off`) and a rate
limit of 1,000,000 points a second so that its code runs. 16 connections of a client that shares the cores, in turns;
medians. `by processor time` is the ratio of what a request takes of the processor, in the server and in PostgreSQL."""
SCALING = """one: a process with one core, which it shares with PostgreSQL and the client; two: two processes (of 16
connections each) with two cores for them, PostgreSQL and the client."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.postgres", description=__doc__)
    parser.add_argument("--size", type=int, help="customers; default: 100000 (quick: 2000)")
    parser.add_argument("--imported", type=int, help="customers imported; default: 100000 (quick: 10000)")
    parser.add_argument("--quick", action="store_true", help="about two minutes, nothing to be relied on")
    parser.add_argument("--rounds", type=int, help="turns of each query")
    parser.add_argument("--seconds", type=float, help="of each turn")
    parser.add_argument("--query", action="append", choices=sorted(BY_NAME), help="only this one (may be repeated)")
    parser.add_argument("--part", action="append", choices=PARTS, help="only this one (may be repeated)")
    given = parser.parse_args()
    size = given.size or (2_000 if given.quick else 100_000)
    rounds, seconds = given.rounds or (3 if given.quick else 5), given.seconds or (1.0 if given.quick else 2.0)
    plan = Plan(rounds, seconds, frozenset(given.query or ()))
    parts = [part for part in PARTS if part in (given.part or PARTS)]
    found = [f"{size:,} customers; load of the machine at the start {os.getloadavg()[0]:.1f}", NOTES]
    print("\n\n".join(found), flush=True)
    with data.served() as server:
        began = time.monotonic()
        name, path = data.filled(server, size)
        print(f"copied and analysed in {time.monotonic() - began:.0f} s", flush=True)
        if set(parts) & {"reads", "writes", "processes"}:
            found += measured(server, server.url(name), path, plan, parts)
        if "import" in parts:
            found.append("## Import\n\n" + compared(server, given.imported or (10_000 if given.quick else 100_000)))
            print(found[-1], flush=True)
    if not given.query and not given.part:
        kept = RESULTS / f"postgres-{size}{'-quick' if given.quick else ''}.md"
        kept.write_text(f"# PostgreSQL, {size:,} customers\n\n{about()}\n\n" + "\n\n".join(found) + "\n")
        print(f"kept in {kept}")


def measured(server: PostgresServer, url: str, path: Path, plan: Plan, parts: list[str]) -> list[str]:
    found = []
    with ExitStack() as stack:
        servers = {kind: stack.enter_context(running(kind, url)) for kind in (FLOOR, "ours")}
        same_answers(servers, world(path))
        for part, writes in (("reads", False), ("writes", True)):
            if part in parts:
                lines = against_the_floor(server, servers, path, plan, writes=writes)
                found.append(f"## {part.title()}\n\n" + table(lines, "floor", "ours", READS_BAR))
                print(found[-1] + "\n", flush=True)
        if "processes" in parts:
            pair = [servers["ours"], stack.enter_context(running("ours", url))]
            lines = two_against_one(server, pair, path, plan)
            found.append(f"## Two processes\n\n{SCALING}\n\n" + table(lines, "one", "two", PROCESSES_BAR))
            print(found[-1] + "\n", flush=True)
    return found


def same_answers(servers: dict[str, Running], here: World) -> None:
    """Refuses to measure where the floor and the server do not answer each read byte for byte alike."""
    for query in QUERIES:
        if query.writes:
            continue
        for seed in range(ASKED):
            bodies = []
            for kind, server in servers.items():
                task = Task(query.name, kind, server.port, str(here.path), 0, seed)
                bodies.append(asked(server.port, next(requests(task, here))))
            if bodies[0] != bodies[1]:
                raise SystemExit(f"{query.name}: floor and server answer differently:\n{bodies[0]!r}\n{bodies[1]!r}")


if __name__ == "__main__":
    main()
