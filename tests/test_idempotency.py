"""Mutations that are sent again with the same Idempotency-Key."""

import asyncio
from typing import Any

import httpx2
import pytest

from db import idempotency
from db.clock import DAY
from tests import steps
from tests.conftest import Client, World

CREATE = """mutation($input: CreateCustomerInput!) {
  createCustomer(input: $input) { customer { id email } errors { code } }
}"""
ANN = {"input": {"email": "ann@example.com", "sendInvitation": True}}


async def send(
    client: Client, key: str, text: str = CREATE, variables: dict[str, Any] | None = None
) -> httpx2.Response:
    client.headers["idempotency-key"] = key
    try:
        return await client.post(text, ANN if variables is None else variables)
    finally:
        del client.headers["idempotency-key"]


async def mails(world: World) -> int:
    return int((await world.rows("SELECT count(*) FROM mail", ()))[0][0])


def code(response: httpx2.Response) -> str:
    return response.json()["errors"][0]["extensions"]["code"]


async def test_a_repeated_request_is_answered_alike_and_done_once(admin: Client, world: World) -> None:
    first = await send(admin, "k1")
    again = await send(admin, "k1")
    assert first.status_code == again.status_code == 200
    assert first.json()["data"]["createCustomer"]["errors"] == []
    assert again.json()["data"] == first.json()["data"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json()["extensions"] == {"replayed": ["createCustomer"]}
    assert await steps.emails(admin) == ["ann@example.com"]
    assert await mails(world) == 1


async def test_without_a_key_the_second_is_refused_by_the_address(admin: Client) -> None:
    await admin.post(CREATE, ANN)
    second = (await admin.post(CREATE, ANN)).json()["data"]["createCustomer"]
    assert second["errors"] == [{"code": "EMAIL_TAKEN"}]


async def test_clicks_at_once_make_one_customer_and_one_mail(admin: Client, world: World) -> None:
    admin.headers["idempotency-key"] = "at-once"
    answers = await asyncio.gather(*(admin.post(CREATE, ANN) for _ in range(8)))
    del admin.headers["idempotency-key"]
    assert {a.status_code for a in answers} <= {200, 409}
    refused = [a for a in answers if a.status_code == 409]
    assert all(code(a) == "IDEMPOTENCY_KEY_IN_FLIGHT" and a.headers["retry-after"] == "1" for a in refused)
    payloads = [a.json()["data"] for a in answers if a.status_code == 200]
    assert payloads
    assert all(p == payloads[0] and p["createCustomer"]["errors"] == [] for p in payloads)
    assert await steps.emails(admin) == ["ann@example.com"]
    assert await mails(world) == 1


async def test_another_request_with_the_key_is_refused_and_does_nothing(admin: Client) -> None:
    await send(admin, "k1")
    other = await send(admin, "k1", variables={"input": {"email": "bob@example.com"}})
    assert other.status_code == 422
    assert code(other) == "IDEMPOTENCY_KEY_USED"
    assert await steps.emails(admin) == ["ann@example.com"]


async def test_what_was_refused_is_attempted_again(admin: Client) -> None:
    ann = await steps.customer(admin, "ann@example.com")
    refused = await send(admin, "k1")
    assert refused.json()["data"]["createCustomer"]["errors"] == [{"code": "EMAIL_TAKEN"}]
    await steps.well(admin, "archiveCustomers", customerIds=[ann])
    again = await send(admin, "k1")
    assert again.json()["data"]["createCustomer"]["errors"] == []
    assert "idempotency-replayed" not in again.headers


async def test_a_dry_run_keeps_nothing(admin: Client) -> None:
    tried = await send(admin, "k1", variables={"input": {"email": "ann@example.com", "dryRun": True}})
    assert tried.json()["data"]["createCustomer"]["errors"] == []
    assert (await send(admin, "k1")).json()["data"]["createCustomer"]["errors"] == []


async def test_a_key_belongs_to_its_viewer_and_workspace(admin: Client, world: World) -> None:
    await send(admin, "k1")
    colleague = await world.user("ADMIN")
    assert (await send(colleague, "k1")).json()["data"]["createCustomer"]["errors"] == [{"code": "EMAIL_TAKEN"}]
    other = await world.workspace()
    stranger = await world.key("CUSTOMERS_READ", "CUSTOMERS_WRITE", "INVITATIONS_WRITE", workspace_id=other)
    assert (await send(stranger, "k1")).json()["data"]["createCustomer"]["errors"] == []


async def test_each_field_of_a_document_is_kept_by_itself(admin: Client) -> None:
    two = """mutation($a: CreateCustomerInput!, $b: CreateCustomerInput!) {
      a: createCustomer(input: $a) { customer { id } errors { code } }
      b: createCustomer(input: $b) { customer { id } errors { code } }
    }"""
    await steps.customer(admin, "bob@example.com")
    variables = {"a": {"email": "ann@example.com"}, "b": {"email": "bob@example.com"}}
    first, again = [await send(admin, "k1", two, variables) for _ in range(2)]
    assert first.json()["data"]["b"]["errors"] == [{"code": "EMAIL_TAKEN"}]
    assert again.json()["data"] == first.json()["data"]
    assert again.json()["extensions"] == {"replayed": ["a"]}


async def test_a_key_ends_after_a_day(admin: Client, world: World) -> None:
    await send(admin, "k1")
    world.clock.advance(DAY - 60_000)
    assert (await send(admin, "k1")).headers["idempotency-replayed"] == "true"
    world.clock.advance(60_000)
    assert (await send(admin, "k1")).json()["data"]["createCustomer"]["errors"] == [{"code": "EMAIL_TAKEN"}]


async def test_a_secret_is_not_kept_and_not_made_twice(admin: Client, world: World) -> None:
    create = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { key errors { code } } }"
    variables = {"input": {"name": "partner", "scopes": ["CUSTOMERS_READ"]}}
    token = (await send(admin, "k1", create, variables)).json()["data"]["createApiKey"]["key"]
    again = await send(admin, "k1", create, variables)
    assert again.status_code == 422
    assert code(again) == "IDEMPOTENCY_KEY_USED"
    keys = (await admin.ask("{ apiKeys(first: 10) { nodes { name } } }"))["apiKeys"]["nodes"]
    assert [k["name"] for k in keys].count("partner") == 1
    kept = await world.rows("SELECT answer FROM idempotency_key", ())
    assert [tuple(row) for row in kept] == [(None,)]
    assert token


async def test_rights_that_ended_are_not_given_the_answer(admin: Client, world: World) -> None:
    partner = await world.key("CUSTOMERS_READ", "CUSTOMERS_WRITE", "INVITATIONS_WRITE")
    await send(partner, "k1")
    keys = (await admin.ask("{ apiKeys(first: 10) { nodes { id name } } }"))["apiKeys"]["nodes"]
    for one in keys:
        await admin.ask(
            "mutation($input: RevokeApiKeyInput!) { revokeApiKey(input: $input) { errors { code } } }",
            input={"apiKeyId": one["id"]},
        )
    assert (await send(partner, "k1")).status_code == 401


@pytest.mark.parametrize("key", ["", '""', "a b", "x" * 256])
async def test_a_key_that_is_none_is_refused(admin: Client, key: str) -> None:
    refused = await send(admin, key)
    assert refused.status_code == 400
    assert code(refused) == "BAD_REQUEST"
    assert await steps.emails(admin) == []


async def test_quotes_around_a_key_are_no_part_of_it(admin: Client) -> None:
    await send(admin, "k1")
    assert (await send(admin, '"k1"')).headers["idempotency-replayed"] == "true"


async def test_a_query_takes_no_notice(admin: Client) -> None:
    asked = await send(admin, "k1", "{ viewer { __typename } }", {})
    assert asked.status_code == 200


async def test_a_failure_before_the_commit_leaves_no_claim(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: Any) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patched:
        patched.setattr(idempotency, "keep", fails)
        assert (await send(admin, "k1")).status_code == 500
    assert await steps.emails(admin) == []
    assert (await send(admin, "k1")).json()["data"]["createCustomer"]["errors"] == []


async def test_what_is_being_carried_out_is_a_conflict(
    admin: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the first request committed after the second one looked."""

    async def nothing_yet(*_: Any) -> None:
        return None

    await send(admin, "k1")
    monkeypatch.setattr(idempotency, "earlier", nothing_yet)
    second = await send(admin, "k1")
    assert second.status_code == 409
    assert code(second) == "IDEMPOTENCY_KEY_IN_FLIGHT"
    assert second.headers["retry-after"] == "1"
    assert await mails(world) == 1
