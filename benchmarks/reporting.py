"""Results as a table, and as files in `benchmarks/results`."""

import json
import os
import platform
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.measuring import Line
from benchmarks.servers import Running

RESULTS = Path(__file__).parent / "results"
MIB = 1 << 20


def machine() -> dict[str, Any]:
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "system": platform.platform(terse=True),
    }


def table(lines: Sequence[Line]) -> str:
    """A table in Markdown: the ratios first, then what they are made of."""
    kinds = list(dict.fromkeys(kind for line in lines for kind in line.rounds))
    others = [kind for kind in kinds if kind != "floor"]
    head = ["query", "KB", "bar", *(f"{k} / floor" for k in others), *(f"by CPU {k}" for k in others)]
    head += [f"req/s {k}" for k in kinds] + [f"CPU us {k}" for k in kinds] + [f"p50/p99 ms {k}" for k in kinds]
    rows = []
    for line in lines:
        there = [kind if kind in line.rounds else None for kind in kinds]
        compared = [kind for kind in there if kind != "floor"]
        row = [line.title, f"{line.kilobytes('floor'):.1f}", f"{line.bar:g}"]
        row += [f"**{line.ratio(k):.2f}**" if k else "" for k in compared]
        row += [f"{line.cpu_ratio(k):.2f}" if k else "" for k in compared]
        row += [f"{line.rate(k):,.0f}" if k else "" for k in there]
        row += [f"{line.cpu(k) * 1e6:,.0f}" if k else "" for k in there]
        row += [f"{line.milliseconds(k, 'p50'):.1f}/{line.milliseconds(k, 'p99'):.1f}" if k else "" for k in there]
        rows.append(row)
    shown = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in shown)


def processes(servers: Mapping[str, Running], grown: Mapping[str, int]) -> str:
    """What each process took to start, and how its memory grew under the reads."""
    rows = [
        "| process | start to first answer, s | idle, MiB | grown, MiB | grown to floor's |",
        "|---|---|---|---|---|",
    ]
    for kind, server in servers.items():
        if kind in grown:
            ratio = f"{grown[kind] / max(1, grown['floor']):.2f}"
            parts = (kind, f"{server.started_in:.2f}", f"{server.idle / MIB:.0f}", f"{grown[kind] / MIB:.0f}", ratio)
            rows.append("| " + " | ".join(parts) + " |")
    return "\n".join(rows)


def write(name: str, size: int, parts: Sequence[str], lines: Sequence[Line], more: Mapping[str, Any]) -> Path:
    """Keeps a run's results; answers the Markdown file."""
    RESULTS.mkdir(exist_ok=True)
    here = machine()
    text = f"# {size:,} customers\n\n{about()}\n\n" + "\n\n".join(parts) + "\n"
    path = RESULTS / f"{name}.md"
    path.write_text(text)
    raw = {
        "machine": here,
        "size": size,
        **more,
        "lines": [
            {"name": one.name, "bar": one.bar, "rounds": {k: [asdict(m) for m in v] for k, v in one.rounds.items()}}
            for one in lines
        ],
    }
    path.with_suffix(".json").write_text(json.dumps(raw, indent=1) + "\n")
    return path


def write_scale(table: str, runs: int) -> Path:
    """Keeps how reads grow."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / "scale.md"
    told = (
        f"Medians of {runs} runs of the engine, warm, without HTTP, answers not kept; an organization for 20 customers."
    )
    path.write_text(f"# How reads grow\n\n{about()}\n\n{told}\n\n{table}\n")
    return path


def about() -> str:
    return ", ".join(f"{key} {value}" for key, value in machine().items())
