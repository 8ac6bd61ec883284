"""What is made to hurt, by every door: queries by GET, event streams and WebSocket are held to what POST is.

Seconds are of the processor: how busy the machine is beside does not count.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from time import process_time
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
import pytest_asyncio
import websockets

from db.errors import TimedOut
from server import websocket
from tests.conftest import Client, World
from tests.reads.test_guards import BODIES, HEAVY, INVALID, LIMITED, check
from tests.test_subscriptions import CHANGED, Subscriber, connected, listening

EVENTS = "text/event-stream"
PARTS = 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0,application/json'
MUTATION = 'mutation { createOrganization(input: {name: "A"}) { organization { name } } }'
LONGEST_ADDRESS = 60_000
"""Servers and clients take no longer ones."""
REFUSED = LIMITED | INVALID

pytestmark = pytest.mark.usefixtures("settled_heap")


@pytest_asyncio.fixture
async def url(world: World) -> AsyncIterator[str]:
    async with listening(world) as address:
        yield address


def authorized(client: Client, accept: str = "application/json") -> dict[str, str]:
    return {"authorization": f"Bearer {client.token}", "accept": accept}


@pytest.mark.parametrize("name", [name for name, text in REFUSED.items() if len(text) < LONGEST_ADDRESS])
async def test_refused_by_get(world: World, admin: Client, name: str) -> None:
    started = process_time()
    answer = await world.http.get("/graphql?" + urlencode({"query": REFUSED[name]}), headers=authorized(admin))
    assert {e["extensions"]["code"] for e in check(answer, process_time() - started)} <= {"LIMIT", "SYNTAX"}
    assert "errors" in answer.json()


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("accept", [EVENTS, PARTS])
async def test_refused_as_a_stream(world: World, admin: Client, name: str, accept: str) -> None:
    """In the only event of a stream of events; before anything is sent to who takes parts."""
    started = process_time()
    answer = await world.http.post("/graphql", json={"query": REFUSED[name]}, headers=authorized(admin, accept))
    seconds = process_time() - started
    assert seconds < 1
    assert len(answer.content) < 100_000
    if answer.headers["content-type"].startswith(EVENTS):
        (event,) = [line for line in answer.text.splitlines() if line.startswith("data: {")]
        errors = json.loads(event.removeprefix("data: "))["errors"]
    else:
        errors = check(answer, seconds)
        assert answer.status_code == 400
    assert errors
    assert {e["extensions"]["code"] for e in errors} <= {"LIMIT", "SYNTAX"}


async def test_refused_on_a_socket(admin: Client, url: str) -> None:
    async with connected(url) as connection:
        subscriber = Subscriber(connection)
        await subscriber.begin(admin)
        for name, text in REFUSED.items():
            started = process_time()
            await subscriber.subscribe(name, text)
            message = await subscriber.next()
            assert process_time() - started < 1, name
            assert (message["type"], message["id"]) == ("error", name)
            assert len(orjson.dumps(message)) < 100_000
            assert {e["extensions"]["code"] for e in message["payload"]} <= {"LIMIT", "SYNTAX"}, name


async def test_what_is_heavy_to_validate_takes_no_second_on_a_socket(admin: Client, url: str) -> None:
    async with connected(url) as connection:
        subscriber = Subscriber(connection)
        await subscriber.begin(admin)
        for name, text in HEAVY.items():
            started = process_time()
            await subscriber.subscribe(name, text)
            message = await subscriber.next()
            assert process_time() - started < 1, name
            if message["type"] == "next":
                assert (await subscriber.next())["type"] == "complete"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (CHANGED + " " + CHANGED.replace("subscription", "subscription B"), "SYNTAX"),
        ("subscription A { importProgress(id: 1) { id } } subscription B { importProgress(id: 1) { id } }", "BAD_REQUEST"),
        ("subscription { a: customersChanged { number } b: organizationsChanged { number } }", "SYNTAX"),
        ("subscription { __typename }", "SYNTAX"),
        ("subscription { customersChanged(after: 1e99) { number } }", "SYNTAX"),
        ("subscription { customersChanged { records(first: 251) { nodes { recordId } } } }", "LIMIT"),
        ('subscription { importProgress(id: "\\u0000") { id } }', "INVALID_VALUE"),
        ('subscription { importProgress(id: "imp_nothing") { id } }', "NOT_FOUND"),
    ],
)  # fmt: skip
async def test_subscriptions_that_are_refused(admin: Client, url: str, text: str, code: str) -> None:
    async with connected(url) as connection:
        subscriber = Subscriber(connection)
        await subscriber.begin(admin)
        await subscriber.subscribe("1", text)
        message = await subscriber.next()
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", code)


async def test_of_two_operations_one_is_named_or_none_runs(world: World, admin: Client, url: str) -> None:
    text = f"{MUTATION.replace('mutation', 'mutation A')} {MUTATION.replace('mutation', 'mutation B')}"
    async with connected(url) as connection:
        subscriber = Subscriber(connection)
        await subscriber.begin(admin)
        await subscriber.subscribe("1", text)
        assert (await subscriber.next())["payload"][0]["extensions"]["code"] == "BAD_REQUEST"
    answer = await world.http.post("/graphql", json={"query": text}, headers=authorized(admin, EVENTS))
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert (await admin.ask("{ organizations { totalCount } }")) == {"organizations": {"totalCount": 0}}


@pytest.mark.parametrize("accept", [EVENTS, PARTS])
async def test_bodies_that_are_no_requests_are_no_streams(world: World, admin: Client, accept: str) -> None:
    for body, status in BODIES:
        headers = authorized(admin, accept) | {"content-type": "application/json"}
        answer = await world.http.post("/graphql", content=body, headers=headers)
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (status, "BAD_REQUEST")


async def closed_by(url: str, *messages: Any) -> int:
    """The code with which a socket closes that is sent these."""
    async with connected(url) as connection:
        for message in messages:
            await connection.send(message if isinstance(message, (str, bytes)) else orjson.dumps(message).decode())
        try:
            while True:
                await asyncio.wait_for(connection.recv(), 5)
        except websockets.ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 0


async def test_bad_messages_close_the_socket_with_the_protocols_codes(admin: Client, url: str) -> None:
    init = {"type": "connection_init", "payload": {"Authorization": f"Bearer {admin.token}"}}
    good = {"query": "{ __typename }"}
    for message, code in (
        ("null", 4400),
        ("5", 4400),
        ("{}", 4400),
        ('{"type": 5}', 4400),
        ('{"type": "nonsense"}', 4400),
        ('{"type": "subscribe"}', 4400),
        ("[" * 100_000, 4400),
        (b"binary", 4400),
        ('{"type": "subscribe", "id": "1", "payload": {"query": "\\ud800"}}', 4400),
        ('{"type": "subscribe", "id": "1", "payload": {"query": "{ __typename }", "variables": {"x": NaN}}}', 4400),
        ({"type": "subscribe", "id": "", "payload": good}, 4400),
        ({"type": "subscribe", "id": 1, "payload": good}, 4400),
        ({"type": "subscribe", "id": "1", "payload": []}, 4400),
        ({"type": "subscribe", "id": "1", "payload": {"query": 5}}, 4400),
        ({"type": "subscribe", "id": "1", "payload": {**good, "variables": []}}, 4400),
        ({"type": "subscribe", "id": "1", "payload": {**good, "operationName": 5}}, 4400),
        ({"type": "ping", "payload": "x" * 1_000_001}, 1009),
        (init, 4429),
    ):
        assert await closed_by(url, init, message) == code, str(message)[:60]
    assert await closed_by(url, {"type": "connection_init", "payload": []}) == 4400
    assert await closed_by(url, {"type": "connection_init", "payload": {"Authorization": "Bearer x"}}) == 4403
    assert await closed_by(url, {"type": "ping"}) == 4401


async def test_a_socket_that_says_nothing_is_closed(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "INIT_SECONDS", 0.1)
    assert await closed_by(url) == 4408


async def test_only_one_protocol_is_spoken(url: str) -> None:
    for offered in (["graphql-ws"], ["nonsense"], None):
        with pytest.raises(websockets.InvalidStatus):
            await websockets.connect(url, subprotocols=offered)  # type: ignore[arg-type]


async def test_too_many_subscriptions_close_the_socket(admin: Client, url: str) -> None:
    init = {"type": "connection_init", "payload": {"Authorization": f"Bearer {admin.token}"}}
    many = [{"type": "subscribe", "id": str(n), "payload": {"query": CHANGED}} for n in range(51)]
    assert await closed_by(url, init, *many) == 4429


async def test_a_socket_whose_client_takes_nothing_is_closed_and_others_are_not(
    world: World, admin: Client, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "SLOW_SECONDS", 0.3)
    counted: list[int] = []
    world.app.state.graphql._engine._subscribed = counted.append  # noqa: SLF001
    text = "subscription { customersChanged(after: 0) { number records(first: 250) { nodes { recordId after } } } }"
    upsert = "mutation($input: UpsertCustomersInput!) { upsertCustomers(input: $input) { errors { code } } }"
    for start in range(0, 20_000, 1_000):
        items = [{"email": f"c{start + n}@example.com", "title": "x" * 150} for n in range(1_000)]
        await admin.ask(upsert, input={"matchBy": "EMAIL", "customers": items})
    async with connected(url) as slow, connected(url) as quick:
        for connection in (slow, quick):
            await Subscriber(connection).begin(admin)
        slow.transport.pause_reading()
        for n in range(40):
            await Subscriber(slow).subscribe(str(n), text)
        await Subscriber(quick).subscribe("1", CHANGED, after=0)
        for _ in range(20):
            assert (await Subscriber(quick).next())["type"] == "next"
        for _ in range(200):
            if counted.count(-1) == 40:
                break
            await asyncio.sleep(0.05)
        assert counted.count(-1) == 40
        slow.transport.resume_reading()
        await Subscriber(quick).send(type="ping")
        assert await Subscriber(quick).next() == {"type": "pong"}


async def test_a_subscriber_who_is_gone_is_cleaned_up(world: World, admin: Client, url: str) -> None:
    counted: list[int] = []
    world.app.state.graphql._engine._subscribed = counted.append  # noqa: SLF001
    async with connected(url) as connection:
        subscriber = Subscriber(connection)
        await subscriber.begin(admin)
        await subscriber.subscribe("1", CHANGED)
        for _ in range(100):
            if counted:
                break
            await asyncio.sleep(0.02)
        connection.transport.abort()
    for _ in range(100):
        if counted == [1, -1]:
            break
        await asyncio.sleep(0.02)
    assert counted == [1, -1]


# Time


@pytest.mark.sqlite
async def test_what_takes_too_long_is_cancelled_and_its_connection_given_back(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.database._readers, "longest_seconds", 0.2)  # noqa: SLF001
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    honest = world.database.read
    for _ in range(5):
        with pytest.raises(TimedOut):
            await honest(endless)
    assert await admin.ask("{ workspace { slug } }") == {"workspace": {"slug": "test"}}

    async def endlessly(*_: Any) -> Any:
        return await honest(endless)

    async with listening(world) as address, connected(address) as connection:
        subscriber = Subscriber(connection)
        await subscriber.begin(admin)
        monkeypatch.setattr(world.database, "read", endlessly)
        answer = await admin.post("{ customers { totalCount } }")
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (503, "TIMEOUT")
        await subscriber.subscribe("1", "{ projects { totalCount } }")
        assert (await subscriber.next())["payload"][0]["extensions"]["code"] == "TIMEOUT"
