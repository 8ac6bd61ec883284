"""The worker: leases, taking over, trying again, stopping."""

import asyncio
from contextlib import AsyncExitStack
from email.message import EmailMessage
from typing import Any

import pytest

from db import guessing, job_queue
from db.clock import DAY, HOUR
from db.engines.opening import open_database
from db.errors import StorageBusy
from jobs import runner
from jobs.mailer import Envelope
from jobs.runner import drain, keep_house, run
from jobs.worker import Worker
from tests.conftest import Client, World
from tests.mailing import Caught, worker
from tests.steps import customer, well


async def jobs(world: World, columns: str = "status") -> list[Any]:
    return [row[0] if len(row) == 1 else row for row in await world.rows(f"SELECT {columns} FROM job ORDER BY id")]


async def until(condition: Any, seconds: float = 5) -> None:
    """Waits for something to become true."""
    for _ in range(int(seconds * 100)):
        if await condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("It did not happen in time.")


class Stuck(Caught):
    """A mailer whose server never answers."""

    async def send(self, message: EmailMessage, envelope: Envelope) -> str:
        self.mails.append((message, envelope))
        await asyncio.Event().wait()
        raise AssertionError


async def test_carries_out_what_comes_until_it_is_stopped(world: World, admin: Client) -> None:
    caught, stop = Caught(), asyncio.Event()
    running = asyncio.create_task(run(worker(world, caught), stop))
    for n in range(5):
        await customer(admin, f"ann{n}@example.com", sendInvitation=True)

    async def done() -> bool:
        return await jobs(world) == ["DONE"] * 5

    await until(done)
    stop.set()
    await asyncio.wait_for(running, 2)
    assert sorted(e.recipient for _, e in caught.mails) == [f"ann{n}@example.com" for n in range(5)]


async def test_a_worker_that_is_stopped_hands_its_job_back(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "GRACE_SECONDS", 0.05)
    await customer(admin, "ann@example.com", sendInvitation=True)
    stuck, stop = Stuck(), asyncio.Event()
    running = asyncio.create_task(run(worker(world, stuck, name="first"), stop))

    async def begun() -> bool:
        return len(stuck.mails) == 1

    await until(begun)
    assert await jobs(world, "status, leased_by, attempts") == [("RUNNING", "first", 1)]
    stop.set()
    await asyncio.wait_for(running, 2)
    assert await jobs(world, "status, leased_by, attempts") == [("WAITING", None, 0)]
    caught = Caught()
    assert await drain(worker(world, caught, name="second")) == 1
    assert len(caught.mails) == 1


async def test_a_leased_job_is_nobody_elses_until_its_lease_ends(world: World, admin: Client) -> None:
    await customer(admin, "ann@example.com", sendInvitation=True)
    taken = await job_queue.claim(world.database, "killed", world.clock())
    assert taken is not None
    caught = Caught()
    assert await drain(worker(world, caught)) == 0
    world.clock.advance(job_queue.LEASE_MILLISECONDS - 1_000)
    assert await drain(worker(world, caught)) == 0
    world.clock.advance(1_000)
    assert await drain(worker(world, caught)) == 1
    assert len(caught.mails) == 1
    assert await jobs(world, "status, attempts") == [("DONE", 2)]


async def test_a_job_is_held_as_long_as_it_is_carried_out(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "HOLD_SECONDS", 0.01)
    await customer(admin, "ann@example.com", sendInvitation=True)

    class Slow(Caught):
        async def send(self, message: EmailMessage, envelope: Envelope) -> str:
            for _ in range(4):
                world.clock.advance(job_queue.LEASE_MILLISECONDS // 2)
                await asyncio.sleep(0.05)
                assert await job_queue.claim(world.database, "other", world.clock()) is None
            return await super().send(message, envelope)

    slow = Slow()
    assert await drain(worker(world, slow)) == 1
    assert await jobs(world) == ["DONE"]


async def test_a_worker_lets_go_of_a_job_that_was_taken_over(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "HOLD_SECONDS", 0.01)
    await customer(admin, "ann@example.com", sendInvitation=True)
    stuck = Stuck()
    first = asyncio.create_task(drain(worker(world, stuck, name="first")))

    async def begun() -> bool:
        return len(stuck.mails) == 1

    await until(begun)
    await world.run("UPDATE job SET leased_by = 'second'")
    assert await asyncio.wait_for(first, 2) == 1
    assert await jobs(world, "status, leased_by") == [("RUNNING", "second")]


async def test_a_job_that_fails_is_tried_again_later_each_time(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_worker: Worker, _job: Any) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(runner, "CARRY", {"MAIL": broken})
    await customer(admin, "ann@example.com", sendInvitation=True)
    waits = []
    for _ in range(12):
        assert await drain(worker(world, Caught())) == 1
        ((status, due_at, reason),) = await jobs(world, "status, due_at, last_error")
        assert (status, reason) == ("WAITING", "ZeroDivisionError: a defect")
        waits.append(round((due_at - world.clock()) / 1000))
        world.clock.advance(due_at - world.clock())
    assert waits == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]
    assert "a defect" in caplog.text


async def test_a_job_that_never_ends_is_given_up(world: World, admin: Client) -> None:
    await customer(admin, "ann@example.com", sendInvitation=True)
    await world.run("UPDATE job SET attempts = ?", (runner.MOST_ATTEMPTS["MAIL"],))
    caught = Caught()
    await drain(worker(world, caught))
    assert caught.mails == []
    reason = "It was begun too often and never ended."
    assert await jobs(world, "status, last_error") == [("FAILED", reason)]
    shown = await world.rows("SELECT delivery, delivery_message FROM invitation")
    assert shown == [("BOUNCED", reason)]


async def test_two_workers_share_the_jobs_and_do_none_twice(world: World, admin: Client) -> None:
    ids = [await customer(admin, f"ann{n}@example.com") for n in range(40)]
    await well(admin, "inviteCustomers", customerIds=ids)
    async with AsyncExitStack() as stack:
        other = await open_database(world.where, world.clock)
        stack.push_async_callback(other.close)
        first, second = Caught(), Caught()
        counts = await asyncio.gather(
            drain(worker(world, first, name="first")), drain(worker(world, second, name="second", database=other))
        )
    assert sum(counts) == 40
    assert min(counts) > 0
    sent = [e.recipient for _, e in (*first.mails, *second.mails)]
    assert sorted(sent) == sorted(f"ann{n}@example.com" for n in range(40))


async def test_what_expired_is_removed(world: World, admin: Client) -> None:
    ann = await customer(admin, "ann@example.com", sendInvitation=True)
    await drain(worker(world, Caught()))
    await world.customer_session(ann)
    await guessing.attempt(world.database, None, (guessing.account("signIn", "x"),))
    world.clock.advance(31 * DAY)
    await keep_house(worker(world, Caught()))
    for table in ("session", "guessing_limit", "job"):
        assert await world.rows(f"SELECT * FROM {table}") == [], table


async def test_what_still_counts_is_kept(world: World, admin: Client) -> None:
    ann = await customer(admin, "ann@example.com", sendInvitation=True)
    await world.customer_session(ann)
    await guessing.attempt(world.database, None, (guessing.account("signIn", "x"),))
    world.clock.advance(HOUR)
    await keep_house(worker(world, Caught()))
    for table in ("session", "guessing_limit", "job"):
        assert len(await world.rows(f"SELECT * FROM {table}")) == 1, table


async def test_a_busy_database_does_not_end_the_worker(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process holds the file for a moment; the worker goes on afterwards."""
    await customer(admin, "ann@example.com", sendInvitation=True)
    claim, refused = job_queue.claim, [StorageBusy("held by another process")] * 2

    async def busy(*arguments: Any) -> Any:
        if refused:
            raise refused.pop()
        return await claim(*arguments)

    monkeypatch.setattr(job_queue, "claim", busy)
    caught, stop = Caught(), asyncio.Event()
    running = asyncio.create_task(run(worker(world, caught), stop))

    async def sent() -> bool:
        return await jobs(world) == ["DONE"]

    await until(sent)
    stop.set()
    await asyncio.wait_for(running, 2)


async def test_mails_are_sent_no_faster_than_the_mail_server_allows(world: World, admin: Client) -> None:
    """Two a second: two at once, and one more for each half second that passes."""
    for number in range(6):
        await customer(admin, f"c{number}@example.com", sendInvitation=True)
    moment = world.clock()
    caught, stop = Caught(), asyncio.Event()
    slow = worker(world, caught, mails_a_minute=120, clock=lambda: moment)
    running = asyncio.create_task(run(slow, stop))

    async def sent(count: int) -> None:
        async def so_many() -> bool:
            return len(caught.mails) == count

        await until(so_many)
        await asyncio.sleep(0.6)  # longer than a worker rests
        assert len(caught.mails) == count

    await sent(2)
    moment += 500
    await sent(3)
    moment += 60_000  # what was not used is not saved up
    await sent(5)
    stop.set()
    await running
