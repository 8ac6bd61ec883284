"""Subscriptions over WebSocket, with the graphql-transport-ws protocol."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest_asyncio
import uvicorn
import websockets

from db import api_keys, customers
from tests.conftest import Client, World

CHANGED = (
    "subscription($after: Int) { customersChanged(after: $after) { number operation records { nodes { recordId } } } }"
)


@pytest_asyncio.fixture
async def url(world: World) -> AsyncIterator[str]:
    """The running server's address for WebSockets."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(world.app, lifespan="off", log_level="error", ws="websockets-sansio"))
    running = asyncio.create_task(server.serve([listening]))
    while not server.started:  # noqa: ASYNC110  uvicorn tells by this flag alone
        await asyncio.sleep(0.01)
    yield f"ws://127.0.0.1:{listening.getsockname()[1]}/graphql"
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


async def test_a_subscription_over_http_is_told_where_to_go(admin: Client) -> None:
    error = await admin.refused(CHANGED)
    assert error["extensions"]["code"] == "BAD_REQUEST"
    assert "graphql-transport-ws" in error["message"]
