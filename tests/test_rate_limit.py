"""What an operation costs, how it is told, and what happens to who asks for too much."""

from typing import Any

import pytest

from db import customers
from server.limits import network
from tests.conftest import Client, World
from tests.test_subscriptions import Subscriber, connected, listening

TELL = """query($dryRun: DryRunInput) { rateLimit(dryRun: $dryRun) {
  cost limit remaining resetAt nodeCount mostExpensive { path nodeCount cost } suggestion } }"""
PAGES = "query($a: Int, $b: Int) { customers(first: $a) { nodes { email projects(first: $b) { nodes { name } } } } }"
ASKS_FOR_COST = {"cost": True}


async def told(client: Client, **dry_run: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await client.ask(TELL, dryRun=dry_run or None))["rateLimit"]
    return found


async def test_a_query_is_costed_without_being_run(limited: World) -> None:
    shown = await told(await limited.key(), query=PAGES, variables={"a": 20, "b": 10})
    reset_at = shown.pop("resetAt")
    assert shown == {
        "cost": 3,
        "limit": 100,
        "remaining": 99,
        "nodeCount": 220,
        "mostExpensive": {"path": ["customers", "nodes", "projects"], "nodeCount": 200, "cost": 2},
        "suggestion": None,
    }
    assert reset_at.endswith("Z")


async def test_what_is_too_large_is_told_with_the_page_that_would_fit(admin: Client) -> None:
    shown = await told(admin, query=PAGES, variables={"a": 250, "b": 250})
    assert (shown["nodeCount"], shown["cost"], shown["limit"]) == (62_750, 628, None)
    assert shown["suggestion"] == (
        "62,750 records are more than the 50,000 an operation may ask for. "
        "It fits with pages of 199 in customers.nodes.projects (now 250)."
    )
    assert (await admin.refused(PAGES, a=250, b=250))["extensions"]["code"] == "LIMIT"
    assert "data" in (await admin.post(PAGES, {"a": 250, "b": 199})).json()


async def test_what_is_dearer_than_what_is_left_is_told_with_the_page_that_would_fit(limited: World) -> None:
    client = await limited.key()
    shown = await told(client, query=PAGES, variables={"a": 100, "b": 200})
    assert shown["suggestion"] == (
        "202 points are more than the 99 that are left. It fits with pages of 98 in customers.nodes.projects (now 200)."
    )


@pytest.mark.parametrize(
    ("text", "cost"),
    [
        ("{ workspace { slug } }", 1),
        ("{ customers(first: 99) { nodes { id } } }", 1),
        ("{ customers(first: 100) { nodes { id } } }", 2),
        ("{ __schema { queryType { name } } }", 11),
        ("{ importableFields(kind: CUSTOMERS) { name } }", 11),
        ('mutation { createCustomer(input: {email: "a@example.com"}) { errors { code } } }', 11),
        ("subscription { customersChanged { number } }", 1),
    ],
)
async def test_what_operations_cost(admin: Client, text: str, cost: int) -> None:
    assert (await told(admin, query=text))["cost"] == cost


async def test_items_of_an_input_cost(admin: Client) -> None:
    text = "mutation($input: UpsertCustomersInput!) { upsertCustomers(input: $input) { errors { code } } }"
    given = {"input": {"matchBy": "EMAIL", "customers": [{"email": f"c{n}@example.com"} for n in range(100)]}}
    assert (await told(admin, query=text, variables=given))["cost"] == 21
    assert (await admin.ask("{ customers { totalCount } }"))["customers"]["totalCount"] == 0


async def test_a_dry_run_is_refused_as_the_operation_would_be(world: World, admin: Client) -> None:
    narrow = await world.key("CUSTOMERS_READ")
    for client, dry_run, code in (
        (admin, {"query": "{ nothing }"}, "SYNTAX"),
        (admin, {"query": "{ customers(first: 1000) { totalCount } }"}, "LIMIT"),
        (admin, {"query": "query A { __typename } query B { __typename }"}, "BAD_REQUEST"),
        (admin, {"query": PAGES, "variables": [1]}, "INVALID_VALUE"),
        (narrow, {"query": "{ organizations { totalCount } }"}, "FORBIDDEN"),
    ):
        error = await client.refused(TELL, dryRun=dry_run)
        assert error["extensions"]["code"] == code


async def test_an_answer_tells_its_cost_where_that_is_asked_for(limited: World) -> None:
    client = await limited.key()
    for n in range(3):
        await limited.write(lambda tx, n=n: customers.create(tx, {"email": f"c{n}@example.com"}))
    answer = (await client.post(PAGES, {"a": 100, "b": 20}, extensions=ASKS_FOR_COST)).json()
    cost = answer["extensions"]["cost"]
    assert cost.pop("throttle").keys() == {"limit", "remaining", "restoreRate", "resetAt"}
    assert cost == {"requested": 22, "actual": 1, "nodeCount": 2_100}
    assert len(answer["data"]["customers"]["nodes"]) == 3
    plain = await client.post(PAGES, {"a": 100, "b": 20})
    assert "extensions" not in plain.json()
    assert plain.headers["ratelimit"] == '"default";r=98;t=1'
    assert plain.headers["ratelimit-policy"] == '"default";q=100;w=10'
    text = 'mutation { createCustomer(input: {email: "a@example.com"}) { errors { code } } }'
    cost = (await client.post(text, extensions=ASKS_FOR_COST)).json()["extensions"]["cost"]
    assert (cost["requested"], cost["throttle"]["remaining"]) == (11, 87)


async def test_a_query_beyond_what_is_left_is_told_when_it_fits(limited: World) -> None:
    client = await limited.key()
    text = 'mutation { createCustomer(input: {email: "%s@example.com"}) { errors { code } } }'
    for n in range(8):
        await client.ask(text % n)
    refused = await client.post(PAGES, {"a": 10, "b": 150})
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "1"
    dear = await client.post(PAGES, {"a": 30, "b": 200})
    assert (dear.status_code, dear.headers["retry-after"]) == (429, "6")
    error = dear.json()["errors"][0]
    assert error["extensions"] == {"code": "RATE_LIMITED", "retryAfterSeconds": 6}
    assert "costs 61 points" in error["message"]
    limited.clock.advance(6_000)
    assert (await client.post(PAGES, {"a": 30, "b": 200})).status_code == 200


async def test_nothing_that_is_allowed_can_never_run(limited: World) -> None:
    client = await limited.key()
    text = "{ customers(first: 250) { nodes { projects(first: 150) { nodes { id } } } } }"
    assert (await told(client, query=text))["cost"] == 378
    refused = await client.post(text)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    limited.clock.advance(1_000)
    assert (await client.post(text)).status_code == 200


async def test_each_key_and_address_has_points_of_its_own(limited: World) -> None:
    one, two, nobody = await limited.key(), await limited.key(), limited.client(None)
    for _ in range(100):
        await one.post("{ __typename }")
    assert (await one.post("{ __typename }")).status_code == 429
    assert (await two.post("{ __typename }")).status_code == 200
    assert (await nobody.post("{ __typename }")).status_code == 200
    user = await limited.user("ADMIN")
    again = await limited.user("ADMIN", "other@staff.example.com")
    assert (await user.post("{ __typename }")).headers["ratelimit"].startswith('"default";r=99')
    assert (await again.post("{ __typename }")).headers["ratelimit"].startswith('"default";r=99')


async def test_wrong_credentials_are_charged_to_their_address(limited: World) -> None:
    statuses = [(await limited.client(f"rd_key_x_{n}").post("{ __typename }")).status_code for n in range(11)]
    assert statuses == [401] * 10 + [429]
    assert (await (await limited.key()).post("{ __typename }")).status_code == 200


async def test_documents_that_are_refused_cost_more(limited: World) -> None:
    client = await limited.key()
    statuses = [(await client.post(f"{{ nothing{n} }}")).status_code for n in range(12)]
    assert statuses[:10] == [200] * 10
    assert statuses[10:] == [429, 429]


async def test_costs_count_on_the_socket_too(limited: World) -> None:
    client = await limited.key()
    async with listening(limited) as url, connected(url) as connection:
        subscriber = Subscriber(connection)
        await subscriber.begin(client)
        payload = {"query": PAGES, "variables": {"a": 10, "b": 20}, "extensions": ASKS_FOR_COST}
        await subscriber.send(type="subscribe", id="1", payload=payload)
        cost = (await subscriber.next())["payload"]["extensions"]["cost"]
        assert (cost["requested"], cost["actual"], cost["throttle"]["remaining"]) == (3, 1, 99)
        assert (await subscriber.next())["type"] == "complete"
        await subscriber.subscribe("2", PAGES, a=250, b=190)
        assert (await subscriber.next())["payload"][0]["extensions"]["code"] == "RATE_LIMITED"


@pytest.mark.parametrize(
    ("client", "counts_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("unknown", "unknown"),
    ],
)
def test_an_ipv6_network_counts_as_one_address(client: str, counts_as: str) -> None:
    assert network(client) == counts_as
