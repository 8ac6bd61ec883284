"""Operations answered as streams over HTTP: graphql-sse in both modes, and Apollo's multipart subscriptions."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from db import api_keys, customers
from server import streams
from tests.conftest import Client, World
from tests.test_subscriptions import CHANGED, listening

EVENTS = "text/event-stream"
PARTS = 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0,application/json'


@pytest_asyncio.fixture
async def http(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the running server over a socket."""
    async with listening(world) as url:
        address = url.replace("ws://", "http://").removesuffix("/graphql")
        async with httpx2.AsyncClient(base_url=address, timeout=10) as client:
            yield client


class Reading:
    """A stream that is read event by event."""

    def __init__(self, response: httpx2.Response, between: str) -> None:
        self.response = response
        self._chunks = response.aiter_text()
        self._between = between
        self._text = ""

    async def next(self) -> str:
        """The next piece that is no heartbeat; empty at the end."""
        while True:
            if self._between in self._text:
                piece, _, self._text = self._text.partition(self._between)
                if piece.strip() not in {":", ""} and "\r\n\r\n{}" not in piece:
                    return piece
                continue
            more = await asyncio.wait_for(anext(self._chunks, None), 10)
            if more is None:
                return self._text
            self._text += more

    async def event(self) -> tuple[str, Any]:
        """The next event of an event stream, and its data."""
        fields = dict(line.split(": ", 1) for line in (await self.next()).splitlines())
        return fields["event"], json.loads(fields["data"]) if fields["data"] else None


def sent(client: Client, accept: str = EVENTS, **more: str) -> dict[str, str]:
    return {"accept": accept, "authorization": f"Bearer {client.token}", **more}


@asynccontextmanager
async def streaming(
    http: httpx2.AsyncClient, client: Client, text: str, accept: str = EVENTS, **variables: Any
) -> AsyncIterator[Reading]:
    body = {"query": text, "variables": variables}
    async with http.stream("POST", "/graphql", json=body, headers=sent(client, accept)) as response:
        yield Reading(response, "\n\n" if accept == EVENTS else "\r\n--graphql")


async def created(world: World, address: str) -> str:
    identity: str = await world.write(lambda tx: customers.create(tx, {"email": address}))
    return identity


def touched(payload: Any) -> str:
    identity: str = payload["data"]["customersChanged"]["records"]["nodes"][0]["recordId"]
    return identity


async def until_subscribed(world: World, count: int) -> None:
    """Waits until as many subscribers wait for changes."""
    signals = world.app.state.graphql._engine._signals  # noqa: SLF001
    for _ in range(500):
        signals = world.app.state.graphql._engine._signals  # noqa: SLF001
        if signals and sum(map(len, signals._waiting.values())) == count:  # noqa: SLF001
            return
        await asyncio.sleep(0.01)
    raise AssertionError("they do not wait")


async def test_a_subscription_is_an_event_stream_of_its_own(world: World, admin: Client, http: Any) -> None:
    async with streaming(http, admin, CHANGED) as stream:
        assert stream.response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert stream.response.headers["cache-control"] == "no-store"
        await until_subscribed(world, 1)
        ids = [await created(world, f"c{n}@example.com") for n in range(3)]
        events = [await stream.event() for _ in range(3)]
        assert [kind for kind, _ in events] == ["next"] * 3
        assert [touched(payload) for _, payload in events] == ids
    async with streaming(http, admin, CHANGED, after=events[0][1]["data"]["customersChanged"]["number"]) as stream:
        assert [await stream.event() for _ in range(2)] == events[1:]


async def test_a_query_and_a_mutation_are_streams_of_one_event(admin: Client, http: Any) -> None:
    mutation = 'mutation { createOrganization(input: {name: "A"}) { organization { name } } }'
    for text, data in (
        ("{ workspace { slug } }", {"workspace": {"slug": "test"}}),
        (mutation, {"createOrganization": {"organization": {"name": "A"}}}),
    ):
        async with streaming(http, admin, text) as stream:
            assert await stream.event() == ("next", {"data": data})
            assert await stream.event() == ("complete", None)


async def test_by_get_a_subscription_is_taken_and_a_mutation_is_not(world: World, admin: Client, http: Any) -> None:
    async with http.stream("GET", "/graphql", params={"query": CHANGED}, headers=sent(admin)) as response:
        await until_subscribed(world, 1)
        identity = await created(world, "a@example.com")
        assert touched((await Reading(response, "\n\n").event())[1]) == identity
    text = 'mutation { createOrganization(input: {name: "A"}) { organization { name } } }'
    assert (await http.get("/graphql", params={"query": text}, headers=sent(admin))).status_code == 405


async def test_who_may_not_ask_is_answered_without_a_stream(world: World, http: Any) -> None:
    for accept in (EVENTS, PARTS):
        answer = await http.post("/graphql", json={"query": CHANGED}, headers=sent(world.client("nonsense"), accept))
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("text", ["{ nothing }", "{"])
async def test_what_validation_finds_is_told_in_the_stream_of_events(admin: Client, http: Any, text: str) -> None:
    """As graphql-sse has it: a browser's EventSource shows nothing of a 400. Apollo's clients read one."""
    async with streaming(http, admin, text) as stream:
        assert stream.response.status_code == 200
        kind, payload = await stream.event()
        assert (kind, payload["errors"][0]["extensions"]["code"]) == ("next", "SYNTAX")
        assert "data" not in payload
        assert await stream.event() == ("complete", None)
    answer = await http.post("/graphql", json={"query": text}, headers=sent(admin, PARTS))
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (400, "SYNTAX")


async def test_what_is_outside_the_scopes_is_told_in_the_stream(world: World, http: Any) -> None:
    async with streaming(http, await world.key("CUSTOMERS_READ"), CHANGED) as stream:
        kind, payload = await stream.event()
        assert (kind, payload["errors"][0]["extensions"]["code"]) == ("next", "FORBIDDEN")
        assert await stream.event() == ("complete", None)


@pytest.mark.parametrize("accept", [EVENTS, PARTS])
async def test_a_stream_ends_when_the_key_is_revoked(world: World, http: Any, accept: str) -> None:
    key_id, key = await world.write(lambda tx: api_keys.create(tx, "short", ["ADMIN"]))
    async with streaming(http, world.client(key), CHANGED, accept) as stream:
        await until_subscribed(world, 1)
        await world.write(lambda tx: api_keys.revoke(tx, key_id))
        assert "UNAUTHENTICATED" in await stream.next()


async def test_a_subscription_is_a_multipart_response_as_apollo_reads_it(
    world: World, admin: Client, http: Any
) -> None:
    async with streaming(http, admin, CHANGED, PARTS) as stream:
        assert stream.response.headers["content-type"] == 'multipart/mixed; boundary="graphql"; subscriptionSpec=1.0'
        await until_subscribed(world, 1)
        identity = await created(world, "a@example.com")
        head, _, payload = (await stream.next()).partition("\r\n\r\n")
        assert head.strip() == "content-type: application/json"
        assert touched(json.loads(payload)["payload"]) == identity
    plain = await http.post("/graphql", json={"query": "{ workspace { slug } }"}, headers=sent(admin, PARTS))
    assert plain.headers["content-type"].startswith("application/json")
    assert plain.json() == {"data": {"workspace": {"slug": "test"}}}


async def test_one_reserved_stream_carries_several_operations(world: World, admin: Client, http: Any) -> None:
    reserved = await http.put("/graphql/stream", headers=sent(admin, "text/plain"))
    assert reserved.status_code == 201
    token = {"x-graphql-event-stream-token": reserved.text}

    async def start(identity: str, text: str) -> int:
        body = {"query": text, "extensions": {"operationId": identity}}
        status: int = (await http.post("/graphql/stream", json=body, headers=sent(admin, **token))).status_code
        return status

    async with http.stream("GET", "/graphql/stream", headers=sent(admin, **token)) as response:
        stream = Reading(response, "\n\n")
        assert await start("changes", CHANGED) == 202
        assert await start("changes", CHANGED) == 409
        await until_subscribed(world, 1)
        assert await start("query", "{ workspace { slug } }") == 202
        assert await stream.event() == ("next", {"id": "query", "payload": {"data": {"workspace": {"slug": "test"}}}})
        assert await stream.event() == ("complete", {"id": "query"})
        identity = await created(world, "a@example.com")
        kind, event = await stream.event()
        assert (kind, event["id"], touched(event["payload"])) == ("next", "changes", identity)
        assert (await http.get("/graphql/stream", headers=sent(admin, **token))).status_code == 409
        ended = await http.delete("/graphql/stream?operationId=changes", headers=sent(admin, **token))
        assert ended.status_code == 200
        assert await start("bad", "{ nothing }") == 400
        assert await start("", "{ workspace { slug } }") == 400
    await asyncio.sleep(0.2)
    assert await start("again", "{ workspace { slug } }") == 404


async def test_a_reserved_stream_is_its_owners_alone(world: World, admin: Client, http: Any) -> None:
    token = (await http.put("/graphql/stream", headers=sent(admin, "text/plain"))).text
    other = await world.key()
    for client in (other, world.client(None)):
        headers = {"accept": EVENTS, "x-graphql-event-stream-token": token}
        if client.token:
            headers["authorization"] = f"Bearer {client.token}"
        assert (await http.get("/graphql/stream", headers=headers)).status_code == 404
        assert (await http.delete("/graphql/stream?operationId=1", headers=headers)).status_code == 404
    assert (await http.get(f"/graphql/stream?token={token}x", headers=sent(admin))).status_code == 404


async def test_a_stream_whose_client_is_gone_is_cleaned_up(world: World, admin: Client, http: Any) -> None:
    counted: list[int] = []
    world.app.state.graphql._engine._subscribed = counted.append  # noqa: SLF001
    async with streaming(http, admin, CHANGED):
        await until_subscribed(world, 1)
        assert counted == [1]
    for _ in range(100):
        if counted == [1, -1]:
            break
        await asyncio.sleep(0.02)
    assert counted == [1, -1]


async def test_a_quiet_stream_has_heartbeats(admin: Client, http: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0.05)
    async with streaming(http, admin, CHANGED) as stream:
        text = ""
        async for more in stream.response.aiter_text():
            text += more
            if text == ":\n\n" * 3:
                break


async def test_a_client_that_takes_nothing_is_let_go(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others are not kept waiting, and nothing is kept for it: it may go on after its last position."""
    monkeypatch.setattr(streams, "SLOW_SECONDS", 0.1)
    pieces = 0

    async def endless() -> Any:
        nonlocal pieces
        while True:
            pieces += 1
            yield b"x"

    async def stuck(_message: Any) -> None:
        if pieces > 3:
            await asyncio.sleep(60)

    async def connected() -> Any:
        await asyncio.sleep(60)

    stream = streams.Stream(stuck, b"")
    await asyncio.wait_for(stream.while_connected(connected, stream.pump(endless(), b"")), 5)
    assert pieces == 4
    assert world.http
    assert admin.token
