"""Importing organizations from a file."""

from typing import Any

import pytest

from jobs import imports as jobs
from jobs.import_organizations import AMBIGUOUS, CYCLE, ITSELF, NONE, planned
from tests.conftest import Client, World
from tests.importing import counts, imported, issues
from tests.steps import organization

TREE = """{ organizations(first: 250) { nodes { name website externalId parent { name } depth } } }"""


async def tree(client: Client) -> dict[str, str | None]:
    """The parent of each organization, by name."""
    nodes = (await client.ask(TREE))["organizations"]["nodes"]
    return {node["name"]: (node["parent"] or {}).get("name") for node in nodes}


@pytest.fixture(params=[100, 2], ids=["one chunk", "small chunks"])
def chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    for name in ("FIRST_CHUNK", "LARGEST_CHUNK", "SMALLEST_CHUNK"):
        monkeypatch.setattr(jobs, name, request.param)
    return int(request.param)


FILE = """Name,Parent,Website,ID
France,Acme / Europe,https://fr.acme.example,3
Europe,Acme,,2
Acme,,https://acme.example,1
Paris,France,,4
Branch,Globex,,5
Europe,Initech,,6
Initech,,,7
"""
PLACES = {
    "Acme": None,
    "Europe": "Initech",
    "France": "Europe",
    "Paris": "France",
    "Globex": None,
    "Branch": "Globex",
    "Initech": None,
}


@pytest.mark.usefixtures("chunk")
async def test_parents_may_stand_anywhere_in_the_file(world: World, admin: Client) -> None:
    for dry_run in (True, False):
        found = await imported(world, admin, "importOrganizations", FILE, dryRun=dry_run)
        assert (issues(found), counts(found)) == ([], {"created": 7})
        assert [row["line"] for row in found["rows"]["nodes"]] == [2, 3, 4, 5, 6, 7, 8]
    found = await tree(admin)
    assert {**found, "Europe": "Initech"} == PLACES
    nodes = (await admin.ask(TREE))["organizations"]["nodes"]
    assert len(nodes) == 8
    assert {n["name"]: n["depth"] for n in nodes if n["name"] in {"Acme", "France", "Paris"}} == {
        "Acme": 0,
        "France": 2,
        "Paris": 3,
    }
    again = await imported(world, admin, "importOrganizations", FILE)
    assert counts(again) == {"unchanged": 7}


@pytest.mark.usefixtures("chunk")
async def test_cycles_and_what_hangs_below_them_are_refused(world: World, admin: Client) -> None:
    text = "Name,Parent\nA,C\nB,A\nC,B\nBelow,A\nSelf,Self\nFree,\nTwin,Free\nTwin,Other\nChild,Twin\n"
    for dry_run in (True, False):
        found = await imported(world, admin, "importOrganizations", text, dryRun=dry_run)
        assert [(line, code) for line, code, _, _ in issues(found)] == [
            (2, "ORGANIZATION_CYCLE"),
            (3, "ORGANIZATION_CYCLE"),
            (4, "ORGANIZATION_CYCLE"),
            (5, "NOT_FOUND"),
            (6, "ORGANIZATION_CYCLE"),
            (10, "AMBIGUOUS_ORGANIZATION"),
        ]
        assert counts(found) == {"created": 3, "refused": 6}
    assert set(await tree(admin)) == {"Free", "Twin", "Other"}


@pytest.mark.usefixtures("chunk")
async def test_organizations_nest_fifty_deep_and_no_deeper(world: World, admin: Client) -> None:
    text = "Name,Parent\n" + "".join(f"L{n},{f'L{n - 1}' if n > 1 else ''}\n" for n in range(53, 0, -1))
    for dry_run in (True, False):
        found = await imported(world, admin, "importOrganizations", text, dryRun=dry_run)
        assert counts(found) == {"created": 50, "refused": 3}
        assert [code for _, code, _, _ in issues(found)] == ["TOO_DEEP"] * 3
    found = await imported(world, admin, "importOrganizations", "Name,Parent\nM,L50\n")
    assert issues(found) == [(2, "TOO_DEEP", "Parent", "L50")]


@pytest.mark.parametrize(
    ("policy", "expected", "after"),
    [
        ("UPDATE", {"updated": 2}, {"Acme Inc": None, "Europe": "Globex"}),
        ("FILL_EMPTY", {"updated": 2}, {"Acme": None, "Europe": "Acme"}),
        ("SKIP", {"skipped": 2}, {"Acme": None, "Europe": "Acme"}),
        ("FAIL", {"refused": 2}, {"Acme": None, "Europe": "Acme"}),
    ],
)
async def test_does_with_existing_organizations_what_was_asked(
    world: World, admin: Client, policy: str, expected: dict[str, int], after: dict[str, str | None]
) -> None:
    acme = await organization(admin, "Acme", externalId="1")
    await organization(admin, "Europe", acme, externalId="2")
    await organization(admin, "Globex")
    text = "Name,Parent,ID,Website\nAcme Inc,,1,acme.example\nEurope,Globex,2,eu.example\n"
    found = await imported(world, admin, "importOrganizations", text, onExisting=policy)
    assert counts(found) == expected
    assert await tree(admin) == {**after, "Globex": None}
    sites = {n["website"] for n in (await admin.ask(TREE))["organizations"]["nodes"]}
    assert ("acme.example" in sites) == ("updated" in expected)


async def test_refuses_a_move_under_itself_and_writes_nothing_of_that_row(world: World, admin: Client) -> None:
    acme = await organization(admin, "Acme", externalId="1")
    await organization(admin, "Europe", acme)
    found = await imported(
        world, admin, "importOrganizations", "Name,Parent,ID,Website\nAcme,Acme / Europe,1,x.example\n"
    )
    assert issues(found) == [(2, "ORGANIZATION_CYCLE", "Parent", "Acme / Europe")]
    assert (await admin.ask('{ organization(by: {externalId: "1"}) { website parent { id } version } }'))[
        "organization"
    ] == {"website": None, "parent": None, "version": 1}


async def test_of_two_rows_with_one_name_in_one_place_the_first_stands(world: World, admin: Client) -> None:
    text = "Name,Parent,Website\nAcme,,one.example\nACME,,two.example\nEurope,Acme,\neurope,acme,\nAcme,Globex,\n,,x\n"
    for dry_run in (True, False):
        found = await imported(world, admin, "importOrganizations", text, dryRun=dry_run)
        assert counts(found) == {"created": 3, "skipped": 2, "refused": 1, "warnings": 2}
        assert [i[:2] for i in issues(found, "warnings")] == [(3, "DUPLICATE_IN_FILE"), (5, "DUPLICATE_IN_FILE")]
        assert issues(found) == [(7, "REQUIRED", "Name", None)]


@pytest.mark.usefixtures("chunk")
async def test_a_parents_name_that_several_have_is_refused_and_not_guessed_at(world: World, admin: Client) -> None:
    acme, globex = await organization(admin, "Acme"), await organization(admin, "Globex")
    await organization(admin, "Europe", acme)
    await organization(admin, "Europe", globex)
    await organization(admin, "Asia", acme)
    text = "Name,Parent\nFrance,Europe\nJapan,Asia\nSpain,Acme / Europe\nTwin,Acme\nTwin,Globex\nChild,Twin\n"
    for dry_run in (True, False):
        found = await imported(world, admin, "importOrganizations", text, dryRun=dry_run)
        assert counts(found) == {"created": 4, "refused": 2}
        assert [(line, code, value) for line, code, _, value in issues(found)] == [
            (2, "AMBIGUOUS_ORGANIZATION", "Europe"),
            (7, "AMBIGUOUS_ORGANIZATION", "Twin"),
        ]
        told = [row["errors"][0] for row in found["rows"]["nodes"] if row["errors"]]
        assert [one["message"] for one in told] == [
            "Several organizations are named 'Europe', none of them at the top level.",
            "Several rows of the file can be meant by 'Twin', none of them at the top level; which one is not guessed at.",
        ]
        assert {one["hint"] for one in told} == {"Write its path from the top, such as 'Acme / Europe'."}
    top = await organization(admin, "Europe")
    again = await imported(world, admin, "importOrganizations", "Name,Parent\nFrance,Europe\n")
    assert counts(again) == {"created": 1}
    told = await admin.ask('{ organizations(filter: {name: {eq: "France"}}) { nodes { parent { id } } } }')
    assert told["organizations"]["nodes"] == [{"parent": {"id": top}}]


async def test_one_that_lies_below_another_of_its_name_may_come_alone(world: World, admin: Client) -> None:
    acme = await organization(admin, "Acme")
    refused = await imported(world, admin, "importOrganizations", "Name,Parent\nAcme,Acme\n")
    assert issues(refused) == [(2, "ORGANIZATION_CYCLE", "Parent", "Acme")]
    await organization(admin, "Acme", acme)
    found = await imported(world, admin, "importOrganizations", "Name,Parent,Website\nAcme,Acme,acme.example\n")
    assert counts(found) == {"updated": 1}


@pytest.mark.usefixtures("chunk")
@pytest.mark.parametrize("given", [{}, {"matchBy": "EXTERNAL_ID"}, {"onExisting": "FAIL"}, {"onExisting": "SKIP"}])
async def test_what_a_path_begins_with_may_be_a_row_of_the_file(
    world: World, admin: Client, given: dict[str, str]
) -> None:
    text = (
        "Name,Parent,Customer Id\nParis,Acme / France,p\nLyon,Acme / France,l\nDesk,Acme / France / Paris / Floor,d\n"
        "Acme,Group,a\nBad,Acme / X / Y,b\nGroup,,g\n"
    )
    mapping = [
        {"column": "Name", "field": "name"},
        {"column": "Parent", "field": "parent"},
        {"column": "Customer Id", "field": "externalId"},
    ]
    for dry_run in (True, False):
        found = await imported(world, admin, "importOrganizations", text, mapping=mapping, dryRun=dry_run, **given)
        assert (issues(found), counts(found)) == ([], {"created": 6})
    assert await tree(admin) == {
        "Group": None, "Acme": "Group", "France": "Acme", "Paris": "France", "Lyon": "France", "Floor": "Paris", "Desk": "Floor",
        "X": "Acme", "Y": "X", "Bad": "Y",
    }  # fmt: skip


@pytest.mark.usefixtures("chunk")
async def test_nothing_is_made_below_a_row_that_was_refused(world: World, admin: Client) -> None:
    long = "x" * 501
    text = f"Name,Parent,Website\nParis,Acme / France,\nAcme,,{long}\n"
    for dry_run in (True, False):
        found = await imported(world, admin, "importOrganizations", text, dryRun=dry_run)
        assert [(line, code) for line, code, _, _ in issues(found)] == [(2, "NOT_FOUND"), (3, "TOO_LONG")]
    told = found["rows"]["nodes"][0]["errors"][0]["message"]
    assert told == "What is above the parent, on line 3, was refused."
    assert await tree(admin) == {}


@pytest.mark.usefixtures("chunk")
async def test_a_dry_run_names_no_organization_that_it_would_have_made(world: World, admin: Client) -> None:
    acme = await organization(admin, "Acme")
    text = "Name,Parent\nAcme,\nFrance,Acme\nFrance,Acme\nParis,Acme / France / X\nX,Acme / France\nFrance,Acme\n"
    found = await imported(world, admin, "importOrganizations", text, dryRun=True)
    assert [(row["status"], (row["record"] or {}).get("id")) for row in found["rows"]["nodes"]] == [
        ("UNCHANGED", acme), ("CREATED", None), ("SKIPPED", None), ("CREATED", None), ("CREATED", None), ("SKIPPED", None),
    ]  # fmt: skip
    assert await world.rows("SELECT record_id FROM import_row WHERE record_id IS NOT NULL") == [(acme,)]


@pytest.mark.parametrize(
    ("rows", "parents", "levels"),
    [
        ([], [], []),
        ([("B", "A"), ("A", "")], [2, NONE], [1, 0]),
        ([("A", "B"), ("B", "A"), ("C", "B")], [CYCLE, CYCLE, 2], [0, 0, 1]),
        ([("A", "elsewhere")], [NONE], [0]),
        ([("X", "A"), ("X", "B"), ("Y", "X"), ("Z", "B / X")], [NONE, NONE, AMBIGUOUS, 2], [0, 0, 0, 1]),
        ([("X", ""), ("X", "B"), ("Y", "x")], [NONE, NONE, 1], [0, 0, 1]),
        ([("A", "A")], [ITSELF], [0]),
        ([("C", "A / B"), ("B", "A"), ("B", "X / A"), ("A", "")], [2, 4, NONE, NONE], [2, 1, 0, 0]),
        ([("C", "B"), ("B", "A / X")], [2, NONE], [1, 0]),
        ([("A", ""), ("A", ""), ("B", "A")], [NONE, NONE, 1], [0, 0, 1]),
        ([("C", "A / X / Y"), ("B", "C / Z"), ("A", "")], [NONE, NONE, NONE], [1, 2, 0]),
        ([("X", "Z / Y"), ("Z", "X / W"), ("C", "X / V")], [CYCLE, CYCLE, NONE], [0, 0, 1]),
        ([("A", "A / B")], [NONE], [0]),
    ],
)
def test_plans_in_which_order_rows_are_taken(
    rows: list[tuple[str, str]], parents: list[int], levels: list[int]
) -> None:
    plan: Any = planned(rows)
    assert (list(plan.parents)[1:], list(plan.levels)[1:]) == (parents, levels)
