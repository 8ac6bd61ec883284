"""API keys: scopes, shown once, revoked, expired, never larger than their creator."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests import steps
from tests.conftest import Client, World

KEY = "key apiKey { id name prefix scopes expiresAt revokedAt lastUsedAt }"
WHO = "{ viewer { apiKey { name } permissions } }"


async def created(world: World, client: Client, *scopes: str, **more: Any) -> tuple[str, Client]:
    answer = await steps.well(client, "createApiKey", KEY, name="Shop", scopes=list(scopes), **more)
    return answer["apiKey"]["id"], world.client(answer["key"])


def later(world: World, seconds: int) -> str:
    return (datetime.fromtimestamp(world.clock() / 1000, UTC) + timedelta(seconds=seconds)).isoformat()


async def test_a_key_is_shown_once_and_kept_as_a_hash(world: World, admin: Client) -> None:
    answer = await steps.well(admin, "createApiKey", KEY, name=" Shop ", scopes=["CUSTOMERS_READ", "CUSTOMERS_READ"])
    key, shown = answer["key"], answer["apiKey"]
    assert (shown["name"], shown["scopes"]) == ("Shop", ["CUSTOMERS_READ"])
    assert key.startswith(shown["prefix"])
    assert len(key) - len(shown["prefix"]) >= 50
    listed = await admin.ask("{ apiKeys { nodes { id name prefix } } }")
    assert shown["id"] in [k["id"] for k in listed["apiKeys"]["nodes"]]
    secret = key.rpartition("_")[2]
    for path in world.directory.glob("rolodesk.db*"):
        assert secret.encode() not in path.read_bytes()


async def test_a_key_may_do_what_its_scopes_say_and_no_more(world: World, admin: Client) -> None:
    _, key = await created(world, admin, "CUSTOMERS_READ")
    assert await key.ask(WHO) == {"viewer": {"apiKey": {"name": "Shop"}, "permissions": ["CUSTOMERS_READ"]}}
    assert (await key.ask("{ customers { totalCount } }")) == {"customers": {"totalCount": 0}}
    error = await key.refused("{ organizations { totalCount } }")
    assert error["extensions"]["code"] == "FORBIDDEN"
    error = await key.refused('mutation { createCustomer(input: {email: "a@example.com"}) { errors { code } } }')
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert await steps.emails(admin) == []


async def test_a_key_is_not_refused_for_what_a_directive_leaves_out(world: World, admin: Client) -> None:
    made = await steps.well(admin, "createOrganization", "organization { id }", name="Mill")
    _, key = await created(world, admin, "CUSTOMERS_READ")
    text = "query Q($id: ID!, $wanted: Boolean!) { node(id: $id) { id ... on Organization @include(if: $wanted) { name } } }"
    given = {"id": made["organization"]["id"]}
    assert await key.ask(text, **given, wanted=False) == {"node": None}
    error = await key.refused(text, **given, wanted=True)
    assert error["extensions"]["code"] == "FORBIDDEN"


async def test_a_revoked_key_ends_at_the_next_request(world: World, admin: Client) -> None:
    key_id, key = await created(world, admin, "CUSTOMERS_READ")
    text = "{ customers { totalCount } }"
    await key.ask(text)
    answer = await steps.well(admin, "revokeApiKey", "apiKey { revokedAt }", apiKeyId=key_id)
    assert answer["apiKey"]["revokedAt"] is not None
    assert (await key.refused(text))["extensions"]["code"] == "UNAUTHENTICATED"
    again = await steps.well(admin, "revokeApiKey", "apiKey { revokedAt }", apiKeyId=key_id)
    assert again["apiKey"] == answer["apiKey"]


async def test_a_key_may_revoke_itself(world: World, admin: Client) -> None:
    key_id, key = await created(world, admin, "KEYS_READ", "KEYS_WRITE")
    await steps.well(key, "revokeApiKey", "apiKey { id }", apiKeyId=key_id)
    assert (await key.refused(WHO))["extensions"]["code"] == "UNAUTHENTICATED"


async def test_an_expired_key_ends_at_its_moment(world: World, admin: Client) -> None:
    _, key = await created(world, admin, "CUSTOMERS_READ", expiresAt=later(world, 3_600))
    text = "{ customers { totalCount } }"
    await key.ask(text)
    world.clock.advance(3_599_000)
    await key.ask(text)
    world.clock.advance(2_000)
    assert (await key.refused(text))["extensions"]["code"] == "UNAUTHENTICATED"


async def test_refuses_a_key_without_a_scope_a_name_or_a_future(world: World, admin: Client) -> None:
    for given, code, where in (
        ({"name": "Shop", "scopes": []}, "REQUIRED", "scopes"),
        ({"name": "  ", "scopes": ["CUSTOMERS_READ"]}, "REQUIRED", "name"),
        ({"name": "x" * 201, "scopes": ["CUSTOMERS_READ"]}, "TOO_LONG", "name"),
        ({"name": "Shop", "scopes": ["CUSTOMERS_READ"], "expiresAt": later(world, -1)}, "INVALID_VALUE", "expiresAt"),
    ):
        assert await steps.problems(admin, "createApiKey", **given) == [(code, [where])]
    assert await steps.problems(admin, "revokeApiKey", apiKeyId="key_" + "0" * 26) == [("NOT_FOUND", ["apiKeyId"])]


@pytest.mark.parametrize("larger", [["ADMIN"], ["CUSTOMERS_WRITE"], ["KEYS_WRITE", "USERS_WRITE"]])
async def test_a_key_may_not_create_a_larger_key(world: World, admin: Client, larger: list[str]) -> None:
    _, key = await created(world, admin, "KEYS_READ", "KEYS_WRITE", "CUSTOMERS_READ")
    before = await steps.written(world)
    assert await steps.problems(key, "createApiKey", name="More", scopes=larger) == [("FORBIDDEN", ["scopes"])]
    assert await steps.written(world) == before
    _, smaller = await created(world, key, "CUSTOMERS_READ")
    await smaller.ask("{ customers { totalCount } }")


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "rd_key_",
        "rd_key_" + "0" * 26 + "_" + "0" * 64,
        "rd_session_" + "0" * 26 + "_" + "0" * 64,
        "eyJhbGciOiJub25lIn0.e30.",
        "a" * 5_000,
    ],
)
async def test_forged_keys_are_refused_alike(world: World, token: str) -> None:
    answer = await world.http.post("/graphql", json={"query": WHO}, headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    error = answer.json()["errors"][0]
    assert error["extensions"]["code"] == "UNAUTHENTICATED"
    assert error["message"].startswith("The credentials are not valid: unknown, expired or revoked.")


async def test_a_key_of_another_workspace_opens_only_that_one(world: World, admin: Client) -> None:
    await steps.customer(admin, "ann@example.com")
    other = await world.key("ADMIN", workspace_id=await world.workspace())
    assert await steps.emails(other) == []
    forged = world.client((other.token or "").replace((other.token or "")[7:33], world.workspace_id[4:]))
    assert (await forged.refused(WHO))["extensions"]["code"] == "UNAUTHENTICATED"


async def test_the_use_of_a_key_is_noted(world: World, admin: Client) -> None:
    key_id, key = await created(world, admin, "CUSTOMERS_READ")
    await key.ask("{ customers { totalCount } }")
    for _ in range(100):  # no request waits for the note
        found = await steps.read(admin, key_id, "... on ApiKey { lastUsedAt }")
        if found["lastUsedAt"] is not None:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the use of the key was not noted")
