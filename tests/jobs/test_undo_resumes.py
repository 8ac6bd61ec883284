"""An undo whose worker is killed is gone on with by another: each value is restored once, whatever the moment."""

from pathlib import Path

import pytest

from tests.conftest import Client, World
from tests.importing import counts, imported
from tests.jobs.killing import killed_again_and_again
from tests.steps import well
from tests.test_undo_import import UNDO, kept, living

TICKETS = "Requester Email,Subject\n" + "".join(f"p{n}@example.com,Waits {n}\n" for n in range(0, 60, 3))


def people(count: int, *, moved: bool) -> str:
    """Customers in a few organizations; moved, twice as many, and each of the first with other values."""
    rows = []
    for n in range(2 * count if moved else count):
        place = f"Acme {(n + moved) % 5} / Branch {n % 3}"
        rows.append(f"p{n}@example.com,{'New' if moved else 'Given'} {n},{n if moved else ''},{place},id-{n + moved}\n")
    return "Email,First Name,Phone,Company,Customer Id\n" + "".join(reversed(rows))


async def goes_on(world: World, admin: Client, script: Path, count: int, kills: int) -> None:
    await imported(world, admin, "importCustomers", people(count, moved=False))
    await imported(world, admin, "importTickets", TICKETS)
    before = await living(world)
    found = await imported(world, admin, "importCustomers", people(count, moved=True))
    assert counts(found) == {"updated": count, "created": count}
    await well(admin, "undoImport", "import { status }", importId=found["id"])

    async def state() -> tuple[str, str, str]:
        told = "SELECT status, before_number, done_in_change FROM import_undo WHERE import_id = ?"
        ((status, number, done),) = await world.rows(told, (found["id"],))
        return status, str(number), str(done)

    killed = await killed_again_and_again(world, script, state, {"QUEUED", "RUNNING"}, most=kills)
    assert killed > kills / 2
    result = (await admin.ask(UNDO, id=found["id"]))["import"]
    assert (result["status"], kept(result)) == ("UNDONE", [])
    assert result["undo"]["records"] == result["undo"]["undone"] == 2 * count
    assert await living(world) == before
    once = (
        "SELECT count(*), count(DISTINCT r.record_id) FROM change_record r JOIN change c ON c.workspace_id = r.workspace_id "
        "AND c.number = r.number WHERE c.operation = 'undoImport' AND r.action IN ('UPDATED', 'ARCHIVED')"
    )
    assert await world.rows(once) == [(2 * count, 2 * count)]
    if world.database.dialect.name == "sqlite":
        assert await world.rows("PRAGMA integrity_check") == [("ok",)]


async def test_goes_on_after_being_killed_twice(world: World, admin: Client, tmp_path: Path) -> None:
    await goes_on(world, admin, tmp_path / "child.py", 300, 2)


@pytest.mark.long
async def test_goes_on_after_being_killed_at_any_moment(world: World, admin: Client, tmp_path: Path) -> None:
    await goes_on(world, admin, tmp_path / "child.py", 4_000, 20)
