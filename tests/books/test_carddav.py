"""Address books at CardDAV servers and at Yahoo: found, listed by token or whole, and their cards fetched."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from contacts import cards
from server.app import application
from server.settings import SettingRefused, Settings
from tests.books.carddav import PASSWORD, USER, CardDavServer, card
from tests.books.serving import serving
from tests.books.steps import configured, connected, contacts, fetched, names, source, world_of
from tests.conftest import Client, World
from tests.steps import done, problems, well

MULTIGET = "addressbook-multiget"


@pytest_asyncio.fixture
async def dav() -> AsyncIterator[CardDavServer]:
    async with serving(CardDavServer(account="ann@yahoo.example")) as server:
        assert isinstance(server, CardDavServer)
        yield server


@pytest_asyncio.fixture
async def desk(migrated: Path, tmp_path: Path, dav: CardDavServer) -> AsyncIterator[World]:
    """A server whose settings name the CardDAV server."""
    async with world_of(migrated, tmp_path, carddav_servers=f"{dav.url}, https://dav.example.com") as world:
        yield world


@pytest_asyncio.fixture
async def user(desk: World) -> Client:
    return await desk.user("AGENT")


async def connect(client: Client, dav: CardDavServer, **given: Any) -> str:
    credentials = {"server": dav.url, "username": USER, "password": PASSWORD, **given}
    answer = await well(
        client, "connectContactSource", "authorizationUrl contactSource { sourceId account server status }",
        provider="CARDDAV", **credentials,
    )  # fmt: skip
    assert answer["authorizationUrl"] is None
    assert answer["contactSource"]["status"] == "SYNCING"
    assert (answer["contactSource"]["account"], answer["contactSource"]["server"]) == (USER, dav.url)
    return answer["contactSource"]["sourceId"]


async def again(world: World, client: Client, source_id: str) -> None:
    await well(client, "syncContactSource", sourceId=source_id)
    await fetched(world)


async def test_contacts_come_from_the_books_that_the_server_names(
    desk: World, user: Client, dav: CardDavServer
) -> None:
    dav.books["team & more"] = {}
    dav.put("1.vcf", card("Ann Lee", "ann@example.com", "ann@home.example", company="Acme"))
    dav.put("a b%.vcf", card("Bob Moss", "bob@example.com"), book="team & more")
    await connect(user, dav)
    await fetched(desk)
    assert [(one["name"], one["emails"], one["company"]) for one in await contacts(user)] == [
        ("Ann Lee", ["ann@example.com", "ann@home.example"], "Acme"), ("Bob Moss", ["bob@example.com"], None),
    ]  # fmt: skip
    assert (await source(user, "CARDDAV"))["status"] == "READY"


async def test_only_what_changed_is_fetched_again(desk: World, user: Client, dav: CardDavServer) -> None:
    for i in range(5):
        dav.put(f"{i}.vcf", card(f"Person {i}", f"p{i}@example.com"))
    source_id = await connect(user, dav)
    await fetched(desk)
    dav.fetched.clear()
    dav.put("1.vcf", card("Renamed One", "p1@example.com"))
    dav.put("2.vcf", None)
    await again(desk, user, source_id)
    assert await names(user) == ["Person 0", "Person 3", "Person 4", "Renamed One"]
    assert dav.fetched == ["1.vcf"]


async def test_a_listing_that_is_cut_off_goes_on(desk: World, user: Client, dav: CardDavServer) -> None:
    dav.most_listed = 3
    for i in range(8):
        dav.put(f"{i}.vcf", card(f"Person {i}", f"p{i}@example.com"))
    await connect(user, dav)
    await fetched(desk)
    assert await names(user) == [f"Person {i}" for i in range(8)]


async def test_an_invalid_sync_token_lists_anew_and_fetches_what_changed_alone(
    desk: World, user: Client, dav: CardDavServer
) -> None:
    for i in range(4):
        dav.put(f"{i}.vcf", card(f"Person {i}", f"p{i}@example.com"))
    source_id = await connect(user, dav)
    await fetched(desk)
    dav.put("0.vcf", None)
    dav.put("1.vcf", card("Renamed One", "p1@example.com"))
    dav.oldest = dav.number
    dav.fetched.clear()
    await again(desk, user, source_id)
    assert await names(user) == ["Person 2", "Person 3", "Renamed One"]
    assert dav.fetched == ["1.vcf"]


async def test_a_server_without_sync_tokens_is_listed_whole(desk: World, user: Client, dav: CardDavServer) -> None:
    dav.by_token = False
    for i in range(3):
        dav.put(f"{i}.vcf", card(f"Person {i}", f"p{i}@example.com"))
    source_id = await connect(user, dav)
    await fetched(desk)
    dav.put("0.vcf", None)
    dav.put("3.vcf", card("Person 3", "p3@example.com"))
    dav.fetched.clear()
    await again(desk, user, source_id)
    assert await names(user) == ["Person 1", "Person 2", "Person 3"]
    assert dav.fetched == ["3.vcf"]


async def test_a_book_that_is_gone_takes_its_contacts_with_it(desk: World, user: Client, dav: CardDavServer) -> None:
    dav.books["old"] = {}
    dav.put("1.vcf", card("Ann", "ann@example.com"))
    dav.put("2.vcf", card("Bob", "bob@example.com"), book="old")
    source_id = await connect(user, dav)
    await fetched(desk)
    del dav.books["old"]
    await again(desk, user, source_id)
    assert await names(user) == ["Ann"]


async def test_a_pause_is_kept_and_the_fetch_goes_on_with_the_next_cards(
    desk: World, user: Client, dav: CardDavServer
) -> None:
    for i in range(250):
        dav.put(f"{i:03}.vcf", card(f"Person {i:03}", f"p{i}@example.com"))
    await connect(user, dav)
    dav.fail("REPORT", 503, b"", retry_after="60")
    await fetched(desk)
    assert (await source(user, "CARDDAV"))["status"] == "WAITING"
    desk.clock.advance(61_000)
    await fetched(desk)
    assert (await source(user, "CARDDAV"))["contactCount"] == 250
    assert len(dav.fetched) == 250
    assert sum(MULTIGET in body for body in dav.bodies) == 3


async def test_a_password_is_tried_before_anything_is_kept(desk: World, user: Client, dav: CardDavServer) -> None:
    given = {"provider": "CARDDAV", "server": dav.url, "username": USER, "password": "wrong"}
    assert await problems(user, "connectContactSource", **given) == [("INVALID_VALUE", ["password"])]
    assert await desk.rows("SELECT * FROM contact_source") == []
    for _ in range(9):
        await problems(user, "connectContactSource", **given)
    text = "mutation($i: ConnectContactSourceInput!) { connectContactSource(input: $i) { errors { code } } }"
    assert (await user.refused(text, i=given))["extensions"]["code"] == "RATE_LIMITED"


async def test_a_password_that_no_longer_holds_is_told(desk: World, user: Client, dav: CardDavServer) -> None:
    source_id = await connect(user, dav)
    await fetched(desk)
    dav.fail("/", 401)
    await again(desk, user, source_id)
    told = await source(user, "CARDDAV")
    assert (told["status"], told["hint"]) == ("REVOKED", "The server does not take the credentials. Connect it again.")


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"server": "http://127.0.0.1:9/"}, "server"),
        ({"server": "http://169.254.169.254/latest"}, "server"),
        ({"server": None}, "server"),
        ({"username": " "}, "username"),
        ({"username": "a:b"}, "username"),
        ({"password": ""}, "password"),
        ({"password": None}, "password"),
    ],
)
async def test_no_request_is_made_to_what_settings_do_not_name(
    user: Client, dav: CardDavServer, given: dict[str, Any], path: str
) -> None:
    whole = {"provider": "CARDDAV", "server": dav.url, "username": USER, "password": PASSWORD, **given}
    whole = {name: value for name, value in whole.items() if value is not None}
    assert [where for _, where in await problems(user, "connectContactSource", **whole)] == [[path]]
    assert dav.asked == []


async def test_a_redirect_to_another_host_is_not_followed(user: Client, dav: CardDavServer) -> None:
    async with serving(CardDavServer()) as elsewhere:
        dav.well_known = f"{elsewhere.url}/"
        given = {"provider": "CARDDAV", "server": dav.url, "username": USER, "password": PASSWORD}
        answer = await done(user, "connectContactSource", **given)
        assert answer["errors"][0]["path"] == ["server"]
        assert answer["errors"][0]["message"].startswith(
            "The provider points to 127.0.0.1, which this server's settings"
        )
        assert elsewhere.asked == []


async def test_a_document_with_entities_is_not_read(user: Client, dav: CardDavServer) -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><d:multistatus xmlns:d="DAV:">&b;</d:multistatus>'
    dav.fail("/.well-known/carddav", 207, bomb)
    given = {"provider": "CARDDAV", "server": dav.url, "username": USER, "password": PASSWORD}
    answer = await done(user, "connectContactSource", **given)
    assert answer["errors"][0]["message"] == "The server answers what is no multistatus."


async def test_yahoo_takes_a_consent(migrated: Path, tmp_path: Path, dav: CardDavServer) -> None:
    dav.put("1.vcf", card("Ann Lee", "ann@example.com"))
    async with world_of(migrated, tmp_path, **configured("YAHOO", dav)) as world:
        user = await world.user("AGENT")
        await connected(world, user, "YAHOO")
        await fetched(world)
        assert await names(user) == ["Ann Lee"]
        assert (await source(user, "YAHOO"))["account"] == "ann@yahoo.example"


async def test_yahoo_takes_an_app_password_where_settings_name_its_server(
    migrated: Path, tmp_path: Path, dav: CardDavServer
) -> None:
    dav.put("1.vcf", card("Ann Lee", "ann@example.com"))
    settings = {"yahoo_endpoints": f"contacts={dav.url}", "carddav_servers": dav.url}
    async with world_of(migrated, tmp_path, **settings) as world:
        user = await world.user("AGENT")
        await well(user, "connectContactSource", provider="YAHOO", username=USER, password=PASSWORD)
        await fetched(world)
        assert await names(user) == ["Ann Lee"]
    async with world_of(migrated, tmp_path, **configured("YAHOO", dav)) as world:
        user = await world.user("AGENT")
        given = {"provider": "YAHOO", "username": USER, "password": PASSWORD}
        assert await problems(user, "connectContactSource", **given) == [("NOT_POSSIBLE", ["password"])]


async def test_what_is_not_configured_says_what_to_set(world: World) -> None:
    user = await world.user("AGENT")
    assert (await source(user, "CARDDAV"))["hint"].startswith(
        "Who runs this server has to name servers in ROLODESK_CARDDAV"
    )
    yahoo = await source(user, "YAHOO")
    assert yahoo["hint"].endswith(
        "Or, for app passwords, name https://carddav.address.yahoo.com in ROLODESK_CARDDAV_SERVERS."
    )


@pytest.mark.parametrize("given", ["http://dav.example.com", "https://*.icloud.com", "dav.example.com", "https://"])
def test_servers_that_cannot_be_are_refused(given: str) -> None:
    with pytest.raises(SettingRefused, match="ROLODESK_CARDDAV_SERVERS"):
        application(Settings(carddav_servers=given))


async def test_ten_thousand_cards(desk: World, user: Client, dav: CardDavServer) -> None:
    for i in range(10_000):
        dav.put(f"{i:05}.vcf", card(f"Person {i:05}", f"p{i}@example.com"))
    await connect(user, dav)
    await fetched(desk)
    assert (await source(user, "CARDDAV"))["contactCount"] == 10_000
    assert sum(MULTIGET in body for body in dav.bodies) == 100


# Cards


def test_a_card_of_each_version() -> None:
    old = (
        "BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=C3=BCr=\r\ngen;;;\r\n"
        "EMAIL;INTERNET:work@example.com\r\nEMAIL;PREF;INTERNET:home@example.com\r\nTEL;CELL:+49 170 1\r\nEND:VCARD\r\n"
    )
    found = cards.contact(old, "1", None)
    assert found is not None
    assert (found.first_name, found.last_name, found.phone) == ("Jürgen", "Müller", "+49 170 1")
    assert found.emails == ("home@example.com", "work@example.com")
    new = (
        "BEGIN:VCARD\nVERSION:4.0\nFN:Ann\\, Dr. Lee\nN:Lee;Ann;;Dr.;\nitem1.EMAIL;PREF=2:b@example.com\n"
        "item2.EMAIL;PREF=1:a@exam\n ple.com\nORG:Acme\\; Sons;Sales\nTITLE:Buyer\\nof things\nTEL;VALUE=uri:tel:+1-555\n"
        "PHOTO:data:image/png;base64,AAAA\nEND:VCARD\n"
    )
    found = cards.contact(new, "1", '"7"')
    assert found is not None
    assert (found.name, found.emails, found.company) == (
        "Ann, Dr. Lee",
        ("a@example.com", "b@example.com"),
        "Acme; Sons",
    )
    assert (found.title, found.phone, found.tag) == ("Buyer of things", "+1-555", '"7"')


@pytest.mark.parametrize(
    "text",
    ["", "no card", "BEGIN:VCALENDAR\nEND:VCALENDAR", "BEGIN:VCARD\nVERSION:4.0\nKIND:group\nFN:All\nEND:VCARD",
     "BEGIN:VCARD\nX-ADDRESSBOOKSERVER-KIND:group\nFN:All\nEND:VCARD"],
)  # fmt: skip
def test_what_is_no_persons_card_is_left_aside(text: str) -> None:
    assert cards.contact(text, "1", None) is None
