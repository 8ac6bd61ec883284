"""What goes on when something beside a request fails."""

import asyncio
import sqlite3
from typing import Any

import pytest

from db import viewers
from db.errors import StorageFull
from db.transaction import Maintenance
from resolvers.signals import Signals
from tests.conftest import Client, World


async def test_a_read_is_answered_though_its_use_cannot_be_noted(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk reads go on; noting when a key was last used is a write."""

    async def full(*_: Any) -> None:
        raise StorageFull("The disk is full.")

    monkeypatch.setattr(viewers, "use", full)
    assert (await admin.ask("{ workspace { slug } }"))["workspace"] == {"slug": world.slug}


async def test_those_who_wait_for_a_change_outlast_a_look_that_failed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    signals, looks = Signals(world.database), []
    honest = world.database.read

    async def failing_once(text: str, parameters: Any = ()) -> Any:
        looks.append(text)
        if len(looks) == 1:
            raise StorageFull("The first look fails.")
        return await honest(text, parameters)

    monkeypatch.setattr(world.database, "read", failing_once)
    await asyncio.wait_for(signals.moved(world.workspace_id, -1), 5)
    assert len(looks) == 2
    await signals.close()


@pytest.mark.sqlite
async def test_maintenance_whose_commit_fails_leaves_the_writer_free(world: World) -> None:
    async def orphan(maintenance: Maintenance) -> None:
        run = maintenance.connection.run
        await run("PRAGMA defer_foreign_keys = ON", ())
        await run("INSERT INTO project_customer VALUES ('w', 'nothing', 'nobody', 0)", ())

    with pytest.raises(sqlite3.IntegrityError):
        await world.database.maintain(orphan)
    assert await world.database.maintain(lambda m: m.connection.rows("SELECT 1", ())) == [(1,)]
