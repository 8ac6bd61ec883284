"""Signing in and out, the password one signs in with, and what keeps others from guessing it."""

import asyncio
from typing import Any

import httpx2
import orjson
import pytest

from db import credentials, guessing, users
from db.clock import DAY, HOUR, MINUTE
from db.ids import hashed as kept_as
from db.transaction import Transaction
from jobs.runner import drain
from resolvers.passwords import NOBODY, Passwords
from tests.conftest import Client, World
from tests.mailing import Caught, text_of, token_of, worker
from tests.steps import customer, well

PASSWORD = "a leaf in the wind gauge"
OTHER = "eleven grey herons wading"
SIGN_IN = """
mutation($workspace: String!, $email: EmailAddress!, $password: String!) {
  signIn(input: {workspace: $workspace, email: $email, password: $password}) {
    token viewer { user { email } customer { email } permissions } errors { __typename code message path }
  }
}
"""
WHO = "{ viewer { user { email } customer { email } } }"


async def staff(world: World, email: str = "uma@staff.example.com", role: str = "AGENT") -> str:
    """A user with a password."""
    hashed = await world.app.state.process.passwords.hash(PASSWORD)

    async def work(tx: Transaction) -> str:
        user_id = await users.create(tx, email, "Uma", role)
        await credentials.set_password(tx, user_id, hashed)
        return user_id

    return await world.write(work)


async def post(world: World, email: str, password: str = PASSWORD, workspace: str = "test") -> httpx2.Response:
    variables = {"workspace": workspace, "email": email, "password": password}
    return await world.client(None).post(SIGN_IN, variables)


async def sign_in(world: World, email: str, password: str = PASSWORD, workspace: str = "test") -> dict[str, Any]:
    answer = (await post(world, email, password, workspace)).json()
    assert "errors" not in answer, answer
    return answer["data"]["signIn"]


async def session(world: World, email: str = "uma@staff.example.com", password: str = PASSWORD) -> Client:
    answer = await sign_in(world, email, password)
    assert answer["errors"] == []
    return world.client(answer["token"])


async def ended(client: Client) -> bool:
    return (await client.post(WHO)).status_code == 401


async def joined(world: World, admin: Client, email: str = "ann@example.com") -> str:
    """A customer who accepted an invitation."""
    caught = Caught()
    customer_id = await customer(admin, email, sendInvitation=True)
    await drain(worker(world, caught))
    await well(world.client(None), "acceptInvitation", token=token_of(caught.last), password=PASSWORD)
    return customer_id


async def test_a_user_signs_in_with_its_role(world: World) -> None:
    await staff(world)
    answer = await sign_in(world, "UMA@Staff.Example.com")
    assert answer["errors"] == []
    assert answer["token"].startswith("rd_session_")
    assert answer["viewer"]["user"] == {"email": "uma@staff.example.com"}
    assert "CUSTOMERS_WRITE" in answer["viewer"]["permissions"]
    assert "KEYS_WRITE" not in answer["viewer"]["permissions"]
    assert (await world.client(answer["token"]).ask(WHO))["viewer"]["user"] == {"email": "uma@staff.example.com"}


async def test_a_customer_signs_in_as_itself(world: World, admin: Client) -> None:
    await joined(world, admin)
    answer = await sign_in(world, "ann@example.com")
    assert answer["viewer"]["customer"] == {"email": "ann@example.com"}
    assert answer["viewer"]["user"] is None


async def test_each_sign_in_is_a_session_of_its_own(world: World) -> None:
    await staff(world)
    tokens = {(await sign_in(world, "uma@staff.example.com"))["token"] for _ in range(3)}
    assert len(tokens) == 3
    for token in tokens:
        assert await world.rows("SELECT 1 FROM session WHERE token_hash = ?", (token,)) == []


async def test_whatever_is_wrong_is_told_alike(world: World, admin: Client) -> None:
    await staff(world)
    await customer(admin, "never@example.com")
    archived = await joined(world, admin, "gone@example.com")
    await well(admin, "archiveCustomers", customerIds=[archived])
    await world.workspace("Other")
    attempts = {
        "password": ("uma@staff.example.com", OTHER, "test"),
        "address": ("nobody@example.com", PASSWORD, "test"),
        "never joined": ("never@example.com", PASSWORD, "test"),
        "archived": ("gone@example.com", PASSWORD, "test"),
        "another workspace": ("uma@staff.example.com", PASSWORD, "other"),
        "no workspace": ("uma@staff.example.com", PASSWORD, "nowhere"),
        "no address": ("uma", PASSWORD, "test"),
        "very long": ("uma@staff.example.com", "x" * 100_000, "test"),
    }
    told = {}
    for name, (email, password, workspace) in attempts.items():
        response = await post(world, email, password, workspace)
        told[name] = (response.status_code, response.content)
    assert len(set(told.values())) == 1, told
    assert orjson.loads(told["password"][1])["data"]["signIn"]["errors"][0]["code"] == "SIGN_IN_FAILED"


async def test_whatever_is_wrong_takes_the_same_steps(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One hash is compared and one attempt is written, whoever is or is not there."""
    await staff(world)
    steps: list[str] = []
    passwords, maintain = world.app.state.process.passwords, world.database.maintain
    verify = passwords.verify

    async def verified(password: str, kept: str | None) -> bool:
        steps.append("verify")
        return await verify(password, kept)

    async def maintained(function: Any) -> Any:
        steps.append("write")
        return await maintain(function)

    monkeypatch.setattr(passwords, "verify", verified)
    monkeypatch.setattr(world.database, "maintain", maintained)
    for email, workspace in (("uma@staff.example.com", "test"), ("no@example.com", "test"), ("a@b.example", "nowhere")):
        steps.clear()
        await post(world, email, OTHER, workspace)
        assert steps == ["write", "verify"]


def test_the_hash_of_nobody_costs_as_much_as_a_real_one() -> None:
    async def hashed() -> str:
        passwords = Passwords()
        try:
            return await passwords.hash(PASSWORD)
        finally:
            passwords.close()

    assert NOBODY.split("$")[1:4] == asyncio.run(hashed()).split("$")[1:4]


async def test_a_password_is_the_same_however_it_was_typed(world: World) -> None:
    passwords = world.app.state.process.passwords
    kept = await passwords.hash("caf\u00e9 au lait tous les jours")
    assert await passwords.verify("cafe\u0301 au lait tous les jours", kept)
    assert not await passwords.verify("cafe au lait tous les jours", kept)


# Guessing


async def test_ten_wrong_attempts_close_an_account_for_five_minutes(world: World) -> None:
    await staff(world)
    for _ in range(10):
        assert (await sign_in(world, "uma@staff.example.com", OTHER))["errors"][0]["code"] == "SIGN_IN_FAILED"
    response = await post(world, "uma@staff.example.com")
    assert response.status_code == 429
    assert response.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
    assert 290 <= int(response.headers["retry-after"]) <= 300
    world.clock.advance(5 * MINUTE)
    assert (await sign_in(world, "uma@staff.example.com"))["errors"] == []


async def test_attempts_at_once_are_counted_before_they_are_judged(world: World) -> None:
    await staff(world)
    responses = await asyncio.gather(*(post(world, "uma@staff.example.com", OTHER) for _ in range(30)))
    assert [r.status_code for r in responses].count(429) == 20


async def test_attempts_within_one_document_are_counted_each(world: World) -> None:
    await staff(world)
    one = 'signIn(input: {workspace: "test", email: "uma@staff.example.com", password: "wrong"}) { token }'
    response = await world.client(None).post("mutation {" + " ".join(f"a{n}: {one}" for n in range(15)) + "}")
    assert response.status_code == 429


async def test_many_accounts_from_one_address_are_limited(world: World) -> None:
    codes = [(await post(world, f"u{n}@example.com", OTHER)).status_code for n in range(15)]
    assert codes == [200] * 10 + [429] * 5


async def test_workspaces_that_do_not_exist_are_limited_too(world: World) -> None:
    codes = [(await post(world, "uma@example.com", OTHER, "nowhere")).status_code for n in range(12)]
    assert codes == [200] * 10 + [429] * 2


async def test_signing_in_takes_back_the_failures_of_the_account(world: World) -> None:
    await staff(world)
    await staff(world, "vic@staff.example.com")
    for _ in range(2):
        for _ in range(4):
            await sign_in(world, "uma@staff.example.com", OTHER)
        assert (await sign_in(world, "uma@staff.example.com"))["errors"] == []
    rows = await world.rows("SELECT failures FROM guessing_limit")
    assert rows == [(8,)], "those of the client stay"


async def test_a_door_that_is_used_up_again_stays_closed_longer(world: World) -> None:
    door = guessing.account("signIn", "uma")
    waits = []
    for _ in range(9):
        for _ in range(10):
            await guessing.attempt(world.database, None, (door,))
        with pytest.raises(guessing.RateLimited) as refused:
            await guessing.attempt(world.database, None, (door,))
        waits.append(round((refused.value.retry_after_seconds or 0) / 60))
        world.clock.advance((refused.value.retry_after_seconds or 0) * 1000)
    assert waits == [5, 10, 20, 40, 80, 160, 320, 320, 320]
    world.clock.advance(DAY + 6 * HOUR)
    await guessing.attempt(world.database, None, (door,))
    rows = await world.rows("SELECT failures, doublings FROM guessing_limit")
    assert rows == [(1, 0)]


def test_a_network_of_ipv6_counts_as_one_client() -> None:
    assert guessing.client("x", "2001:db8::1") == guessing.client("x", "2001:db8::ffff:2")
    assert guessing.client("x", "2001:db8::1") != guessing.client("x", "2001:db8:0:1::1")
    assert guessing.client("x", "192.0.2.1") != guessing.client("x", "192.0.2.2")
    assert guessing.client("x", "unknown").name == "x client unknown"


# Signing out


async def test_signing_out_ends_the_session_at_once(world: World) -> None:
    await staff(world)
    one, other = await session(world), await session(world)
    assert (await one.ask("mutation { signOut(input: {}) { signedOut } }"))["signOut"] == {"signedOut": True}
    assert await ended(one)
    assert not await ended(other)


async def test_signing_out_everywhere_ends_all(world: World) -> None:
    await staff(world)
    one, other = await session(world), await session(world)
    await one.ask("mutation { signOut(input: {everywhere: true}) { signedOut } }")
    assert await ended(one)
    assert await ended(other)


async def test_sessions_of_an_archived_customer_end(world: World, admin: Client) -> None:
    ann = await joined(world, admin)
    hers = await session(world, "ann@example.com")
    await well(admin, "archiveCustomers", customerIds=[ann])
    assert await ended(hers)
    assert (await sign_in(world, "ann@example.com"))["errors"][0]["code"] == "SIGN_IN_FAILED"


async def test_a_session_ends_after_thirty_days(world: World) -> None:
    await staff(world)
    uma = await session(world)
    world.clock.advance(30 * DAY - MINUTE)
    assert not await ended(uma)
    world.clock.advance(MINUTE)
    assert await ended(uma)


# The password


async def test_changing_the_password_ends_all_other_sessions(world: World) -> None:
    await staff(world)
    one, other = await session(world), await session(world)
    answer = await well(one, "changePassword", "viewer { user { email } }", currentPassword=PASSWORD, newPassword=OTHER)
    assert answer["viewer"]["user"] == {"email": "uma@staff.example.com"}
    assert not await ended(one)
    assert await ended(other)
    assert (await sign_in(world, "uma@staff.example.com"))["errors"][0]["code"] == "SIGN_IN_FAILED"
    await session(world, password=OTHER)


async def test_refuses_a_wrong_current_password_and_a_weak_new_one(world: World, admin: Client) -> None:
    await staff(world)
    uma = await session(world)
    text = """mutation($input: ChangePasswordInput!) { changePassword(input: $input) { errors { code path } } }"""

    async def refused(client: Client, current: str, new: str) -> Any:
        return (await client.ask(text, input={"currentPassword": current, "newPassword": new}))["changePassword"]

    wrong = {"code": "SIGN_IN_FAILED", "path": ["currentPassword"]}
    weak = {"code": "INVALID_PASSWORD", "path": ["newPassword"]}
    assert await refused(uma, OTHER, OTHER) == {"errors": [wrong]}
    assert await refused(uma, PASSWORD, "short") == {"errors": [weak]}
    assert (await refused(admin, PASSWORD, OTHER))["errors"][0]["code"] == "NOT_POSSIBLE"


REQUEST = """
mutation($workspace: String!, $email: EmailAddress!) {
  requestPasswordReset(input: {workspace: $workspace, email: $email}) { errors { code } }
}
"""


async def reset_link(world: World, email: str = "uma@staff.example.com") -> str:
    caught = Caught()
    await world.client(None).ask(REQUEST, workspace="test", email=email)
    await drain(worker(world, caught))
    assert caught.last["Subject"] == "Choose a new password for Test"
    assert "https://desk.example.com/reset?token=rd_reset_" in text_of(caught.last)
    return token_of(caught.last)


async def reset(world: World, token: str, password: str = OTHER) -> dict[str, Any]:
    text = """mutation($input: ResetPasswordInput!) {
      resetPassword(input: $input) { token viewer { user { email } customer { email } } errors { code message path } }
    }"""
    answer = await world.client(None).ask(text, input={"token": token, "newPassword": password})
    return answer["resetPassword"]


async def test_a_link_sets_a_new_password_and_ends_all_sessions(world: World) -> None:
    await staff(world)
    before = await session(world)
    token = await reset_link(world)
    assert not await ended(before)
    answer = await reset(world, token)
    assert answer["errors"] == []
    assert answer["viewer"]["user"] == {"email": "uma@staff.example.com"}
    assert await ended(before)
    assert not await ended(world.client(answer["token"]))
    await session(world, password=OTHER)


async def test_an_owner_gets_in_by_mail_while_others_guess(world: World) -> None:
    await staff(world)
    for _ in range(10):
        await post(world, "uma@staff.example.com", OTHER)
    assert (await post(world, "uma@staff.example.com")).status_code == 429
    assert (await reset(world, await reset_link(world), OTHER))["errors"] == []
    await world.run("DELETE FROM guessing_limit WHERE door = ?", (client_door(),))
    await session(world, password=OTHER)


def client_door() -> str:
    return kept_as(guessing.client("signIn", "127.0.0.1").name)


async def test_a_reset_link_works_once_and_for_an_hour_and_only_the_latest(world: World) -> None:
    await staff(world)
    older = await reset_link(world)
    token = await reset_link(world)
    told = {orjson.dumps(await reset(world, older)), orjson.dumps(await reset(world, "guessed"))}
    assert (await reset(world, token, "short"))["errors"][0]["code"] == "INVALID_PASSWORD"
    answers = await asyncio.gather(*(reset(world, token) for _ in range(5)))
    assert [a["errors"] for a in answers].count([]) == 1
    told |= {orjson.dumps(a) for a in answers if a["errors"]}
    late = await reset_link(world)
    world.clock.advance(HOUR)
    told.add(orjson.dumps(await reset(world, late)))
    assert len(told) == 1
    assert b"INVALID_LINK" in next(iter(told))


async def test_asking_for_a_link_answers_the_same_to_everybody(world: World, admin: Client) -> None:
    await staff(world)
    await customer(admin, "never@example.com", sendInvitation=True)
    await drain(worker(world, Caught()))
    told = set()
    for workspace, email in (
        ("test", "uma@staff.example.com"),
        ("test", "nobody@example.com"),
        ("test", "never@example.com"),
        ("nowhere", "uma@staff.example.com"),
        ("test", "no address"),
    ):
        response = await world.client(None).post(REQUEST, {"workspace": workspace, "email": email})
        told.add((response.status_code, response.content))
    assert told == {(200, b'{"data":{"requestPasswordReset":{"errors":[]}}}')}
    caught = Caught()
    await drain(worker(world, caught))
    assert [e.recipient for _, e in caught.mails] == ["uma@staff.example.com"]


async def test_links_for_one_account_are_limited(world: World) -> None:
    await staff(world)
    variables = {"workspace": "test", "email": "uma@staff.example.com"}
    codes = [(await world.client(None).post(REQUEST, variables)).status_code for _ in range(7)]
    assert codes == [200] * 5 + [429] * 2


async def test_the_link_of_an_archived_customer_ends(world: World, admin: Client) -> None:
    ann = await joined(world, admin)
    token = await reset_link(world, "ann@example.com")
    await well(admin, "archiveCustomers", customerIds=[ann])
    assert (await reset(world, token))["errors"][0]["code"] == "INVALID_LINK"


async def test_changing_the_password_ends_links_that_would_set_another(world: World) -> None:
    await staff(world)
    token = await reset_link(world)
    await well(await session(world), "changePassword", currentPassword=PASSWORD, newPassword=OTHER)
    assert (await reset(world, token))["errors"][0]["code"] == "INVALID_LINK"
