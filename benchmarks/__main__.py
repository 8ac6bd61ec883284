"""`python -m benchmarks`: builds the data, runs everything in turns, prints ratios and keeps the results."""

import argparse
import os
import time
from contextlib import ExitStack
from dataclasses import replace

from benchmarks import data, reporting
from benchmarks.checking import same_answers
from benchmarks.measuring import Line, Plan, reads_and_writes, unchanged
from benchmarks.moves import NotMoved, moves
from benchmarks.profiling import profile
from benchmarks.queries import BY_NAME
from benchmarks.scale import RUNS, SIZES, scale
from benchmarks.servers import Running, running

KINDS = ("floor", "ours", "loaders", "keeping", "alone")
NOTES = """floor: hand-written SQL, one statement, no GraphQL, no authentication; ours: with authentication, limits and
cost, answers not kept (`ROLODESK_ANSWER_CACHE=off`) and a rate limit of 1,000,000 points a second so that its code
runs; keeping: ours with answers kept; alone: ours without shared commits; loaders: Strawberry with DataLoaders.
One process each, 16 connections, in turns; medians. `by CPU` is the ratio of processor time a request."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--size", type=int, action="append", help="customers; default: 2000 and 100000 (quick: 2000)")
    parser.add_argument("--quick", action="store_true", help="about a minute, nothing to be relied on")
    parser.add_argument("--rounds", type=int, help="turns of each query")
    parser.add_argument("--seconds", type=float, help="of each turn")
    parser.add_argument("--query", action="append", choices=sorted(BY_NAME), help="only this one (may be repeated)")
    parser.add_argument("--server", action="append", choices=(*KINDS, "floor3"), help="only this one, beside the floor")
    parser.add_argument("--profile", choices=sorted(BY_NAME), help="where this query's time goes, instead")
    parser.add_argument("--moves", action="store_true", help="only moving everybody by a filter")
    parser.add_argument("--scale", action="store_true", help="only how reads grow, up to 1,000,000 customers (minutes)")
    parser.add_argument("--keep", action="store_true", help="write a partial run's results too")
    given = parser.parse_args()
    sizes = given.size or ([2_000] if given.quick or given.profile else [2_000, 100_000])
    plan = Plan(
        given.rounds or (3 if given.quick else 5),
        given.seconds or (0.5 if given.quick else 2.0),
        frozenset(given.query or ()),
    )
    if given.profile:
        print(profile(given.profile, sizes[0]))
        return
    if given.moves:
        for size in given.size or [100_000]:
            print(_moved(size, plan.rounds))
        return
    if given.scale:
        table = scale(given.size or SIZES)
        print(f"{table}\nkept in {reporting.write_scale(table, RUNS)}")
        return
    partial = bool(given.query or given.server) and not given.keep
    for size in sizes:
        kinds = ["floor", *dict.fromkeys(k for k in given.server or KINDS if k != "floor")]
        _run(size, plan, kinds, name=None if partial else f"{size}-quick" if given.quick else f"{size}")


def _run(size: int, plan: Plan, kinds: list[str], name: str | None) -> None:
    began = time.monotonic()
    path = data.database(size)
    world = data.world(path)
    with ExitStack() as stack:
        servers = {kind: stack.enter_context(running(kind, size)) for kind in kinds}
        plan = replace(plan, failed=frozenset(same_answers(list(servers.values()), world)))
        print(f"{size:,} customers; load of the machine at the start {os.getloadavg()[0]:.1f}\n\n{NOTES}\n", flush=True)
        lines = reads_and_writes(servers, str(path), plan, writes=False)
        grown = {k: s.memory("VmHWM") - s.idle for k, s in servers.items() if k not in {"keeping", "alone"}}
        parts = [NOTES, _shown(lines), _shown_processes(servers, grown)]
        if "keeping" in servers:
            kept = unchanged(servers, str(path), plan)
            parts.append(_shown(kept))
            lines += kept
        written = reads_and_writes(servers, str(path), plan, writes=True)
        parts.append(_shown(written))
        lines += written
    more = {"grown_bytes": grown, "started_in": {k: s.started_in for k, s in servers.items()}}
    if not plan.only:
        parts.append(_moved(size, 3))
        print(parts[-1])
    print(f"{time.monotonic() - began:.0f} s")
    if name:
        print(f"kept in {reporting.write(name, size, parts, lines, more)}")


def _shown(lines: list[Line]) -> str:
    text = reporting.table(lines) if lines else ""
    print(text + "\n", flush=True)
    return text


def _shown_processes(servers: dict[str, Running], grown: dict[str, int]) -> str:
    text = reporting.processes(servers, grown)
    print(text + "\n", flush=True)
    return text


def _moved(size: int, rounds: int) -> str:
    try:
        bulk = moves(size, rounds)
    except NotMoved as reason:
        return f"Moving {size:,} customers by a filter FAILED: {reason}"
    return (
        f"Moving {bulk['customers']:,} customers by a filter: {bulk['ours']:.2f} s; one bare transaction of the same "
        f"rows: {bulk['bare']:.2f} s; ratio {bulk['ratio']:.2f} (bar: at most 3)."
    )


if __name__ == "__main__":
    main()
