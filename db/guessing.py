"""The limit on guessing: an attempt is counted before it is judged, at each door it comes through.

A door is an account, or a client's address. Doors of workspaces that do not exist are counted as well, so that nothing
tells one from the other.
"""

from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, select, update

from db.clock import DAY, MINUTE
from db.database import Database
from db.errors import RateLimited
from db.ids import hashed
from db.statements import Statement
from db.tables import GuessingLimit
from db.transaction import Maintenance, Transaction
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


async def attempt(database: Database, workspace_id: str | None, doors: Sequence[Door]) -> None:
    """Counts an attempt at each door; refused with RATE_LIMITED where one is over its limit.

    A door that was used up opens again after five minutes; used up again, after ten, twenty and so on up to five hours.
    """
    now, where = database.clock(), workspace_id or NOWHERE

    async def count(maintenance: Maintenance) -> int:
        counts = [_count(door, await _kept(maintenance, where, door, now), now) for door in in_order(doors)]
        closed_until = max(
            (c.window_ends_at for door, c in zip(in_order(doors), counts, strict=True) if c.failures >= door.most),
            default=0,
        )
        if not closed_until:
            for door, c in zip(in_order(doors), counts, strict=True):
                counted = c._replace(failures=c.failures + 1)._asdict()
                await maintenance.run(KEEP, workspace=where, door=hashed(door.name), **counted)
        return closed_until

    closed_until = await database.maintain(count)
    if closed_until:
        seconds = max(1, -(-(closed_until - now) // 1000))
        raise RateLimited(f"Too many attempts failed. Wait {seconds} seconds.", seconds)


def in_order(doors: Sequence[Door]) -> list[Door]:
    """Doors in the one order in which everybody locks them, so that nobody waits for each other."""
    return sorted(doors, key=lambda door: hashed(door.name))


async def _kept(maintenance: Maintenance, where: str, door: Door, now: int) -> Any:
    """The row of a door, locked; a door that was never tried gets one, so that two who come at once are both counted."""
    this = {"workspace": where, "door": hashed(door.name)}
    row = await maintenance.row(FIND, **this)
    if row is None:
        await maintenance.run(BEGIN, **this, window_ends_at=now + WINDOW)
        row = await maintenance.row(FIND, **this)
    return row


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
    for door in in_order(doors):
        await tx.run(FORGIVE, door=hashed(door.name))


async def forget(tx: Transaction, doors: Sequence[Door]) -> None:
    """Opens doors again, for an owner who proved to be it in another way."""
    for door in in_order(doors):
        await tx.run(FORGET, door=hashed(door.name))


async def forget_old(database: Database) -> None:
    """Removes what no longer counts, across workspaces."""
    before = database.clock() - DAY
    await database.maintain(lambda maintenance: maintenance.run(FORGET_OLD, before=before))


_g = columns(GuessingLimit)
_this = (_g.workspace_id == bindparam("workspace"), _g.door == bindparam("door"))
FIND = Statement(select(_g.failures, _g.window_ends_at, _g.doublings).where(*_this).with_for_update())
BEGIN = Statement(
    lambda dialect: (
        dialect.insert(GuessingLimit)
        .values(
            workspace_id=bindparam("workspace"),
            door=bindparam("door"),
            failures=0,
            window_ends_at=bindparam("window_ends_at"),
            doublings=0,
        )
        .on_conflict_do_nothing()
    )
)
KEEP = Statement(
    update(GuessingLimit)
    .where(*_this)
    .values({name: bindparam(name) for name in ("failures", "window_ends_at", "doublings")})
)
FORGET_OLD = Statement(delete(GuessingLimit).where(_g.window_ends_at < bindparam("before")))
FORGIVE = Statement(update(GuessingLimit).where(*_this, _g.failures > 0).values(failures=_g.failures - 1))
FORGET = Statement(delete(GuessingLimit).where(*_this))
