"""The demo workspace tells the same story every time, and writes to nobody."""

import asyncio
import shutil
import sqlite3
from pathlib import Path

import pytest

from db import workspaces
from server.demo.companies import companies
from server.demo.loading import CUSTOMERS, Loading, demo_key, find, is_empty, load
from server.settings import Settings
from tests.conftest import Client, World

SECRETS = Settings().secrets


@pytest.fixture
def key(demo: World) -> Client:
    return demo.client(demo_key(SECRETS[0], demo.workspace_id))


async def test_has_a_realistic_size(key: Client) -> None:
    counts = await key.ask("""{
        organizations { totalCount }
        customers { totalCount }
        active: customers(filter: { status: [ACTIVE] }) { totalCount }
        invited: customers(filter: { status: [INVITED] }) { totalCount }
        created: customers(filter: { status: [CREATED] }) { totalCount }
        unassigned: customers(filter: { unassigned: true }) { totalCount }
        projects { totalCount nodes { name customerCount } }
        tickets { totalCount }
        unmatched: tickets(filter: { unmatched: true }) { totalCount }
        users { nodes { email role } }
    }""")
    numbers = {name: found["totalCount"] for name, found in counts.items() if "totalCount" in found}
    assert numbers["organizations"] == 55
    assert numbers["customers"] == CUSTOMERS == 600
    assert numbers["active"] + numbers["invited"] + numbers["created"] == 600
    assert min(numbers["active"], numbers["invited"], numbers["created"], numbers["unassigned"]) > 50
    assert numbers["projects"] == 8
    assert [p["name"] for p in counts["projects"]["nodes"] if p["customerCount"] == 0] == ["Wind Tunnel"]
    assert numbers["tickets"] == 300
    assert 30 < numbers["unmatched"] < 100
    assert sorted(user["role"] for user in counts["users"]["nodes"]) == ["ADMIN", "AGENT", "OWNER", "VIEWER"]


def test_nests_its_organizations_on_four_levels() -> None:
    assert {company.level for company in companies()} == {1, 2, 3, 4}


async def test_shows_tickets_that_came_before_their_customers(key: Client) -> None:
    found = await key.ask("""{ changes(first: 110) { nodes { records(first: 100) { nodes { action } } } } }""")
    actions = [record["action"] for change in found["changes"]["nodes"] for record in change["records"]["nodes"]]
    assert actions.count("LINKED") > 50


async def test_leaves_no_mail_and_no_job_to_do(demo: World) -> None:
    waiting = (
        "SELECT (SELECT count(*) FROM job WHERE status <> 'DONE'), (SELECT count(*) FROM mail WHERE status <> 'SENT')"
    )
    assert [tuple(row) for row in await demo.rows(waiting)] == [(0, 0)]


async def test_lets_the_owner_sign_in(demo: World) -> None:
    answer = await demo.client(None).ask(
        """mutation { signIn(input: {
            workspace: "demo", email: "owner@fernleaf.example", password: "a leaf in the wind gauge"
        }) { viewer { user { role } } errors { message } } }"""
    )
    assert answer["signIn"] == {"viewer": {"user": {"role": "OWNER"}}, "errors": []}


async def test_uses_reserved_domains_only(demo: World) -> None:
    addresses = await demo.rows("SELECT email_key FROM email_address UNION SELECT recipient FROM mail")
    for (address,) in addresses:
        domain = address.rpartition("@")[2]
        assert domain.endswith((".example", "example.com", "example.org", "example.net")), address


STORY = """
SELECT c.email, c.first_name, c.last_name, c.phone, c.title, c.external_id, o.name, c.activated_at IS NOT NULL
FROM customer c LEFT JOIN organization o ON o.id = c.organization_id ORDER BY c.email
"""


@pytest.mark.sqlite
def test_is_the_same_story_each_time(migrated: Path, demo_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "rolodesk.db"
    shutil.copy(migrated, path)
    asyncio.run(load(path, "another secret of at least 32 characters", tmp_path))
    assert rows(path) == rows(demo_file)


def rows(path: Path) -> list[tuple[object, ...]]:
    with sqlite3.connect(path) as connection:
        found = connection.execute(STORY).fetchall()
    connection.close()
    return found


async def test_is_found_by_the_secret_it_was_loaded_with(demo: World) -> None:
    found = await find(demo.database, ("a newer secret of at least 32 characters", *SECRETS))
    assert found is not None
    assert found.workspace_id == demo.workspace_id
    assert await find(demo.database, ("a newer secret of at least 32 characters",)) is None


@pytest.mark.sqlite
async def test_what_an_interruption_left_behind_does_not_count(
    world: World, migrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "other.db"
    shutil.copy(migrated, path)

    async def interrupted(_self: Loading) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Loading, "everything", interrupted)
        with pytest.raises(KeyboardInterrupt):
            await load(path, SECRETS[0], tmp_path)
    database = await type(world.database).open(path, world.clock)
    try:
        assert await is_empty(database)
        assert await find(database, SECRETS) is None
        loaded = await load(path, SECRETS[0], tmp_path)
        assert await find(database, SECRETS) == loaded
        assert not await is_empty(database)
    finally:
        await database.close()


async def test_a_database_with_another_workspace_is_not_empty(world: World) -> None:
    assert await workspaces.every(world.database)
    assert not await is_empty(world.database)
