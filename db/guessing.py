"""The limit on guessing: an attempt is counted before it is judged, at each door it comes through.

A door is an account, or a client's address. Doors of workspaces that do not exist are counted as well, so that nothing
tells one from the other.
"""

from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, update

from db.clock import DAY, MINUTE
from db.errors import RateLimited
from db.ids import hashed
from db.sqlite import SqliteDatabase
from db.statements import Statement
from db.tables import GuessingLimit
from db.transaction import Transaction
from db.writing import columns

WINDOW = 5 * MINUTE
MOST_DOUBLINGS = 6
NOWHERE = ""
"""Stands for a workspace that does not exist."""


class Door(NamedTuple):
    """What attempts are counted at, and how many are allowed within a window."""

    name: str
    most: int = 10


def account(act: str, holder: str) -> Door:
    return Door(f"{act} account {holder}")


def client(act: str, address: str, most: int = 10) -> Door:
    """The door of a client's address; an IPv6 network of 64 bits counts as one client."""
    try:
        found = ip_address(address)
    except ValueError:
        return Door(f"{act} client {address}", most)
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return Door(f"{act} client {ip_network((found, 64), strict=False)}", most)
    return Door(f"{act} client {found}", most)


async def attempt(database: SqliteDatabase, workspace_id: str | None, doors: Sequence[Door]) -> None:
    """Counts an attempt at each door; refused with RATE_LIMITED where one is over its limit.

    A door that was used up opens again after five minutes; used up again, after ten, twenty and so on up to five hours.
    """
    now, where = database.clock(), workspace_id or NOWHERE

    def count(connection: Any) -> int:
        found = [(door, connection.execute(FIND, (where, hashed(door.name))).fetchone()) for door in doors]
        counts = [_count(door, row, now) for door, row in found]
        closed_until = max(
            (c.window_ends_at for door, c in zip(doors, counts, strict=True) if c.failures >= door.most), default=0
        )
        if not closed_until:
            for door, c in zip(doors, counts, strict=True):
                connection.execute(KEEP, (where, hashed(door.name), c.failures + 1, c.window_ends_at, c.doublings))
        return closed_until

    closed_until = await database.maintain(count)
    if closed_until:
        seconds = max(1, -(-(closed_until - now) // 1000))
        raise RateLimited(f"Too many attempts failed. Wait {seconds} seconds.", seconds)


class Count(NamedTuple):
    """How often a door was tried in a window, and how often the window was doubled."""

    failures: int
    window_ends_at: int
    doublings: int


def _count(door: Door, row: Any, now: int) -> Count:
    """What stands in a door's present window."""
    kept = Count(*row) if row else None
    if kept is None or kept.window_ends_at + DAY <= now:
        return Count(0, now + WINDOW, 0)
    if kept.window_ends_at > now:
        return kept
    doublings = min(kept.doublings + 1, MOST_DOUBLINGS) if kept.failures >= door.most else 0
    return Count(0, now + (WINDOW << doublings), doublings)


async def forgive(tx: Transaction, doors: Sequence[Door]) -> None:
    """Takes back an attempt that was right; what was counted before stays counted."""
    for door in doors:
        await tx.run(FORGIVE, door=hashed(door.name))


async def forget(tx: Transaction, doors: Sequence[Door]) -> None:
    """Opens doors again, for an owner who proved to be it in another way."""
    for door in doors:
        await tx.run(FORGET, door=hashed(door.name))


async def forget_old(database: SqliteDatabase) -> None:
    """Removes what no longer counts, across workspaces."""
    before = database.clock() - DAY
    await database.maintain(lambda connection: connection.execute(FORGET_OLD, (before,)) and None)


FIND = "SELECT failures, window_ends_at, doublings FROM guessing_limit WHERE workspace_id = ? AND door = ?"
KEEP = """
INSERT INTO guessing_limit (workspace_id, door, failures, window_ends_at, doublings) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (workspace_id, door) DO UPDATE
SET failures = excluded.failures, window_ends_at = excluded.window_ends_at, doublings = excluded.doublings
"""
FORGET_OLD = "DELETE FROM guessing_limit WHERE window_ends_at < ?"
_g = columns(GuessingLimit)
_this = (_g.workspace_id == bindparam("workspace"), _g.door == bindparam("door"))
FORGIVE = Statement(update(GuessingLimit).where(*_this, _g.failures > 0).values(failures=_g.failures - 1))
FORGET = Statement(delete(GuessingLimit).where(*_this))
