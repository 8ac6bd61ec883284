"""`python -m benchmarks.preview [BYTES]`: what sending a large file takes, and how soon its preview is there.

A CSV file of BYTES (a gigabyte, the largest that is taken) is made on the way and streamed through POST /uploads to a
server of its own, whose resident memory is looked at all the while; then the file is previewed, beside one of a megabyte.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx2

from benchmarks import data
from benchmarks.servers import Running, running

LARGEST = 1_000_000_000
SMALL = 1_000_000
PRESENT = 2_000
PIECE = 1 << 18
TIMES = 20
PREVIEW = """query Preview($id: ID!) { upload(id: $id) { sizeBytes mediaType
  preview(kind: CUSTOMERS) { encoding delimiter columns { column field reason } rows } } }"""
HEADER = b"E-mail,First name,Last name,Company,Phone,Notes\n"


@dataclass(frozen=True)
class Sent:
    """A file that was sent: its id, how long that took, and how much the server grew meanwhile at the most."""

    id: str
    seconds: float
    grown: int


def rows() -> bytes:
    """Rows of people, about two pieces long."""
    lines = [
        f"person.{n}@example.com,{data.FIRST[n % len(data.FIRST)]},{data.LAST[n % len(data.LAST)]},Company {n % 997},"
        f'+36 20 {n:07},"a note, with a comma"\n'
        for n in range(6_000)
    ]
    return "".join(lines).encode()


async def content(size: int) -> AsyncIterator[bytes]:
    """The bytes of a file of a size."""
    some, left = rows(), size - len(HEADER)
    yield HEADER
    while left:
        for at in range(0, len(some), PIECE):
            piece = some[at : at + PIECE][:left]
            left -= len(piece)
            if piece:
                yield piece


async def sent(http: httpx2.AsyncClient, server: Running, size: int) -> Sent:
    """Sends a file."""
    idle, peak = server.memory(), 0
    began = time.perf_counter()
    headers = {"content-length": str(size)}
    sending = asyncio.create_task(http.post("/uploads?filename=large.csv", content=content(size), headers=headers))
    while not sending.done():
        peak = max(peak, server.memory())
        await asyncio.wait([sending], timeout=0.02)
    answer = sending.result()
    answer.raise_for_status()
    return Sent(answer.json()["id"], time.perf_counter() - began, peak - idle)


async def previewed(http: httpx2.AsyncClient, upload_id: str, size: int) -> list[float]:
    """Milliseconds of each of some previews."""
    found = []
    for _ in range(TIMES):
        began = time.perf_counter()
        answer = (await http.post("/graphql", json={"query": PREVIEW, "variables": {"id": upload_id}})).json()
        found.append((time.perf_counter() - began) * 1_000)
        shown = answer["data"]["upload"]
        if shown["sizeBytes"] != size or shown["preview"]["columns"][0]["field"] != "email":
            raise RuntimeError(f"The preview shows {shown}.")
    return found


async def measured(server: Running, size: int) -> list[str]:
    key = data.world(data.DIRECTORY / "run-ours.db").key
    headers = {"authorization": f"Bearer {key}"}
    lines = []
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", headers=headers, timeout=600) as http:
        for each in (SMALL, size):
            file = await sent(http, server, each)
            times = await previewed(http, file.id, each)
            await asyncio.to_thread((data.DIRECTORY / "uploads" / file.id).unlink)
            rate, grown = each / file.seconds / 2**20, file.grown / 2**20
            lines.append(f"{each:,} bytes: sent in {file.seconds:.2f} s, {rate:,.0f} MiB a second")
            lines.append(f"  server's memory above idle: at most {grown:.1f} MiB")
            middle = statistics.median(times)
            lines.append(
                f"  preview: first {times[0]:.0f} ms, median of {TIMES} {middle:.0f} ms, longest {max(times):.0f} ms"
            )
    return lines


def main() -> None:
    size = int(sys.argv[1]) if len(sys.argv) > 1 else LARGEST
    with running("ours", PRESENT) as server:
        print("\n".join(asyncio.run(measured(server, size))))


if __name__ == "__main__":
    main()
