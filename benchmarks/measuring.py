"""A run: every query against every server, in turns, several rounds."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.load import CONNECTIONS, Seen, Task, run
from benchmarks.queries import QUERIES
from benchmarks.servers import Running


@dataclass(frozen=True)
class Measured:
    """One client's view, and what it cost the server."""

    seen: Seen
    cpu: float
    """Seconds of the server's processor for one request."""


@dataclass
class Line:
    """One line of the table: rounds of each server, the floor's first."""

    name: str
    title: str
    bar: float
    rounds: Mapping[str, list[Measured]]

    def ratio(self, kind: str, floor: str = "floor") -> float:
        """The median over the rounds of a server's requests a second to the floor's."""
        pairs = zip(self.rounds[kind], self.rounds[floor], strict=True)
        return median(one.seen.rate / low.seen.rate for one, low in pairs)

    def cpu_ratio(self, kind: str, floor: str = "floor") -> float:
        """The floor's processor time a request to a server's: what the ratio were if nothing else counted."""
        return self.cpu(floor) / self.cpu(kind)

    def cpu(self, kind: str) -> float:
        return median(one.cpu for one in self.rounds[kind])

    def rate(self, kind: str) -> float:
        return median(one.seen.rate for one in self.rounds[kind])

    def milliseconds(self, kind: str, which: str) -> float:
        return 1000 * median(getattr(one.seen, which) for one in self.rounds[kind])

    def kilobytes(self, kind: str) -> float:
        one = self.rounds[kind][0].seen
        return one.bytes / one.count / 1000


def measured(server: Running, task: Task) -> Measured:
    before = server.cpu()
    seen = run(task)
    return Measured(seen, (server.cpu() - before) / max(1, seen.count))


@dataclass(frozen=True)
class Plan:
    """How long a run takes."""

    rounds: int
    seconds: float
    only: frozenset[str] = frozenset()
    failed: frozenset[tuple[str, str]] = frozenset()
    """Servers that cannot answer a query, with that query's name."""

    def takes(self, name: str) -> bool:
        return not self.only or name in self.only


def reads_and_writes(servers: Mapping[str, Running], path: str, plan: Plan, *, writes: bool) -> list[Line]:
    """Reads with variables that differ and no answers kept; or writes."""
    lines = []
    for query in QUERIES:
        if query.writes != writes or not plan.takes(query.name):
            continue
        kinds = [k for k in servers if k != "keeping" and (writes or k != "alone")]
        if writes:
            kinds = [k for k in kinds if k != "floor3"]
        rounds = _rounds(servers, kinds, path, plan, query.name)
        lines.append(Line(query.name, query.title, query.bar, rounds))
    return lines


def unchanged(servers: Mapping[str, Running], path: str, plan: Plan) -> list[Line]:
    """The large reads, the same ones again: answers kept, asked for with and without their tags."""
    lines = []
    for etags in (True, False):
        for query in QUERIES:
            if query.unchanged and plan.takes(query.name):
                rounds = _rounds(servers, ["floor", "keeping"], path, plan, query.name, same=True, etags=etags)
                how = "unchanged, If-None-Match" if etags else "unchanged, sent again"
                lines.append(Line(f"{query.name}, {how}", f"{query.title}; {how}", 4, rounds))
    return lines


def _rounds(
    servers: Mapping[str, Running],
    kinds: Sequence[str],
    path: str,
    plan: Plan,
    query: str,
    *,
    same: bool = False,
    etags: bool = False,
) -> Mapping[str, list[Measured]]:
    found: dict[str, list[Measured]] = defaultdict(list)
    kinds = [kind for kind in kinds if (kind, query) not in plan.failed]
    for number in range(plan.rounds + 1):
        for kind in kinds:
            tagged = etags and kind == "keeping"
            seconds = plan.seconds if number else min(0.3, plan.seconds)
            task = Task(
                query,
                kind,
                servers[kind].port,
                path,
                seconds,
                seed=1 if same else 1_000 * number + len(found),
                connections=CONNECTIONS,
                same=same,
                etags=tagged,
            )
            one = measured(servers[kind], task)
            if number:  # the first round warms up
                found[kind].append(one)
    return found
