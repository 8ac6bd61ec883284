"""Moving everybody by a filter, against one bare transaction of the same rows on the same file."""

import asyncio
import os
import time
from statistics import median
from typing import Any

import httpx2

from benchmarks import data, servers
from db.engines.sqlite_connections import PRAGMAS
from server.serving import create

import sqlite3  # isort: skip  the one that db put in its place

DOCUMENT = "mutation Move($input: MoveCustomersInput!) { moveCustomers(input: $input) { count errors { message } } }"

UPDATE = """UPDATE customer SET organization_id = ?2, version = version + 1, updated_at = ?3
WHERE workspace_id = ?1 AND archived_at IS NULL AND organization_id IS NOT ?2"""
CHANGE = """INSERT INTO change (workspace_id, number, at, operation, count)
VALUES (?1, ?2, ?3, 'bare', 0)"""
LOG = """INSERT INTO change_record (workspace_id, number, record_id, action, before, after)
SELECT workspace_id, ?3, id, 'MOVED',
  json_object('organizationId', organization_id), json_object('organizationId', ?2)
FROM customer WHERE workspace_id = ?1 AND archived_at IS NULL AND organization_id IS NOT ?2"""


class NotMoved(Exception):  # noqa: N818  a result
    """The mutation refused, or moved too few."""


def moves(size: int, rounds: int) -> dict[str, Any]:
    """Moves all customers there and back, in turns; the ratio of the times (the bar: at most 3)."""
    path = data.copied(size, "moves")
    os.environ |= {k: v for k, v in servers.environment("ours", path).items() if k.startswith("ROLODESK_")}
    try:
        pairs = asyncio.run(_pairs(data.world(path), rounds))
    finally:
        data.removed("moves")
    return {
        "customers": size,
        "ours": median(ours for ours, _ in pairs),
        "bare": median(bare for _, bare in pairs),
        "ratio": median(ours / bare for ours, bare in pairs),
    }


async def _pairs(world: data.World, rounds: int) -> list[tuple[float, float]]:
    app = create()
    pairs = []
    targets = [record_id for record_id, _ in world.organizations]
    async with app.router.lifespan_context(app):
        for number in range(rounds):
            ours = await _ours(app, world, targets[2 * number])
            bare = await asyncio.to_thread(_bare, world, targets[2 * number + 1], -1 - number)
            pairs.append((ours, bare))
    return pairs


async def _ours(app: Any, world: data.World, target: str) -> float:
    given = {"filter": {"not": {"ids": []}}, "to": {"organizationId": target}}
    transport = httpx2.ASGITransport(app=app)
    headers = {"authorization": f"Bearer {world.key}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost", timeout=600) as client:
        began = time.perf_counter()
        body = {"query": DOCUMENT, "variables": {"input": given}}
        answer = await client.post("/graphql", json=body, headers=headers)
        seconds = time.perf_counter() - began
    payload = answer.json().get("data", {}).get("moveCustomers")
    if not payload or payload["errors"] or payload["count"] < len(world.customers) * 0.9:
        raise NotMoved(f"Not everybody was moved in {seconds:.1f} s: {answer.text[:500]}")
    return seconds


def _bare(world: data.World, target: str, number: int) -> float:
    """The same rows in one transaction; its change has a number that ours never takes."""
    connection = sqlite3.connect(world.path, isolation_level=None)
    for name, value in PRAGMAS:
        connection.execute(f"PRAGMA {name} = {value}")
    began = time.perf_counter()
    given = (world.workspace_id, target, time.time_ns() // 1_000_000)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(CHANGE, (given[0], number, given[2]))
    connection.execute(LOG, (*given[:2], number))
    connection.execute(UPDATE, given)
    connection.execute("COMMIT")
    seconds = time.perf_counter() - began
    connection.close()
    return seconds
