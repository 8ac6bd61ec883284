"""Pages of lists: cursors in both directions, over ties, stable under writes, refused where they do not belong."""

from typing import Any

import pytest

from tests import steps
from tests.conftest import Client, World
from tests.reads.making import Making

PAGE = """
query($first: Int, $after: String, $last: Int, $before: String, $order: [CustomerOrder!], $filter: CustomerFilter) {
  customers(first: $first, after: $after, last: $last, before: $before, orderBy: $order, filter: $filter) {
    totalCount edges { cursor node { email } } nodes { email }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""
NAMES = [("Ann", "Lee"), ("ann", "LEE"), ("Ánn", "Lee"), ("Bob", "Lee"), ("Bob", "Ray"), ("Zoë", None), (None, "Ray")]


async def seven(world: World) -> list[str]:
    """Seven customers with ties in every name, made in two moments."""
    making = Making(world)
    people = [
        {"email": f"p{i}@example.com", "first_name": first, "last_name": last} for i, (first, last) in enumerate(NAMES)
    ]
    ids = await making.customers(people[:4])
    world.clock.advance(1000)
    return ids + await making.customers(people[4:])


def emails(answer: dict[str, Any]) -> list[str]:
    page = answer["customers"]
    assert [e["node"] for e in page["edges"]] == page["nodes"]
    cursors = [e["cursor"] for e in page["edges"]]
    info = page["pageInfo"]
    assert (info["startCursor"], info["endCursor"]) == ((cursors[0], cursors[-1]) if cursors else (None, None))
    return [n["email"][:2] for n in page["nodes"]]


ORDERS: list[tuple[list[tuple[str, str]], str]] = [
    ([], "p0 p1 p2 p3 p4 p6 p5"),
    ([("NAME", "ASC")], "p0 p1 p2 p3 p4 p6 p5"),
    ([("NAME", "DESC")], "p5 p6 p4 p3 p2 p1 p0"),
    ([("LAST_NAME", "ASC")], "p5 p0 p1 p2 p3 p4 p6"),
    ([("LAST_NAME", "DESC"), ("NAME", "ASC")], "p4 p6 p0 p1 p2 p3 p5"),
    ([("CREATED_AT", "DESC"), ("NAME", "ASC")], "p4 p6 p5 p0 p1 p2 p3"),
    ([("CREATED_AT", "ASC"), ("LAST_NAME", "DESC"), ("EMAIL", "DESC")], "p3 p2 p1 p0 p6 p4 p5"),
    ([("UPDATED_AT", "DESC"), ("LAST_NAME", "ASC"), ("NAME", "DESC")], "p5 p6 p4 p3 p2 p1 p0"),
]


@pytest.mark.parametrize(("order", "expected"), ORDERS)
@pytest.mark.parametrize("size", [1, 2, 3, 7])
async def test_walking_in_either_direction_meets_every_record_once_in_order(
    world: World, admin: Client, order: list[tuple[str, str]], expected: str, size: int
) -> None:
    await seven(world)
    given = [{"field": field, "direction": direction} for field, direction in order]
    forward: list[str] = []
    after = None
    for number in range(20):
        answer = await admin.ask(PAGE, first=size, after=after, order=given)
        forward += emails(answer)
        info = answer["customers"]["pageInfo"]
        assert info["hasPreviousPage"] == (number > 0)
        assert answer["customers"]["totalCount"] == 7
        after = info["endCursor"]
        if not info["hasNextPage"]:
            break
    assert forward == expected.split()
    backward: list[str] = []
    before = None
    for number in range(20):
        answer = await admin.ask(PAGE, last=size, before=before, order=given)
        backward = emails(answer) + backward
        info = answer["customers"]["pageInfo"]
        assert info["hasNextPage"] == (number > 0)
        before = info["startCursor"]
        if not info["hasPreviousPage"]:
            break
    assert backward == expected.split()


async def test_between_two_cursors_pages_go_from_either_end(world: World, admin: Client) -> None:
    await seven(world)
    whole = await admin.ask(PAGE)
    cursors = [e["cursor"] for e in whole["customers"]["edges"]]
    given = {"after": cursors[0], "before": cursors[5]}
    first = await admin.ask(PAGE, first=2, **given)
    assert emails(first) == ["p1", "p2"]
    assert first["customers"]["pageInfo"]["hasNextPage"] is True
    assert first["customers"]["pageInfo"]["hasPreviousPage"] is True
    last = await admin.ask(PAGE, last=2, **given)
    assert emails(last) == ["p3", "p4"]
    assert last["customers"]["pageInfo"]["hasNextPage"] is True
    assert last["customers"]["pageInfo"]["hasPreviousPage"] is True
    assert emails(await admin.ask(PAGE, first=4, **given)) == ["p1", "p2", "p3", "p4"]
    assert emails(await admin.ask(PAGE, first=9, **given)) == ["p1", "p2", "p3", "p4"]


async def test_the_first_the_middle_the_last_and_the_only_page_know_where_they_lie(world: World, admin: Client) -> None:
    await seven(world)
    seen = []
    after = None
    for _ in range(3):
        info = (await admin.ask(PAGE, first=3, after=after))["customers"]["pageInfo"]
        seen.append((info["hasPreviousPage"], info["hasNextPage"]))
        after = info["endCursor"]
    assert seen == [(False, True), (True, True), (True, False)]
    only = (await admin.ask(PAGE, first=7))["customers"]["pageInfo"]
    assert (only["hasPreviousPage"], only["hasNextPage"]) == (False, False)
    beyond = (await admin.ask(PAGE, first=3, after=after))["customers"]
    assert beyond["edges"] == []
    assert beyond["pageInfo"] == {
        "hasNextPage": False,
        "hasPreviousPage": True,
        "startCursor": None,
        "endCursor": None,
    }


async def test_an_empty_list_has_an_empty_page(admin: Client) -> None:
    for given in ({"first": 3}, {"last": 3}, {}):
        assert (await admin.ask(PAGE, **given))["customers"] == {
            "totalCount": 0,
            "edges": [],
            "nodes": [],
            "pageInfo": {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None},
        }


async def test_pages_are_stable_while_records_come_and_go(world: World, admin: Client) -> None:
    ids = await seven(world)
    making = Making(world)
    page = await admin.ask(PAGE, first=3)
    assert emails(page) == ["p0", "p1", "p2"]
    await making.archive_customers(ids[2], ids[3])
    await making.customer("p7@example.com", first_name="Aaron")
    await making.customer("p8@example.com", first_name="Carl")
    page = await admin.ask(PAGE, first=9, after=page["customers"]["pageInfo"]["endCursor"])
    assert emails(page) == ["p4", "p8", "p6", "p5"]
    assert page["customers"]["totalCount"] == 7


async def test_the_count_heeds_the_filter_and_not_the_page(world: World, admin: Client) -> None:
    await seven(world)
    answer = await admin.ask(PAGE, first=1, filter={"lastName": {"eq": "lee"}})
    assert emails(answer) == ["p0"]
    assert answer["customers"]["totalCount"] == 4
    after = answer["customers"]["pageInfo"]["endCursor"]
    answer = await admin.ask(PAGE, first=9, after=after, filter={"lastName": {"eq": "lee"}})
    assert emails(answer) == ["p1", "p2", "p3"]
    assert answer["customers"]["totalCount"] == 4


# Refusals


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"first": 0}, ["customers", "first"]),
        ({"first": -1}, ["customers", "first"]),
        ({"first": 251}, ["customers", "first"]),
        ({"first": 100_000}, ["customers", "first"]),
        ({"last": 0}, ["customers", "last"]),
        ({"last": -7}, ["customers", "last"]),
        ({"last": 251}, ["customers", "last"]),
    ],
)
async def test_refuses_page_sizes_outside_1_to_250(admin: Client, given: dict[str, int], path: list[str]) -> None:
    error = await admin.refused(PAGE, **given)
    assert error["extensions"]["code"] == "LIMIT"
    assert error["path"] == path
    assert "between 1 and 250" in error["message"]


async def test_a_page_of_250_is_the_largest(world: World, admin: Client) -> None:
    await seven(world)
    assert len(emails(await admin.ask(PAGE, first=250))) == 7
    literal = await admin.refused("{ customers(first: 251) { totalCount } }")
    assert literal["extensions"]["code"] == "LIMIT"


@pytest.mark.parametrize("first", [2**31, -(2**31) - 1, 2**63, 1.5, "1", True])
async def test_refuses_what_is_no_int(admin: Client, first: Any) -> None:
    assert (await admin.refused(PAGE, first=first))["extensions"]["code"] == "INVALID_VALUE"


async def test_refuses_an_int_literal_that_is_too_large(admin: Client) -> None:
    error = await admin.refused("{ customers(first: 2147483648) { totalCount } }")
    assert error["extensions"]["code"] == "SYNTAX"


async def test_refuses_first_and_last_together(admin: Client) -> None:
    error = await admin.refused(PAGE, first=1, last=1)
    assert (error["extensions"]["code"], error["path"]) == ("INVALID_VALUE", ["customers", "last"])


async def test_refuses_four_sort_keys_and_one_given_twice(admin: Client) -> None:
    keys = [{"field": field} for field in ("NAME", "EMAIL", "CREATED_AT", "UPDATED_AT")]
    assert (await admin.refused(PAGE, order=keys))["extensions"]["code"] == "LIMIT"
    assert (await admin.refused(PAGE, order=keys[:1] * 2))["extensions"]["code"] == "INVALID_VALUE"


def part(*texts: str) -> str:
    return "\x1f".join(texts).encode().hex()


async def test_refuses_cursors_that_were_tampered_with(world: World, admin: Client) -> None:
    await seven(world)
    answer = await admin.ask(PAGE, first=1)
    cursor = answer["customers"]["pageInfo"]["endCursor"]
    tag = bytes.fromhex(cursor).decode().split("\x1f")[0]
    for bad in (
        "", " ", "x", cursor[:-1], cursor[1:], "zz" + cursor, cursor + "1f", part("none", "a", "b"), part(tag),
        part(tag, "a"), part(tag, "a", "b", "c"), part(tag, "a\x00", "b"), part(tag) + "1fff", "ff" * 40, "Ω",
    ):  # fmt: skip
        for name in ("after", "before"):
            error = await admin.refused(PAGE, **{name: bad})
            assert error["extensions"]["code"] == "BAD_CURSOR", bad
            assert error["path"] == ["customers", name]


async def test_refuses_cursors_whose_numbers_are_none(world: World, admin: Client) -> None:
    await seven(world)
    order = [{"field": "CREATED_AT"}]
    answer = await admin.ask(PAGE, first=1, order=order)
    tag = bytes.fromhex(answer["customers"]["pageInfo"]["endCursor"]).decode().split("\x1f")[0]
    for bad in ("x", "", "1.5", "9" * 30, "-" + "9" * 30, "9" * 5000):
        error = await admin.refused(PAGE, after=part(tag, bad, "cus_1"), order=order)
        assert error["extensions"]["code"] == "BAD_CURSOR", bad


async def test_refuses_cursors_of_another_order_and_of_another_list(world: World, admin: Client) -> None:
    await seven(world)
    await Making(world).organization("Acme")
    by_name = (await admin.ask(PAGE, first=1))["customers"]["pageInfo"]["endCursor"]
    for order in ([("NAME", "DESC")], [("EMAIL", "ASC")], [("NAME", "ASC"), ("EMAIL", "ASC")]):
        given = [{"field": field, "direction": direction} for field, direction in order]
        assert (await admin.refused(PAGE, after=by_name, order=given))["extensions"]["code"] == "BAD_CURSOR"
    text = "query($after: String) { organizations(first: 1, after: $after) { pageInfo { endCursor } } }"
    assert (await admin.refused(text, after=by_name))["extensions"]["code"] == "BAD_CURSOR"
    of_organizations = (await admin.ask(text))["organizations"]["pageInfo"]["endCursor"]
    assert (await admin.refused(PAGE, after=of_organizations))["extensions"]["code"] == "BAD_CURSOR"


async def test_a_cursor_of_another_workspace_is_a_position_and_no_right(world: World, admin: Client) -> None:
    await seven(world)
    other = Making(world, await world.workspace())
    for i in range(3):
        await other.customer(f"foreign{i}@example.com", first_name="Bob")
    foreigner = await world.key(workspace_id=other.workspace_id)
    cursor = (await foreigner.ask(PAGE, first=1))["customers"]["pageInfo"]["endCursor"]
    assert emails(await admin.ask(PAGE, after=cursor)) == ["p3", "p4", "p6", "p5"]
    assert (await admin.ask(PAGE, before=cursor))["customers"]["totalCount"] == 7


async def test_who_sees_a_project_in_two_ways_is_met_once_in_either_direction(admin: Client) -> None:
    acme = await steps.organization(admin, "Acme")
    await steps.customer(admin, "p1@example.com", organizationId=acme)
    both = await steps.customer(admin, "p2@example.com", organizationId=acme)
    direct = await steps.customer(admin, "p3@example.com")
    await steps.customer(admin, "p4@example.com", organizationId=acme)
    await steps.customer(admin, "p5@example.com")
    wiki = await steps.project(admin, "Wiki")
    await steps.done(admin, "shareProject", "count", projectId=wiki, organizationIds=[acme], customerIds=[both, direct])
    for order in ([], [{"field": "CREATED_AT", "direction": "ASC"}, {"field": "EMAIL", "direction": "DESC"}]):
        asked = {"filter": {"project": wiki}, "order": [*order, {"field": "NAME", "direction": "ASC"}][:3]}
        whole = await admin.ask(PAGE, **asked)
        listed = emails(whole)
        assert sorted(listed) == ["p1", "p2", "p3", "p4"]
        forward, backward = [], []
        after = before = None
        for _ in range(2):
            page = await admin.ask(PAGE, first=2, after=after, **asked)
            forward += emails(page)
            after = page["customers"]["pageInfo"]["endCursor"]
            assert page["customers"]["totalCount"] == 4
            assert page["customers"]["pageInfo"]["hasNextPage"] is (len(forward) == 2)
            page = await admin.ask(PAGE, last=2, before=before, **asked)
            backward = emails(page) + backward
            before = page["customers"]["pageInfo"]["startCursor"]
            assert page["customers"]["pageInfo"]["hasPreviousPage"] is (len(backward) == 2)
        assert forward == backward == listed


async def test_nested_lists_have_pages_of_their_own(world: World, admin: Client) -> None:
    making = Making(world)
    for name in ("A", "B"):
        organization = await making.organization(name)
        for i in range(25):
            await making.customer(f"{name}{i:02}@example.com", organization)
    answer = await admin.ask(
        """{ organizations { nodes { customers { nodes { email } pageInfo { hasNextPage } }
               few: customers(last: 2) { totalCount nodes { email } pageInfo { hasPreviousPage startCursor } } } } }"""
    )
    a, b = answer["organizations"]["nodes"]
    assert len(a["customers"]["nodes"]) == 20
    assert a["customers"]["pageInfo"]["hasNextPage"] is True
    assert [n["email"] for n in b["few"]["nodes"]] == ["B23@example.com", "B24@example.com"]
    assert b["few"]["totalCount"] == 25
    assert b["few"]["pageInfo"]["hasPreviousPage"] is True
