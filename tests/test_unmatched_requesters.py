"""Who requested tickets and is no customer yet: listed by address, made customers, and given their tickets whatever made them."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.conftest import Client, World
from tests.importing import imported
from tests.steps import customer, done, emails, organization, problems, well, written

FILE = (
    "Ticket ID,Email,Name,Subject,Created\n"
    "1,dan@example.com,Dan,First,2026-01-01T10:00:00Z\n"
    "2,ann@example.com,,Second,2026-01-02T10:00:00Z\n"
    "3,DAN@example.com,Dan van Houten,Third,2026-01-03T10:00:00Z\n"
    '4,cyd@example.com,"Lee, Cyd",Fourth,2026-01-04T10:00:00Z\n'
    "5,dan@example.com,,Fifth,2026-01-05T10:00:00Z\n"
)
LIST = """query($first: Int, $after: String, $last: Int, $before: String) {
  unmatchedRequesters(first: $first, after: $after, last: $last, before: $before) {
    totalCount nodes { email name ticketCount latestTicketAt }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
RESULTS = "count results { outcome customer { email firstName lastName tickets { nodes { number } } } }"


async def listed(client: Client, **given: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await client.ask(LIST, **given))["unmatchedRequesters"]
    return found


async def waiting(client: Client) -> list[str]:
    return [one["email"] for one in (await listed(client))["nodes"]]


async def numbers(client: Client, email: str) -> list[int]:
    """The numbers of a customer's tickets."""
    text = "query($e: String!) { customer(by: {email: $e}) { tickets { nodes { number } } } }"
    return [t["number"] for t in (await client.ask(text, e=email))["customer"]["tickets"]["nodes"]]


@pytest.fixture
async def tickets(world: World, admin: Client) -> None:
    await imported(world, admin, "importTickets", FILE)


@pytest.mark.usefixtures("tickets")
async def test_lists_each_address_once_with_its_name_and_its_tickets(admin: Client) -> None:
    found = await listed(admin)
    assert found["totalCount"] == 3
    assert found["nodes"] == [
        {"email": "ann@example.com", "name": None, "ticketCount": 1, "latestTicketAt": "2026-01-02T10:00:00.000Z"},
        {
            "email": "cyd@example.com",
            "name": "Lee, Cyd",
            "ticketCount": 1,
            "latestTicketAt": "2026-01-04T10:00:00.000Z",
        },
        {
            "email": "dan@example.com",
            "name": "Dan van Houten",
            "ticketCount": 3,
            "latestTicketAt": "2026-01-05T10:00:00.000Z",
        },
    ]


@pytest.mark.usefixtures("tickets")
async def test_pages_lead_from_one_address_to_the_next_and_back(admin: Client) -> None:
    page = await listed(admin, first=2)
    assert [one["email"] for one in page["nodes"]] == ["ann@example.com", "cyd@example.com"]
    assert (page["pageInfo"]["hasNextPage"], page["pageInfo"]["hasPreviousPage"]) == (True, False)
    page = await listed(admin, first=2, after=page["pageInfo"]["endCursor"])
    assert [one["email"] for one in page["nodes"]] == ["dan@example.com"]
    assert (page["pageInfo"]["hasNextPage"], page["pageInfo"]["hasPreviousPage"]) == (False, True)
    page = await listed(admin, last=1, before=page["pageInfo"]["startCursor"])
    assert [one["email"] for one in page["nodes"]] == ["cyd@example.com"]
    assert page["totalCount"] == 3


@pytest.mark.usefixtures("tickets")
async def test_leaves_out_users_and_archived_tickets(world: World, admin: Client) -> None:
    await world.user("AGENT", "ann@example.com")
    await world.run("UPDATE ticket SET archived_at = 1 WHERE requester_email_key = ?", ("cyd@example.com",))
    assert await waiting(admin) == ["dan@example.com"]
    assert (await listed(admin))["totalCount"] == 1
    assert (await well(admin, "createCustomersFromRequesters", "count", requesters={"all": True}))["count"] == 1


@pytest.mark.usefixtures("tickets")
async def test_takes_the_permissions_of_tickets_and_of_customers(world: World) -> None:
    for scopes in (("TICKETS_READ",), ("CUSTOMERS_READ",)):
        refused = await (await world.key(*scopes)).refused(LIST)
        assert refused["extensions"]["code"] == "FORBIDDEN"
    both = await world.key("TICKETS_READ", "CUSTOMERS_READ")
    assert len(await waiting(both)) == 3


@pytest.mark.usefixtures("tickets")
async def test_a_signed_in_customer_sees_nobody(world: World, admin: Client) -> None:
    ann = await customer(admin, "ann@example.com")
    assert await listed(await world.customer_session(ann)) == {
        "totalCount": 0,
        "nodes": [],
        "pageInfo": {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None},
    }


@pytest.mark.usefixtures("tickets")
async def test_makes_all_of_them_customers_with_their_names_and_tickets(world: World, admin: Client) -> None:
    acme = await organization(admin, "Acme")
    answer = await well(admin, "createCustomersFromRequesters", RESULTS, requesters={"all": True}, organizationId=acme)
    assert answer["count"] == 3
    made = [
        (r["outcome"], r["customer"]["email"], r["customer"]["firstName"], r["customer"]["lastName"],
         [t["number"] for t in r["customer"]["tickets"]["nodes"]])
        for r in answer["results"]
    ]  # fmt: skip
    assert made == [
        ("CREATED", "ann@example.com", None, None, [2]),
        ("CREATED", "cyd@example.com", "Cyd", "Lee", [4]),
        ("CREATED", "dan@example.com", "Dan van", "Houten", [1, 3, 5]),
    ]
    assert await emails(admin, {"organization": acme}) == ["ann@example.com", "cyd@example.com", "dan@example.com"]
    assert await waiting(admin) == []
    assert await world.rows("SELECT count(*) FROM mail") == [(0,)]
    linked = "SELECT count(*), count(DISTINCT number) FROM change_record WHERE action = 'LINKED'"
    assert await world.rows(linked) == [(5, 1)]
    again = await well(admin, "createCustomersFromRequesters", RESULTS, requesters={"all": True})
    assert (again["count"], again["results"]) == (0, [])


@pytest.mark.usefixtures("tickets")
async def test_makes_those_who_are_named_and_each_once(admin: Client) -> None:
    chosen = {"emails": ["Dan@Example.com", "ann@example.com", "DAN@example.com"]}
    answer = await well(admin, "createCustomersFromRequesters", RESULTS, requesters=chosen)
    assert [r["outcome"] for r in answer["results"]] == ["CREATED", "CREATED", "UNCHANGED"]
    assert answer["count"] == 2
    assert await waiting(admin) == ["cyd@example.com"]


@pytest.mark.usefixtures("tickets")
async def test_a_dry_run_answers_alike_and_writes_nothing(world: World, admin: Client) -> None:
    before = await written(world)
    answer = await well(
        admin, "createCustomersFromRequesters", RESULTS, requesters={"all": True}, sendInvitations=True, dryRun=True
    )
    assert answer["count"] == 3
    assert [len(r["customer"]["tickets"]["nodes"]) for r in answer["results"]] == [1, 1, 3]
    assert await written(world) == before


@pytest.mark.usefixtures("tickets")
async def test_invites_them_only_if_asked_and_permitted(world: World, admin: Client) -> None:
    key = await world.key("CUSTOMERS_WRITE")
    before = await written(world)
    chosen = {"requesters": {"emails": ["ann@example.com"]}, "sendInvitations": True}
    assert await problems(key, "createCustomersFromRequesters", **chosen) == [("FORBIDDEN", ["sendInvitations"])]
    assert await written(world) == before
    selection = "results { customer { status } }"
    answer = await well(admin, "createCustomersFromRequesters", selection, **chosen)
    assert answer["results"] == [{"customer": {"status": "INVITED"}}]
    assert await world.rows("SELECT recipient FROM mail") == [("ann@example.com",)]


@pytest.mark.usefixtures("tickets")
async def test_tells_who_cannot_be_made_a_customer_and_why(world: World, admin: Client) -> None:
    await customer(admin, "bob@example.com")
    await world.user("AGENT", "cyd@example.com")
    chosen = {"emails": ["ann@example.com", "bob@example.com", "cyd@example.com", "eve@example.com"]}
    refused = [
        ("EMAIL_TAKEN", ["requesters", "emails", "1"]),
        ("EMAIL_TAKEN", ["requesters", "emails", "2"]),
        ("NOT_FOUND", ["requesters", "emails", "3"]),
    ]
    before = await written(world)
    assert await problems(admin, "createCustomersFromRequesters", requesters=chosen) == refused
    assert await written(world) == before
    answer = await done(admin, "createCustomersFromRequesters", RESULTS, requesters=chosen, errorPolicy="SKIP_FAILED")
    assert [r["outcome"] for r in answer["results"]] == ["CREATED", "REFUSED", "REFUSED", "REFUSED"]
    assert [(e["code"], e["path"]) for e in answer["errors"]] == refused
    assert answer["count"] == 1


async def test_refuses_more_than_a_thousand_at_once(world: World, admin: Client) -> None:
    rows = "".join(f"{i},c{i}@example.com,Subject\n" for i in range(1_001))
    await imported(world, admin, "importTickets", "Ticket ID,Email,Subject\n" + rows)
    many = [f"c{i}@example.com" for i in range(1_001)]
    field = "createCustomersFromRequesters"
    assert await problems(admin, field, requesters={"all": True}) == [("LIMIT", ["requesters", "all"])]
    assert await problems(admin, field, requesters={"emails": many}) == [("LIMIT", ["requesters", "emails"])]
    assert await problems(admin, field, requesters={"all": False}) == [("INVALID_VALUE", ["requesters", "all"])]
    assert await emails(admin) == []
    answer = await well(admin, field, "count", requesters={"emails": many[:1_000]})
    assert answer["count"] == 1_000
    assert await waiting(admin) == ["c1000@example.com"]


async def created(_world: World, admin: Client) -> None:
    await customer(admin, "dan@example.com")


async def created_with_an_invitation(_world: World, admin: Client) -> None:
    await customer(admin, "dan@example.com", sendInvitation=True)


async def upserted(_world: World, admin: Client) -> None:
    await well(admin, "upsertCustomers", customers=[{"email": "dan@example.com"}])


async def imported_from_a_file(world: World, admin: Client) -> None:
    await imported(world, admin, "importCustomers", "Email\ndan@example.com\n")


async def address_changed(_world: World, admin: Client) -> None:
    dan = await customer(admin, "old@example.com")
    await well(admin, "updateCustomer", customer={"id": dan}, email="Dan@example.com")


WAYS: list[Callable[[World, Client], Awaitable[None]]] = [
    created,
    created_with_an_invitation,
    upserted,
    imported_from_a_file,
    address_changed,
]


@pytest.mark.usefixtures("tickets")
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_whatever_makes_a_customer_gives_it_its_tickets(
    world: World, admin: Client, way: Callable[[World, Client], Awaitable[None]]
) -> None:
    await way(world, admin)
    assert await numbers(admin, "dan@example.com") == [1, 3, 5]
    assert await waiting(admin) == ["ann@example.com", "cyd@example.com"]
    linked = await world.rows("SELECT DISTINCT number FROM change_record WHERE action = 'LINKED'")
    made = await world.rows(
        "SELECT max(number) FROM change_record WHERE record_id = (SELECT id FROM customer WHERE email_key = ?)",
        ("dan@example.com",),
    )
    assert linked == made


async def test_a_restored_customer_takes_its_tickets(world: World, admin: Client) -> None:
    dan = await customer(admin, "dan@example.com")
    await well(admin, "archiveCustomers", customerIds=[dan])
    await imported(world, admin, "importTickets", FILE)
    assert await waiting(admin) == ["ann@example.com", "cyd@example.com", "dan@example.com"]
    await well(admin, "restoreCustomers", customerIds=[dan])
    assert await numbers(admin, "dan@example.com") == [1, 3, 5]
    assert await waiting(admin) == ["ann@example.com", "cyd@example.com"]
