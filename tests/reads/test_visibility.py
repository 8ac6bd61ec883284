"""What a signed-in customer sees, what another workspace sees, what a scoped key sees: theirs, and no sign of others."""

from typing import Any

import pytest
import pytest_asyncio

from tests.conftest import Client, World
from tests.reads.making import Making

NOBODY = "cus_00000000000000000000000000"


class Office:
    """Group > Acme > Sales > North; Ann is in Sales. Everything else is somebody else's."""

    def __init__(self, world: World) -> None:
        self.making = Making(world)
        self.ids: dict[str, str] = {}

    async def make(self) -> None:
        making, ids = self.making, self.ids
        for name, parent in (
            ("Group", None), ("Acme", "Group"), ("Sales", "Acme"), ("North", "Sales"), ("Works", "Acme"), ("Globex", None),
        ):  # fmt: skip
            ids[name] = await making.organization(name, ids.get(parent or ""))
        for name, organization in (
            ("ann", "Sales"), ("bob", "Sales"), ("cem", "North"), ("dee", "Acme"), ("eve", "Globex"), ("gus", None),
        ):  # fmt: skip
            ids[name] = await making.customer(
                f"{name}@example.com", ids.get(organization or ""), external_id=f"x-{name}"
            )
        ids["mine"] = await making.project("Mine", [ids["ann"], ids["bob"], ids["eve"]])
        ids["above"] = await making.project("Above", [], [ids["Acme"], ids["Globex"]])
        ids["ours"] = await making.project("Ours", [], [ids["Sales"]])
        ids["below"] = await making.project("Below", [], [ids["North"]], external_id="below")
        ids["other"] = await making.project("Other", [ids["bob"]], [ids["Globex"]])
        ids["t_ann"] = await making.ticket("Ann's", ids["ann"], ids["mine"])
        ids["t_out"] = await making.ticket("Ann's too", ids["ann"], ids["other"])
        ids["t_bob"] = await making.ticket("Bob's", ids["bob"], ids["mine"])
        ids["i_ann"] = await making.invitation(ids["ann"])
        ids["i_bob"] = await making.invitation(ids["bob"])


@pytest_asyncio.fixture
async def office(world: World) -> Office:
    office = Office(world)
    await office.make()
    return office


@pytest_asyncio.fixture
async def ann(world: World, office: Office) -> Client:
    return await world.customer_session(office.ids["ann"])


@pytest_asyncio.fixture
async def gus(world: World, office: Office) -> Client:
    return await world.customer_session(office.ids["gus"])


def names(connection: dict[str, Any]) -> str:
    return " ".join((n.get("name") or n.get("email") or n["subject"]).partition("@")[0] for n in connection["nodes"])


EVERYTHING = """{
  viewer { customer { email } workspace { name } permissions }
  customers { totalCount nodes { email } edges { node { email } } pageInfo { hasNextPage } }
  organizations { totalCount nodes { name customerCount(includeDescendants: true) customers { totalCount nodes { email } }
    parent { name } ancestors { name } children { totalCount nodes { name } } descendants { totalCount nodes { name } }
    projects { totalCount nodes { name } } depth } }
  projects { totalCount nodes { name customerCount customers { totalCount nodes { email } }
    organizations { totalCount nodes { name } } tickets { totalCount nodes { subject } } } }
  tickets { totalCount nodes { subject requester { email } project { name } } }
  invitations { totalCount nodes { customer { email } } }
}"""


async def test_a_customer_sees_itself_its_organization_and_below_its_projects_and_tickets(ann: Client) -> None:
    assert await ann.ask(EVERYTHING) == {
        "viewer": {
            "customer": {"email": "ann@example.com"},
            "workspace": {"name": "Test"},
            "permissions": [
                "CUSTOMERS_READ", "INVITATIONS_READ", "ORGANIZATIONS_READ", "PROJECTS_READ", "TICKETS_READ",
            ],
        },
        "customers": {
            "totalCount": 1,
            "nodes": [{"email": "ann@example.com"}],
            "edges": [{"node": {"email": "ann@example.com"}}],
            "pageInfo": {"hasNextPage": False},
        },
        "organizations": {
            "totalCount": 2,
            "nodes": [
                {
                    "name": "North",
                    "customerCount": 0,
                    "customers": {"totalCount": 0, "nodes": []},
                    "parent": {"name": "Sales"},
                    "ancestors": [{"name": "Sales"}],
                    "children": {"totalCount": 0, "nodes": []},
                    "descendants": {"totalCount": 0, "nodes": []},
                    "projects": {"totalCount": 2, "nodes": [{"name": "Above"}, {"name": "Ours"}]},
                    "depth": 1,
                },
                {
                    "name": "Sales",
                    "customerCount": 1,
                    "customers": {"totalCount": 1, "nodes": [{"email": "ann@example.com"}]},
                    "parent": None,
                    "ancestors": [],
                    "children": {"totalCount": 1, "nodes": [{"name": "North"}]},
                    "descendants": {"totalCount": 1, "nodes": [{"name": "North"}]},
                    "projects": {"totalCount": 2, "nodes": [{"name": "Above"}, {"name": "Ours"}]},
                    "depth": 0,
                },
            ],
        },
        "projects": {
            "totalCount": 3,
            "nodes": [
                {
                    "name": "Above",
                    "customerCount": 1,
                    "customers": {"totalCount": 1, "nodes": [{"email": "ann@example.com"}]},
                    "organizations": {"totalCount": 0, "nodes": []},
                    "tickets": {"totalCount": 0, "nodes": []},
                },
                {
                    "name": "Mine",
                    "customerCount": 1,
                    "customers": {"totalCount": 1, "nodes": [{"email": "ann@example.com"}]},
                    "organizations": {"totalCount": 0, "nodes": []},
                    "tickets": {"totalCount": 1, "nodes": [{"subject": "Ann's"}]},
                },
                {
                    "name": "Ours",
                    "customerCount": 1,
                    "customers": {"totalCount": 1, "nodes": [{"email": "ann@example.com"}]},
                    "organizations": {"totalCount": 1, "nodes": [{"name": "Sales"}]},
                    "tickets": {"totalCount": 0, "nodes": []},
                },
            ],
        },
        "tickets": {
            "totalCount": 2,
            "nodes": [
                {"subject": "Ann's", "requester": {"email": "ann@example.com"}, "project": {"name": "Mine"}},
                {"subject": "Ann's too", "requester": {"email": "ann@example.com"}, "project": None},
            ],
        },
        "invitations": {"totalCount": 1, "nodes": [{"customer": {"email": "ann@example.com"}}]},
    }  # fmt: skip


async def test_a_customer_in_no_organization_sees_itself(gus: Client) -> None:
    answer = await gus.ask(EVERYTHING)
    assert answer["customers"]["nodes"] == [{"email": "gus@example.com"}]
    empty = {"totalCount": 0, "nodes": []}
    assert [answer[k] for k in ("organizations", "projects", "tickets", "invitations")] == [empty] * 4


async def test_of_an_organization_above_only_id_and_name_show_where_a_project_came_through_it(
    office: Office, ann: Client
) -> None:
    answer = await ann.ask(
        """query($acme: ID!, $group: ID!) {
             viewer { customer { access { via project { name } organization { name } organizationId organizationName } } }
             node(id: $acme) { id } nodes(ids: [$acme, $group]) { id } organization(by: {id: $acme}) { name }
           }""",
        acme=office.ids["Acme"],
        group=office.ids["Group"],
    )
    access = {a["project"]["name"]: a for a in answer["viewer"]["customer"]["access"]}
    assert access == {
        "Mine": {
            "via": "DIRECT",
            "project": {"name": "Mine"},
            "organization": None,
            "organizationId": None,
            "organizationName": None,
        },
        "Above": {
            "via": "ORGANIZATION",
            "project": {"name": "Above"},
            "organization": None,
            "organizationId": office.ids["Acme"],
            "organizationName": "Acme",
        },
        "Ours": {
            "via": "ORGANIZATION",
            "project": {"name": "Ours"},
            "organization": {"name": "Sales"},
            "organizationId": office.ids["Sales"],
            "organizationName": "Sales",
        },
    }  # fmt: skip
    assert (answer["node"], answer["nodes"], answer["organization"]) == (None, [None, None], None)


BY_ID = """query($id: ID!) { node(id: $id) { __typename id } nodes(ids: [$id]) { id }
  customer(by: {id: $id}) { id } organization(by: {id: $id}) { id } project(by: {id: $id}) { id }
  ticket(by: {id: $id}) { id } invitation(id: $id) { id } }"""
FILTERS = """query($id: ID!) {
  a: customers(filter: {ids: [$id]}) { totalCount } b: customers(filter: {organization: $id}) { totalCount }
  c: customers(filter: {inTreeOf: $id}) { totalCount } d: customers(filter: {project: $id}) { totalCount }
  e: organizations(filter: {ids: [$id]}) { totalCount } f: organizations(filter: {parent: $id}) { totalCount }
  g: organizations(filter: {inTreeOf: $id}) { totalCount } h: organizations(filter: {project: $id}) { totalCount }
  i: projects(filter: {customer: $id}) { totalCount } j: tickets(filter: {project: $id}) { totalCount }
  k: tickets(filter: {requester: $id}) { totalCount } l: invitations(filter: {customer: $id}) { totalCount }
  m: organizations(filter: {not: {inTreeOf: $id}}) { totalCount } n: projects(filter: {not: {customer: $id}}) { totalCount }
  o: tickets(filter: {not: {project: $id}}) { totalCount }
}"""
OUT_OF_SIGHT = [
    "bob", "cem", "dee", "eve", "gus", "Group", "Acme", "Works", "Globex", "below", "other", "t_bob", "i_bob",
]  # fmt: skip


async def test_ids_out_of_sight_answer_as_ids_that_do_not_exist(office: Office, ann: Client) -> None:
    absent = (await ann.post(BY_ID, {"id": NOBODY})).content, (await ann.post(FILTERS, {"id": NOBODY})).content
    for name in OUT_OF_SIGHT:
        given = {"id": office.ids[name]}
        assert (await ann.post(BY_ID, given)).content == absent[0], name
        assert (await ann.post(FILTERS, given)).content == absent[1], name
    for name in ("ann", "Sales", "North", "mine", "above", "ours", "t_ann", "t_out", "i_ann"):
        assert (await ann.post(BY_ID, {"id": office.ids[name]})).content != absent[0], name


async def test_the_top_of_a_customers_tree_is_its_own_organization(office: Office, ann: Client) -> None:
    answer = await ann.ask(
        """{ top: organizations(filter: {root: true}) { nodes { name children { nodes { name } } } }
             rest: organizations(filter: {root: false}) { nodes { name } } }"""
    )
    assert names(answer["top"]) == "Sales"
    assert names(answer["top"]["nodes"][0]["children"]) == "North"
    assert names(answer["rest"]) == "North"
    assert office.ids["Sales"]


async def test_search_references_and_cursors_show_no_sign_of_others(office: Office, ann: Client, admin: Client) -> None:
    text = """query($search: String, $email: String!, $external: String!) {
                customers(search: $search) { totalCount nodes { email } pageInfo { hasNextPage hasPreviousPage } }
                mail: customer(by: {email: $email}) { id } external: customer(by: {externalId: $external}) { id }
                project(by: {externalId: $external}) { id } ticket(by: {number: 3}) { id } }"""
    absent = await ann.ask(text, search="nobody", email="nobody@example.com", external="no")
    assert await ann.ask(text, search="bob", email="bob@example.com", external="x-bob") == absent
    assert await ann.ask(text, search="bob", email="bob@example.com", external="below") == absent
    everybody = await ann.ask(text, search="example", email="ann@example.com", external="x-ann")
    assert names(everybody["customers"]) == "ann"
    assert everybody["customers"]["pageInfo"] == {"hasNextPage": False, "hasPreviousPage": False}
    assert everybody["mail"] == everybody["external"] == {"id": office.ids["ann"]}
    page = """query($after: String, $before: String) { customers(after: $after, before: $before, first: 1) {
                nodes { email } pageInfo { hasNextPage hasPreviousPage } totalCount } }"""
    edges = (await admin.ask("{ customers { edges { cursor node { email } } } }"))["customers"]["edges"]
    for edge in edges:
        for name in ("after", "before"):
            seen = (await ann.ask(page, **{name: edge["cursor"]}))["customers"]
            assert names(seen) in {"", "ann"}
            assert seen["totalCount"] == 1
            assert seen["pageInfo"]["hasNextPage"] is False


async def test_archived_records_of_others_stay_out_of_sight(office: Office, ann: Client) -> None:
    await office.making.archive_customers(office.ids["bob"])
    await office.making.archive_organization(office.ids["North"], "ARCHIVE")
    answer = await ann.ask(
        """query($north: ID!) { customers(filter: {archived: true}) { totalCount } node(id: $north) { id }
             organizations(filter: {archived: true}) { totalCount } projects { nodes { customerCount } } }""",
        north=office.ids["North"],
    )
    assert answer["customers"]["totalCount"] == 0
    assert answer["organizations"]["totalCount"] == 0
    assert answer["node"] is None
    assert [p["customerCount"] for p in answer["projects"]["nodes"]] == [1, 1, 1]


@pytest.mark.parametrize(
    "text",
    [
        "{ users { totalCount } }",
        "{ apiKeys { totalCount } }",
        "{ changes { totalCount } }",
        "{ imports { totalCount } }",
        "{ customers { nodes { history { totalCount } } } }",
        "{ viewer { customer { history { nodes { after } } } } }",
        '{ node(id: "usr_1") { ... on User { name } } }',
        "{ customers { nodes { organization { history { totalCount } } } } }",
    ],
)
async def test_what_a_customer_may_not_ask_for_is_forbidden_before_any_record_is_looked_up(
    world: World, ann: Client, text: str
) -> None:
    await ann.ask("{ customers { totalCount } }")
    seen: list[str] = []
    world.database.watch = seen.append
    assert (await ann.refused(text))["extensions"]["code"] == "FORBIDDEN"
    (rights,) = seen  # looked at once more, as they may have been raised
    assert rights.startswith("SELECT workspace.access_number, session.id")


async def test_nothing_of_another_workspace_shows(world: World, office: Office, admin: Client) -> None:
    other = Office(world)
    other.making = Making(world, await world.workspace())
    await other.make()
    foreigner = await world.key(workspace_id=other.making.workspace_id)
    absent = (
        (await foreigner.post(BY_ID, {"id": NOBODY})).content,
        (await foreigner.post(FILTERS, {"id": NOBODY})).content,
    )
    for name, record_id in office.ids.items():
        assert (await foreigner.post(BY_ID, {"id": record_id})).content == absent[0], name
        assert (await foreigner.post(FILTERS, {"id": record_id})).content == absent[1], name
        assert (await foreigner.post(BY_ID, {"id": other.ids[name]})).content != absent[0], name
    text = """{ customers(search: "ann") { totalCount nodes { id } } organizations { totalCount nodes { id } }
                projects { totalCount nodes { id } } tickets { totalCount nodes { id number } }
                invitations { totalCount nodes { id } } apiKeys { totalCount } workspace { id name } }"""
    theirs = await foreigner.ask(text)
    ours = await admin.ask(text)
    assert (theirs["workspace"]["name"], ours["workspace"]["name"]) == ("Other", "Test")
    assert [t["number"] for t in theirs["tickets"]["nodes"]] == [1, 2, 3]
    for name in ("customers", "organizations", "projects", "tickets", "invitations"):
        assert theirs[name]["totalCount"] == ours[name]["totalCount"] > 0
        assert {n["id"] for n in theirs[name]["nodes"]} <= set(other.ids.values())
        assert {n["id"] for n in ours[name]["nodes"]} <= set(office.ids.values())


async def test_a_scoped_key_reads_what_its_scopes_say(world: World, office: Office) -> None:
    client = await world.key("CUSTOMERS_READ", "ORGANIZATIONS_READ")
    answer = await client.ask(
        "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } customers { totalCount } }",
        ids=[office.ids[name] for name in ("ann", "Sales", "mine", "t_ann", "i_ann")],
    )
    assert answer["nodes"] == [
        {"__typename": "Customer", "id": office.ids["ann"]},
        {"__typename": "Organization", "id": office.ids["Sales"]},
        None,
        None,
        None,
    ]
    for text in (
        "{ projects { totalCount } }",
        "{ customers { nodes { projects { totalCount } } } }",
        "{ customers { nodes { invitation { id } } } }",
        '{ node(id: "prj_1") { ... on Project { name } } }',
        "{ organizations { nodes { customers { nodes { tickets { totalCount } } } } } }",
    ):
        error = await client.refused(text)
        assert error["extensions"]["code"] == "FORBIDDEN"
        assert "_READ is needed" in error["message"]


async def test_who_sees_nothing_gets_null_from_node(world: World, office: Office) -> None:
    client = await world.key("TICKETS_WRITE")
    answer = await client.ask(
        "query($id: ID!) { node(id: $id) { id __typename } viewer { permissions } }", id=office.ids["ann"]
    )
    assert answer == {"node": None, "viewer": {"permissions": ["TICKETS_WRITE"]}}


async def test_nobody_is_told_anything(world: World, office: Office) -> None:
    for client in (world.client(None), world.client("rd_key_x"), world.client("rd_key_" + "0" * 26 + "_" + "0" * 64)):
        for text in ("{ customers { totalCount } }", "{ viewer { permissions } }", '{ node(id: "x") { id } }'):
            answer = await client.post(text)
            assert answer.status_code == 401
            assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert office.ids
