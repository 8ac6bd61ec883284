"""Moving customers into an organization, or out of any."""

from typing import Any

import pytest

from tests import steps
from tests.conftest import Client, World

MOVED = """count results { outcome customer { email organization { name } version } errors { code path } }
  customers { totalCount nodes { email organization { name } } }
  access { gained { project { name } customerCount } lost { project { name } customerCount } }"""


async def move(client: Client, to: dict[str, Any], **input_: Any) -> dict[str, Any]:
    return await steps.done(client, "moveCustomers", MOVED, to=to, **input_)


async def place(client: Client, customer_id: str) -> str | None:
    found = await steps.read(client, customer_id, "... on Customer { organization { name } }")
    return found["organization"] and found["organization"]["name"]


async def test_moves_one_into_an_organization(admin: Client) -> None:
    acme = await steps.organization(admin, "Acme")
    ann = await steps.customer(admin, "ann@example.com")
    answer = await move(admin, {"organizationId": acme}, customerIds=[ann])
    moved = {"email": "ann@example.com", "organization": {"name": "Acme"}}
    assert answer == {
        "count": 1,
        "results": [{"outcome": "UPDATED", "customer": {**moved, "version": 2}, "errors": []}],
        "customers": {"totalCount": 1, "nodes": [moved]},
        "access": None,
        "errors": [],
    }


async def test_moves_many_and_answers_in_the_order_of_the_input(admin: Client) -> None:
    acme = await steps.organization(admin, "Acme")
    ann = await steps.customer(admin, "ann@example.com", organizationId=acme)
    bob = await steps.customer(admin, "bob@example.com")
    cyd = await steps.customer(admin, "cyd@example.com")
    answer = await move(admin, {"organizationId": acme}, customerIds=[cyd, ann, bob])
    assert [(r["customer"]["email"], r["outcome"]) for r in answer["results"]] == [
        ("cyd@example.com", "UPDATED"),
        ("ann@example.com", "UNCHANGED"),
        ("bob@example.com", "UPDATED"),
    ]
    assert answer["count"] == 2
    assert [c["email"] for c in answer["customers"]["nodes"]] == ["bob@example.com", "cyd@example.com"]


async def test_moves_back_to_none(admin: Client) -> None:
    acme = await steps.organization(admin, "Acme")
    ann = await steps.customer(admin, "ann@example.com", organizationId=acme)
    assert (await move(admin, {"unassigned": True}, customerIds=[ann]))["count"] == 1
    assert await place(admin, ann) is None
    assert await steps.emails(admin, {"unassigned": True}) == ["ann@example.com"]


async def test_moves_all_that_match_a_filter(admin: Client) -> None:
    acme, beta = await steps.organization(admin, "Acme"), await steps.organization(admin, "Beta")
    for name in ("ann", "bob"):
        await steps.customer(admin, f"{name}@acme.example", organizationId=acme)
    await steps.customer(admin, "cyd@beta.example", organizationId=beta)
    answer = await move(admin, {"organizationId": beta}, filter={"organization": acme})
    assert (answer["count"], answer["results"], answer["errors"]) == (2, [], [])
    assert await steps.emails(admin, {"organization": beta}) == [
        "ann@acme.example",
        "bob@acme.example",
        "cyd@beta.example",
    ]


async def test_a_filter_that_matches_nobody_moves_nobody(world: World, admin: Client) -> None:
    before = await steps.written(world)
    answer = await move(admin, {"unassigned": True}, filter={"email": {"eq": "nobody@example.com"}})
    assert (answer["count"], answer["errors"], answer["customers"]["nodes"]) == (0, [], [])
    assert await steps.written(world) == before


@pytest.mark.parametrize(
    "empty",
    [
        {},
        {"and": []},
        {"or": []},
        {"and": [{}, {"and": []}]},
        {"or": [{}]},
        {"not": {}},
        {"not": {"or": []}},
        {"email": {}},
        {"email": {"contains": None}},
        {"createdAt": {}},
        {"unassigned": None},
        {"or": [{"unassigned": True}, {}]},
    ],
)
async def test_refuses_a_filter_that_says_nothing(world: World, admin: Client, empty: dict[str, Any]) -> None:
    acme = await steps.organization(admin, "Acme")
    await steps.customer(admin, "ann@example.com")
    before = await steps.written(world)
    answer = await move(admin, {"organizationId": acme}, filter=empty)
    assert [(e["code"], e["path"]) for e in answer["errors"]] == [("REQUIRED", ["filter"])]
    assert await steps.written(world) == before


async def test_refuses_both_ids_and_filter_and_neither(admin: Client) -> None:
    for given in ({}, {"customerIds": [], "filter": {"unassigned": True}}):
        answer = await move(admin, {"unassigned": True}, **given)
        assert [(e["code"], e["path"]) for e in answer["errors"]] == [("INVALID_VALUE", ["customerIds"])]


async def test_refuses_a_target_that_is_not_named(admin: Client) -> None:
    text = "mutation($input: MoveCustomersInput!) { moveCustomers(input: $input) { count } }"
    ids = ["cus_" + "0" * 26]
    for to in ({}, {"organizationId": None}, {"organizationId": "x", "unassigned": True}, {"unassigned": None}, None):
        error = await admin.refused(text, input={"customerIds": ids, "to": to})
        assert error["extensions"]["code"] == "INVALID_VALUE"
    error = await admin.refused(text, input={"customerIds": ids})
    assert error["extensions"]["code"] == "INVALID_VALUE"
    answer = await move(admin, {"unassigned": False}, customerIds=ids)
    assert [(e["code"], e["path"]) for e in answer["errors"]] == [("INVALID_VALUE", ["to", "unassigned"])]


async def test_refuses_an_unknown_or_archived_target(world: World, admin: Client) -> None:
    gone = await steps.organization(admin, "Gone")
    await steps.well(admin, "archiveOrganization", organizationId=gone)
    ann = await steps.customer(admin, "ann@example.com")
    before = await steps.written(world)
    for target in ("org_" + "0" * 26, gone, ann):
        answer = await move(admin, {"organizationId": target}, customerIds=[ann])
        assert [(e["code"], e["path"]) for e in answer["errors"]] == [("NOT_FOUND", ["to", "organizationId"])]
    assert await steps.written(world) == before


async def test_one_unknown_id_rejects_all_unless_told_otherwise(world: World, admin: Client) -> None:
    acme = await steps.organization(admin, "Acme")
    ann = await steps.customer(admin, "ann@example.com")
    gone = await steps.customer(admin, "gone@example.com")
    await steps.well(admin, "archiveCustomers", customerIds=[gone])
    ids = [ann, "cus_" + "0" * 26, gone]
    before = await steps.written(world)
    answer = await move(admin, {"organizationId": acme}, customerIds=ids)
    assert [r["outcome"] for r in answer["results"]] == ["NOT_DONE", "REFUSED", "REFUSED"]
    assert [(e["code"], e["path"]) for e in answer["errors"]] == [
        ("NOT_FOUND", ["customerIds", "1"]),
        ("NOT_FOUND", ["customerIds", "2"]),
    ]
    assert (answer["count"], answer["customers"]["nodes"]) == (0, [])
    assert await steps.written(world) == before
    answer = await move(admin, {"organizationId": acme}, customerIds=ids, errorPolicy="SKIP_FAILED")
    assert [r["outcome"] for r in answer["results"]] == ["UPDATED", "REFUSED", "REFUSED"]
    assert answer["count"] == 1
    assert await place(admin, ann) == "Acme"


async def test_refuses_more_than_a_thousand_ids(admin: Client) -> None:
    answer = await move(admin, {"unassigned": True}, customerIds=["x"] * 1_001)
    assert [(e["code"], e["path"]) for e in answer["errors"]] == [("LIMIT", ["customerIds"])]


async def test_the_same_id_twice_counts_once(admin: Client) -> None:
    acme = await steps.organization(admin, "Acme")
    ann = await steps.customer(admin, "ann@example.com")
    answer = await move(admin, {"organizationId": acme}, customerIds=[ann, ann])
    assert (answer["count"], len(answer["results"])) == (1, 2)
    assert answer["results"][0]["customer"]["version"] == 2


async def test_a_move_to_where_they_are_writes_nothing(world: World, admin: Client) -> None:
    acme = await steps.organization(admin, "Acme")
    ann = await steps.customer(admin, "ann@example.com", organizationId=acme)
    before = await steps.written(world)
    answer = await move(admin, {"organizationId": acme}, customerIds=[ann])
    assert (answer["count"], answer["results"][0]["outcome"]) == (0, "UNCHANGED")
    assert await steps.written(world) == before


async def test_a_dry_run_tells_what_access_is_gained_and_lost_and_keeps_nothing(world: World, admin: Client) -> None:
    top = await steps.organization(admin, "Top")
    acme, beta = await steps.organization(admin, "Acme", top), await steps.organization(admin, "Beta")
    ann = await steps.customer(admin, "ann@example.com", organizationId=acme)
    bob = await steps.customer(admin, "bob@example.com", organizationId=acme)
    cyd = await steps.customer(admin, "cyd@example.com")
    shared = {"Above": [top], "Acme only": [acme], "Beta only": [beta], "Both": [acme, beta]}
    for name, organizations in shared.items():
        made = await steps.project(admin, name, [bob] if name == "Beta only" else None)
        await steps.well(admin, "shareProject", projectId=made, organizationIds=organizations)
    before = await steps.written(world)
    answer = await move(admin, {"organizationId": beta}, customerIds=[ann, bob, cyd], dryRun=True)
    told = {
        way: sorted((p["project"]["name"], p["customerCount"]) for p in projects)
        for way, projects in answer["access"].items()
    }
    assert told == {"gained": [("Beta only", 2), ("Both", 1)], "lost": [("Above", 2), ("Acme only", 2)]}
    assert answer["count"] == 3
    assert [c["organization"]["name"] for c in answer["customers"]["nodes"]] == ["Beta"] * 3
    assert await steps.written(world) == before
    assert await place(admin, ann) == "Acme"


async def test_what_a_dry_run_foretells_comes_true(admin: Client) -> None:
    acme, beta = await steps.organization(admin, "Acme"), await steps.organization(admin, "Beta")
    ann = await steps.customer(admin, "ann@example.com", organizationId=acme)
    for name, place_ in (("One", acme), ("Two", beta)):
        made = await steps.project(admin, name)
        await steps.well(admin, "shareProject", projectId=made, organizationIds=[place_])
    await move(admin, {"organizationId": beta}, customerIds=[ann])
    seen = await steps.read(admin, ann, "... on Customer { projects { nodes { name } } }")
    assert seen["projects"]["nodes"] == [{"name": "Two"}]


async def test_a_dry_run_out_of_any_organization_loses_what_came_by_it(admin: Client) -> None:
    acme = await steps.organization(admin, "Acme")
    ann = await steps.customer(admin, "ann@example.com", organizationId=acme)
    wiki = await steps.project(admin, "Wiki")
    await steps.well(admin, "shareProject", projectId=wiki, organizationIds=[acme])
    archived = await steps.project(admin, "Archived")
    await steps.well(admin, "shareProject", projectId=archived, organizationIds=[acme])
    await steps.well(admin, "archiveProject", projectId=archived)
    answer = await move(admin, {"unassigned": True}, filter={"ids": [ann]}, dryRun=True)
    assert answer["access"] == {"gained": [], "lost": [{"project": {"name": "Wiki"}, "customerCount": 1}]}
