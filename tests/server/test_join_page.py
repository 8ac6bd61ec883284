"""The pages that links in mails lead to."""

import asyncio
import re
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlencode

import httpx2

from db.clock import DAY
from jobs.runner import drain
from tests.conftest import Client, World, opened
from tests.mailing import Caught, token_of, worker
from tests.steps import customer, written

PASSWORD = "a leaf in the wind gauge"
WHO = "{ viewer { customer { email name } user { email } } }"


async def invited(world: World, admin: Client, **properties: str) -> str:
    caught = Caught()
    await customer(admin, "ann@example.com", sendInvitation=True, **properties)
    await drain(worker(world, caught))
    return token_of(caught.last)


async def send(world: World, form: dict[str, str], path: str = "/join", **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    kind = {"content-type": "application/x-www-form-urlencoded"}
    response = await world.http.post(path, content=urlencode(form), headers={**kind, **named})
    world.http.cookies.clear()
    return response


async def test_opening_a_link_shows_a_form_and_changes_nothing(world: World, admin: Client) -> None:
    token = await invited(world, admin, firstName="Ann", lastName='"><script>alert(1)</script>')
    before = await written(world)
    for method in ("GET", "HEAD", "GET"):
        response = await world.http.request(method, f"/join?token={token}")
        assert response.status_code == 200
    assert await written(world) == before
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["cache-control"] == "no-store"
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; form-action 'self'")
    assert "unsafe" not in policy
    assert "ann@example.com" in response.text
    assert 'value="Ann"' in response.text
    assert "<script" not in response.text
    assert "&lt;script&gt;" in response.text
    assert re.findall(r'(?:src|href)="([^"]*)"', response.text) == ["/links.css"]
    assert (await world.http.get("/links.css")).headers["content-type"].startswith("text/css")


async def test_sending_the_form_joins_and_signs_in(world: World, admin: Client) -> None:
    token = await invited(world, admin)
    form = {"token": token, "first_name": "Ann", "last_name": "Lee", "password": PASSWORD}
    response = await send(world, form, sec_fetch_site="same-origin", origin="null")
    assert response.status_code == 200
    assert "you are signed in" in response.text
    cookie = response.headers["set-cookie"]
    assert cookie.startswith("rolodesk=rd_session_")
    assert cookie.endswith("; Path=/; HttpOnly; SameSite=Lax")
    client = Client(world.http, None, {"sec-fetch-site": "same-origin", "cookie": cookie.partition(";")[0]})
    assert (await client.ask(WHO))["viewer"]["customer"] == {"email": "ann@example.com", "name": "Ann Lee"}


async def test_a_weak_password_shows_the_form_again_without_it(world: World, admin: Client) -> None:
    token = await invited(world, admin)
    response = await send(world, {"token": token, "first_name": "Änn", "last_name": "", "password": "hunter2"})
    assert response.status_code == 422
    assert "at least 15 are needed" in response.text
    assert 'value="Änn"' in response.text
    assert "hunter2" not in response.text
    assert (await send(world, {"token": token, "password": PASSWORD})).status_code == 200


async def test_links_that_are_not_valid_lead_to_one_and_the_same_page(world: World, admin: Client) -> None:
    token = await invited(world, admin)
    other = await world.workspace()
    parts = token.split("_")
    assert (await send(world, {"token": token, "password": PASSWORD})).status_code == 200
    bad = [
        token,
        token[:-1],
        "",
        "guessed",
        f"rd_invitation_{parts[2]}_{'0' * 64}",
        f"rd_invitation_{other.partition('_')[2]}_{parts[3]}",
        f"rd_invitation_{'0' * 26}_{parts[3]}",
        token.replace("invitation", "reset"),
    ]
    shown = set()
    for one in bad:
        for response in (
            await world.http.get("/join", params={"token": one}),
            await send(world, {"token": one, "password": PASSWORD}),
        ):
            shown.add((response.status_code, response.content, "set-cookie" in response.headers))
    assert len(shown) == 1
    ((status, _, _),) = shown
    assert status == 404


async def test_an_expired_link_is_not_valid(world: World, admin: Client) -> None:
    token = await invited(world, admin)
    world.clock.advance(14 * DAY)
    assert (await world.http.get(f"/join?token={token}")).status_code == 404


async def test_one_of_many_at_once_joins(world: World, admin: Client) -> None:
    token = await invited(world, admin)
    responses = await asyncio.gather(*(send(world, {"token": token, "password": PASSWORD}) for _ in range(10)))
    assert sorted(r.status_code for r in responses) == [200] + [404] * 9


async def test_takes_forms_of_its_own_page_only(world: World, admin: Client) -> None:
    token = await invited(world, admin)
    form = {"token": token, "password": PASSWORD}
    assert (await send(world, form, sec_fetch_site="cross-site")).status_code == 400
    assert (await send(world, form, sec_fetch_site="same-site")).status_code == 400
    assert (await send(world, form, origin="https://evil.example")).status_code == 400
    assert (await world.http.post("/join", json=form)).status_code == 400
    assert (
        await world.http.post(
            "/join", content=b"\xff=\xff&token=%ff", headers={"content-type": "application/x-www-form-urlencoded"}
        )
    ).status_code == 400
    assert (await send(world, {**form, "first_name": "x" * 30_000})).status_code == 400
    assert (await world.http.put("/join")).status_code == 405
    assert (await send(world, form)).status_code == 200


async def test_tries_are_limited_for_a_client(migrated: Path, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        world = await opened(stack, migrated, tmp_path, rate_limit="on")
        responses = [await world.http.get("/join?token=guessed") for _ in range(25)]
    limited = [r for r in responses if r.status_code == 429]
    assert 3 <= len(limited) <= 5
    assert int(limited[0].headers["retry-after"]) >= 1
    assert "Please wait" in limited[0].text


async def test_a_reset_link_sets_a_new_password(world: World, admin: Client) -> None:
    token = await invited(world, admin)
    await send(world, {"token": token, "password": PASSWORD})
    request = (
        'mutation { requestPasswordReset(input: {workspace: "test", email: "ann@example.com"}) { errors { code } } }'
    )
    await world.client(None).ask(request)
    caught = Caught()
    await drain(worker(world, caught))
    link = token_of(caught.last)
    shown = await world.http.get(f"/reset?token={link}")
    assert shown.status_code == 200
    assert "ann@example.com" in shown.text
    weak = await send(world, {"token": link, "password": "ann@example.com"}, "/reset")
    assert weak.status_code == 422
    done = await send(world, {"token": link, "password": "eleven grey herons wading"}, "/reset")
    assert (done.status_code, "set-cookie" in done.headers) == (200, True)
    assert (await world.http.get(f"/reset?token={link}")).status_code == 404


# The cookie


async def test_a_cookie_is_taken_from_own_pages_only(world: World, admin: Client) -> None:
    token = await invited(world, admin)
    response = await send(world, {"token": token, "password": PASSWORD})
    cookie = response.headers["set-cookie"].partition(";")[0]

    async def status(**headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return (await Client(world.http, None, {"cookie": cookie, **named}).post(WHO)).status_code

    assert await status(sec_fetch_site="same-origin") == 200
    assert await status(origin="http://127.0.0.1:8000") == 200
    assert await status(sec_fetch_site="cross-site") == 403
    assert await status(sec_fetch_site="same-site", origin="http://127.0.0.1:8000") == 403
    assert await status(sec_fetch_site="none") == 403
    assert await status(origin="https://evil.example") == 403
    assert await status(origin="null") == 403
    assert await status() == 403
    for kind, refused in (
        ("application/x-www-form-urlencoded", 415),
        ("text/plain", 415),
        ("multipart/form-data; boundary=x", 403),  # other sites can send one without asking: not without the header
    ):
        sent = await world.http.post(
            "/graphql",
            content=b'{"query": "{ viewer { permissions } }"}',
            headers={"cookie": cookie, "content-type": kind, "sec-fetch-site": "same-origin"},
        )
        assert sent.status_code == refused


async def test_a_cookie_whose_session_is_over_counts_as_none(world: World) -> None:
    """One can sign in again with a browser that still has it."""
    stale = Client(world.http, None, {"cookie": "rolodesk=rd_session_old", "sec-fetch-site": "same-origin"})
    text = 'mutation { signIn(input: {workspace: "test", email: "a@b.example", password: "x"}) { errors { code } } }'
    assert (await stale.ask(text))["signIn"]["errors"] == [{"code": "SIGN_IN_FAILED"}]
    assert (await stale.refused(WHO))["extensions"]["code"] == "UNAUTHENTICATED"


async def test_an_authorization_header_comes_before_a_cookie(world: World, admin: Client) -> None:
    both = Client(world.http, admin.token, {"cookie": "rolodesk=rd_session_old", "sec-fetch-site": "cross-site"})
    assert (await both.ask("{ viewer { apiKey { name } } }"))["viewer"]["apiKey"] == {"name": "test"}


async def test_over_https_the_cookie_is_bound_to_the_host(migrated: Path, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        world = await opened(stack, migrated, tmp_path, public_url="https://desk.example.com")
        token = await invited(world, await world.key())
        response = await send(world, {"token": token, "password": PASSWORD})
        cookie = response.headers["set-cookie"]
        assert cookie.startswith("__Host-rolodesk=rd_session_")
        assert cookie.endswith("; Path=/; HttpOnly; SameSite=Lax; Secure")
