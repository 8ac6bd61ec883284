"""What another site can make a browser send, with the session's cookie of somebody signed in here: nothing comes of it."""

import json
from urllib.parse import quote

import pytest

from server.cookies import cookie_name, session_cookie
from tests.conftest import World

OWN = "http://127.0.0.1:8000"
WRITE = 'mutation { createOrganization(input: {name: "A"}) { organization { name } errors { code } } }'
COUNT = "{ organizations { totalCount } }"


async def cookie(world: World) -> str:
    return f"{cookie_name(OWN)}={(await world.user('ADMIN')).token}"


@pytest.mark.parametrize(
    "said",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": OWN, "sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": f"{OWN}.evil.example"},
        {"origin": "http://127.0.0.1:8001"},
        {"referer": f"{OWN}/"},
        {},
    ],
)
async def test_what_is_not_from_an_own_page_is_refused(world: World, said: dict[str, str]) -> None:
    headers = {"cookie": await cookie(world), **said}
    for accept in ("application/json", "text/event-stream"):
        sent = await world.http.post("/graphql", json={"query": WRITE}, headers={**headers, "accept": accept})
        assert (sent.status_code, sent.json()["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")
        got = await world.http.get(f"/graphql?query={quote(COUNT)}", headers={**headers, "accept": accept})
        assert got.status_code == 403
    assert (await world.http.put("/graphql/stream", headers=headers)).status_code == 403
    assert (await world.http.post("/uploads?filename=a.csv", content=b"email\n", headers=headers)).status_code == 403
    admin = await world.key()
    assert await admin.ask(COUNT) == {"organizations": {"totalCount": 0}}


@pytest.mark.parametrize("kind", ["text/plain", "multipart/mixed; boundary=x", "application/x-www-form-urlencoded"])
async def test_what_a_form_can_send_is_no_request(world: World, kind: str) -> None:
    """Whatever it says of itself."""
    sent = await cookie(world)
    for said in ({"origin": OWN}, {"origin": "https://evil.example"}, {"sec-fetch-site": "same-origin"}):
        headers = {"cookie": sent, "content-type": kind, **said}
        answer = await world.http.post("/graphql", content=json.dumps({"query": WRITE}), headers=headers)
        assert answer.status_code == 415


async def test_an_own_page_writes_by_post_alone(world: World) -> None:
    headers = {"cookie": await cookie(world), "sec-fetch-site": "same-origin"}
    assert (await world.http.get(f"/graphql?query={quote(WRITE)}", headers=headers)).status_code == 405
    answer = await world.http.post("/graphql", json={"query": WRITE}, headers=headers)
    assert answer.json()["data"]["createOrganization"]["organization"] == {"name": "A"}
    headers = {"cookie": headers["cookie"], "origin": OWN}
    assert (await world.http.post("/graphql", json={"query": COUNT}, headers=headers)).status_code == 200


def test_the_cookie_is_bound_to_its_host_and_to_tls() -> None:
    shown = session_cookie("https://desk.example.com", "token")
    assert shown == "__Host-rolodesk=token; Path=/; HttpOnly; SameSite=Lax; Secure"


async def test_answers_are_what_they_say_they_are(world: World) -> None:
    answer = await world.http.post("/graphql", json={"query": "{ __typename }"})
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "private, no-cache"
