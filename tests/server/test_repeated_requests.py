"""A request that comes again is answered from what was made of it before, and refused as soon as it is to be refused."""

from typing import Any

import httpx2
import orjson
import pytest

from db import api_keys, customers
from db.clock import DAY
from server import requests
from tests import steps
from tests.conftest import Client, World
from tests.server.test_session_cookie import OWN, browser, signed_in

LIST = "{ customers { nodes { id email title } } }"
PAGE = "query Page($first: Int) { customers(first: $first) { nodes { id projects(first: 10) { nodes { id } } } } }"
TIMES = 4


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What requests were parsed."""
    seen: list[bytes] = []
    parse = requests.parsed

    def noting(method: str, sent: bytes, documents: Any) -> requests.Asked:
        seen.append(sent)
        return parse(method, sent, documents)

    monkeypatch.setattr(requests, "parsed", noting)
    return seen


async def repeated(client: Client, text: str = LIST, times: int = TIMES) -> list[httpx2.Response]:
    return [await client.post(text) for _ in range(times)]


def code(response: httpx2.Response) -> tuple[int, str]:
    (error,) = response.json()["errors"]
    return response.status_code, error["extensions"]["code"]


async def test_a_request_that_comes_again_is_parsed_no_more(admin: Client, parsed: list[bytes]) -> None:
    answers = await repeated(admin, times=6)
    assert len({answer.content for answer in answers}) == 1
    assert {answer.status_code for answer in answers} == {200}
    assert len(parsed) == 2
    assert len({answer.headers["x-request-id"] for answer in answers}) == 6


async def test_what_is_kept_of_a_request_holds_no_token_and_no_document(world: World, admin: Client) -> None:
    await repeated(admin)
    (digest,) = world.app.state.graphql._repeated._values  # noqa: SLF001
    assert len(digest) == 32
    assert str(admin.token).encode() not in digest


async def test_a_query_by_get_that_comes_again_is_parsed_no_more(
    world: World, admin: Client, parsed: list[bytes]
) -> None:
    headers = {"authorization": f"Bearer {admin.token}"}
    for _ in range(6):
        answer = await world.http.get("/graphql", params={"query": LIST}, headers=headers)
        assert (answer.status_code, answer.json()) == (200, {"data": {"customers": {"nodes": []}}})
    assert len(parsed) == 2


async def test_a_mutation_is_never_taken_for_one_that_was_sent_before(
    world: World, admin: Client, parsed: list[bytes]
) -> None:
    text = 'mutation { createCustomer(input: {email: "ann@example.com"}) { customer { email } errors { code } } }'
    answers = [(await admin.ask(text))["createCustomer"] for _ in range(3)]
    assert answers[0] == {"customer": {"email": "ann@example.com"}, "errors": []}
    assert answers[1:] == [{"customer": None, "errors": [{"code": "EMAIL_TAKEN"}]}] * 2
    assert len(parsed) == 3
    assert len(world.app.state.graphql._repeated) == 0  # noqa: SLF001


async def test_a_change_between_two_is_seen(world: World, admin: Client) -> None:
    customer_id = await world.write(lambda tx: customers.create(tx, {"email": "ann@example.com"}))
    for n in range(4):
        title = f"title {n}"
        await world.write(lambda tx, title=title: customers.update(tx, customer_id, {"title": title}))
        for answer in await repeated(admin):
            assert answer.json()["data"]["customers"]["nodes"][0]["title"] == title


async def test_a_client_that_has_the_old_answer_gets_the_new_one(world: World, admin: Client) -> None:
    first = (await repeated(admin))[-1]
    admin.headers["if-none-match"] = first.headers["etag"]
    assert [answer.status_code for answer in await repeated(admin)] == [304] * TIMES
    await world.write(lambda tx: customers.create(tx, {"email": "ann@example.com"}))
    answers = await repeated(admin)
    assert [answer.status_code for answer in answers] == [200] * TIMES
    assert [len(answer.json()["data"]["customers"]["nodes"]) for answer in answers] == [1] * TIMES


async def test_the_same_request_with_other_credentials_is_another(world: World, admin: Client) -> None:
    await world.write(lambda tx: customers.create(tx, {"email": "ann@example.com"}))
    elsewhere = await world.workspace()
    other = await world.key(workspace_id=elsewhere)
    for _ in range(TIMES):
        assert len((await admin.ask(LIST))["customers"]["nodes"]) == 1
        assert (await other.ask(LIST))["customers"]["nodes"] == []
        assert code(await world.client(None).post(LIST)) == (401, "UNAUTHENTICATED")


async def test_a_revoked_key_is_refused_at_once_and_from_then_on(world: World, admin: Client) -> None:
    key_id, token = await world.write(lambda tx: api_keys.create(tx, "partner", ("CUSTOMERS_READ",)))
    partner = world.client(token)
    assert [answer.status_code for answer in await repeated(partner)] == [200] * TIMES
    await world.write(lambda tx: api_keys.revoke(tx, key_id))
    assert [code(answer) for answer in await repeated(partner)] == [(401, "UNAUTHENTICATED")] * TIMES
    assert [answer.status_code for answer in await repeated(admin)] == [200] * TIMES


async def test_a_session_ends_at_its_time(world: World) -> None:
    agent = await world.user("AGENT")
    assert [answer.status_code for answer in await repeated(agent)] == [200] * TIMES
    world.clock.advance(400 * DAY)
    assert [code(answer) for answer in await repeated(agent)] == [(401, "UNAUTHENTICATED")] * TIMES


async def test_a_role_that_changes_counts_at_once(world: World) -> None:
    text = "{ apiKeys { nodes { id } } }"
    boss = await world.user("OWNER")
    uma = await world.user("ADMIN")
    user_id = (await uma.ask("{ viewer { user { id } } }"))["viewer"]["user"]["id"]
    assert [answer.status_code for answer in await repeated(uma, text)] == [200] * TIMES
    await steps.well(boss, "updateUser", "user { role }", userId=user_id, role="AGENT")
    assert [code(answer)[1] for answer in await repeated(uma, text)] == ["FORBIDDEN"] * TIMES


async def test_each_is_counted_and_refused_by_the_rate(limited: World) -> None:
    key = await limited.key()
    left = [answer.headers["ratelimit"] for answer in await repeated(key)]
    assert left == [f'"default";r={100 - n};t=1' for n in range(1, TIMES + 1)]
    body = {"query": PAGE, "variables": {"first": 100}}  # 1 point, and 11 more that an answer kept gives back
    for _ in range(TIMES):
        assert (await key.post(body["query"], body["variables"])).status_code == 200
    while (answer := await key.post(body["query"], body["variables"])).status_code == 200:
        assert int(answer.headers["ratelimit"].split(";")[1].removeprefix("r=")) >= 10
    assert code(answer) == (429, "RATE_LIMITED")
    assert answer.headers["retry-after"] == "1"
    limited.clock.advance(1_000)
    assert (await key.post(body["query"], body["variables"])).status_code == 200


async def test_a_cookie_is_looked_at_with_the_page_it_comes_from(world: World) -> None:
    uma = await signed_in(world)
    assert [answer.status_code for answer in await repeated(uma)] == [200] * TIMES
    elsewhere = browser(world, "https://evil.example", uma.headers["cookie"])
    assert code(await elsewhere.post(LIST)) == (403, "FORBIDDEN")
    unnamed = browser(world, OWN, uma.headers["cookie"], **{"sec-fetch-site": "cross-site"})
    assert code(await unnamed.post(LIST)) == (403, "FORBIDDEN")
    assert (await uma.post(LIST)).status_code == 200


async def test_what_is_wrong_beside_it_is_refused_all_the_same(world: World, admin: Client) -> None:
    await repeated(admin)
    headers = {"authorization": f"Bearer {admin.token}"}
    body = orjson.dumps({"query": LIST, "variables": {}})
    plain = await world.http.post("/graphql", content=body, headers=headers | {"content-type": "text/plain"})
    assert plain.status_code == 415
    keyed = {"content-type": "application/json", "idempotency-key": "two words"}
    assert (await world.http.post("/graphql", content=body, headers=headers | keyed)).status_code == 400
    packed = {"content-type": "application/json", "content-encoding": "gzip"}
    assert (await world.http.post("/graphql", content=body, headers=headers | packed)).status_code == 415


async def test_a_document_by_its_hash_is_told_unknown_by_who_never_sent_it(world: World, admin: Client) -> None:
    body = {"documentId": "sha256:" + "0" * 64}
    for _ in range(TIMES):
        answer = await world.http.post("/graphql", json=body, headers={"authorization": f"Bearer {admin.token}"})
        assert code(answer)[1] == "PERSISTED_QUERY_NOT_FOUND"


async def test_the_media_type_is_the_one_each_asks_for(admin: Client) -> None:
    kinds = []
    for accept in ("application/json", "application/graphql-response+json") * 3:
        admin.headers["accept"] = accept
        kinds.append((await admin.post(LIST)).headers["content-type"])
    assert kinds == ["application/json; charset=utf-8", "application/graphql-response+json; charset=utf-8"] * 3
