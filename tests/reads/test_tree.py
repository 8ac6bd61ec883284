"""The tree of organizations and what hangs on it: ancestors, descendants, counts, effective projects."""

import pytest
import pytest_asyncio

from tests.conftest import Client, World
from tests.reads.making import Making


class Tree:
    """Acme > Sales > North > Oslo, Acme > Works, Globex; customers and projects on several levels."""

    def __init__(self, world: World) -> None:
        self.making = Making(world)
        self.ids: dict[str, str] = {}

    async def make(self) -> None:
        making, ids = self.making, self.ids
        for name, parent in (
            ("Acme", None), ("Globex", None), ("Sales", "Acme"), ("Works", "Acme"), ("North", "Sales"), ("Oslo", "North"),
        ):  # fmt: skip
            ids[name] = await making.organization(name, ids.get(parent or ""))
        for name, organization in (
            ("ann", "Acme"), ("bob", "Sales"), ("cem", "North"), ("dee", "Oslo"), ("eve", "Works"), ("fay", "Globex"),
            ("gus", None), ("old", "North"),
        ):  # fmt: skip
            ids[name] = await making.customer(f"{name}@example.com", ids.get(organization or ""))
        ids["direct"] = await making.project("Direct", [ids["dee"], ids["gus"], ids["old"]])
        ids["top"] = await making.project("Top", [ids["bob"]], [ids["Acme"]])
        ids["middle"] = await making.project("Middle", [], [ids["Sales"], ids["Oslo"]])
        ids["nobody"] = await making.project("Nobody")
        ids["closed"] = await making.project("Closed", [ids["dee"]], [ids["Acme"]])
        await making.archive_project(ids["closed"])
        await making.archive_customers(ids["old"])


@pytest_asyncio.fixture
async def tree(world: World) -> Tree:
    tree = Tree(world)
    await tree.make()
    return tree


def names(connection: dict) -> str:
    return " ".join((n.get("name") or n["email"]).partition("@")[0] for n in connection["nodes"])


async def test_an_organization_knows_what_is_above_and_below(tree: Tree, admin: Client) -> None:
    text = """query($id: ID!) { organization(by: {id: $id}) { depth parent { name } ancestors { name depth }
                children { nodes { name } totalCount } descendants { nodes { name } totalCount } } }"""
    north = (await admin.ask(text, id=tree.ids["North"]))["organization"]
    assert north == {
        "depth": 2,
        "parent": {"name": "Sales"},
        "ancestors": [{"name": "Acme", "depth": 0}, {"name": "Sales", "depth": 1}],
        "children": {"nodes": [{"name": "Oslo"}], "totalCount": 1},
        "descendants": {"nodes": [{"name": "Oslo"}], "totalCount": 1},
    }
    acme = (await admin.ask(text, id=tree.ids["Acme"]))["organization"]
    assert (acme["depth"], acme["parent"], acme["ancestors"]) == (0, None, [])
    assert names(acme["children"]) == "Sales Works"
    assert names(acme["descendants"]) == "North Oslo Sales Works"
    assert acme["descendants"]["totalCount"] == 4
    globex = (await admin.ask(text, id=tree.ids["Globex"]))["organization"]
    assert globex["descendants"] == {"nodes": [], "totalCount": 0}


async def test_descendants_are_paged_filtered_and_ordered(tree: Tree, admin: Client) -> None:
    answer = await admin.ask(
        """query($id: ID!) { organization(by: {id: $id}) {
             page: descendants(first: 2) { nodes { name } totalCount pageInfo { hasNextPage } }
             some: descendants(filter: {name: {contains: "o"}}, orderBy: [{field: NAME, direction: DESC}]) { nodes { name } }
           } }""",
        id=tree.ids["Acme"],
    )
    page = answer["organization"]["page"]
    assert (names(page), page["totalCount"], page["pageInfo"]["hasNextPage"]) == ("North Oslo", 4, True)
    assert names(answer["organization"]["some"]) == "Works Oslo North"


@pytest.mark.usefixtures("tree")
async def test_counts_and_lists_of_customers_can_include_what_is_below(admin: Client) -> None:
    answer = await admin.ask(
        """{ organizations { nodes { name customerCount all: customerCount(includeDescendants: true)
               customers { nodes { email } totalCount }
               below: customers(includeDescendants: true) { nodes { email } totalCount } } } }"""
    )
    found = {
        n["name"]: (n["customerCount"], n["all"], names(n["customers"]), names(n["below"]))
        for n in answer["organizations"]["nodes"]
    }
    assert found == {
        "Acme": (1, 5, "ann", "ann bob cem dee eve"),
        "Sales": (1, 3, "bob", "bob cem dee"),
        "North": (1, 2, "cem", "cem dee"),
        "Oslo": (1, 1, "dee", "dee"),
        "Works": (1, 1, "eve", "eve"),
        "Globex": (1, 1, "fay", "fay"),
    }
    for node in answer["organizations"]["nodes"]:
        assert node["customers"]["totalCount"] == node["customerCount"]
        assert node["below"]["totalCount"] == node["all"]


async def test_customers_in_no_organization_are_listed_beside_the_tree(tree: Tree, admin: Client) -> None:
    answer = await admin.ask(
        """{ outside: customers(filter: {unassigned: true}) { nodes { email organization { name } } }
             every: customers { totalCount } }"""
    )
    assert answer["outside"]["nodes"] == [{"email": "gus@example.com", "organization": None}]
    assert answer["every"]["totalCount"] == 7
    assert tree.ids["gus"]


async def test_projects_are_effective_through_every_organization_above(tree: Tree, admin: Client) -> None:
    answer = await admin.ask("{ customers { nodes { email projects { nodes { name } totalCount } } } }")
    found = {n["email"].partition("@")[0]: names(n["projects"]) for n in answer["customers"]["nodes"]}
    assert found == {
        "ann": "Top",
        "bob": "Middle Top",
        "cem": "Middle Top",
        "dee": "Direct Middle Top",
        "eve": "Top",
        "fay": "",
        "gus": "Direct",
    }
    organizations = await admin.ask("{ organizations { nodes { name projects { nodes { name } } } } }")
    found = {n["name"]: names(n["projects"]) for n in organizations["organizations"]["nodes"]}
    assert found == {
        "Acme": "Top", "Sales": "Middle Top", "North": "Middle Top", "Oslo": "Middle Top", "Works": "Top", "Globex": "",
    }  # fmt: skip
    assert tree.ids["dee"]


async def test_a_project_knows_its_customers_and_organizations(tree: Tree, admin: Client) -> None:
    answer = await admin.ask(
        """{ projects { nodes { name customerCount customers { nodes { email } totalCount }
               organizations { nodes { name } totalCount }
               some: customers(filter: {email: {startsWith: "d"}}, first: 1) { nodes { email } totalCount } } } }"""
    )
    found = {
        n["name"]: (n["customerCount"], names(n["customers"]), names(n["organizations"]), names(n["some"]))
        for n in answer["projects"]["nodes"]
    }
    assert found == {
        "Direct": (2, "dee gus", "", "dee"),
        "Middle": (3, "bob cem dee", "Oslo Sales", "dee"),
        "Nobody": (0, "", "", ""),
        "Top": (5, "ann bob cem dee eve", "Acme", "dee"),
    }
    for node in answer["projects"]["nodes"]:
        assert node["customers"]["totalCount"] == node["customerCount"]
    assert tree.ids["top"]


async def test_access_says_through_what_each_project_is_seen(tree: Tree, admin: Client) -> None:
    text = """query($id: ID!, $first: Int) { customer(by: {id: $id}) { access(first: $first) {
                project { name } via organization { name } organizationId organizationName since } } }"""
    dee = (await admin.ask(text, id=tree.ids["dee"]))["customer"]["access"]
    expected = [
        (tree.ids["direct"], "Direct", "DIRECT", None, None),
        (tree.ids["top"], "Top", "ORGANIZATION", "Acme", tree.ids["Acme"]),
        *sorted(
            [
                (tree.ids["middle"], "Middle", "ORGANIZATION", "Sales", tree.ids["Sales"]),
                (tree.ids["middle"], "Middle", "ORGANIZATION", "Oslo", tree.ids["Oslo"]),
            ],
            key=lambda row: row[4],
        ),
    ]
    assert [(a["project"]["name"], a["via"], a["organizationName"], a["organizationId"]) for a in dee] == [
        row[1:] for row in expected
    ]
    assert [a["organization"] and a["organization"]["name"] for a in dee] == [row[3] for row in expected]
    assert all(a["since"].endswith("Z") for a in dee)
    assert (await admin.ask(text, id=tree.ids["dee"], first=2))["customer"]["access"] == dee[:2]
    bob = (await admin.ask(text, id=tree.ids["bob"]))["customer"]["access"]
    assert [(a["project"]["name"], a["via"]) for a in bob] == [
        ("Top", "DIRECT"), ("Top", "ORGANIZATION"), ("Middle", "ORGANIZATION"),
    ]  # fmt: skip
    assert (await admin.ask(text, id=tree.ids["fay"]))["customer"]["access"] == []
    assert (await admin.refused(text, id=tree.ids["dee"], first=251))["extensions"]["code"] == "LIMIT"


async def test_an_archived_branch_leaves_the_tree_and_still_resolves(tree: Tree, admin: Client) -> None:
    await tree.making.archive_organization(tree.ids["North"], "ARCHIVE")
    answer = await admin.ask(
        """query($acme: ID!, $oslo: ID!, $top: ID!) {
             organization(by: {id: $acme}) { descendants { nodes { name } } customerCount(includeDescendants: true) }
             oslo: organization(by: {id: $oslo}) { name archivedAt depth parent { name archivedAt } ancestors { name }
               customers { totalCount } gone: customers(filter: {archived: true}) { nodes { email } } }
             project(by: {id: $top}) { customerCount } }""",
        acme=tree.ids["Acme"],
        oslo=tree.ids["Oslo"],
        top=tree.ids["top"],
    )
    assert names(answer["organization"]["descendants"]) == "Sales Works"
    assert answer["organization"]["customerCount"] == 3
    assert answer["project"]["customerCount"] == 3
    oslo = answer["oslo"]
    assert (oslo["name"], oslo["depth"], oslo["parent"]["name"]) == ("Oslo", 3, "North")
    assert oslo["archivedAt"] == oslo["parent"]["archivedAt"] is not None
    assert [o["name"] for o in oslo["ancestors"]] == ["Acme", "Sales", "North"]
    assert (oslo["customers"]["totalCount"], names(oslo["gone"])) == (0, "dee")


async def test_children_to_twelve_levels_in_one_query(world: World, admin: Client) -> None:
    making = Making(world)
    parent = None
    for level in range(50):
        parent = await making.organization(f"Level {level}", parent)
        await making.customer(f"c{level}@example.com", parent)
    selection = "name depth customerCount(includeDescendants: true) customers(first: 1) { nodes { email } }"
    # twelve levels of organizations are 24 levels of fields, the most a document may have
    text = "name"
    for _ in range(11):
        text = f"name children(first: 1) {{ nodes {{ {text} }} }}"
    node = (await admin.ask(f'{{ organization(by: {{id: "{await top(admin)}"}}) {{ {text} }} }}'))["organization"]
    for level in range(12):
        assert node["name"] == f"Level {level}"
        node = node["children"]["nodes"][0] if level < 11 else None
    text = selection
    for _ in range(9):
        text = f"{selection} children(first: 1) {{ nodes {{ {text} }} }}"
    node = (await admin.ask(f"{{ organizations(filter: {{root: true}}) {{ nodes {{ {text} }} }} }}"))["organizations"]
    for level in range(10):
        (node,) = node["nodes"] if level == 0 else node["children"]["nodes"]
        assert (node["name"], node["depth"]) == (f"Level {level}", level)
        assert node["customerCount"] == 50 - level
        assert node["customers"]["nodes"] == [{"email": f"c{level}@example.com"}]
    deepest = await admin.ask("query($id: ID!) { organization(by: {id: $id}) { depth ancestors { name } } }", id=parent)
    assert deepest["organization"]["depth"] == 49
    assert [o["name"] for o in deepest["organization"]["ancestors"]] == [f"Level {i}" for i in range(49)]


async def top(admin: Client) -> str:
    answer = await admin.ask("{ organizations(filter: {root: true}) { nodes { id } } }")
    return answer["organizations"]["nodes"][0]["id"]
