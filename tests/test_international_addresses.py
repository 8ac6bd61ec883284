"""Addresses beyond ASCII: listed, searched and filtered by the letters that people read."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command

from db.migrating import configuration, migrate
from tests import steps
from tests.conftest import Client

FOUND = "query($search: String) { customers(search: $search) { nodes { email } } }"
NAMED = "query($filter: CustomerFilter) { customers(filter: $filter) { totalCount nodes { name } } }"


async def found(admin: Client, search: str) -> list[str]:
    return [one["email"] for one in (await admin.ask(FOUND, search=search))["customers"]["nodes"]]


@pytest.mark.parametrize("search", ["müller", "MULLER", "mül straß", "info@müller-straße.example", "xn mller"])
async def test_are_searched_by_their_domain(admin: Client, search: str) -> None:
    await steps.customer(admin, "Info@Müller-Straße.example")
    await steps.customer(admin, "info@miller.example")
    assert await found(admin, search) == ["Info@müller-straße.example"]


async def test_are_searched_by_a_domain_that_came_later(admin: Client) -> None:
    ann = await steps.customer(admin, "ann@miller.example")
    text = """mutation($id: ID!, $email: EmailAddress) {
      updateCustomer(input: {customer: {id: $id}, email: $email}) { errors { message } } }"""
    assert (await admin.ask(text, id=ann, email="ann@müller.example"))["updateCustomer"]["errors"] == []
    assert (await found(admin, "müller"), await found(admin, "miller")) == (["ann@müller.example"], [])


async def test_are_searched_among_those_that_were_imported_in_one_go(admin: Client) -> None:
    text = "mutation($customers: [UpsertCustomerItem!]!) { upsertCustomers(input: {customers: $customers}) { count } }"
    await admin.ask(text, customers=[{"email": f"{name}@bücher.example"} for name in ("ann", "bob")])
    assert await found(admin, "bucher") == ["ann@bücher.example", "bob@bücher.example"]


async def test_order_those_without_a_name_as_they_are_written(admin: Client) -> None:
    for address in ("a@zebra.example", "a@überall.example", "a@tal.example", "Änne@tal.example"):
        await steps.customer(admin, address)
    assert [one["name"] for one in (await admin.ask(NAMED))["customers"]["nodes"]] == [
        "a@tal.example", "a@überall.example", "a@zebra.example", "Änne@tal.example",
    ]  # fmt: skip
    uber = await admin.ask(NAMED, filter={"name": {"contains": "@uber"}})
    assert uber["customers"] == {"totalCount": 1, "nodes": [{"name": "a@überall.example"}]}


@pytest.mark.parametrize(
    ("compared", "count"),
    [
        ({"contains": "@MÜLLER.example"}, 2),
        ({"contains": "n@müller.example"}, 1),
        ({"startsWith": "Jörg@müller.example"}, 1),
        ({"eq": "jörg@müller.example"}, 1),
        ({"in": ["ann@xn--mller-kva.example"]}, 1),
        ({"contains": "jorg"}, 0),
        ({"contains": "@müll"}, 0),
        ({"contains": "@mü..ller"}, 0),
    ],
)
async def test_are_filtered_by_their_whole_domain(admin: Client, compared: dict[str, object], count: int) -> None:
    for address in ("ann@müller.example", "jörg@müller.example", "bob@muller.example"):
        await steps.customer(admin, address)
    assert (await admin.ask(NAMED, filter={"email": compared}))["customers"]["totalCount"] == count


@pytest.mark.sqlite
def test_those_of_an_older_version_are_found_too(tmp_path: Path) -> None:
    path = tmp_path / "older.db"
    command.upgrade(configuration(path), "0008")
    with closing(sqlite3.connect(path)) as connection:
        for number, first, address, key in (
            ("1", None, "a@müller.example", "a@xn--mller-kva.example"),
            ("2", "Ann", "b@müller.example", "b@xn--mller-kva.example"),
            ("3", None, "c@miller.example", "c@miller.example"),
        ):
            name_key = "ann" if first else key
            connection.execute(
                "INSERT INTO customer (workspace_id, id, version, created_at, updated_at, email, email_key, first_name, name_key,"
                " first_name_key, last_name_key) VALUES ('w', ?, 1, 0, 0, ?, ?, ?, ?, '', '')",
                (number, address, key, first, name_key),
            )
            connection.execute("INSERT INTO customer_word VALUES ('w', ?, 'example', ?)", (number, name_key))
        connection.commit()
    migrate(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT id, name_key FROM customer ORDER BY id").fetchall() == [
            ("1", "a@muller.example"),
            ("2", "ann"),
            ("3", "c@miller.example"),
        ]
        words = "SELECT customer_id, word, name_key FROM customer_word ORDER BY customer_id, word"
        assert connection.execute(words).fetchall() == [
            ("1", "a", "a@muller.example"),
            ("1", "example", "a@muller.example"),
            ("1", "muller", "a@muller.example"),
            ("2", "b", "ann"),
            ("2", "example", "ann"),
            ("2", "muller", "ann"),
            ("3", "example", "c@miller.example"),
        ]
