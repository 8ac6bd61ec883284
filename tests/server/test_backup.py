"""A backup taken while the database is written to, and put back."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from db.backup import Unsound, backup, restore
from tests import steps
from tests.conftest import Client, World

pytestmark = pytest.mark.sqlite


def counted(path: Path) -> dict[str, int]:
    """How many rows each table has."""
    with closing(sqlite3.connect(path)) as connection:
        names = [n for (n,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}


async def test_what_is_put_back_is_what_was_there(world: World, admin: Client, tmp_path: Path) -> None:
    for number in range(20):
        await steps.customer(admin, f"c{number}@example.com")
    before = counted(world.database.path)
    backup(world.database.path, tmp_path / "copy.db")
    restore(tmp_path / "copy.db", tmp_path / "elsewhere" / "rolodesk.db")
    assert counted(tmp_path / "elsewhere" / "rolodesk.db") == before
    assert before["customer"] == 20


async def test_writers_go_on_and_the_copy_holds_whole_changes(world: World, admin: Client, tmp_path: Path) -> None:
    async def writing() -> None:
        for number in range(60):
            await steps.customer(admin, f"w{number}@example.com")

    writers = asyncio.create_task(writing())
    for number in range(5):
        await asyncio.to_thread(backup, world.database.path, tmp_path / f"copy{number}.db")
        with closing(sqlite3.connect(tmp_path / f"copy{number}.db")) as connection:
            customers = connection.execute("SELECT count(*) FROM customer").fetchone()[0]
            noted = connection.execute(
                "SELECT count(*) FROM change_record WHERE record_id IN (SELECT id FROM customer)"
            ).fetchone()[0]
        assert customers == noted
    await writers
    assert counted(world.database.path)["customer"] == 60


def test_a_database_that_is_there_is_not_written_over(migrated: Path, tmp_path: Path) -> None:
    backup(migrated, tmp_path / "copy.db")
    with pytest.raises(FileExistsError):
        backup(migrated, tmp_path / "copy.db")
    restore(tmp_path / "copy.db", tmp_path / "new.db")
    with pytest.raises(FileExistsError):
        restore(tmp_path / "copy.db", tmp_path / "new.db")


@pytest.mark.parametrize(("content", "said"), [(b"PK\x03\x04" * 4000, "cannot be read"), (b"", "does not know")])
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "copy.db").write_bytes(content)
    with pytest.raises(Exception, match=said):
        restore(tmp_path / "copy.db", tmp_path / "new.db")
    assert not (tmp_path / "new.db").exists()


def test_a_damaged_copy_is_refused(migrated: Path, tmp_path: Path) -> None:
    backup(migrated, tmp_path / "copy.db")
    damaged = bytearray((tmp_path / "copy.db").read_bytes())
    damaged[8192:16384] = b"\xff" * 8192
    (tmp_path / "copy.db").write_bytes(damaged)
    with pytest.raises(Unsound):
        restore(tmp_path / "copy.db", tmp_path / "new.db")
    assert not (tmp_path / "new.db").exists()
