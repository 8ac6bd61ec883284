"""The pool of connections: how many, who gets which, and what becomes of those that are cut, old or not wanted any more."""

import asyncio
from dataclasses import dataclass

import pytest

from db.engines import pool as pools
from db.engines.pool import Pool
from db.errors import StorageBusy


@dataclass(eq=False)
class Line:
    """Stands for a connection."""

    number: int
    closed: bool = False

    def is_closed(self) -> bool:
        return self.closed

    def terminate(self) -> None:
        self.closed = True


class Opening:
    """Opens lines and counts them."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.fails = False

    async def __call__(self) -> Line:
        await asyncio.sleep(0)
        if self.fails:
            raise ConnectionRefusedError
        self.lines.append(Line(len(self.lines) + 1))
        return self.lines[-1]


async def test_opens_no_more_than_so_many_and_lends_the_last_used_first() -> None:
    opening = Opening()
    pool = Pool(opening, 2, 5)
    first, second = await pool.take(), await pool.take()
    waiting = [asyncio.create_task(pool.take()) for _ in range(2)]
    await asyncio.sleep(0.01)
    assert not any(task.done() for task in waiting)
    pool.give_back(first)
    assert await waiting[0] is first
    pool.give_back(second)
    assert await waiting[1] is second
    pool.give_back(first)
    pool.give_back(second)
    assert await pool.take() is second
    assert [line.number for line in opening.lines] == [1, 2]


async def test_refuses_who_waited_too_long_and_nobody_else() -> None:
    pool = Pool(Opening(), 1, 0.1)
    held = await pool.take()
    early = asyncio.create_task(pool.take())
    await asyncio.sleep(0.06)
    late = asyncio.create_task(pool.take())
    with pytest.raises(StorageBusy, match="All connections"):
        await early
    assert not late.done()
    pool.give_back(held)
    assert await late is held


async def test_a_connection_for_somebody_who_left_goes_to_the_next() -> None:
    pool = Pool(Opening(), 1, 5)
    held = await pool.take()
    gone, stays = asyncio.create_task(pool.take()), asyncio.create_task(pool.take())
    await asyncio.sleep(0)
    pool.give_back(held)  # it is given to the first, who leaves at the same moment
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert await stays is held


async def test_one_that_was_cut_makes_room_for_another() -> None:
    opening = Opening()
    pool = Pool(opening, 1, 5)
    cut = await pool.take()
    waiting = asyncio.create_task(pool.take())
    await asyncio.sleep(0)
    cut.terminate()
    pool.give_back(cut)
    assert (await waiting).number == 2
    opening.fails = True
    opening.lines[1].terminate()
    pool.give_back(opening.lines[1])
    for _ in range(3):  # what could not be opened takes no room
        with pytest.raises(ConnectionRefusedError):
            await pool.take()
    opening.fails = False
    assert (await pool.take()).number == 3


async def test_one_that_was_idle_for_long_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    opening = Opening()
    pool = Pool(opening, 1, 5)
    pool.give_back(await pool.take())
    monkeypatch.setattr(pools, "IDLE_SECONDS", 0)
    assert (await pool.take()).number == 2
    assert opening.lines[0].closed


async def test_closing_waits_for_what_is_lent_as_long_as_anybody_would() -> None:
    opening = Opening()
    pool = Pool(opening, 3, 0.2)
    idle, back, never = await pool.take(), await pool.take(), await pool.take()
    pool.give_back(idle)
    closing = asyncio.create_task(pool.close())
    await asyncio.sleep(0.05)
    assert (idle.closed, back.closed, never.closed) == (True, False, False)
    pool.give_back(back)
    assert back.closed
    await closing
    assert never.closed
