"""A migration of a version to come, while servers of this version answer: nobody is refused, and nobody waits for long."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from db import migrating
from db.migrating import Behind, current, migrate, require_current
from tests.conftest import Client, World
from tests.steps import customer, emails

NEXT = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "9001", "{head}"


def upgrade() -> None:
    op.add_column("customer", sa.Column("nickname", sa.Text(), nullable=True))
    op.add_column("workspace", sa.Column("motto", sa.Text(), nullable=False, server_default=""))
    op.create_table("nicety", sa.Column("workspace_id", sa.Text(), primary_key=True))
    op.create_index("customer_nickname", "customer", ["workspace_id", "nickname"])
"""
LONGEST_SECONDS = 4.5
"""A migration waits two seconds for a table, and who came after it as long; who stood in its way is asked again after one."""


@pytest.fixture
def following(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Makes of this version the one to come: its migrations, and one more that adds."""
    made = tmp_path / "migrations"
    shutil.copytree(migrating.SCRIPTS, made)
    (made / "versions" / "9001_later.py").write_text(NEXT.format(head=migrating.newest()))
    return lambda: monkeypatch.setattr(migrating, "SCRIPTS", made)


@asynccontextmanager
async def traffic(admin: Client) -> AsyncIterator[list[float]]:
    """Reads and writes all the time; how long each took. Any refusal fails the test."""
    taken: list[float] = []
    over = asyncio.Event()

    async def ask(who: int) -> None:
        number = 0
        while not over.is_set():
            began, number = time.monotonic(), number + 1
            await customer(admin, f"c{who}-{number}@example.com", firstName=f"No {number}")
            assert await emails(admin, {"email": {"eq": f"c{who}-{number}@example.com"}})
            await admin.ask('{ customers(search: "no") { totalCount } organizations { totalCount } }')
            taken.append(time.monotonic() - began)

    asking = [asyncio.create_task(ask(who)) for who in range(4)]
    try:
        yield taken
    finally:
        over.set()
        await asyncio.gather(*asking)


async def test_servers_go_on_while_the_next_version_migrates_and_after_it(
    world: World, admin: Client, following: Callable[[], None]
) -> None:
    async with traffic(admin) as taken:
        while len(taken) < 20:  # noqa: ASYNC110  statements are known by then, on every connection
            await asyncio.sleep(0.01)
        following()
        assert await asyncio.to_thread(migrate, world.where) == "9001"
        before = len(taken)
        while len(taken) < before + 40:  # noqa: ASYNC110  all of them meet the changed tables
            await asyncio.sleep(0.01)
    assert max(taken) < LONGEST_SECONDS
    assert await world.rows("SELECT count(*) FROM nicety") == [(0,)]
    found = await admin.ask("{ customers { totalCount } }")
    assert found["customers"]["totalCount"] == len(taken)


@pytest.mark.postgres
async def test_a_migration_lets_others_pass_where_a_table_is_in_use_for_long(
    world: World, admin: Client, following: Callable[[], None]
) -> None:
    long = await asyncpg.connect(str(world.where))
    try:
        reading = long.transaction()
        await reading.start()
        await long.execute("SELECT 1 FROM customer")
        async with traffic(admin) as taken:
            following()
            migration = asyncio.create_task(asyncio.to_thread(migrate, world.where))
            await asyncio.sleep(5.5)
            assert not migration.done()
            await reading.rollback()
            assert await migration == "9001"
        assert len(taken) > 20
        assert max(taken) < LONGEST_SECONDS
    finally:
        await long.close()


@pytest.mark.postgres
async def test_a_migration_gives_up_where_a_table_is_in_use_all_the_time(
    world: World, following: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrating, "ATTEMPTS", 2)
    before = await asyncio.to_thread(current, world.where)
    long = await asyncpg.connect(str(world.where))
    try:
        reading = long.transaction()
        await reading.start()
        await long.execute("SELECT 1 FROM customer")
        following()
        with pytest.raises(Behind, match=r"in use all the time\. Nothing was changed; run rolodesk migrate again"):
            await asyncio.to_thread(migrate, world.where)
        assert await asyncio.to_thread(current, world.where) == before
    finally:
        await long.close()


async def test_a_server_does_not_start_on_a_database_ahead_of_it_or_behind_it(
    world: World, following: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = migrating.SCRIPTS
    head = migrating.newest()
    following()
    with pytest.raises(Behind, match=rf"is at revision {head}; this version needs 9001\. Run: rolodesk migrate"):
        await asyncio.to_thread(require_current, world.where)
    await asyncio.to_thread(migrate, world.where)
    await asyncio.to_thread(require_current, world.where)
    monkeypatch.setattr(migrating, "SCRIPTS", here)
    with pytest.raises(Behind, match=r"is at revision 9001, which this version does not know\. Run a newer version"):
        await asyncio.to_thread(require_current, world.where)
    with pytest.raises(Behind, match=r"is at revision 9001, which this version does not know\. Run a newer version"):
        await asyncio.to_thread(migrate, world.where)
