"""In production the schema is for those with credentials: neither introspection nor a message tells others what could be asked."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
import websockets
from websockets.typing import Subprotocol

from tests.conftest import Client, Origin, World, opened
from tests.test_streams import EVENTS, PARTS
from tests.test_subscriptions import Subscriber, listening

SECRET = "a secret that is long enough for production"
DOORS = ["application/json", "application/graphql-response+json", EVENTS, PARTS, "GET", "socket"]
SCHEMA = "{ __schema { queryType { name } } }"
TYPE = '{ __type(name: "Customer") { fields { name } } }'
NEAR = {
    "a field": "{ custmers { totalCount } }",
    "an argument": "{ customers(frist: 1) { totalCount } }",
    "a type": "query($x: CustomerFiltr) { customers(filter: $x) { totalCount } }",
    "an enum value": "{ customers(orderBy: [{field: NAMEE, direction: ASC}]) { totalCount } }",
    "a fragment's field": '{ node(id: "x") { ... on Customer { emial } } }',
}
GIVEN = "query($by: [CustomerOrder!]) { customers(orderBy: $by) { totalCount } }"
BY = [{"field": "NAMEE", "direction": "ASC"}]


@pytest_asyncio.fixture
async def production(migrated: Origin, tmp_path: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        yield await opened(stack, migrated, tmp_path, mode="production", secret=SECRET)


async def told(world: World, door: str, text: str, token: str | None = None, **variables: Any) -> str:
    """Everything that is said by this door."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    if door == "GET":
        asked = {"query": text, "variables": orjson.dumps(variables).decode()}
        return (await world.http.get("/graphql", params=asked, headers=headers)).text
    if door != "socket":
        body = {"query": text, "variables": variables}
        return (await world.http.post("/graphql", json=body, headers={**headers, "accept": door})).text
    async with (
        listening(world) as url,
        websockets.connect(
            url, subprotocols=[Subprotocol("graphql-transport-ws")], additional_headers=headers
        ) as connection,
    ):
        subscriber = Subscriber(connection)
        await subscriber.send(type="connection_init")
        await subscriber.next()
        await subscriber.subscribe("1", text, **variables)
        return orjson.dumps(await subscriber.next()).decode()


@pytest.mark.parametrize("door", DOORS)
async def test_introspection_is_for_those_with_credentials(production: World, door: str) -> None:
    key = (await production.key("CUSTOMERS_READ")).token
    for text in (
        SCHEMA,
        TYPE,
        "query { __typename " + SCHEMA[1:],
        "query { a: __typename ... { b: __typename " + TYPE[1:] + " }",
    ):
        said = await told(production, door, text)
        assert "UNAUTHENTICATED" in said
        assert "queryType" not in said
        assert "fields" not in said
        assert "UNAUTHENTICATED" not in await told(production, door, text, key)


@pytest.mark.parametrize("door", DOORS)
async def test_suggestions_are_for_those_with_credentials(production: World, door: str) -> None:
    key = (await production.key("CUSTOMERS_READ")).token
    for what, text in NEAR.items():
        said = await told(production, door, text)
        assert "SYNTAX" in said, what
        assert "Did you mean" not in said, what
        assert "Did you mean" in await told(production, door, text, key), what
    said = await told(production, door, GIVEN, by=BY)
    assert "INVALID_VALUE" in said
    assert "Did you mean" not in said
    assert "Did you mean" in await told(production, door, GIVEN, key, by=BY)


async def test_in_development_everybody_is_helped(world: World) -> None:
    nobody: Client = world.client(None)
    assert (await nobody.ask(SCHEMA)) == {"__schema": {"queryType": {"name": "Query"}}}
    assert "Did you mean 'customers'" in (await nobody.refused(NEAR["a field"]))["message"]


@pytest.mark.parametrize("path", ["/schema", "/schema.graphql"])
async def test_the_schema_is_read_with_credentials_only(production: World, path: str) -> None:
    answer = await production.http.get(path)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")
    wrong = await production.http.get(path, headers={"authorization": "Bearer rd_key_wrong"})
    assert wrong.status_code == 401
    key = await production.key("CUSTOMERS_READ")
    shown = await production.http.get(path, headers={"authorization": f"Bearer {key.token}"})
    assert shown.status_code == 200
    assert "CustomerConnection" in shown.text
