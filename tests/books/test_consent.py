"""Asking for consent: the state is taken once, from the session that asked, and nothing that opens a book is told."""

import logging
from pathlib import Path

import pytest

from contacts.sealing import Broken, Seal
from db.clock import MINUTE
from jobs.runner import keep_house
from tests import steps
from tests.books.consenting import query_of
from tests.books.google import GoogleServer, person
from tests.books.steps import authorize, begin, come_back, connected, fetched, source, sources, world_of
from tests.conftest import Client, World
from tests.mailing import Caught, worker
from tests.steps import done, problems, well

FIELDS = "contactSource { sourceId status account }"


async def test_the_browser_is_sent_to_the_provider_with_a_challenge_and_the_least_scope(
    books: World, agent: Client, google: GoogleServer
) -> None:
    url = await begin(agent, "GOOGLE")
    asked = query_of(url)
    assert url.startswith(f"{google.url}/authorize?")
    assert asked["scope"] == "openid email https://www.googleapis.com/auth/contacts.readonly"
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert asked["redirect_uri"] == "http://127.0.0.1:8000/contacts/callback"
    ((verifier, state_hash),) = await books.rows("SELECT verifier, state_hash FROM contact_consent")
    assert asked["code_challenge"] not in verifier
    assert asked["state"] not in state_hash


async def test_a_front_end_gets_the_answer_and_completes_it_with_its_session(books: World, agent: Client) -> None:
    url = await begin(agent, "GOOGLE", returnTo="https://desk.example.com/books?tab=1")
    page = await books.http.get("/contacts/callback", params=await authorize(url))
    assert page.status_code == 303
    assert page.headers["location"].startswith("https://desk.example.com/books?tab=1&state=rd_consent_")
    answer = query_of(page.headers["location"])
    completed = await well(agent, "completeContactSource", FIELDS, state=answer["state"], code=answer["code"])
    assert completed["contactSource"]["status"] == "SYNCING"
    assert completed["contactSource"]["account"] == "ann@example.com"


async def test_a_state_is_taken_once(books: World, agent: Client) -> None:
    answer = await authorize(await begin(agent, "GOOGLE"))
    assert (await come_back(books, agent, answer)).status_code == 200
    assert (await come_back(books, agent, answer)).status_code == 404
    again = {"state": answer["state"], "code": answer["code"]}
    assert await problems(agent, "completeContactSource", **again) == [("INVALID_LINK", ["state"])]


async def test_a_state_of_another_session_connects_nothing(books: World, agent: Client, google: GoogleServer) -> None:
    """Somebody sends the link of their own consent to another user, to get at that user's contacts."""
    victim = await books.user("ADMIN")
    answer = await authorize(await begin(agent, "GOOGLE"))
    assert (await come_back(books, victim, answer)).status_code == 403
    assert (await come_back(books, books.client("rd_session_x"), answer)).status_code == 403
    given = {"state": answer["state"], "code": answer["code"]}
    assert await problems(victim, "completeContactSource", **given) == [("INVALID_LINK", ["state"])]
    assert google.asked_for("POST /token") == 0
    assert await books.rows("SELECT * FROM contact_source") == []
    assert (await come_back(books, agent, answer)).status_code == 200


async def test_a_state_is_good_for_a_quarter_of_an_hour(books: World, agent: Client) -> None:
    answer = await authorize(await begin(agent, "GOOGLE"))
    books.clock.advance(16 * MINUTE)
    assert (await come_back(books, agent, answer)).status_code == 404


@pytest.mark.parametrize("state", ["", "x", "rd_consent_01m89a1q37x5gvj0vh6t1d8eec_" + "0" * 64])
async def test_a_state_that_nobody_gave_is_not_valid(books: World, agent: Client, state: str) -> None:
    page = await come_back(books, agent, {"state": state, "code": "x"})
    assert page.status_code == 404
    assert "This link is not valid" in page.text


async def test_consent_that_is_denied_is_a_clear_page_and_a_clear_state(
    books: World, agent: Client, google: GoogleServer
) -> None:
    google.denies = True
    page = await come_back(books, agent, await authorize(await begin(agent, "GOOGLE")))
    assert page.status_code == 422
    assert "Consent was not given." in page.text
    denied = await source(agent, "GOOGLE")
    assert (denied["status"], denied["connected"]) == ("NOT_CONNECTED", False)
    assert denied["hint"] == "Consent was not given. Connect it again, and allow to read the contacts."


async def test_a_scope_that_the_user_left_out_is_told(books: World, agent: Client, google: GoogleServer) -> None:
    google.leaves_out = frozenset({"https://www.googleapis.com/auth/contacts.readonly"})
    page = await come_back(books, agent, await authorize(await begin(agent, "GOOGLE")))
    assert page.status_code == 422
    assert "The permission to read contacts was left out." in page.text
    assert (await source(agent, "GOOGLE"))["connected"] is False


async def test_a_code_with_another_verifier_is_refused_by_the_provider(books: World, agent: Client) -> None:
    one, other = await authorize(await begin(agent, "GOOGLE")), await authorize(await begin(agent, "GOOGLE"))
    page = await come_back(books, agent, {"state": one["state"], "code": other["code"]})
    assert page.status_code == 422
    assert "The provider does not take the code" in page.text


async def test_the_browser_is_sent_back_to_named_origins_only(agent: Client) -> None:
    for url in (
        "https://evil.example.com/", "https://desk.example.com.evil.example/", "http://desk.example.com/",
        "https://desk.example.com@evil.example/", "https://desk.example.com/#x", "javascript:alert(1)", "//evil.example",
    ):  # fmt: skip
        given = {"provider": "GOOGLE", "returnTo": url}
        assert await problems(agent, "connectContactSource", **given) == [("INVALID_VALUE", ["returnTo"])], url


async def test_a_provider_that_settings_do_not_name_says_what_to_set(world: World) -> None:
    user = await world.user("AGENT")
    google = await source(user, "GOOGLE")
    assert (google["configured"], google["status"]) == (False, "NOT_CONFIGURED")
    assert google["hint"].startswith("Who runs this server has to set ROLODESK_GOOGLE_CLIENT_ID and ROLODESK_GOOGLE_")
    assert await problems(user, "connectContactSource", provider="GOOGLE") == [("NOT_POSSIBLE", ["provider"])]


async def test_nobody_else_sees_a_users_address_book(books: World, agent: Client, google: GoogleServer) -> None:
    google.put(person(1, "a@example.com", name="Ann"))
    source_id = await connected(books, agent, "GOOGLE")
    await fetched(books)
    one = "query($id: ID!) { node(id: $id) { id } contacts { totalCount nodes { id } } }"
    contact = (await agent.ask("{ contacts { nodes { id } } }"))["contacts"]["nodes"][0]["id"]
    assert (await agent.ask(one, id=contact))["node"] == {"id": contact}
    others = [await books.user("OWNER"), await books.user("AGENT", "second@staff.example.com"), await books.key()]
    for other in others:
        assert await other.ask(one, id=contact) == {"node": None, "contacts": {"totalCount": 0, "nodes": []}}
        assert [s for s in await sources(other) if s["connected"]] == []
        text = "query($id: ID) { contacts(sourceId: $id) { totalCount } }"
        assert (await other.ask(text, id=source_id))["contacts"]["totalCount"] == 0
    for field in ("syncContactSource", "disconnectContactSource"):
        assert await problems(others[0], field, sourceId=source_id) == [("NOT_FOUND", ["sourceId"])]
    assert (await source(agent, "GOOGLE"))["connected"] is True


async def test_the_change_log_and_the_logs_tell_no_token(
    books: World, agent: Client, google: GoogleServer, caplog: pytest.LogCaptureFixture
) -> None:
    google.put(person(1, "a@example.com", name="Ann"))
    with caplog.at_level(logging.DEBUG):
        url = await begin(agent, "GOOGLE")
        answer = await authorize(url)
        caplog.clear()  # the browser's own log is not the server's
        page = await come_back(books, agent, answer)
        await fetched(books)
    secrets = [*google.access_tokens, *google.refresh_tokens, answer["code"], answer["state"]]
    rows = await books.rows("SELECT before, after FROM change_record")
    kept = await books.rows("SELECT * FROM contact_source UNION ALL SELECT * FROM contact_source")
    told = "\n".join(
        f"{record.name} {record.getMessage()}" for record in caplog.records if record.name.startswith("rolodesk")
    )
    for secret in secrets:
        assert secret not in str(rows)
        assert secret not in str(kept)
        assert secret not in page.text
        assert secret not in told


async def test_a_removed_users_address_books_are_forgotten(books: World, agent: Client, google: GoogleServer) -> None:
    google.put(person(1, "a@example.com", name="Ann"))
    await connected(books, agent, "GOOGLE")
    await fetched(books)
    admin = await books.key()
    users = await admin.ask("{ users { nodes { id role } } }")
    user_id = next(one["id"] for one in users["users"]["nodes"] if one["role"] == "AGENT")
    await well(admin, "removeUser", userId=user_id)
    for table in ("contact_source", "contact", "contact_address", "contact_consent"):
        assert await books.rows(f"SELECT * FROM {table}") == []


async def test_tokens_outlive_a_secret_that_is_replaced_and_end_with_it(
    migrated: Path, tmp_path: Path, google: GoogleServer
) -> None:
    old, new = "o" * 32, "n" * 32
    seal, both, only = Seal([old]), Seal([new, old]), Seal([new])
    sealed = seal.close({"access": "token"}, "place")
    assert both.open(sealed, "place") == {"access": "token"}
    assert (both.is_newest(sealed), seal.is_newest(sealed)) == (False, True)
    with pytest.raises(Broken):
        only.open(sealed, "place")
    with pytest.raises(Broken):
        seal.open(sealed, "another place")

    google.put(person(1, "a@example.com", name="Ann"))
    settings = {
        "google_client_id": "client-1", "google_client_secret": "a secret of the client",
        "google_endpoints": google.endpoints, "secret": old,
    }  # fmt: skip
    async with world_of(migrated, tmp_path, **settings) as world:
        user = await world.user("AGENT")
        source_id = await connected(world, user, "GOOGLE")
        await fetched(world)
        process = world.app.state.process
        for secrets, status in (((new, old), "READY"), ((new,), "READY"), ((old,), "REVOKED")):
            object.__setattr__(process.books, "seal", Seal(secrets))
            await well(user, "syncContactSource", sourceId=source_id)
            await fetched(world)
            assert (await source(user, "GOOGLE"))["status"] == status


async def test_a_repeated_request_to_connect_is_not_kept(books: World, agent: Client) -> None:
    """Its answer holds a state, which is a secret."""
    agent.headers["idempotency-key"] = "k1"
    await begin(agent, "GOOGLE")
    rows = await books.rows("SELECT answer FROM idempotency_key")
    assert rows == [(None,)]


async def test_a_key_has_no_address_books(books: World) -> None:
    key = await books.key("IMPORTS_WRITE")
    text = "mutation { connectContactSource(input: {provider: GOOGLE}) { errors { code } } }"
    refused = await key.refused(text)
    assert refused["extensions"]["code"] == "FORBIDDEN"
    assert refused["message"].startswith("Address books belong to users")


async def test_nothing_is_a_customer_before_it_is_imported(books: World, agent: Client, google: GoogleServer) -> None:
    google.put(person(1, "a@example.com", name="Ann"))
    before = await steps.written(books)
    await connected(books, agent, "GOOGLE")
    await fetched(books)
    after = await steps.written(books)
    for table in ("customer", "organization", "email_address", "change", "change_record"):
        assert after[table] == before[table]
    assert (await done(agent, "syncContactSource", "contactSource { account }", sourceId="src_x"))["errors"] != []


async def test_consents_are_forgotten_after_a_day(books: World, agent: Client) -> None:
    await begin(agent, "GOOGLE")
    books.clock.advance(25 * 60 * MINUTE)
    await keep_house(worker(books, Caught()))
    assert await books.rows("SELECT * FROM contact_consent") == []
