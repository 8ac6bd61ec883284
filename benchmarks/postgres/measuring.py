"""Reads and writes against the floor in turns, and two processes on two cores against one on one."""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median

from benchmarks.load import CONNECTIONS, Seen, Task, client, run
from benchmarks.measuring import Plan
from benchmarks.postgres import data
from benchmarks.postgres.servers import FLOOR
from benchmarks.queries import QUERIES, Query
from benchmarks.servers import Running
from tests.postgres import PostgresServer

READS_BAR = 0.85
PROCESSES_BAR = 1.7
SCALED = ("one", "fifty", "levels")
"""What is asked of one process and of two."""
_seeds = count(1_000)


@dataclass(frozen=True)
class Round:
    """What a client saw, and the processor's seconds for one request: in the server's process, and in PostgreSQL's."""

    seen: Seen
    own: float
    database: float


@dataclass(frozen=True)
class Line:
    """One query's rounds, of the floor (or of one process) and of ours (or of two)."""

    query: Query
    low: Sequence[Round]
    ours: Sequence[Round]

    @property
    def ratio(self) -> float:
        return median(one.seen.rate / low.seen.rate for one, low in zip(self.ours, self.low, strict=True))

    @property
    def by_processor(self) -> float:
        """The ratio if all cores were busy and nothing but the server and the database took time."""
        return median(one.own + one.database for one in self.low) / median(one.own + one.database for one in self.ours)


def _round(server: PostgresServer, processes: Sequence[Running], task: Task) -> Round:
    own, database = sum(one.cpu() for one in processes), data.cpu(server)
    seen = run(task)
    made = max(1, seen.count)
    return Round(seen, (sum(one.cpu() for one in processes) - own) / made, (data.cpu(server) - database) / made)


def against_the_floor(
    server: PostgresServer, servers: Mapping[str, Running], path: Path, plan: Plan, *, writes: bool
) -> list[Line]:
    """Every query in turns of the floor and of ours; medians come from the rounds after the first."""
    lines = []
    for query in QUERIES:
        if query.writes != writes or not plan.takes(query.name):
            continue
        rounds: dict[str, list[Round]] = {FLOOR: [], "ours": []}
        for number in range(plan.rounds + 1):
            for kind, found in rounds.items():
                seconds = plan.seconds if number else min(0.5, plan.seconds)
                running = servers[kind]
                task = Task(query.name, kind, running.port, str(path), seconds, next(_seeds))
                one = _round(server, [running], task)
                if number:
                    found.append(one)
        lines.append(Line(query, rounds[FLOOR], rounds["ours"]))
    return lines


def two_against_one(server: PostgresServer, pair: Sequence[Running], path: Path, plan: Plan) -> list[Line]:
    """One process with one core for it, PostgreSQL and the client, against two with two cores for all of these."""
    lines = []
    cores = sorted(os.sched_getaffinity(0))[:2]
    try:
        for query in QUERIES:
            if query.name not in SCALED or not plan.takes(query.name):
                continue
            rounds: dict[int, list[Round]] = {1: [], 2: []}
            for number in range(plan.rounds + 1):
                for processes, found in rounds.items():
                    _pin(server, pair, cores[:processes])
                    ports = tuple(one.port for one in pair[:processes])
                    seconds = plan.seconds if number else min(0.5, plan.seconds)
                    at_once = CONNECTIONS * processes
                    task = Task(
                        query.name, "ours", ports[0], str(path), seconds, next(_seeds), connections=at_once, ports=ports
                    )
                    one = _round(server, pair[:processes], task)
                    if number:
                        found.append(one)
            lines.append(Line(query, rounds[1], rounds[2]))
    finally:
        _pin(server, pair, cores)
    return lines


def _pin(server: PostgresServer, pair: Sequence[Running], cores: Collection[int]) -> None:
    for pid in (*data.processes(server), *(one.process.pid for one in pair), client().pid):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), cores)


def table(lines: Sequence[Line], low: str, ours: str, bar: float) -> str:
    """A table in Markdown."""
    head = ["query", "KB", "bar", f"{ours} / {low}", "by processor time"]
    head += [f"{what} {who}" for what in ("req/s", "µs server", "µs PostgreSQL", "p50/p99 ms") for who in (low, ours)]
    rows = [head, ["---"] * len(head)]
    for line in lines:
        both = (line.low, line.ours)
        first = line.low[0].seen
        row = [
            line.query.title,
            f"{first.bytes / first.count / 1000:.1f}",
            f"{line.query.bar if line.query.writes else bar:g}",
        ]
        row += [f"**{line.ratio:.2f}**", f"{line.by_processor:.2f}"]
        row += [f"{median(one.seen.rate for one in rounds):,.0f}" for rounds in both]
        row += [f"{median(one.own for one in rounds) * 1e6:,.0f}" for rounds in both]
        row += [f"{median(one.database for one in rounds) * 1e6:,.0f}" for rounds in both]
        row += [
            "/".join(f"{1000 * median(getattr(one.seen, which) for one in rounds):.1f}" for which in ("p50", "p99"))
            for rounds in both
        ]
        rows.append(row)
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
