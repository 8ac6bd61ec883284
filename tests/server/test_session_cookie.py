"""Sessions of front ends, kept by a cookie that no script can read: set at sign-in, taken on every transport, ended at sign-out."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
import websockets
from websockets.typing import Subprotocol

from db import customers, sessions
from jobs.runner import drain
from tests.conftest import Client, Origin, World, opened
from tests.mailing import Caught, token_of, worker
from tests.steps import customer, well
from tests.test_sign_in import OTHER, PASSWORD, reset_link, staff
from tests.test_streams import Reading, touched
from tests.test_subscriptions import CHANGED, Subscriber, listening

OWN = "http://127.0.0.1:8000"
DESK = "https://app.desk.example.com"
EVIL = "https://evil.example"
WHO = "{ viewer { user { email } customer { email } } }"
UMA = {"viewer": {"user": {"email": "uma@staff.example.com"}, "customer": None}}
ANN = {"viewer": {"user": None, "customer": {"email": "ann@example.com"}}}
SIGN_IN = """
mutation($password: String!) {
  signIn(input: {workspace: "test", email: "uma@staff.example.com", password: $password, session: COOKIE}) {
    token viewer { user { email } } errors { code path message }
  }
}
"""
SIGN_OUT = "mutation { signOut(input: {}) { signedOut } }"
ATTRIBUTES = "; Path=/; HttpOnly; SameSite=Lax"


@pytest_asyncio.fixture
async def desk(migrated: Origin, tmp_path: Path) -> AsyncIterator[World]:
    """A server that knows a front end of another origin."""
    async with AsyncExitStack() as stack:
        yield await opened(stack, migrated, tmp_path, cors_origins=DESK)


def browser(world: World, origin: str = OWN, cookie: str = "", **more: str) -> Client:
    """A page of this origin, in a browser that holds this cookie."""
    return Client(world.http, None, {"origin": origin, **({"cookie": cookie} if cookie else {}), **more})


def given(response: httpx2.Response) -> str:
    """The cookie that a browser keeps of an answer."""
    return response.headers["set-cookie"].partition(";")[0]


async def signed_in(world: World, origin: str = OWN) -> Client:
    await staff(world)
    response = await browser(world, origin).post(SIGN_IN, {"password": PASSWORD})
    world.http.cookies.clear()
    return browser(world, origin, given(response))


# Set and ended


async def test_signing_in_sets_a_cookie_and_shows_no_token(world: World) -> None:
    await staff(world)
    response = await browser(world).post(SIGN_IN, {"password": PASSWORD})
    assert response.json()["data"]["signIn"] == {"token": None, "viewer": {"user": UMA["viewer"]["user"]}, "errors": []}
    assert response.headers["set-cookie"].startswith("rolodesk=rd_session_")
    assert response.headers["set-cookie"].endswith(ATTRIBUTES)
    assert await browser(world, cookie=given(response)).ask(WHO) == UMA


async def test_over_tls_the_cookie_is_bound_to_its_host(migrated: Origin, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        world = await opened(stack, migrated, tmp_path, public_url="https://desk.example.com")
        await staff(world)
        response = await browser(world, "https://desk.example.com").post(SIGN_IN, {"password": PASSWORD})
        assert response.headers["set-cookie"].startswith("__Host-rolodesk=rd_session_")
        assert response.headers["set-cookie"].endswith(f"{ATTRIBUTES}; Secure")
        world.http.cookies.clear()
        ours = browser(world, "https://desk.example.com", given(response))
        assert await ours.ask(WHO) == UMA
        assert (await ours.post(SIGN_OUT)).headers["set-cookie"] == f"__Host-rolodesk={ATTRIBUTES}; Secure; Max-Age=0"


async def test_accepting_an_invitation_and_resetting_set_one_too(world: World, admin: Client) -> None:
    await customer(admin, "ann@example.com", sendInvitation=True)
    caught = Caught()
    await drain(worker(world, caught))
    text = "mutation($input: AcceptInvitationInput!) { acceptInvitation(input: $input) { token errors { code } } }"
    joined = {"token": token_of(caught.last), "password": PASSWORD, "session": "COOKIE"}
    response = await browser(world).post(text, {"input": joined})
    assert response.json() == {"data": {"acceptInvitation": {"token": None, "errors": []}}}
    world.http.cookies.clear()
    assert await browser(world, cookie=given(response)).ask(WHO) == ANN
    await staff(world)
    text = "mutation($input: ResetPasswordInput!) { resetPassword(input: $input) { token errors { code } } }"
    reset = {"token": await reset_link(world), "newPassword": OTHER, "session": "COOKIE"}
    response = await browser(world).post(text, {"input": reset})
    assert response.json() == {"data": {"resetPassword": {"token": None, "errors": []}}}
    world.http.cookies.clear()
    assert await browser(world, cookie=given(response)).ask(WHO) == UMA


async def test_what_is_refused_sets_none(world: World) -> None:
    await staff(world)
    for attempt in (
        await browser(world).post(SIGN_IN, {"password": OTHER}),
        await browser(world).post(SIGN_IN.replace('"test"', '"nowhere"'), {"password": PASSWORD}),
    ):
        assert attempt.json()["data"]["signIn"]["errors"][0]["code"] == "SIGN_IN_FAILED"
        assert "set-cookie" not in attempt.headers
    assert await world.rows("SELECT COUNT(*) FROM session") == [(0,)]


async def test_without_asking_for_it_none_is_set(world: World) -> None:
    await staff(world)
    response = await browser(world).post(SIGN_IN.replace(", session: COOKIE", ""), {"password": PASSWORD})
    assert response.json()["data"]["signIn"]["token"].startswith("rd_session_")
    assert "set-cookie" not in response.headers


async def test_signing_out_ends_session_and_cookie(world: World) -> None:
    uma = await signed_in(world)
    response = await uma.post(SIGN_OUT)
    assert response.json() == {"data": {"signOut": {"signedOut": True}}}
    assert response.headers["set-cookie"] == f"rolodesk={ATTRIBUTES}; Max-Age=0"
    assert (await uma.refused(WHO))["extensions"]["code"] == "UNAUTHENTICATED"


async def test_signing_out_by_a_token_leaves_the_browsers_cookie(world: World) -> None:
    uma = await signed_in(world)
    other = await world.user("ADMIN")
    response = await Client(world.http, other.token, uma.headers).post(SIGN_OUT)
    assert response.json() == {"data": {"signOut": {"signedOut": True}}}
    assert "set-cookie" not in response.headers
    assert await uma.ask(WHO) == UMA


async def test_each_sign_in_is_a_new_session_whatever_cookie_came_with_it(world: World) -> None:
    """A cookie that somebody else put there is no session of who signs in."""
    await staff(world)
    planted = browser(world, cookie="rolodesk=rd_session_planted")
    response = await planted.post(SIGN_IN, {"password": PASSWORD})
    assert given(response) != "rolodesk=rd_session_planted"
    world.http.cookies.clear()
    assert (await planted.refused(WHO))["extensions"]["code"] == "UNAUTHENTICATED"


# From which pages


@pytest.mark.parametrize("said", [{"origin": EVIL}, {"origin": "null"}, {"sec-fetch-site": "same-site"}, {}])
async def test_no_other_page_signs_a_browser_in(world: World, said: dict[str, str]) -> None:
    await staff(world)
    response = await Client(world.http, None, said).post(SIGN_IN, {"password": PASSWORD})
    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")
    assert "set-cookie" not in response.headers
    assert await world.rows("SELECT COUNT(*) FROM session") == [(0,)]
    assert await world.rows("SELECT COUNT(*) FROM guessing_limit") == [(0,)]


async def test_a_listed_front_end_signs_in_reads_and_signs_out(desk: World) -> None:
    uma = await signed_in(desk, DESK)
    uma.headers["sec-fetch-site"] = "same-site"
    answer = await uma.post(WHO)
    assert answer.json() == {"data": UMA}
    assert answer.headers["access-control-allow-origin"] == DESK
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "Max-Age=0" in (await uma.post(SIGN_OUT)).headers["set-cookie"]


async def test_credentials_are_allowed_to_listed_origins_alone(desk: World) -> None:
    uma = await signed_in(desk, DESK)
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    for origin in (EVIL, "null", f"{DESK}.evil.example", "http://app.desk.example.com", "https://desk.example.com"):
        preflight = await desk.http.options("/graphql", headers={"origin": origin, **asked})
        assert (preflight.status_code, "access-control-allow-origin" in preflight.headers) == (400, False)
        answer = await browser(desk, origin, uma.headers["cookie"]).post(WHO)
        assert (answer.status_code, "access-control-allow-origin" in answer.headers) == (403, False)
    preflight = await desk.http.options("/graphql", headers={"origin": DESK, **asked})
    assert preflight.headers["access-control-allow-credentials"] == "true"
    assert preflight.headers["access-control-allow-origin"] == DESK


# On other transports


def on_socket(url: str, **headers: str) -> Any:
    return websockets.connect(url, subprotocols=[Subprotocol("graphql-transport-ws")], additional_headers=headers)


async def told(url: str, text: str, **headers: str) -> Any:
    """What a socket with these headers, and no other credentials, is told."""
    async with on_socket(url, **headers) as connection:
        subscriber = Subscriber(connection)
        await subscriber.send(type="connection_init")
        assert await subscriber.next() == {"type": "connection_ack"}
        await subscriber.subscribe("1", text)
        return (await subscriber.next())["payload"]


async def test_a_socket_takes_the_cookie_from_known_pages(desk: World) -> None:
    uma = await signed_in(desk, DESK)
    async with listening(desk) as url:
        for origin in (DESK, OWN):
            assert await told(url, WHO, cookie=uma.headers["cookie"], origin=origin) == {"data": UMA}
        stale = await told(url, WHO, cookie="rolodesk=rd_session_over", origin=DESK)
        assert stale[0]["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize("said", [{"origin": EVIL}, {"origin": "null"}, {"origin": f"{OWN}.evil.example"}, {}])
async def test_a_socket_of_another_site_is_refused_at_the_handshake(desk: World, said: dict[str, str]) -> None:
    uma = await signed_in(desk)
    async with listening(desk) as url:
        with pytest.raises(websockets.InvalidStatus) as refused:
            await told(url, WHO, cookie=uma.headers["cookie"], **said)
        assert refused.value.response.status_code == 403


async def test_a_socket_without_the_cookie_needs_no_origin(world: World, admin: Client) -> None:
    """What its page sends in connection_init no other page has."""
    async with listening(world) as url, on_socket(url, origin=EVIL) as connection:
        subscriber = Subscriber(connection)
        await subscriber.begin(admin)


async def test_credentials_in_connection_init_go_before_the_cookie(world: World) -> None:
    uma = await signed_in(world)
    key = await world.key()
    async with listening(world) as url, on_socket(url, cookie=uma.headers["cookie"], origin=OWN) as connection:
        subscriber = Subscriber(connection)
        await subscriber.begin(key)
        await subscriber.subscribe("1", WHO)
        assert (await subscriber.next())["payload"] == {"data": {"viewer": {"user": None, "customer": None}}}


async def test_subscriptions_by_cookie_end_when_the_session_does(world: World) -> None:
    """Over a socket and over an event stream."""
    uma = await signed_in(world)
    sent = {"cookie": uma.headers["cookie"], "origin": OWN}
    async with listening(world) as url, on_socket(url, **sent) as connection:
        address = url.replace("ws://", "http://")
        async with (
            httpx2.AsyncClient(timeout=10) as http,
            http.stream("POST", address, json={"query": CHANGED}, headers={**sent, "accept": "text/event-stream"}) as s,
        ):
            reading, subscriber = Reading(s, "\n\n"), Subscriber(connection)
            await subscriber.send(type="connection_init")
            await subscriber.next()
            await subscriber.subscribe("1", CHANGED, after=0)
            made = await world.write(lambda tx: customers.create(tx, {"email": "a@example.com"}))
            told_socket = await subscriber.next()
            while touched(told_socket["payload"]) != made:
                told_socket = await subscriber.next()
            await uma.ask(SIGN_OUT)
            message = await subscriber.next()
            while message["type"] == "next":
                message = await subscriber.next()
            assert message["payload"][0]["extensions"]["code"] == "UNAUTHENTICATED"
            kind, payload = await reading.event()
            while "data" in payload:
                kind, payload = await reading.event()
            assert (kind, payload["errors"][0]["extensions"]["code"]) == ("next", "UNAUTHENTICATED")


async def test_a_stream_cannot_set_a_cookie_and_says_so(world: World) -> None:
    await staff(world)
    text = SIGN_IN.replace("$password: String!", '$password: String = "' + PASSWORD + '"')
    async with listening(world) as url:
        socket = await told(url, text, origin=OWN)
        headers = {"origin": OWN, "accept": "text/event-stream"}
        async with httpx2.AsyncClient(timeout=10) as http:
            stream = await http.post(url.replace("ws://", "http://"), json={"query": text}, headers=headers)
    assert socket["data"]["signIn"]["errors"][0]["code"] == "NOT_POSSIBLE"
    assert socket["data"]["signIn"]["errors"][0]["path"] == ["session"]
    assert "POST to /graphql" in stream.text
    assert "set-cookie" not in stream.headers
    assert await world.rows("SELECT COUNT(*) FROM session") == [(0,)]


async def test_a_customers_cookie_shows_what_the_customer_sees(world: World, admin: Client) -> None:
    ann = await customer(admin, "ann@example.com")
    await customer(admin, "bob@example.com")
    token = await world.write(lambda tx: sessions.open_(tx, ann))
    page = browser(world, cookie=f"rolodesk={token}")
    assert await page.ask("{ customers { nodes { email } } }") == {
        "customers": {"nodes": [{"email": "ann@example.com"}]}
    }
    await well(admin, "archiveCustomers", customerIds=[ann])
    assert (await page.refused(WHO))["extensions"]["code"] == "UNAUTHENTICATED"
