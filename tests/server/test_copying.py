"""A database copied into another: every row, ids unchanged, gone on with after an interruption, and compared."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from db import copying
from db.clock import system_clock
from db.copying import NotCopied, copy
from db.engines.sqlite import SqliteDatabase
from db.errors import StorageBusy
from db.migrating import migrate
from server.__main__ import main
from tests import steps
from tests.conftest import Client, World


@asynccontextmanager
async def other(path: Path) -> AsyncIterator[SqliteDatabase]:
    """An empty database."""
    migrate(path)
    database = await SqliteDatabase.open(path, system_clock, readers=1)
    try:
        yield database
    finally:
        await database.close()


async def filled(admin: Client) -> None:
    """A tree whose parents have later ids than their children too, customers in it, and a log of all that."""
    low = await steps.well(admin, "createOrganization", "organization { id }", name="Below")
    top = await steps.well(admin, "createOrganization", "organization { id }", name="Above")
    target = {"parentId": top["organization"]["id"]}
    await steps.well(
        admin, "moveOrganization", "organization { id }", organizationId=low["organization"]["id"], to=target
    )
    for parent in (top, low):  # a name that is free below each of them
        await steps.well(
            admin, "createOrganization", "organization { id }", name="Sales", parentId=parent["organization"]["id"]
        )
    for number in range(25):
        await steps.customer(admin, f"c{number}@example.com", organizationId=low["organization"]["id"])


async def dump(database: SqliteDatabase) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    return {
        table.name: sorted((tuple(row) for row in await database.read(f'SELECT * FROM "{table.name}"')), key=repr)
        for table in copying.tables()
    }


async def test_a_copy_has_every_row_as_it_is(world: World, admin: Client, tmp_path: Path) -> None:
    await filled(admin)
    await world.workspace()
    async with other(tmp_path / "copy.db") as target:
        copied = await copy(world.database, target)
        assert copied.rows["customer"] == 25
        assert copied.rows["workspace"] == 2
        assert copied.written == sum(copied.rows.values())
        assert await dump(target) == await dump(world.database)
        parents = await target.read("SELECT name FROM organization WHERE parent_id IS NOT NULL")
        assert sorted(tuple(row) for row in parents) == [("Below",), ("Sales",), ("Sales",)]
        assert (await copy(world.database, target)).written == 0


async def test_an_interrupted_copy_goes_on_where_it_was(
    world: World, admin: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(admin)
    monkeypatch.setattr(copying, "PAGE", 7)
    async with other(tmp_path / "copy.db") as target:
        written = 0
        for stop in (3, 20, 60):
            pages = 0

            def told(_table: str, _done: int, _of: int, stop: int = stop) -> None:
                nonlocal pages
                pages += 1
                if pages == stop:
                    raise KeyboardInterrupt

            with pytest.raises(KeyboardInterrupt):
                await copy(world.database, target, told)
            now = sum([len(rows) for rows in (await dump(target)).values()])
            assert now > written
            written = now
        whole = await copy(world.database, target)
        assert whole.written == sum(whole.rows.values()) - written
        assert await dump(target) == await dump(world.database)


async def test_what_differs_is_told(world: World, admin: Client, tmp_path: Path) -> None:
    await filled(admin)
    async with other(tmp_path / "copy.db") as target:
        await copy(world.database, target)
        await world.database.read("SELECT 1")
        await steps.well(
            admin, "updateCustomer", "customer { id }", customer={"email": "c3@example.com"}, title="Buyer"
        )
        with pytest.raises(
            NotCopied, match=r"^workspace of wsp_\w+ differs: 1 rows in the source, 1 in the target, and"
        ):
            await copy(world.database, target)


async def test_a_target_with_another_workspace_is_refused(world: World, tmp_path: Path) -> None:
    async with other(tmp_path / "copy.db") as target:
        await copy(world.database, target)
        await world.workspace()
        with pytest.raises(NotCopied, match="Copy into an empty database"):
            await copy(target, world.database)


async def test_nobody_writes_to_the_source_meanwhile(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.engines.sqlite.BUSY_MILLISECONDS", 50)
    async with other(tmp_path / "a.db") as one, other(tmp_path / "copy.db") as target:
        await copy(world.database, one)
        tried = 0

        def told(_table: str, _done: int, _of: int) -> None:
            nonlocal tried
            if not tried:
                with pytest.raises(StorageBusy), one.held():
                    pass
            tried += 1

        await copy(one, target, told)
        assert tried
        with one.held():
            tried = 0
        assert tried == 0


def test_the_command_copies_and_says_what_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ROLODESK_DATA_DIR", str(tmp_path))
    assert main(["migrate"]) == 0
    assert main(["workspace", "create", "Mill"]) == 0
    capsys.readouterr()
    assert main(["copy", "--to", f"sqlite:///{tmp_path}/copy.db"]) == 0
    assert capsys.readouterr().out.startswith("1 rows of ")
    assert main(["copy", "--to", f"sqlite:///{tmp_path}/rolodesk.db"]) == 2
    assert "That is the database in use" in capsys.readouterr().err
    assert main(["copy", "--to", "mysql://somewhere"]) == 2
    assert "must begin with" in capsys.readouterr().err
