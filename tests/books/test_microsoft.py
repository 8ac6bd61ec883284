"""An address book at Microsoft: the delta of the default folder, by links."""

from tests.books.microsoft import MicrosoftServer, entry
from tests.books.steps import connected, contacts, fetched, names, source
from tests.conftest import Client, World
from tests.steps import well


async def test_contacts_come_by_links_and_then_what_changed(
    books: World, agent: Client, microsoft: MicrosoftServer
) -> None:
    microsoft.put(*(entry(i, f"p{i}@example.com", name=f"Person {i:03}", company="Acme") for i in range(120)))
    source_id = await connected(books, agent, "MICROSOFT")
    await fetched(books)
    assert (await names(agent))[:2] == ["Person 000", "Person 001"]
    assert (await source(agent, "MICROSOFT"))["contactCount"] == 120
    first = (await contacts(agent))[0]
    assert (first["emails"], first["company"], first["phone"]) == (["p0@example.com"], "Acme", "+49 30 1")
    assert (await source(agent, "MICROSOFT"))["account"] == "ann@contoso.example"
    microsoft.delete(0)
    microsoft.put(entry(1, "p1@example.com", name="Aa Renamed"))
    microsoft.asked.clear()
    await well(agent, "syncContactSource", sourceId=source_id)
    await fetched(books)
    assert (await names(agent))[:2] == ["Aa Renamed", "Person 002"]
    assert microsoft.asked_for("$deltatoken=1") == 1
    assert len(microsoft.asked) == 1


async def test_a_delta_link_that_is_gone_begins_anew(books: World, agent: Client, microsoft: MicrosoftServer) -> None:
    microsoft.put(*(entry(i, f"p{i}@example.com", name=f"Person {i}") for i in range(3)))
    source_id = await connected(books, agent, "MICROSOFT")
    await fetched(books)
    microsoft.delete(1)
    microsoft.oldest = microsoft.number
    await well(agent, "syncContactSource", sourceId=source_id)
    await fetched(books)
    assert await names(agent) == ["Person 0", "Person 2"]


async def test_refresh_tokens_that_are_replaced_are_kept(
    books: World, agent: Client, microsoft: MicrosoftServer
) -> None:
    microsoft.rotates = True
    microsoft.put(entry(1, "a@example.com", name="Ann"))
    source_id = await connected(books, agent, "MICROSOFT")
    for _ in range(3):
        books.clock.advance(2 * 3_600_000)
        await well(agent, "syncContactSource", sourceId=source_id)
        await fetched(books)
        assert (await source(agent, "MICROSOFT"))["status"] == "READY"


async def test_an_account_without_contacts_is_read_to_its_end(
    books: World, agent: Client, microsoft: MicrosoftServer
) -> None:
    source_id = await connected(books, agent, "MICROSOFT")
    await fetched(books)
    assert (await source(agent, "MICROSOFT"))["status"] == "READY"
    microsoft.put(entry(1, "a@example.com", name="Ann"))
    await well(agent, "syncContactSource", sourceId=source_id)
    await fetched(books)
    assert await names(agent) == ["Ann"]


async def test_throttling_is_respected(books: World, agent: Client, microsoft: MicrosoftServer) -> None:
    microsoft.put(entry(1, "a@example.com", name="Ann"))
    microsoft.fail("/delta", 429, retry_after="30")
    await connected(books, agent, "MICROSOFT")
    await fetched(books)
    assert (await source(agent, "MICROSOFT"))["status"] == "WAITING"
    books.clock.advance(31_000)
    await fetched(books)
    assert await names(agent) == ["Ann"]


async def test_a_link_to_another_host_is_not_followed(books: World, agent: Client, microsoft: MicrosoftServer) -> None:
    microsoft.put(*(entry(i, f"p{i}@example.com", name=f"Person {i}") for i in range(60)))
    microsoft.next_link_host = "http://127.0.0.1:9"
    await connected(books, agent, "MICROSOFT")
    await fetched(books)
    failed = await source(agent, "MICROSOFT")
    assert failed["status"] == "FAILED"
    assert failed["hint"].startswith("The provider points to 127.0.0.1, which this server's settings do not name.")


async def test_microsoft_cannot_revoke_and_says_where_to(books: World, agent: Client) -> None:
    source_id = await connected(books, agent, "MICROSOFT")
    answer = await well(agent, "disconnectContactSource", "revoked consentsUrl", sourceId=source_id)
    assert (answer["revoked"], answer["consentsUrl"]) == (False, "https://myapps.microsoft.com")
