"""What tests of address books share: a world whose settings lead to local providers, and a user who connects one."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2

from jobs.runner import drain
from tests.books.consenting import CLIENT_ID, CLIENT_SECRET, Consenting, query_of
from tests.conftest import Client, World, opened
from tests.mailing import Caught, worker
from tests.steps import well

SOURCE = "sourceId provider configured connected account status hint contactCount lastSyncedAt retryAt"
CONTACTS = """query($source: ID, $search: String, $first: Int, $after: String) {
  contacts(sourceId: $source, search: $search, first: $first, after: $after) {
    totalCount nodes { id name firstName lastName emails company title phone customer { email } }
    pageInfo { hasNextPage endCursor } } }"""


def configured(provider: str, server: Consenting) -> dict[str, str]:
    """The settings of a provider."""
    name = provider.lower()
    return {
        f"{name}_client_id": CLIENT_ID,
        f"{name}_client_secret": CLIENT_SECRET,
        f"{name}_endpoints": server.endpoints,
    }


@asynccontextmanager
async def world_of(migrated: Path, directory: Path, **settings: str) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        yield await opened(stack, migrated, directory, **settings)


async def authorize(url: str) -> dict[str, str]:
    """What a browser does: goes to the provider, whose user answers; what comes back in the query."""
    async with httpx2.AsyncClient() as browser:
        answer = await browser.get(url)
    assert answer.status_code == 302, answer.text
    return query_of(answer.headers["location"])


async def begin(client: Client, provider: str, **given: Any) -> str:
    """Asks to connect; where the browser is sent."""
    answer = await well(client, "connectContactSource", "authorizationUrl", provider=provider, **given)
    assert answer["authorizationUrl"] is not None
    return answer["authorizationUrl"]


async def come_back(world: World, client: Client, answer: dict[str, str]) -> httpx2.Response:
    """The browser of a signed-in user comes back to the server's own page."""
    cookies = {"cookie": f"rolodesk={client.token}", "sec-fetch-site": "cross-site"}
    return await world.http.get("/contacts/callback", params=answer, headers=cookies)


async def connected(world: World, client: Client, provider: str) -> str:
    """Connects an address book by the server's own page; the source's id."""
    page = await come_back(world, client, await authorize(await begin(client, provider)))
    assert page.status_code == 200, page.text
    return next(one["sourceId"] for one in await sources(client) if one["provider"] == provider and one["connected"])


async def fetched(world: World, **different: Any) -> int:
    """Lets a worker do what is due."""
    return await drain(worker(world, Caught(), books=world.app.state.process.books, **different))


async def sources(client: Client) -> list[dict[str, Any]]:
    return (await client.ask(f"{{ contactSources {{ {SOURCE} }} }}"))["contactSources"]


async def source(client: Client, provider: str) -> dict[str, Any]:
    return next(one for one in await sources(client) if one["provider"] == provider)


async def contacts(client: Client, **given: Any) -> list[dict[str, Any]]:
    return (await client.ask(CONTACTS, first=250, **given))["contacts"]["nodes"]


async def names(client: Client, **given: Any) -> list[str]:
    return [one["name"] for one in await contacts(client, **given)]
