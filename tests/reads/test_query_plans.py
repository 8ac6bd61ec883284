"""No read walks through a table that grows: what the planner says of the statements that typical operations become."""

import re
import sqlite3
from contextlib import closing
from typing import Any

import orjson
import pytest
import pytest_asyncio

from benchmarks import queries
from server.pages.examples import examples
from tests.conftest import Client, World
from tests.reads.making import Making
from tests.reads.test_one_statement import TREE, statements

pytestmark = pytest.mark.sqlite

GROWING = (
    "customer", "customer_word", "organization", "project", "project_customer", "project_organization", "ticket",
    "invitation", "change", "change_record", "import_row", "email_address", "contact", "contact_address",
)  # fmt: skip
ROW = re.compile(rf"^(SCAN|SEARCH) ({'|'.join(GROWING)})_\d+\b(?:.*?\((.*)\))?")

DERIVED = re.compile(r"^(?:CO-ROUTINE|MATERIALIZE) (\w+)")
"""What a part of the statement yields, under a name of its own: no table."""

CURSOR_BY_NAME = "query($after: String) { customers(first: 50, after: $after) { nodes { id } pageInfo { endCursor } } }"
PROJECTED = "nodes { name organization { name } projects(first: 5) { nodes { name } } }"
ANY = "cus_00000000000000000000000001"

IN_ORDER = {
    "customers by name": "{ customers(first: 50) { nodes { name } pageInfo { hasNextPage } } }",
    "customers by name, from the end": "{ customers(last: 50) { nodes { name } } }",
    "customers by last name": "{ customers(orderBy: [{field: LAST_NAME}]) { nodes { name } } }",
    "customers by address": "{ customers(orderBy: [{field: EMAIL, direction: DESC}]) { nodes { name } } }",
    "customers by creation": "{ customers(orderBy: [{field: CREATED_AT, direction: DESC}]) { nodes { name } } }",
    "customers by change": "{ customers(orderBy: [{field: UPDATED_AT}]) { nodes { name } } }",
    "customers with projects": f"{{ customers {{ {PROJECTED} }} }}",
    "organizations by name": "{ organizations { nodes { name } } }",
    "organizations with customers": "{ organizations(first: 100) { nodes { name customers(first: 20) { nodes { email } } } } }",
    "organizations by creation": "{ organizations(orderBy: [{field: CREATED_AT}]) { nodes { name } } }",
    "projects by name": "{ projects { nodes { name } } }",
    "tickets by number": "{ tickets { nodes { number requester { name } project { name } } } }",
    "tickets by creation": "{ tickets(orderBy: [{field: CREATED_AT, direction: DESC}]) { nodes { number } } }",
    "invitations": "{ invitations { nodes { status customer { email } } } }",
    "changes": "{ changes { nodes { number actor { __typename } records { nodes { record { id } } } } } }",
    "customers in no organization": "{ customers(filter: {unassigned: true}) { nodes { email } } }",
    "contacts of all books": "{ contacts { nodes { name emails customer { name } } } }",
    "contacts of a book": '{ contacts(sourceId: "src_1") { nodes { name emails customer { name } } } }',
    "unmatched requesters": "{ unmatchedRequesters { nodes { email name ticketCount latestTicketAt } } }",
    "organizations at the top": "{ organizations(filter: {root: true}) { nodes { name } } }",
}
"""Pages in an order: a walk along an index, as far as the page goes."""

BY_SET = {
    "the tree": TREE.replace("totalCount ", ""),
    "customers of a project": f'{{ customers(filter: {{project: "prj_1"}}) {{ totalCount {PROJECTED} }} }}',
    "a project's customers": '{ project(by: {id: "prj_1"}) { customerCount customers { totalCount nodes { name } } } }',
    "customers in a tree": '{ customers(filter: {inTreeOf: "org_1"}) { totalCount nodes { name } } }',
    "customers below": '{ organization(by: {id: "org_1"}) { customers(includeDescendants: true) { nodes { name } } } }',
    "counts below": '{ organization(by: {id: "org_1"}) { customerCount(includeDescendants: true) } }',
    "organizations below": '{ organization(by: {id: "org_1"}) { descendants { totalCount nodes { name } } } }',
    "ancestors": '{ organization(by: {id: "org_1"}) { depth ancestors { name } parent { name } } }',
    "customers of an organization": '{ customers(filter: {organization: "org_1"}) { totalCount nodes { name } } }',
    "customers by ids": f'{{ customers(filter: {{ids: ["{ANY}"]}}) {{ totalCount nodes {{ name }} }} }}',
    "customers by an address": '{ customers(filter: {email: {eq: "a@b.example"}}) { totalCount nodes { name } } }',
    "customers by the beginning of an address": '{ customers(filter: {email: {startsWith: "a"}}) { totalCount nodes { id } } }',
    "customers by the beginning of a name": '{ customers(filter: {name: {startsWith: "a"}}) { totalCount nodes { id } } }',
    "customers by an external id": '{ customers(filter: {externalId: {eq: "x"}}) { totalCount nodes { name } } }',
    "a customer by address": '{ customer(by: {email: "a@b.example"}) { name } }',
    "a customer by external id": '{ customer(by: {externalId: "x"}) { name } }',
    "an organization by external id": '{ organization(by: {externalId: "x"}) { name } }',
    "a ticket by number": "{ ticket(by: {number: 1}) { subject } }",
    "tickets of a project": '{ tickets(filter: {project: "prj_1"}) { totalCount nodes { number } } }',
    "tickets of a customer": f'{{ tickets(filter: {{requester: "{ANY}"}}) {{ totalCount nodes {{ number }} }} }}',
    "invitations of a customer": f'{{ invitations(filter: {{customer: "{ANY}"}}) {{ totalCount nodes {{ status }} }} }}',
    "a customer with everything": f'{{ customer(by: {{id: "{ANY}"}}) {{ status invitation {{ status }} access {{ project {{ name }}'
    " organization { name } } projects { nodes { name } } tickets { nodes { number } } history { nodes { action } } } }",
    "history": '{ organization(by: {id: "org_1"}) { history { totalCount nodes { action change { at } } } } }',
    "changes of a record": f'{{ changes(filter: {{record: "{ANY}"}}) {{ totalCount nodes {{ number }} }} }}',
    "changes after a cursor": "query($after: String) { changes(after: $after) { nodes { number } } }",
    "node and nodes": f'{{ node(id: "{ANY}") {{ id }} nodes(ids: ["{ANY}", "org_1"]) {{ id }} }}',
}  # fmt: skip
"""What names a set, or a record: only its members are looked up, whatever the size of the table."""

WALKED = {"customers of a project", "customers in a tree"}
"""Where the set's members are very many, the list is walked as far as a limit: `test_growth.py` counts that."""


EXAMPLES = {
    e.title.partition(":")[0]: e
    for e in examples()
    if e.query.partition("\n")[2].startswith("query ") and "<upload>" not in e.variables
}
"""The reads of the database that GraphiQL opens with."""

MEASURED = {query.name: query for query in queries.QUERIES if not query.writes}
"""The reads that `make bench` measures."""


class Planned:
    """Asks, and looks at the plan of the statement that was run."""

    def __init__(self, world: World, client: Client) -> None:
        self.world, self.client = world, client
        self.seen: list[str] = []

    async def steps(self, text: str, **variables: Any) -> list[tuple[str, str, str]]:
        """(SCAN or SEARCH, table, the terms that the index is searched by) of the tables that grow."""
        with statements(self.world) as seen:
            await self.client.ask(text, **variables)
        self.seen = seen
        connection = sqlite3.connect(self.world.database.path)
        rows = [
            row
            for one in seen  # an export counts by a statement of its own
            for row in connection.execute(f"EXPLAIN QUERY PLAN {one}", [None] * one.count("?"))
        ]
        connection.close()
        derived = {m[1] for row in rows if (m := DERIVED.match(row[3]))}
        found = [ROW.match(row[3]) for row in rows]
        return [(m[1], m[2], m[3] or "") for m in found if m and m[0].split()[1] not in derived]


@pytest_asyncio.fixture
async def planned(world: World, admin: Client) -> Planned:
    await admin.ask("{ viewer { permissions } }")
    return Planned(world, admin)


@pytest.mark.parametrize("name", IN_ORDER)
async def test_a_page_is_read_along_an_index(planned: Planned, name: str) -> None:
    steps = await planned.steps(IN_ORDER[name])
    assert steps
    assert [s for s in steps if s[0] == "SCAN"] == []


@pytest.mark.parametrize("name", BY_SET)
async def test_a_set_is_looked_up_by_its_members(planned: Planned, name: str) -> None:
    given = {"after": await first_change(planned)} if "$after" in BY_SET[name] else {}
    steps = await planned.steps(BY_SET[name], **given)
    assert steps
    whole = [s for s in steps if s[0] == "SCAN" or s[2] == "workspace_id=?"]
    allowed = [("SEARCH", "organization", "workspace_id=?")] if name == "the tree" else []
    if name in WALKED:
        allowed = [("SEARCH", "customer", "workspace_id=?")]
    assert [s for s in whole if s not in allowed] == []


@pytest.mark.parametrize("title", EXAMPLES)
async def test_an_example_scans_no_table_that_grows(planned: Planned, title: str) -> None:
    steps = await planned.steps(EXAMPLES[title].query, **orjson.loads(EXAMPLES[title].variables))
    assert steps
    assert [s for s in steps if s[0] == "SCAN"] == []


@pytest.mark.parametrize("name", MEASURED)
async def test_a_measured_query_scans_no_table_that_grows(planned: Planned, name: str) -> None:
    query = MEASURED[name]
    kind = "organization" if name in {"levels", "hundred"} else "customer"
    given = {"id": "prj_1" if name == "project" else ANY, "after": queries.cursor(kind, "", ANY)}
    steps = await planned.steps(query.document, **{n: v for n, v in given.items() if f"${n}:" in query.document})
    assert steps
    assert [s for s in steps if s[0] == "SCAN"] == []


def test_the_examples_and_the_measured_queries_are_all_there() -> None:
    assert len(EXAMPLES) == 5
    assert sorted(MEASURED) == ["fifty", "hundred", "levels", "one", "project"]


async def first_change(planned: Planned) -> str:
    await Making(planned.world).organization("Acme")
    answer = await planned.client.ask("{ changes { edges { cursor } } }")
    return answer["changes"]["edges"][0]["cursor"]


async def test_a_page_deep_in_a_list_begins_at_its_cursor(planned: Planned) -> None:
    making = Making(planned.world)
    for name in ("ann", "bob"):
        await making.customer(f"{name}@example.com")
    page = await planned.client.ask("{ customers(first: 1) { pageInfo { endCursor } } }")
    steps = await planned.steps(CURSOR_BY_NAME, after=page["customers"]["pageInfo"]["endCursor"])
    assert [s for s in steps if s[1] == "customer"] == [
        ("SEARCH", "customer", "workspace_id=? AND (name_key,id)>(?,?)")
    ]


async def test_a_search_looks_words_up_or_walks_along_the_list(planned: Planned) -> None:
    steps = await planned.steps(
        '{ customers(search: "ann lee") { totalCount nodes { name } pageInfo { hasNextPage } } }'
    )
    assert [s for s in steps if s[0] == "SCAN"] == []
    words = {s[2] for s in steps if s[1] == "customer_word"}
    assert words == {
        "workspace_id=? AND word=? AND (name_key,customer_id)>(?,?)",
        "workspace_id=? AND word>? AND word<?",
        "workspace_id=? AND customer_id=? AND word>? AND word<?",
    }


async def test_a_search_in_order_begins_at_its_cursor_in_each_word(planned: Planned) -> None:
    text = 'query($after: String) { customers(search: "ann", after: $after) { totalCount nodes { name } } }'
    steps = await planned.steps(text, after=queries.cursor("customer", "ann", ANY))
    assert ("SEARCH", "customer_word", "workspace_id=? AND word=? AND (name_key,customer_id)>(?,?)") in steps
    assert ("SEARCH", "customer", "workspace_id=? AND name_key=? AND id>? AND id<?") in steps


async def test_active_customers_have_an_index_of_their_own(planned: Planned) -> None:
    text = "{ customers(filter: {status: [ACTIVE]}) { totalCount nodes { name } pageInfo { hasNextPage } } }"
    assert {s[0] for s in await planned.steps(text)} == {"SEARCH"}
    (statement,) = planned.seen
    with closing(sqlite3.connect(planned.world.database.path)) as connection:
        rows = connection.execute(f"EXPLAIN QUERY PLAN {statement}", [None] * statement.count("?")).fetchall()
    assert {row[3].split()[4] for row in rows if "customer_1 " in row[3]} == {"customer_active"}


async def test_what_a_customer_sees_is_looked_up_by_its_members(world: World) -> None:
    making = Making(world)
    client = await world.customer_session(await making.customer("ann@example.com", await making.organization("Acme")))
    await client.ask("{ viewer { permissions } }")
    planned = Planned(world, client)
    for text in (
        "{ customers { totalCount nodes { name } } }",
        "{ organizations { totalCount nodes { name customers { nodes { email } } children { nodes { name } } } } }",
        "{ projects { totalCount nodes { name customerCount } } }",
        "{ tickets { totalCount nodes { number project { name } } } }",
        "{ invitations { totalCount nodes { status } } }",
        '{ node(id: "org_1") { id } }',
        '{ customers(search: "ann") { nodes { name } } }',
    ):
        steps = await planned.steps(text)
        assert [s for s in steps if s[0] == "SCAN" or s[2] == "workspace_id=?"] == [], text
