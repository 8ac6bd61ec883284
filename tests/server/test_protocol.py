"""Head and body of an answer leave together, and nothing waits for what does not come."""

import asyncio
from typing import Any, cast

from server.protocol import Joining

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n"


class Wire:
    """What a transport was given to send, one entry for each time."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.sent.append(data)

    def writelines(self, pieces: Any) -> None:
        self.sent.append(b"".join(pieces))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


def joining(wire: Wire) -> Joining:
    return Joining(cast("asyncio.Transport", wire))


async def test_a_head_leaves_with_its_body() -> None:
    wire = Wire()
    transport = joining(wire)
    transport.write(HEAD)
    transport.write(b"body")
    assert wire.sent == [HEAD + b"body"]
    transport.write(HEAD)
    transport.write(b"")
    assert wire.sent == [HEAD + b"body", HEAD]
    await asyncio.sleep(0)
    assert len(wire.sent) == 2


async def test_pieces_after_it_leave_as_they_come() -> None:
    wire = Wire()
    transport = joining(wire)
    for piece in (HEAD, b"one", b"two", b"three"):
        transport.write(piece)
    assert wire.sent == [HEAD + b"one", b"two", b"three"]


async def test_a_head_waits_for_the_next_turn_at_the_longest() -> None:
    wire = Wire()
    joining(wire).write(HEAD)
    assert wire.sent == []
    await asyncio.sleep(0)
    assert wire.sent == [HEAD]


async def test_a_head_is_sent_before_the_connection_is_closed() -> None:
    wire = Wire()
    transport = joining(wire)
    transport.write(HEAD)
    transport.close()
    assert (wire.sent, wire.closed, transport.is_closing()) == ([HEAD], True, True)
