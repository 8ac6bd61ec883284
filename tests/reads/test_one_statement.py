"""One read, one statement: whatever is selected, however many records there are."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests import sql
from tests.conftest import Client, World
from tests.reads.making import Making

TREE = """
{ organizations(filter: {root: true}, first: 100) { totalCount edges { cursor node { name customerCount(includeDescendants: true)
  customers(first: 5) { nodes { email projects(first: 3) { nodes { name } } } pageInfo { hasNextPage } }
  children(first: 20) { nodes { name parent { name } customers(first: 5) { nodes { email organization { name } } }
    children(first: 10) { nodes { name } } } } } } } }
"""


@contextmanager
def statements(world: World) -> Iterator[list[str]]:
    """The statements that reads run inside."""
    seen: list[str] = []
    world.database.watch = seen.append
    try:
        yield seen
    finally:
        world.database.watch = None


async def fill(world: World, count: int) -> None:
    """Organizations on three levels with `count` customers among them, and a project for each tenth."""
    rows: dict[str, list[dict[str, Any]]] = {"organization": [], "customer": [], "project": [], "project_customer": []}
    common = {"workspace_id": world.workspace_id, "version": 1, "created_at": 1, "updated_at": 1}
    branches = max(1, count // 100)
    for i in range(branches):
        for level, parent in ((1, None), (2, f"org_{i:06}_1"), (3, f"org_{i:06}_2")):
            name = f"organization {i:06} {level}"
            rows["organization"].append(
                {**common, "id": f"org_{i:06}_{level}", "name": name, "name_key": name, "parent_id": parent}
            )
    for i in range(10):
        name = f"project {i}"
        rows["project"].append({**common, "id": f"prj_{i:06}", "name": name, "name_key": name})
    for i in range(count):
        email = f"customer{i:06}@example.com"
        row = {"id": f"cus_{i:06}", "email": email, "email_key": email, "name_key": email}
        row |= {"first_name_key": "", "last_name_key": "", "organization_id": f"org_{i % branches:06}_{i % 3 + 1}"}
        rows["customer"].append({**common, **row})
        share = {"workspace_id": world.workspace_id, "project_id": f"prj_{i % 10:06}", "customer_id": row["id"]}
        rows["project_customer"].append({**share, "created_at": 1})

    for table, many in rows.items():
        places = ", ".join("?" for _ in many[0])
        insert = f"INSERT INTO {table} ({', '.join(many[0])}) VALUES ({places})"
        await sql.run_many(world.database, insert, [list(one.values()) for one in many])


@pytest.mark.parametrize("count", [10, 10_000])
async def test_the_tree_is_one_statement_at_any_size(world: World, admin: Client, count: int) -> None:
    await fill(world, count)
    await admin.ask("{ viewer { permissions } }")
    with statements(world) as seen:
        answer = await admin.ask(TREE)
    assert len(seen) == 1
    tree = answer["organizations"]
    assert tree["totalCount"] == max(1, count // 100)
    first = tree["edges"][0]["node"]
    assert first["customerCount"] == min(count, 100)
    assert first["children"]["nodes"][0]["parent"]["name"] == first["name"]
    assert first["children"]["nodes"][0]["customers"]["nodes"][0]["organization"]["name"] == "organization 000000 2"
    assert len(first["customers"]["nodes"][0]["projects"]["nodes"]) == 1


async def test_a_token_seen_for_the_first_time_costs_one_statement_more(world: World) -> None:
    client = await world.key()
    with statements(world) as seen:
        await client.ask("{ customers { totalCount } }")
        await client.ask("{ customers { totalCount } }")
    assert len(seen) == 3
    assert "api_key" in seen[0]
    assert "FROM customer" in seen[1]
    assert "FROM workspace" in seen[2]  # whether anything changed since


async def test_several_root_fields_aliases_interfaces_and_fragments_are_one_statement(
    world: World, admin: Client
) -> None:
    making = Making(world)
    acme = await making.organization("Acme")
    ann = await making.customer("ann@example.com", acme)
    await admin.ask("{ viewer { permissions } }")
    with statements(world) as seen:
        answer = await admin.ask(
            """
            query($ids: [ID!]!, $ann: ID!, $yes: Boolean!) {
              viewer { apiKey { name } workspace { name } }
              workspace { slug }
              node(id: $ann) { __typename id ... on Customer { email organization { ...named } } }
              nodes(ids: $ids) { __typename ... on Node { id } ...either }
              one: customer(by: {id: $ann}) { ...person }
              other: customer(by: {email: "nobody@example.com"}) { ...person }
              customers { totalCount edges { cursor node { ...person } } pageInfo { endCursor } }
              organizations { nodes { ...named customers { nodes { id } } } }
              projects { nodes { name } } tickets { nodes { number } } invitations { nodes { status } }
              imports { nodes { status } } users { nodes { name } } apiKeys { nodes { name } }
              changes { nodes { number actor { __typename } records { nodes { record { id } } } } }
              left: projects @include(if: $yes) { totalCount }
              out: projects @skip(if: $yes) { totalCount }
            }
            fragment either on Node { ... on Organization { name } ... on Customer { name } }
            fragment named on Organization { name }
            fragment person on Customer { id email history { nodes { action } } }
            """,
            ids=[ann, acme, "cus_00000000000000000000000000"],
            ann=ann,
            yes=True,
        )
    assert len(seen) == 1
    assert list(answer) == [
        "viewer", "workspace", "node", "nodes", "one", "other", "customers", "organizations", "projects", "tickets",
        "invitations", "imports", "users", "apiKeys", "changes", "left",
    ]  # fmt: skip
    assert answer["nodes"] == [
        {"__typename": "Customer", "id": ann, "name": "ann@example.com"},
        {"__typename": "Organization", "id": acme, "name": "Acme"},
        None,
    ]
    assert answer["node"]["organization"] == {"name": "Acme"}
    assert answer["one"]["history"] == {"nodes": [{"action": "CREATED"}]}
    assert answer["other"] is None


async def test_the_same_document_with_other_values_is_the_same_statement(world: World, admin: Client) -> None:
    making = Making(world)
    for name in ("ann", "bob", "cem"):
        await making.customer(f"{name}@example.com")
    text = """
        query($first: Int, $after: String, $search: String, $filter: CustomerFilter) {
          customers(first: $first, after: $after, search: $search, filter: $filter) { nodes { email } pageInfo { endCursor } }
        }"""
    await admin.ask(text, first=1, search="example", filter={"email": {"startsWith": "a"}})
    with statements(world) as seen:
        page = await admin.ask(text, first=1, search="bo", filter={"email": {"startsWith": "b"}})
        await admin.ask(text, first=2, search="c", filter={"email": {"startsWith": "c"}})
        await admin.ask(text, first=2, after=page["customers"]["pageInfo"]["endCursor"])
    assert page["customers"]["nodes"] == [{"email": "bob@example.com"}]
    assert seen[0] == seen[1] != seen[2]
