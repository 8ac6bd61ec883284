"""Error codes that take a fault beside the server. (A whole run fails unless every code was answered: tests/conftest.py.)"""

import sqlite3
from typing import Any

import pytest

from db import customers
from db.errors import Unique
from tests.conftest import Client, World

CREATE = 'mutation { createCustomer(input: {email: "a@example.com"}) { customer { id } errors { code message } } }'
NOBODY = {"customers": {"totalCount": 0}}


@pytest.mark.sqlite
async def test_a_database_that_another_process_holds_is_busy(world: World, admin: Client) -> None:
    world.database.writer.busy_milliseconds = 50
    other = sqlite3.connect(world.directory / "rolodesk.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answer = await admin.post(CREATE)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["errors"][0]["extensions"] == {"code": "STORAGE_BUSY", "retryAfterSeconds": 1}
    assert await admin.ask("{ customers { totalCount } }") == NOBODY
    other.execute("ROLLBACK")
    other.close()
    assert (await admin.ask(CREATE))["createCustomer"]["errors"] == []


@pytest.mark.sqlite
async def test_a_full_disk_refuses_writes_and_answers_reads(world: World, admin: Client) -> None:
    pages = (await world.database.read("PRAGMA page_count"))[0][0]
    await world.database.writer.connection.execute_fetchall(f"PRAGMA max_page_count = {pages}")
    upsert = "mutation($input: UpsertCustomersInput!) { upsertCustomers(input: $input) { errors { code } } }"
    items = [{"email": f"c{n}@example.com", "title": "x" * 200} for n in range(1_000)]
    answer = await admin.post(upsert, {"input": {"matchBy": "EMAIL", "customers": items}})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert answer.json()["errors"][0]["extensions"] == {"code": "STORAGE_FULL", "retryAfterSeconds": 30}
    assert await admin.ask("{ customers { totalCount } }") == NOBODY
    await world.database.writer.connection.execute_fetchall("PRAGMA max_page_count = 1000000")
    assert (await admin.ask(CREATE))["createCustomer"]["errors"] == []


async def test_a_uniqueness_that_nobody_named_is_no_failure_of_the_server(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stands_in_the_way(*_: Any, **__: Any) -> str:
        raise Unique("customer.something")

    monkeypatch.setattr(customers, "add", stands_in_the_way)
    (error,) = (await admin.ask(CREATE))["createCustomer"]["errors"]
    assert error["code"] == "CONSTRAINT"
    assert "customer.something" not in error["message"]


@pytest.mark.parametrize("directive", ["@defer", "@stream(initialCount: 1)"])
async def test_answers_come_whole(admin: Client, directive: str) -> None:
    text = f"{{ customers {{ ... {directive} {{ totalCount }} }} }}"
    error = await admin.refused(text)
    assert error["extensions"]["code"] == "SYNTAX"
    assert "come whole" in error["message"]
