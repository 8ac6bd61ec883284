"""Subscriptions over WebSocket, with the graphql-transport-ws protocol."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
import uvicorn
import websockets

from db import api_keys, customers
from resolvers import live
from tests import sql
from tests.conftest import Client, World, opened

CHANGED = (
    "subscription($after: Int) { customersChanged(after: $after) { number operation records { nodes { recordId } } } }"
)


@pytest_asyncio.fixture
async def url(world: World) -> AsyncIterator[str]:
    """The running server's address for WebSockets."""
    async with listening(world) as address:
        yield address


@asynccontextmanager
async def listening(world: World) -> AsyncIterator[str]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            world.app,
            lifespan="off",
            log_level="error",
            ws="websockets-sansio",
            ws_max_size=1_000_000,
            ws_per_message_deflate=False,
        )
    )
    running = asyncio.create_task(server.serve([listener]))
    while not server.started:  # noqa: ASYNC110  uvicorn tells by this flag alone
        await asyncio.sleep(0.01)
    yield f"ws://127.0.0.1:{listener.getsockname()[1]}/graphql"
    server.should_exit = True
    await running


class Subscriber:
    """One conversation over a socket."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    async def send(self, **message: Any) -> None:
        await self.connection.send(orjson.dumps(message).decode())

    async def next(self) -> dict[str, Any]:
        return orjson.loads(await asyncio.wait_for(self.connection.recv(), 5))

    async def begin(self, client: Client) -> None:
        await self.send(type="connection_init", payload={"Authorization": f"Bearer {client.token}"})
        assert await self.next() == {"type": "connection_ack"}

    async def subscribe(self, identity: str, query: str, **variables: Any) -> None:
        await self.send(type="subscribe", id=identity, payload={"query": query, "variables": variables})


def connected(url: str) -> Any:
    return websockets.connect(url, subprotocols=["graphql-transport-ws"])


async def test_tells_each_change_in_order_and_goes_on_after_a_position(world: World, admin: Client, url: str) -> None:
    async with connected(url) as connection:
        subscriber = Subscriber(connection)
        await subscriber.begin(admin)
        await subscriber.subscribe("1", CHANGED)
        await asyncio.sleep(0.3)
        ids = [
            await world.write(lambda tx, n=n: customers.create(tx, {"email": f"c{n}@example.com"})) for n in range(3)
        ]
        events = [(await subscriber.next())["payload"]["data"]["customersChanged"] for _ in range(3)]
        assert [e["records"]["nodes"][0]["recordId"] for e in events] == ids
        await subscriber.subscribe("2", CHANGED, after=events[0]["number"])
        again = [(await subscriber.next())["payload"]["data"]["customersChanged"] for _ in range(2)]
        assert again == events[1:]


async def test_a_query_is_answered_over_the_socket_too(admin: Client, url: str) -> None:
    async with connected(url) as connection:
        subscriber = Subscriber(connection)
        await subscriber.begin(admin)
        await subscriber.subscribe("1", "{ workspace { slug } }")
        assert await subscriber.next() == {
            "type": "next",
            "id": "1",
            "payload": {"data": {"workspace": {"slug": "test"}}},
        }
        assert await subscriber.next() == {"type": "complete", "id": "1"}


async def test_ends_when_the_key_is_revoked(world: World, url: str) -> None:
    key_id, key = await world.write(lambda tx: api_keys.create(tx, "short", ["ADMIN"]))
    async with connected(url) as connection:
        subscriber = Subscriber(connection)
        await subscriber.begin(world.client(key))
        await subscriber.subscribe("1", CHANGED)
        await asyncio.sleep(0.3)
        await world.write(lambda tx: api_keys.revoke(tx, key_id))
        message = await subscriber.next()
        assert message["type"] == "error"
        assert message["payload"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_ends_when_the_scopes_no_longer_reach_what_it_tells(world: World, url: str) -> None:
    key_id, key = await world.write(lambda tx: api_keys.create(tx, "wide", ["CHANGES_READ", "CUSTOMERS_READ"]))
    async with connected(url) as connection:
        subscriber = Subscriber(connection)
        await subscriber.begin(world.client(key))
        await subscriber.subscribe("1", CHANGED)
        await asyncio.sleep(0.3)
        await world.write(lambda tx: customers.create(tx, {"email": "before@example.com"}))
        assert (await subscriber.next())["type"] == "next"
        text = "UPDATE api_key SET scopes = ? WHERE workspace_id = ? AND id = ?"
        await sql.run(world.database, text, ['["CUSTOMERS_READ"]', world.workspace_id, key_id])
        await sql.run(
            world.database,
            "UPDATE workspace SET access_number = access_number + 1 WHERE workspace_id = ?",
            [world.workspace_id],
        )
        await world.write(lambda tx: customers.create(tx, {"email": "after@example.com"}))
        message = await subscriber.next()
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "FORBIDDEN")


async def test_what_is_outside_the_scopes_is_refused(world: World, url: str) -> None:
    narrow = await world.key("CUSTOMERS_READ")
    async with connected(url) as connection:
        subscriber = Subscriber(connection)
        await subscriber.begin(narrow)
        await subscriber.subscribe("1", CHANGED)
        message = await subscriber.next()
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "FORBIDDEN")


async def test_wrong_credentials_and_bad_messages_close_the_socket(admin: Client, url: str) -> None:
    async def closed_by(*messages: Any) -> int:
        async with connected(url) as connection:
            for message in messages:
                await connection.send(message if isinstance(message, str) else orjson.dumps(message).decode())
            try:
                while True:
                    await asyncio.wait_for(connection.recv(), 5)
            except websockets.ConnectionClosed as closed:
                return closed.rcvd.code if closed.rcvd else 0

    init = {"type": "connection_init", "payload": {"Authorization": f"Bearer {admin.token}"}}
    assert await closed_by({"type": "connection_init", "payload": {"Authorization": "Bearer nonsense"}}) == 4403
    assert await closed_by({"type": "subscribe", "id": "1", "payload": {"query": "{ __typename }"}}) == 4401
    assert await closed_by(init, "[]") == 4400
    assert await closed_by(init, "no json") == 4400
    assert await closed_by(init, init) == 4429
    request = {"type": "subscribe", "id": "1", "payload": {"query": CHANGED}}
    assert await closed_by(init, request, request) == 4409


async def test_ends_when_the_session_expires(world: World, url: str) -> None:
    customer_id = await world.write(lambda tx: customers.create(tx, {"email": "soon@example.com"}))
    _, key = await world.write(lambda tx: api_keys.create(tx, "short", ["ADMIN"], expires_at=tx.now + 60_000))
    async with connected(url) as connection:
        subscriber = Subscriber(connection)
        await subscriber.begin(world.client(key))
        await subscriber.subscribe("1", CHANGED)
        await asyncio.sleep(0.3)
        world.clock.advance(61_000)
        await world.write(lambda tx: customers.update(tx, customer_id, {"title": "later"}))
        message = await subscriber.next()
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "UNAUTHENTICATED")


async def test_what_could_hold_too_many_records_is_refused(admin: Client, url: str) -> None:
    nested = "organization { children(first: 250) { nodes { customers(first: 250) { nodes { id } } } } }"
    text = "subscription { customersChanged { records(first: 250) { nodes { record { ... on Customer { %s } } } } } }"
    async with connected(url) as connection:
        subscriber = Subscriber(connection)
        await subscriber.begin(admin)
        await subscriber.subscribe("1", text % nested)
        message = await subscriber.next()
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "LIMIT")


async def test_what_fails_here_is_told_and_does_not_hang(
    admin: Client, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(live, "planned", broken)
    async with connected(url) as connection:
        subscriber = Subscriber(connection)
        await subscriber.begin(admin)
        await subscriber.subscribe("1", CHANGED)
        message = await subscriber.next()
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "INTERNAL")


@pytest_asyncio.fixture
async def guarded(migrated: Path, tmp_path: Path) -> AsyncIterator[World]:
    """A server that answers a manifest's documents alone, two a second at the most."""
    (tmp_path / "manifest.json").write_bytes(orjson.dumps({"one": "{ workspace { slug } }"}))
    async with AsyncExitStack() as stack:
        settings = {"trusted_documents": str(tmp_path / "manifest.json"), "trusted_documents_only": "on"}
        yield await opened(stack, migrated, tmp_path, rate_limit="2", **settings)


async def test_the_manifest_and_the_rate_limit_hold_on_the_socket_too(guarded: World) -> None:
    admin = await guarded.key()
    async with listening(guarded) as url, connected(url) as connection:
        subscriber = Subscriber(connection)
        await subscriber.begin(admin)
        await subscriber.subscribe("1", "{ viewer { permissions } }")
        message = await subscriber.next()
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "FORBIDDEN")
        codes = []
        for number in range(25):
            await subscriber.subscribe(f"again {number}", "{ workspace { slug } }")
            message = await subscriber.next()
            codes.append(message["type"] == "error" and message["payload"][0]["extensions"]["code"])
            if message["type"] == "next":
                assert (await subscriber.next())["type"] == "complete"
        assert codes[0] is False
        assert codes[-1] == "RATE_LIMITED"


async def test_those_who_ask_the_same_share_one_read(world: World, admin: Client, url: str) -> None:
    reads: list[str] = []
    async with connected(url) as connection:
        subscriber = Subscriber(connection)
        await subscriber.begin(admin)
        for number in range(20):
            await subscriber.subscribe(str(number), CHANGED)
        await asyncio.sleep(0.5)
        world.database.watch = reads.append
        identity = await world.write(lambda tx: customers.create(tx, {"email": "a@example.com"}))
        events = [await subscriber.next() for _ in range(20)]
    assert {e["payload"]["data"]["customersChanged"]["records"]["nodes"][0]["recordId"] for e in events} == {identity}
    assert sorted(e["id"] for e in events) == sorted(map(str, range(20)))
    assert len([text for text in reads if "change_record" in text]) <= 2


async def test_a_subscription_over_http_is_told_where_to_go(admin: Client) -> None:
    error = await admin.refused(CHANGED)
    assert error["extensions"]["code"] == "BAD_REQUEST"
    assert "graphql-transport-ws" in error["message"]
