"""An address book at Google: consent, pages, sync tokens, and what goes wrong on the way."""

import asyncio
import json

from db import job_queue
from db.clock import DAY, HOUR, MINUTE
from jobs.contacts import carry_out
from tests import steps
from tests.books.google import GoogleServer, error, person
from tests.books.steps import connected, contacts, fetched, names, source
from tests.conftest import Client, World
from tests.mailing import Caught, worker
from tests.steps import well


async def test_contacts_come_with_the_customers_they_are_already(
    books: World, agent: Client, google: GoogleServer
) -> None:
    await steps.customer(agent, "bea@example.com")
    google.put(
        person(1, "Ann.Lee@Example.com", "ann@home.example", name="Ann Lee", company="Acme"),
        person(2, "second@example.com", "BEA@example.com", name="Bea Moss"),
        person(3, name="No Address"),
    )
    source_id = await connected(books, agent, "GOOGLE")
    assert (await source(agent, "GOOGLE"))["status"] == "SYNCING"
    await fetched(books)
    found = await contacts(agent, source=source_id)
    assert [{**one, "id": ""} for one in found] == [
        {
            "id": "", "name": "Ann Lee", "firstName": "Ann", "lastName": "Lee", "company": "Acme", "title": "Buyer",
            "phone": None, "emails": ["Ann.Lee@Example.com", "ann@home.example"], "customer": None,
        },
        {
            "id": "", "name": "Bea Moss", "firstName": "Bea", "lastName": "Moss", "company": None, "title": None,
            "phone": None, "emails": ["second@example.com", "BEA@example.com"], "customer": {"email": "bea@example.com"},
        },
        {
            "id": "", "name": "No Address", "firstName": "No", "lastName": "Address", "company": None, "title": None,
            "phone": None, "emails": [], "customer": None,
        },
    ]  # fmt: skip
    now = await source(agent, "GOOGLE")
    assert (now["status"], now["account"], now["contactCount"], now["hint"]) == ("READY", "ann@example.com", 3, None)
    assert now["lastSyncedAt"] is not None
    assert await steps.emails(agent) == ["bea@example.com"]


async def test_a_second_fetch_asks_for_what_changed_alone(books: World, agent: Client, google: GoogleServer) -> None:
    google.put(*(person(i, f"p{i}@example.com", name=f"Person {i}") for i in range(5)))
    source_id = await connected(books, agent, "GOOGLE")
    await fetched(books)
    google.put(person(1, "p1@example.com", name="Renamed One"), person(9, "new@example.com", name="Zoe New"))
    google.delete(2)
    google.asked.clear()
    await well(agent, "syncContactSource", "contactSource { status }", sourceId=source_id)
    await fetched(books)
    assert await names(agent) == ["Person 0", "Person 3", "Person 4", "Renamed One", "Zoe New"]
    assert google.asked_for("syncToken=1") == 1


async def test_an_expired_sync_token_begins_anew_and_drops_what_is_gone(
    books: World, agent: Client, google: GoogleServer
) -> None:
    google.put(*(person(i, f"p{i}@example.com", name=f"Person {i}") for i in range(3)))
    source_id = await connected(books, agent, "GOOGLE")
    await fetched(books)
    kept = {one["name"]: one["id"] for one in await contacts(agent)}
    google.delete(1)
    google.oldest = google.number
    await well(agent, "syncContactSource", sourceId=source_id)
    await fetched(books)
    assert {one["name"]: one["id"] for one in await contacts(agent)} == {
        "Person 0": kept["Person 0"], "Person 2": kept["Person 2"],
    }  # fmt: skip
    assert (await source(agent, "GOOGLE"))["status"] == "READY"


async def test_a_page_that_is_gone_begins_anew(books: World, agent: Client, google: GoogleServer) -> None:
    google.put(*(person(i, f"p{i}@example.com", name=f"Person {i}") for i in range(7)))
    google.largest_page, google.forgets_pages = 3, True
    await connected(books, agent, "GOOGLE")
    await fetched(books)
    assert await names(agent) == [f"Person {i}" for i in range(7)]
    assert google.asked_for("/connections") == 5


async def test_a_pause_that_google_wants_is_kept_and_the_fetch_goes_on_where_it_was(
    books: World, agent: Client, google: GoogleServer
) -> None:
    google.put(*(person(i, f"p{i}@example.com", name=f"Person {i}") for i in range(6)))
    google.largest_page = 2
    google.fail("pageToken=1-2", 429, json.dumps(error(429, "RESOURCE_EXHAUSTED")).encode(), retry_after="120")
    await connected(books, agent, "GOOGLE")
    await fetched(books)
    waiting = await source(agent, "GOOGLE")
    assert (waiting["status"], waiting["contactCount"]) == ("WAITING", 2)
    assert waiting["hint"] == "Google wants fewer requests."
    books.clock.advance(119_000)
    assert await fetched(books) == 0
    books.clock.advance(2_000)
    google.asked.clear()
    await fetched(books)
    assert await names(agent) == [f"Person {i}" for i in range(6)]
    assert google.asked_for("/connections") == 2


async def test_an_answer_that_fails_is_asked_for_again_after_pauses_that_double(
    books: World, agent: Client, google: GoogleServer
) -> None:
    google.put(person(1, "a@example.com", name="Ann"))
    for _ in range(2):
        google.fail("/connections", 503)
    await connected(books, agent, "GOOGLE")
    await fetched(books)
    books.clock.advance(5_000)
    await fetched(books)
    books.clock.advance(5_000)
    assert await fetched(books) == 0
    books.clock.advance(5_000)
    await fetched(books)
    assert await names(agent) == ["Ann"]


async def test_a_provider_that_never_answers_is_given_up_and_says_so(
    books: World, agent: Client, google: GoogleServer
) -> None:
    for _ in range(12):
        google.fail("/connections", 500)
    await connected(books, agent, "GOOGLE")
    for _ in range(12):
        await fetched(books)
        books.clock.advance(HOUR)
    failed = await source(agent, "GOOGLE")
    assert failed["status"] == "FAILED"
    assert failed["hint"].startswith("Google answers 500. Fetch it again")


async def test_an_access_token_that_ended_is_refreshed(books: World, agent: Client, google: GoogleServer) -> None:
    google.put(person(1, "a@example.com", name="Ann"))
    source_id = await connected(books, agent, "GOOGLE")
    books.clock.advance(2 * HOUR)
    await fetched(books)
    assert await names(agent) == ["Ann"]
    google.access_tokens.clear()  # before its time, as by a change of the password
    await well(agent, "syncContactSource", sourceId=source_id)
    await fetched(books)
    assert (await source(agent, "GOOGLE"))["status"] == "READY"
    assert google.asked_for("POST /token") == 3


async def test_a_consent_that_was_taken_back_is_told_and_can_be_given_again(
    books: World, agent: Client, google: GoogleServer
) -> None:
    google.put(person(1, "a@example.com", name="Ann"))
    source_id = await connected(books, agent, "GOOGLE")
    await fetched(books)
    google.end_consent()
    await well(agent, "syncContactSource", sourceId=source_id)
    await fetched(books)
    revoked = await source(agent, "GOOGLE")
    assert revoked["status"] == "REVOKED"
    assert revoked["hint"] == "The provider no longer takes the consent that was given. Connect it again."
    assert await names(agent) == ["Ann"]
    assert await connected(books, agent, "GOOGLE") == source_id
    await fetched(books)
    assert (await source(agent, "GOOGLE"))["status"] == "READY"


async def test_a_worker_that_was_killed_is_followed_by_one_that_goes_on(
    books: World, agent: Client, google: GoogleServer
) -> None:
    google.put(*(person(i, f"p{i}@example.com", name=f"Person {i}") for i in range(6)))
    google.largest_page = 2
    await connected(books, agent, "GOOGLE")
    google.fail("pageToken=1-4", 0)
    first = worker(books, Caught(), books=books.app.state.process.books, name="first")
    job = await job_queue.claim(books.database, "first", books.clock(), ["CONTACTS"])
    assert job is not None
    running = asyncio.create_task(carry_out(first, job))
    while not google.asked_for("pageToken=1-4"):  # noqa: ASYNC110  the server is another's
        await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert (await source(agent, "GOOGLE"))["contactCount"] == 4
    assert await fetched(books, name="second") == 0
    books.clock.advance(MINUTE)
    google.asked.clear()
    await fetched(books, name="second")
    assert await names(agent) == [f"Person {i}" for i in range(6)]
    assert google.asked_for("/connections") == 1


async def test_an_answer_that_is_no_list_takes_nothing_away(books: World, agent: Client, google: GoogleServer) -> None:
    google.put(person(1, "a@example.com", name="Ann"))
    source_id = await connected(books, agent, "GOOGLE")
    await fetched(books)
    google.oldest = 9
    google.fail("/connections", 400, json.dumps(error(400, "FAILED_PRECONDITION", "EXPIRED_SYNC_TOKEN")).encode())
    google.fail("/connections", 200, b"<html>Sign in to the network</html>")
    await well(agent, "syncContactSource", sourceId=source_id)
    await fetched(books)
    assert (await source(agent, "GOOGLE"))["status"] == "WAITING"
    assert await names(agent) == ["Ann"]


async def test_disconnecting_revokes_and_forgets(books: World, agent: Client, google: GoogleServer) -> None:
    google.put(person(1, "a@example.com", name="Ann"))
    source_id = await connected(books, agent, "GOOGLE")
    await fetched(books)
    answer = await well(agent, "disconnectContactSource", "provider revoked consentsUrl", sourceId=source_id)
    assert answer == {"provider": "GOOGLE", "revoked": True, "consentsUrl": None, "errors": []}
    assert len(google.revoked) == 1
    assert await contacts(agent) == []
    for table in ("contact_source", "contact", "contact_address"):
        assert await books.rows(f"SELECT * FROM {table}") == []
    assert (await source(agent, "GOOGLE"))["status"] == "NOT_CONNECTED"


async def test_disconnecting_forgets_where_the_provider_does_not_answer(
    books: World, agent: Client, google: GoogleServer
) -> None:
    source_id = await connected(books, agent, "GOOGLE")
    google.fail("/revoke", 503)
    answer = await well(agent, "disconnectContactSource", "revoked consentsUrl", sourceId=source_id)
    assert answer["revoked"] is False
    assert answer["consentsUrl"] == "https://myaccount.google.com/connections"
    assert await books.rows("SELECT * FROM contact_source") == []


async def test_a_source_disconnected_while_it_is_fetched_leaves_nothing(
    books: World, agent: Client, google: GoogleServer
) -> None:
    google.put(*(person(i, f"p{i}@example.com", name=f"Person {i}") for i in range(4)))
    google.largest_page = 2
    source_id = await connected(books, agent, "GOOGLE")
    google.fail("pageToken=", 429, retry_after="5")
    await fetched(books)
    await well(agent, "disconnectContactSource", sourceId=source_id)
    books.clock.advance(DAY)
    assert await fetched(books) == 0
    assert await books.rows("SELECT * FROM contact") == []


async def test_ten_thousand_contacts(books: World, agent: Client, google: GoogleServer) -> None:
    google.put(*(person(i, f"p{i}@example.com", f"q{i}@example.com", name=f"Person {i:05}") for i in range(10_000)))
    await connected(books, agent, "GOOGLE")
    await fetched(books)
    assert (await source(agent, "GOOGLE"))["contactCount"] == 10_000
    assert google.asked_for("/connections") == 20
    assert await names(agent, search="person 0777") == [f"Person 0777{i}" for i in range(10)]


async def test_an_answer_that_is_not_formed_as_promised_counts_as_none(
    books: World, agent: Client, google: GoogleServer
) -> None:
    google.fail(
        "/connections", 200, b'{"connections": [{"resourceName": "people/c1", "names": "x"}], "nextSyncToken": "1"}'
    )
    google.put(person(1, "a@example.com", name="Ann"))
    await connected(books, agent, "GOOGLE")
    await fetched(books)
    waiting = await source(agent, "GOOGLE")
    assert (waiting["status"], waiting["hint"]) == ("WAITING", "The provider answers what cannot be read.")
    books.clock.advance(MINUTE)
    await fetched(books)
    assert await names(agent) == ["Ann"]


async def test_values_that_no_engine_keeps_alike_are_kept_as_far_as_they_go(
    books: World, agent: Client, google: GoogleServer
) -> None:
    odd = person(1, "a@example.com\r\nBcc: b@example.com", "not an address", name="Ann\x00\u202e\nLee " + "x" * 500)
    google.put(odd, person(2, *(f"a{i}@example.com" for i in range(30))))
    await connected(books, agent, "GOOGLE")
    await fetched(books)
    first, second = sorted(await contacts(agent), key=lambda one: len(one["emails"]))
    assert first["emails"] == ["a@example.com Bcc: b@example.com", "not an address"]
    assert first["name"].startswith("Ann Lee xxx")
    assert len(first["name"]) == 400
    assert (second["name"], len(second["emails"])) == ("a0@example.com", 20)
