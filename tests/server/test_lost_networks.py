"""A client whose network is gone without a word: nothing comes any more, not even that it is gone."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from websockets.client import ClientProtocol
from websockets.frames import Opcode
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from server.serving import PING_SECONDS, PONG_SECONDS
from tests.serving import Serving, command

pytestmark = pytest.mark.sqlite

TOKEN = "metrics-token-of-a-test"
MARGIN_SECONDS = 5
"""A busy machine looks at the clock late."""


@dataclass
class Desk:
    server: Serving
    key: str


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    data = {"data_dir": str(tmp_path)}
    command("migrate", **data)
    workspace = command("workspace", "create", "Test", **data)
    server = Serving(tmp_path, settings={"metrics_token": TOKEN})
    server.start()
    yield Desk(server, command("key", "create", "--workspace", workspace, "--scopes", "admin", **data))
    server.stop()


def subscriptions(server: Serving) -> float:
    told = httpx2.get(f"{server.url}/metrics", headers={"authorization": f"Bearer {TOKEN}"}).text
    return next(float(line.split()[1]) for line in told.splitlines() if line.startswith("rolodesk_subscriptions "))


def test_a_subscription_ends_within_five_seconds_when_pings_stay_unanswered(desk: Desk) -> None:
    assert PING_SECONDS + PONG_SECONDS <= 5
    client = ClientProtocol(
        parse_uri(f"ws://127.0.0.1:{desk.server.port}/graphql"), subprotocols=[Subprotocol("graphql-transport-ws")]
    )
    with socket.create_connection(("127.0.0.1", desk.server.port), timeout=15) as connection:

        def send() -> None:
            connection.sendall(b"".join(client.data_to_send()))

        def receive() -> None:
            client.receive_data(connection.recv(65_536))

        client.send_request(client.connect())
        send()
        receive()
        assert client.state.name == "OPEN"
        begin = {"type": "connection_init", "payload": {"Authorization": f"Bearer {desk.key}"}}
        ask = {"type": "subscribe", "id": "1", "payload": {"query": "subscription { organizationsChanged { number } }"}}
        for message in (begin, ask):
            client.send_text(json.dumps(message).encode())
        send()
        receive()
        lost = time.monotonic()
        while not subscriptions(desk.server):
            assert time.monotonic() < lost + MARGIN_SECONDS
        while subscriptions(desk.server):
            assert time.monotonic() < lost + PING_SECONDS + PONG_SECONDS + MARGIN_SECONDS
            time.sleep(0.1)
        assert time.monotonic() > lost + PONG_SECONDS - 1
        with suppress(ConnectionError):
            receive()
        assert Opcode.PING in {getattr(event, "opcode", None) for event in client.events_received()}
