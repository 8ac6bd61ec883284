"""Filters and search: every field and comparator, and what they mean over what is absent."""

from typing import Any

import pytest
import pytest_asyncio

from db import customers
from schema.scalars import SCALARS, DateTime
from tests.conftest import Client, World
from tests.reads.making import Making

CUSTOMERS = """
query($filter: CustomerFilter, $search: String) {
  customers(filter: $filter, search: $search) { totalCount nodes { email } }
}
"""
ORGANIZATIONS = "query($filter: OrganizationFilter) { organizations(filter: $filter) { totalCount nodes { name } } }"
PROJECTS = "query($filter: ProjectFilter) { projects(filter: $filter) { totalCount nodes { name } } }"
TICKETS = "query($filter: TicketFilter) { tickets(filter: $filter) { totalCount nodes { subject } } }"
INVITATIONS = """
query($filter: InvitationFilter) {
  invitations(filter: $filter, orderBy: [{field: CREATED_AT}]) { totalCount nodes { customer { email } } }
}
"""
NOON = "2027-01-01T12:00:00.000Z"


class Office:
    """A few records whose names say what they are."""

    def __init__(self, world: World, admin: Client) -> None:
        self.world, self.admin = world, admin
        self.ids: dict[str, str] = {}

    async def make(self) -> None:
        making, ids = Making(self.world), self.ids
        self.world.clock.advance(1_798_804_800_000 - self.world.clock())  # 2027-01-01T12:00:00Z
        ids["acme"] = await making.organization("Acme", external_id="A-1", website="https://acme.example")
        ids["sales"] = await making.organization("Sales", ids["acme"])
        ids["north"] = await making.organization("North", ids["sales"], website="https://Acme.example")
        ids["globex"] = await making.organization("Globex")
        ids["gone"] = await making.organization("Gone")
        await making.archive_organization(ids["gone"])
        ids["ann"] = await making.customer(
            "ann@example.com", ids["acme"], first_name="Ann", last_name="Lee", external_id="X-1"
        )
        ids["bob"] = await making.customer("bob@example.com", ids["north"], first_name="Bob", last_name="O'Neill-Ray")
        ids["cem"] = await making.customer("cem@example.org", ids["globex"], first_name="Ćem")
        ids["dee"] = await making.customer("dee.müller@example.org", external_id="x-1")
        ids["eve"] = await making.customer("eve@example.com", first_name="Eve", last_name="Straße", phone="1")
        ids["old"] = await making.customer("old@example.com", ids["acme"], first_name="Ann", last_name="Old")
        ids["plan"] = await making.project("Plan", [ids["cem"]], [ids["sales"]], external_id="P")
        ids["view"] = await making.project("Éva View", [ids["old"], ids["ann"]])
        ids["none"] = await making.project("None")
        ids["done"] = await making.project("Done", [ids["ann"]])
        await making.archive_project(ids["done"])
        await making.archive_customers(ids["old"])
        self.world.clock.advance(60_000)
        ids["inv_bob"] = await making.invitation(ids["bob"])
        ids["inv_cem"] = await making.invitation(ids["cem"], expires_at=1)
        ids["inv_dee"] = await making.invitation(ids["dee"], revoked_at=1)
        ids["inv_eve"] = await making.invitation(ids["eve"], accepted_at=1)
        await self.world.run("UPDATE customer SET activated_at = 1 WHERE id = ?", (ids["eve"],))
        ids["t1"] = await making.ticket("one", ids["ann"], ids["plan"], status="CLOSED", priority="LOW")
        ids["t2"] = await making.ticket("two", None, None, requester_email_key="new@example.com", external_id="T")
        ids["t3"] = await making.ticket("three", ids["bob"], None, status="PENDING", priority="URGENT", archived_at=5)

    def resolved(self, given: Any) -> Any:
        """A filter with `$name` replaced by the id of that name."""
        if isinstance(given, dict):
            return {key: self.resolved(value) for key, value in given.items()}
        if isinstance(given, list):
            return [self.resolved(one) for one in given]
        return self.ids[given[1:]] if isinstance(given, str) and given.startswith("$") else given

    async def found(self, text: str, given: Any, search: str | None = None) -> str:
        more = {"search": search} if search is not None else {}
        answer = await self.admin.ask(text, filter=self.resolved(given), **more)
        ((connection),) = answer.values()
        names = []
        for node in connection["nodes"]:
            value = next(iter(node.values()))
            value = value["email"] if isinstance(value, dict) else value
            names.append(value[:3].lower() if "@" in value else value)
        assert connection["totalCount"] == len(names)
        return " ".join(names)


@pytest_asyncio.fixture
async def office(world: World, admin: Client) -> Office:
    office = Office(world, admin)
    await office.make()
    return office


ALL = "ann bob cem dee eve"
CUSTOMER_CASES: list[tuple[Any, str]] = [
    (None, ALL),
    ({}, ALL),
    ({"ids": ["$ann", "$eve", "$old", "$acme", "cus_no"]}, "ann eve"),
    ({"ids": []}, ""),
    ({"ids": None}, ALL),
    ({"organization": "$acme"}, "ann"),
    ({"organization": "$sales"}, ""),
    ({"organization": "org_no"}, ""),
    ({"inTreeOf": "$acme"}, "ann bob"),
    ({"inTreeOf": "$north"}, "bob"),
    ({"inTreeOf": "$gone"}, ""),
    ({"unassigned": True}, "dee eve"),
    ({"unassigned": False}, "ann bob cem"),
    ({"project": "$plan"}, "bob cem"),
    ({"project": "$view"}, "ann"),
    ({"project": "$none"}, ""),
    ({"project": "$acme"}, ""),
    ({"status": ["INVITED"]}, "bob"),
    ({"status": ["ACTIVE", "INVITED"]}, "bob eve"),
    ({"status": ["CREATED"]}, "ann cem dee"),
    ({"status": ["ARCHIVED"]}, ""),
    ({"status": ["ARCHIVED"], "archived": True}, "old"),
    ({"status": []}, ""),
    ({"email": {"eq": "ANN@example.COM"}}, "ann"),
    ({"email": {"in": ["ann@example.com", "EVE@example.com", "no"]}}, "ann eve"),
    ({"email": {"in": []}}, ""),
    ({"email": {"contains": "EXAMPLE.org"}}, "cem dee"),
    ({"email": {"startsWith": "b"}}, "bob"),
    ({"email": {"startsWith": "b", "contains": ".org"}}, ""),
    ({"email": {"isNull": True}}, ""),
    ({"email": {}}, ALL),
    ({"email": {"eq": None}}, ALL),
    ({"firstName": {"eq": "cem"}}, "cem"),
    ({"firstName": {"startsWith": "ć"}}, "cem"),
    ({"firstName": {"isNull": True}}, "dee"),
    ({"firstName": {"isNull": False}}, "ann bob cem eve"),
    ({"firstName": {"in": ["ANN", "Éve"]}}, "ann eve"),
    ({"lastName": {"contains": "NEILL"}}, "bob"),
    ({"lastName": {"eq": "STRASSE"}}, "eve"),
    ({"lastName": {"isNull": True}}, "cem dee"),
    ({"lastName": {"startsWith": ""}}, ALL),
    ({"name": {"startsWith": "ann l"}}, "ann"),
    ({"name": {"eq": "ANN LEE"}}, "ann"),
    ({"name": {"contains": "%"}}, ""),
    ({"name": {"contains": "_"}}, ""),
    ({"externalId": {"eq": "X-1"}}, "ann"),
    ({"externalId": {"in": ["X-1", "x-1"]}}, "ann dee"),
    ({"externalId": {"startsWith": "X"}}, "ann"),
    ({"externalId": {"contains": "-1"}}, "ann dee"),
    ({"externalId": {"isNull": True}}, "bob cem eve"),
    ({"externalId": {"isNull": False}}, "ann dee"),
    ({"externalId": {"isNull": True, "eq": "X-1"}}, ""),
    ({"externalId": {}}, ALL),
    ({"not": {"externalId": {}}}, ""),
    ({"not": {"externalId": {"eq": "X-1"}}}, "bob cem dee eve"),
    ({"not": {"externalId": {"isNull": True, "eq": "X-1"}}}, ALL),
    ({"not": {"externalId": {"in": []}}}, ALL),
    ({"not": {"externalId": {"contains": "1"}}}, "bob cem eve"),
    ({"not": {"firstName": {"eq": "Ann"}}}, "bob cem dee eve"),
    ({"not": {"organization": "$acme"}}, "bob cem dee eve"),
    ({"not": {"inTreeOf": "$acme"}}, "cem dee eve"),
    ({"not": {"project": "$plan"}}, "ann dee eve"),
    ({"not": {"status": ["INVITED", "ACTIVE"]}}, "ann cem dee"),
    ({"not": {"ids": ["$ann"]}}, "bob cem dee eve"),
    ({"not": {}}, ""),
    ({"not": None}, ALL),
    ({"not": {"not": {"organization": "$acme"}}}, "ann"),
    ({"createdAt": {"gte": NOON}}, ALL),
    ({"createdAt": {"gt": "2027-01-01T13:00:00+01:00"}}, ALL),
    ({"createdAt": {"lt": NOON}}, ""),
    ({"createdAt": {"gte": NOON, "lt": "2027-01-01T12:00:30Z"}}, ALL),
    ({"updatedAt": {"lte": "2028-01-01T00:00:00Z"}}, ALL),
    ({"updatedAt": {}}, ALL),
    ({"archived": True}, "old"),
    ({"archived": True, "createdAt": {"lt": "2028-01-01T00:00:00Z"}}, "old"),
    ({"archived": True, "updatedAt": {"gte": NOON}}, "old"),
    ({"archived": True, "createdAt": {"lt": "2020-01-01T00:00:00Z"}}, ""),
    ({"archived": False}, ALL),
    ({"archived": None}, ALL),
    ({"or": [{"archived": True}, {"archived": False}]}, ALL[:3] + " old" + ALL[3:]),
    ({"not": {"archived": False}}, "old"),
    ({"and": []}, ALL),
    ({"or": []}, ""),
    ({"and": None, "or": None}, ALL),
    ({"and": [{"unassigned": False}, {"email": {"contains": ".com"}}]}, "ann bob"),
    ({"or": [{"unassigned": True}, {"organization": "$globex"}]}, "cem dee eve"),
    ({"or": [{}]}, ALL),
    ({"or": [{"or": []}]}, ""),
    ({"unassigned": False, "or": [{"firstName": {"eq": "ann"}}, {"firstName": {"eq": "eve"}}]}, "ann"),
    ({"not": {"or": []}}, ALL),
]


async def test_customers(office: Office) -> None:
    for given, expected in CUSTOMER_CASES:
        assert await office.found(CUSTOMERS, given) == expected, given


ORGANIZATION_CASES: list[tuple[Any, str]] = [
    (None, "Acme Globex North Sales"),
    ({"ids": ["$acme", "$gone"]}, "Acme"),
    ({"root": True}, "Acme Globex"),
    ({"root": False}, "North Sales"),
    ({"parent": "$acme"}, "Sales"),
    ({"not": {"parent": "$acme"}}, "Acme Globex North"),
    ({"inTreeOf": "$sales"}, "North Sales"),
    ({"inTreeOf": "org_no"}, ""),
    ({"project": "$plan"}, "North Sales"),
    ({"not": {"project": "$plan"}}, "Acme Globex"),
    ({"project": "$view"}, ""),
    ({"name": {"startsWith": "g"}}, "Globex"),
    ({"name": {"in": ["NORTH", "x"]}}, "North"),
    ({"externalId": {"eq": "A-1"}}, "Acme"),
    ({"externalId": {"eq": "a-1"}}, ""),
    ({"externalId": {"isNull": True}}, "Globex North Sales"),
    ({"website": {"eq": "https://acme.example"}}, "Acme"),
    ({"website": {"startsWith": "https://"}}, "Acme North"),
    ({"not": {"website": {"contains": "cme"}}}, "Globex Sales"),
    ({"website": {"isNull": True}}, "Globex Sales"),
    ({"createdAt": {"lt": NOON}}, ""),
    ({"updatedAt": {"gte": NOON}}, "Acme Globex North Sales"),
    ({"archived": True}, "Gone"),
    ({"or": [{"archived": True}, {"parent": "$sales"}]}, "Gone North"),
]


async def test_organizations(office: Office) -> None:
    for given, expected in ORGANIZATION_CASES:
        assert await office.found(ORGANIZATIONS, given) == expected, given


PROJECT_CASES: list[tuple[Any, str]] = [
    (None, "Éva View None Plan"),
    ({"ids": ["$done", "$plan"]}, "Plan"),
    ({"customer": "$bob"}, "Plan"),
    ({"customer": "$ann"}, "Éva View"),
    ({"customer": "$dee"}, ""),
    ({"customer": "cus_no"}, ""),
    ({"not": {"customer": "$bob"}}, "Éva View None"),
    ({"name": {"startsWith": "EVA"}}, "Éva View"),
    ({"name": {"contains": "n"}}, "None Plan"),
    ({"externalId": {"eq": "P"}}, "Plan"),
    ({"createdAt": {"gte": NOON}}, "Éva View None Plan"),
    ({"updatedAt": {"lt": NOON}}, ""),
    ({"archived": True}, "Done"),
    ({"or": [{"customer": "$ann"}, {"customer": "$bob"}]}, "Éva View Plan"),
]


async def test_projects(office: Office) -> None:
    for given, expected in PROJECT_CASES:
        assert await office.found(PROJECTS, given) == expected, given


TICKET_CASES: list[tuple[Any, str]] = [
    (None, "one two"),
    ({"ids": ["$t2", "$t3"]}, "two"),
    ({"project": "$plan"}, "one"),
    ({"requester": "$ann"}, "one"),
    ({"not": {"requester": "$ann"}}, "two"),
    ({"not": {"project": "$plan"}}, "two"),
    ({"requesterEmail": {"eq": "NEW@example.com"}}, "two"),
    ({"unmatched": True}, "two"),
    ({"unmatched": False}, "one"),
    ({"status": ["OPEN"]}, "two"),
    ({"status": ["OPEN", "CLOSED"]}, "one two"),
    ({"status": []}, ""),
    ({"not": {"status": ["OPEN"]}}, "one"),
    ({"priority": ["LOW", "URGENT"]}, "one"),
    ({"externalId": {"eq": "T"}}, "two"),
    ({"createdAt": {"gt": NOON}}, "one two"),
    ({"updatedAt": {"lte": NOON}}, ""),
    ({"archived": True}, "three"),
    ({"or": [{"archived": True}, {"unmatched": True}]}, "two three"),
]


async def test_tickets(office: Office) -> None:
    for given, expected in TICKET_CASES:
        assert await office.found(TICKETS, given) == expected, given


INVITATION_CASES: list[tuple[Any, str]] = [
    (None, "bob cem dee eve"),
    ({"ids": ["$inv_cem"]}, "cem"),
    ({"customer": "$eve"}, "eve"),
    ({"status": ["PENDING"]}, "bob"),
    ({"status": ["EXPIRED"]}, "cem"),
    ({"status": ["REVOKED", "ACCEPTED"]}, "dee eve"),
    ({"status": []}, ""),
    ({"not": {"status": ["PENDING"]}}, "cem dee eve"),
    ({"expiresAt": {"gt": "2027-01-02T00:00:00Z"}}, "bob dee eve"),
    ({"createdAt": {"gte": NOON}}, "bob cem dee eve"),
    ({"or": [{"customer": "$bob"}, {"status": ["EXPIRED"]}]}, "bob cem"),
]


async def test_invitations(office: Office) -> None:
    for given, expected in INVITATION_CASES:
        assert await office.found(INVITATIONS, given) == expected, given


async def test_nested_lists_of_projects_and_tickets_are_filtered_and_ordered_as_those_at_the_root(
    office: Office,
) -> None:
    text = """query($ann: ID!, $acme: ID!, $plan: ID!, $projects: ProjectFilter, $tickets: TicketFilter) {
      customer(by: {id: $ann}) {
        projects(filter: $projects, orderBy: {field: NAME, direction: DESC}) { totalCount nodes { name } }
        tickets(filter: $tickets, orderBy: [{field: CREATED_AT}, {field: NUMBER}]) { totalCount nodes { subject } }
      }
      organization(by: {id: $acme}) { projects(filter: $projects, orderBy: {field: CREATED_AT}) { totalCount nodes { name } } }
      project(by: {id: $plan}) {
        tickets(filter: $tickets, orderBy: {field: NUMBER, direction: DESC}) { totalCount nodes { subject } }
      }
    }"""
    making, ids = Making(office.world), office.ids
    await making.project("All", [], [ids["acme"]])
    await making.ticket("four", ids["ann"], ids["plan"], number=4)

    async def asked(projects: Any, tickets: Any) -> list[list[str]]:
        named = {name: ids[name] for name in ("ann", "acme", "plan")}
        answer = await office.admin.ask(text, **named, projects=projects, tickets=tickets)
        lists = [*answer["customer"].values(), *answer["organization"].values(), *answer["project"].values()]
        assert [len(one["nodes"]) for one in lists] == [one["totalCount"] for one in lists]
        return [[next(iter(node.values())) for node in one["nodes"]] for one in lists]

    everything = [["Éva View", "All"], ["one", "four"], ["All"], ["four", "one"]]
    assert await asked(None, None) == everything
    assert await asked({"name": {"startsWith": "a"}}, {"status": ["OPEN"]}) == [["All"], ["four"], ["All"], ["four"]]
    assert await asked({"not": {"name": {"eq": "all"}}}, {"not": {"priority": ["NORMAL"]}}) == [
        ["Éva View"], ["one"], [], ["one"],
    ]  # fmt: skip
    assert await asked({"archived": True}, {"archived": True}) == [["Done"], [], [], []]
    assert await asked({"or": []}, {"ids": []}) == [[], [], [], []]


SEARCHES = {
    "ann": "ann",
    "AN LE": "ann",
    "le an": "ann",
    "lee ann example": "ann",
    "cem": "cem",
    "ćEM": "cem",
    "strasse": "eve",
    "STRAß": "eve",
    "o'neill": "bob",
    "neill": "bob",
    "ray oneill": "",
    "eill": "",
    "muller": "dee",
    "dee.müller@example.org": "dee",
    "example.org": "cem dee",
    "x-1": "ann dee",
    "x 1 lee": "ann",
    "old": "",
    "": ALL,
    "  ,;-": ALL,
    "%": ALL,
    "ann nobody": "",
    "a" * 300: "",
    "\u202eann": "ann",
}


WAYS = [
    (5_000, 200, 10_000),
    (0, 200, 10_000),
    (0, 1, 10_000),
    (1, 2, 7),
    (0, 200, 3),
    (0, 0, 10_000),
    (0, 0, 2),
    (3, 0, 3),
]
"""Up to how many words customers are looked up; by how many that begin alike it is leapt; how far it is gone for a page."""


def going(monkeypatch: pytest.MonkeyPatch, few: int, beginnings: int, far: int) -> None:
    monkeypatch.setattr("db.reads.searching.FEW", few)
    monkeypatch.setattr("db.reads.searching.FEW_IN_ORDER", few)
    monkeypatch.setattr("db.access.FEW", few)
    monkeypatch.setattr("db.reads.leaping.MOST_BEGINNINGS", beginnings)
    monkeypatch.setattr("db.reads.leaping.MOST_LOOKED_UP", far)
    monkeypatch.setattr("db.reads.walking.FARTHEST", far)


@pytest.mark.parametrize("way", WAYS)
async def test_search(office: Office, monkeypatch: pytest.MonkeyPatch, way: tuple[int, int, int]) -> None:
    """The same is found, whichever way is gone."""
    going(monkeypatch, *way)
    for typed, expected in SEARCHES.items():
        assert await office.found(CUSTOMERS, None, typed) == expected, typed
    assert await office.found(CUSTOMERS, {"organization": "$acme"}, "example") == "ann"
    assert await office.found(CUSTOMERS, {"archived": True}, "ann") == "old"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize("field", ["NAME", "EMAIL"])
@pytest.mark.parametrize("typed", ["example", "e ex"])
async def test_a_search_is_paged_in_both_directions(
    office: Office, monkeypatch: pytest.MonkeyPatch, way: tuple[int, int, int], direction: str, field: str, typed: str
) -> None:
    going(monkeypatch, *way)
    text = """query($first: Int, $after: String, $last: Int, $before: String) {
      customers(search: "example", first: $first, after: $after, last: $last, before: $before) {
        totalCount nodes { email } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
    text = text.replace("search:", f"orderBy: [{{field: {field}, direction: {direction}}}], search:")
    text = text.replace('"example"', f'"{typed}"')
    names = ["ann", "bob", "cem", "dee", "eve"]
    if direction == "DESC":
        names.reverse()
    given: dict[str, Any] = {"first": 2}
    for expected, more in ((names[:2], True), (names[2:4], True), (names[4:], False)):
        page = (await office.admin.ask(text, **given))["customers"]
        assert [n["email"][:3] for n in page["nodes"]] == expected
        assert page["totalCount"] == 5
        assert page["pageInfo"]["hasNextPage"] is more
        assert page["pageInfo"]["hasPreviousPage"] is ("after" in given)
        given = {"first": 2, "after": page["pageInfo"]["endCursor"]}
    given = {"last": 2}
    for expected, more in ((names[3:], True), (names[1:3], True), (names[:1], False)):
        page = (await office.admin.ask(text, **given))["customers"]
        assert [n["email"][:3] for n in page["nodes"]] == expected
        assert page["pageInfo"]["hasPreviousPage"] is more
        assert page["pageInfo"]["hasNextPage"] is ("before" in given)
        given = {"last": 2, "before": page["pageInfo"]["startCursor"]}


async def test_a_customer_with_several_words_that_begin_alike_is_found_once(world: World, admin: Client) -> None:
    await Making(world).customer("anna.annabel@annex.example", first_name="Anna", last_name="Ann")
    await Making(world).customer("ben@annex.example", first_name="Ben")
    answer = (await admin.ask(CUSTOMERS, search="ann"))["customers"]
    assert answer == {
        "totalCount": 2,
        "nodes": [{"email": "anna.annabel@annex.example"}, {"email": "ben@annex.example"}],
    }


async def test_a_search_follows_a_name_that_changes(world: World, admin: Client) -> None:
    making = Making(world)
    zoe = await making.customer("zoe@example.com", first_name="Zoe")
    await making.customer("may@example.com", first_name="May")
    text = '{ customers(search: "example") { nodes { email } } }'
    assert [n["email"][:3] for n in (await admin.ask(text))["customers"]["nodes"]] == ["may", "zoe"]
    await world.write(lambda tx: customers.update(tx, zoe, {"first_name": "Abe"}))
    assert [n["email"][:3] for n in (await admin.ask(text))["customers"]["nodes"]] == ["zoe", "may"]
    await making.archive_customers(zoe)
    assert [n["email"][:3] for n in (await admin.ask(text))["customers"]["nodes"]] == ["may"]
    await world.write(lambda tx: customers.restore(tx, zoe))
    assert [n["email"][:3] for n in (await admin.ask(text))["customers"]["nodes"]] == ["zoe", "may"]


async def test_a_search_takes_twenty_words(admin: Client) -> None:
    assert (await admin.ask(CUSTOMERS, search=" ".join(f"w{i}" for i in range(20))))["customers"]["nodes"] == []
    error = await admin.refused(CUSTOMERS, search=" ".join(f"w{i}" for i in range(21)))
    assert error["extensions"]["code"] == "LIMIT"


async def test_a_long_word_is_found_by_what_search_keeps_of_it(world: World, admin: Client) -> None:
    await Making(world).customer("x@example.com", last_name="y" * 100)
    for length in (1, 63, 64, 65, 100):
        assert (await admin.ask(CUSTOMERS, search="y" * length))["customers"]["totalCount"] == 1


async def test_lists_of_values_may_hold_variables(office: Office) -> None:
    answer = await office.admin.ask(
        """query($ann: ID!, $mail: String!, $status: CustomerStatus!) {
             customers(filter: {ids: [$ann, "cus_no"]}) { nodes { email } }
             mails: customers(filter: {email: {in: ["bob@example.com", $mail]}}) { nodes { email } }
             status: customers(filter: {status: [$status]}) { nodes { email } }
             nodes(ids: ["cus_no", $ann]) { id } }""",
        ann=office.ids["ann"],
        mail="cem@example.org",
        status="INVITED",
    )
    assert answer["customers"]["nodes"] == [{"email": "ann@example.com"}]
    assert answer["mails"]["nodes"] == [{"email": "bob@example.com"}, {"email": "cem@example.org"}]
    assert answer["status"]["nodes"] == [{"email": "bob@example.com"}]
    assert answer["nodes"] == [None, {"id": office.ids["ann"]}]


async def test_one_value_stands_for_a_list_of_one(office: Office) -> None:
    assert await office.found(CUSTOMERS, {"ids": "$ann"}) == "ann"
    assert await office.found(CUSTOMERS, {"status": "INVITED"}) == "bob"
    assert await office.found(CUSTOMERS, {"or": {"organization": "$acme"}}) == "ann"
    answer = await office.admin.ask(
        '{ customers(filter: {status: INVITED, and: {email: {in: "bob@example.com"}}}) { totalCount } }'
    )
    assert answer["customers"]["totalCount"] == 1


async def test_moments_are_compared_to_the_millisecond(world: World, admin: Client) -> None:
    making = Making(world)
    for millisecond in range(0, 1000, 37):
        world.clock.advance(1_800_000_000_000 + millisecond - world.clock.offset - (world.clock() - world.clock.offset))
        await making.customer(f"c{millisecond}@example.com")
    answer = await admin.ask("{ customers(first: 250) { nodes { email createdAt } } }")
    for node in answer["customers"]["nodes"]:
        given = {"createdAt": {"gte": node["createdAt"], "lte": node["createdAt"]}}
        found = (await admin.ask(CUSTOMERS, filter=given))["customers"]["nodes"]
        assert {"email": node["email"]} in found, node


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("1969-11-12T11:08:42.156Z", -4_279_877_844),
        ("1970-01-01T00:00:00.001+00:00", 1),
        ("2000-03-01T00:00:00.019-02:00", 951_876_000_019),
        ("2026-11-25T20:19:02.367999Z", 1_795_637_942_367),
        ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
    ],
)
def test_no_moment_is_off_by_a_millisecond(given: str, kept: int) -> None:
    assert SCALARS[DateTime].parse_value(given) == kept


@pytest.mark.parametrize(
    "moment", ["yesterday", "2027-01-01", "2027-01-01T00:00:00", "0001-01-01T00:00:00+14:00", 5, {}]
)
async def test_refuses_what_is_no_moment(admin: Client, moment: Any) -> None:
    error = await admin.refused(CUSTOMERS, filter={"createdAt": {"gte": moment}})
    assert error["extensions"]["code"] == "INVALID_VALUE"


async def test_refuses_lists_and_filters_beyond_their_limits(admin: Client) -> None:
    assert (await admin.refused(CUSTOMERS, filter={"ids": ["x"] * 1001}))["extensions"]["code"] == "LIMIT"
    assert (await admin.refused(CUSTOMERS, filter={"email": {"in": ["x"] * 1001}}))["extensions"]["code"] == "LIMIT"
    many = {"or": [{"email": {"eq": "x"}}] * 101}
    assert (await admin.refused(CUSTOMERS, filter=many))["extensions"]["code"] == "LIMIT"
    deep: dict[str, Any] = {"email": {"eq": "x"}}
    for _ in range(40):
        deep = {"not": deep}
    assert "errors" not in (await admin.post(CUSTOMERS, {"filter": deep})).json()
    for _ in range(50):
        deep = {"not": deep}
    assert (await admin.refused(CUSTOMERS, filter=deep))["extensions"]["code"] == "LIMIT"


async def test_refuses_filters_that_the_schema_does_not_have(admin: Client) -> None:
    assert (await admin.refused(CUSTOMERS, filter={"colour": "red"}))["extensions"]["code"] == "INVALID_VALUE"
    assert (await admin.refused(CUSTOMERS, filter={"status": ["ASLEEP"]}))["extensions"]["code"] == "INVALID_VALUE"
    assert (await admin.refused("{ customers(filter: {a: 1}) { totalCount } }"))["extensions"]["code"] == "SYNTAX"
