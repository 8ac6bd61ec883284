"""`customersChanged(filter:)`: a change is told if a customer met the filter before it, or meets it after it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from db import customers, organizations, projects
from tests.conftest import Client, World
from tests.test_subscriptions import Subscriber, connected, listening

FOLLOW = """subscription($filter: CustomerFilter, $after: Int) { customersChanged(filter: $filter, after: $after) {
  number operation } }"""
MUTATIONS = {
    "update": "mutation($input: UpdateCustomerInput!) { updateCustomer(input: $input) { errors { code message } } }",
    "move": "mutation($input: MoveCustomersInput!) { moveCustomers(input: $input) { errors { code message } } }",
    "archive": "mutation($input: ArchiveCustomersInput!) { archiveCustomers(input: $input) { errors { code message } } }",
    "restore": "mutation($input: RestoreCustomersInput!) { restoreCustomers(input: $input) { errors { code message } } }",
}


@pytest_asyncio.fixture
async def url(world: World) -> AsyncIterator[str]:
    async with listening(world) as address:
        yield address


class Story:
    """What happens to customers, and the numbers of the changes."""

    def __init__(self, world: World, admin: Client) -> None:
        self.world, self.admin, self.endings = world, admin, 0

    async def customer(self, address: str, **properties: Any) -> str:
        return str(await self.world.write(lambda tx: customers.create(tx, {"email": address, **properties})))

    async def organization(self, name: str, parent_id: str | None = None) -> str:
        return str(await self.world.write(lambda tx: organizations.create(tx, {"name": name, "parent_id": parent_id})))

    async def do(self, what: str, **given: Any) -> int:
        """Does it; answers its place in the log."""
        answer = (await self.admin.ask(MUTATIONS[what], input=given)).popitem()[1]
        assert not answer["errors"], answer
        return await self.last()

    async def last(self) -> int:
        text = "{ changes(last: 1) { nodes { number } } }"
        return int((await self.admin.ask(text))["changes"]["nodes"][0]["number"])

    async def told(self, url: str, condition: dict[str, Any], after: int = 0) -> list[int]:
        """The changes told of who meets a condition; a last one that is told to everybody ends them."""
        self.endings += 1
        ending = await self.customer(f"end-{self.endings}@example.com")
        either = {"or": [condition, {"ids": [ending]}]}
        last = await self.last()
        async with connected(url) as connection:
            subscriber = Subscriber(connection)
            await subscriber.begin(self.admin)
            await subscriber.subscribe("1", FOLLOW, filter=either, after=after)
            found: list[int] = []
            while True:
                message = await subscriber.next()
                assert message["type"] == "next", message
                found.append(message["payload"]["data"]["customersChanged"]["number"])
                if found[-1] == last:
                    return found[:-1]


@pytest.fixture
def story(world: World, admin: Client) -> Story:
    return Story(world, admin)


async def test_coming_in_going_out_and_changing_within_are_told(story: Story, url: str) -> None:
    here, there = await story.organization("Here"), await story.organization("There")
    one = await story.customer("one@example.com")
    start = await story.last()
    into = await story.do("move", customerIds=[one], to={"organizationId": here})
    within = await story.do("update", customer={"id": one}, firstName="Uma")
    out = await story.do("move", customerIds=[one], to={"organizationId": there})
    await story.do("update", customer={"id": one}, firstName="Ulla")
    assert await story.told(url, {"organization": here}, start) == [into, within, out]
    assert await story.told(url, {"organization": here}, within) == [out]
    assert await story.told(url, {"unassigned": True, "ids": [one]}, start) == [into]
    assert len(await story.told(url, {"organization": there}, start)) == 2


async def test_texts_are_compared_as_they_were(story: Story, url: str) -> None:
    one = await story.customer("one@example.com", first_name="Straße", external_id="A1")
    created = await story.last()
    renamed = await story.do("update", customer={"id": one}, firstName="Weg", externalId=None)
    back = await story.do("update", customer={"id": one}, firstName="Pfad")
    moved = await story.do("update", customer={"id": one}, email="other@example.com")
    assert await story.told(url, {"firstName": {"eq": "STRASSE"}}) == [created, renamed]
    assert await story.told(url, {"firstName": {"startsWith": "we"}}) == [renamed, back]
    assert await story.told(url, {"externalId": {"isNull": False}}) == [created, renamed]
    assert await story.told(url, {"email": {"eq": "ONE@example.com"}}) == [created, renamed, back, moved]
    assert await story.told(url, {"name": {"contains": "pfad"}}) == [back, moved]
    assert await story.told(url, {"not": {"firstName": {"eq": "weg"}}, "ids": [one]}) == [created, renamed, back, moved]


async def test_archiving_takes_out_and_restoring_brings_in(story: Story, url: str) -> None:
    one = await story.customer("one@example.com")
    created = await story.last()
    archived = await story.do("archive", customerIds=[one])
    restored = await story.do("restore", customerIds=[one])
    assert await story.told(url, {"ids": [one]}) == [created, archived, restored]
    assert await story.told(url, {"ids": [one], "archived": True}) == [archived, restored]
    assert await story.told(url, {"status": ["ARCHIVED"], "archived": True}) == [archived, restored]


async def test_the_tree_and_projects_count_as_they_are_now(world: World, story: Story, url: str) -> None:
    top = await story.organization("Top")
    below = await story.organization("Below", top)
    project_id = await world.write(lambda tx: projects.create(tx, {"name": "P"}))
    await world.write(lambda tx: projects.share(tx, project_id, [], [top]))
    one = await story.customer("one@example.com")
    start = await story.last()
    into = await story.do("move", customerIds=[one], to={"organizationId": below})
    out = await story.do("move", customerIds=[one], to={"unassigned": True})
    await story.do("update", customer={"id": one}, firstName="Uma")
    assert await story.told(url, {"inTreeOf": top}, start) == [into, out]
    assert await story.told(url, {"project": project_id}, start) == [into, out]


async def test_one_of_many_is_enough_and_none_is_not(story: Story, url: str) -> None:
    upsert = "mutation($input: UpsertCustomersInput!) { upsertCustomers(input: $input) { errors { code } } }"
    items = [{"email": f"c{n:04}@example.com"} for n in range(1_000)]
    await story.admin.ask(upsert, input={"matchBy": "EMAIL", "customers": items})
    number = await story.last()
    assert await story.told(url, {"email": {"eq": "c0999@example.com"}}) == [number]
    assert await story.told(url, {"email": {"eq": "nobody@example.com"}}) == []


async def test_another_workspace_is_not_told(world: World, story: Story, url: str) -> None:
    other = await world.workspace()
    stranger = await world.write(lambda tx: customers.create(tx, {"email": "x@example.com"}), other)
    assert await story.told(url, {"ids": [stranger]}) == []


async def test_conditions_are_limited_as_in_lists(admin: Client, url: str) -> None:
    async with connected(url) as connection:
        subscriber = Subscriber(connection)
        await subscriber.begin(admin)
        await subscriber.subscribe("1", FOLLOW, filter={"or": [{"unassigned": True}] * 101})
        message = await subscriber.next()
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "LIMIT")
