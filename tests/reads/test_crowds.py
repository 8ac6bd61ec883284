"""Pages of a project's customers, whichever way they are come by: by shares, or by walking along the list."""

from typing import Any

import pytest

from tests.conftest import Client, World
from tests.reads.making import Making

PAGE = """
query($project: ID!, $filter: [CustomerFilter!]!, $order: [CustomerOrder!],
      $first: Int, $after: String, $last: Int, $before: String) {
  customers(filter: {project: $project, and: $filter}, orderBy: $order,
            first: $first, after: $after, last: $last, before: $before) {
    totalCount nodes { email } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }
"""
WAYS = [(10_000, 10_000), (0, 10_000), (0, 7), (0, 4), (0, 1), (6, 5)]
"""Beyond how many members the list is walked, and how far."""

SEEING = ["ann", "cem", "dee", "eve", "gil", "hal", "ivy"]
"""By name: shared with themselves (ann, hal), with their organization (cem, eve), one above it (dee, ivy), or both (gil)."""


async def project(world: World) -> str:
    making = Making(world)
    acme = await making.organization("Acme")
    below = await making.organization("Below", await making.organization("Sales", acme))
    places = {"cem": acme, "dee": below, "eve": acme, "gil": below, "ivy": below, "old": acme}
    ids = {
        name: await making.customer(f"{name}@example.com", places.get(name), first_name=name)
        for name in ("ann", "bob", "cem", "dee", "eve", "fay", "gil", "hal", "ivy", "jan", "kim", "old")
    }
    made = await making.project("Plan", [ids["ann"], ids["hal"], ids["gil"], ids["old"]], [acme])
    await making.archive_customers(ids["old"])
    return made


def names(page: dict[str, Any]) -> list[str]:
    return [node["email"][:3] for node in page["nodes"]]


@pytest.mark.parametrize(("few", "farthest"), WAYS)
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_every_member_is_met_once_in_order(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch, few: int, farthest: int, direction: str
) -> None:
    monkeypatch.setattr("db.access.FEW", few)
    monkeypatch.setattr("db.reads.walking.FARTHEST", farthest)
    asked: dict[str, Any] = {"project": await project(world), "filter": []}
    asked["order"] = [{"field": "EMAIL", "direction": direction}]
    expected = SEEING if direction == "ASC" else SEEING[::-1]
    for size in (1, 2, 3, 7, 8):
        met, given = [], {"first": size}
        while given:
            page = (await admin.ask(PAGE, **asked, **given))["customers"]
            info, met = page["pageInfo"], met + names(page)
            assert page["totalCount"] == len(SEEING)
            assert info["hasNextPage"] is (len(met) < len(SEEING))
            assert info["hasPreviousPage"] is ("after" in given)
            given = {"first": size, "after": info["endCursor"]} if info["hasNextPage"] else {}
        assert met == expected, size
        met, given = [], {"last": size}
        while given:
            page = (await admin.ask(PAGE, **asked, **given))["customers"]
            info, met = page["pageInfo"], names(page) + met
            assert info["hasPreviousPage"] is (len(met) < len(SEEING))
            assert info["hasNextPage"] is ("before" in given)
            given = {"last": size, "before": info["startCursor"]} if info["hasPreviousPage"] else {}
        assert met == expected, size


@pytest.mark.parametrize(("few", "farthest"), WAYS)
async def test_what_else_is_asked_of_members_holds(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch, few: int, farthest: int
) -> None:
    monkeypatch.setattr("db.access.FEW", few)
    monkeypatch.setattr("db.reads.walking.FARTHEST", farthest)
    plan = await project(world)
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"email": {"contains": "a"}}, SEEING),
        ({"name": {"startsWith": "g"}}, ["gil"]),
        ({"name": {"in": ["dee", "fay", "ivy"]}}, ["dee", "ivy"]),
        ({"unassigned": True}, ["ann", "hal"]),
        ({"archived": True}, ["old"]),
        ({"not": {"unassigned": True}}, ["cem", "dee", "eve", "gil", "ivy"]),
    ]
    for given, expected in cases:
        page = (await admin.ask(PAGE, project=plan, filter=[given], first=3))["customers"]
        assert names(page) == expected[:3], given
        assert page["pageInfo"]["hasNextPage"] is (len(expected) > 3), given
    several = [{"field": "LAST_NAME", "direction": "DESC"}, {"field": "NAME", "direction": "ASC"}]
    page = (await admin.ask(PAGE, project=plan, filter=[], order=several, first=3))["customers"]
    assert names(page) == SEEING[:3]
    assert (await admin.ask(PAGE, project="prj_none", filter=[], first=3))["customers"]["nodes"] == []
