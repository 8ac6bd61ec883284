"""Where credentials are taken from, where they may never show, and how soon they end on open sockets."""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from db import sessions
from tests.conftest import Client, World, opened
from tests.steps import done
from tests.test_subscriptions import CHANGED, Subscriber, connected, listening

WHO = "{ viewer { permissions } }"
WRONG = "a secret that must not be told"


@pytest_asyncio.fixture
async def url(world: World) -> AsyncIterator[str]:
    async with listening(world) as address:
        yield address


async def test_a_token_in_the_address_is_none(world: World, admin: Client) -> None:
    for name in ("access_token", "token", "key", "Authorization"):
        answer = await world.http.post("/graphql", params={name: admin.token or ""}, json={"query": WHO})
        assert answer.status_code == 401


@pytest.mark.parametrize("scheme", ["Basic", "Token", "Digest", ""])
async def test_other_schemes_are_refused(world: World, admin: Client, scheme: str) -> None:
    sent = {"authorization": f"{scheme} {admin.token}".strip()}
    answer = await world.http.post("/graphql", json={"query": WHO}, headers=sent)
    assert answer.status_code == 401


async def test_only_listed_origins_may_read_answers(migrated: Path, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        world = await opened(stack, migrated, tmp_path, cors_origins="https://desk.example.com")
        asked = {
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,idempotency-key",
        }
        for origin, allowed in (
            ("https://desk.example.com", "https://desk.example.com"),
            ("https://evil.example", None),
        ):
            answer = await world.http.options("/graphql", headers={"origin": origin, **asked})
            assert answer.headers.get("access-control-allow-origin") == allowed
            sent = await world.http.post("/graphql", json={"query": WHO}, headers={"origin": origin})
            assert sent.headers.get("access-control-allow-origin") == allowed
            assert "*" not in str(sent.headers.get("access-control-allow-origin"))


async def test_no_secret_reaches_the_log(
    world: World, admin: Client, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where a request fails here, with its stack in the log."""

    async def fails(*_: object, **__: object) -> None:
        raise RuntimeError("defect")

    sign_in = "mutation($input: SignInInput!) { signIn(input: $input) { errors { code } } }"
    given = {"workspace": world.slug, "email": "uma@example.com", "password": WRONG}
    with caplog.at_level(logging.DEBUG):
        await world.client(None).ask(sign_in, input=given)
        monkeypatch.setattr(world.database, "read", fails)
        monkeypatch.setattr(world.database, "read_unless", fails)
        admin.headers["cookie"] = "__Host-session=" + WRONG
        answer = await admin.post('{ customers(filter: {search: "ann"}) { totalCount } }')
        assert answer.status_code == 500
        assert answer.json()["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert "defect" in caplog.text
    assert WRONG not in caplog.text
    assert (admin.token or "none") not in caplog.text
    assert (admin.token or "none") not in answer.text


async def ended(url: str, client: Client, act: object) -> str:
    """The code with which an open subscription ends after `act`."""
    async with connected(url) as connection:
        subscriber = Subscriber(connection)
        await subscriber.begin(client)
        await subscriber.subscribe("1", CHANGED)
        await act()  # type: ignore[operator]
        while (message := await subscriber.next())["type"] == "next":
            pass
        return str(message["payload"][0]["extensions"]["code"])


async def test_signing_out_ends_open_subscriptions(world: World, url: str) -> None:
    user = await world.user("ADMIN")
    assert await ended(url, user, lambda: done(user, "signOut")) == "UNAUTHENTICATED"


async def test_removing_a_user_ends_open_subscriptions(world: World, url: str) -> None:
    boss, user = await world.user("OWNER"), await world.user("ADMIN")
    user_id = (await user.ask("{ viewer { user { id } } }"))["viewer"]["user"]["id"]
    assert await ended(url, user, lambda: done(boss, "removeUser", userId=user_id)) == "UNAUTHENTICATED"


async def test_a_password_reset_ends_open_subscriptions(world: World, url: str) -> None:
    user = await world.user("ADMIN")
    user_id = (await user.ask("{ viewer { user { id } } }"))["viewer"]["user"]["id"]
    assert await ended(url, user, lambda: world.write(lambda tx: sessions.end_all(tx, user_id))) == "UNAUTHENTICATED"
