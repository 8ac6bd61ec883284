"""`python -m benchmarks.sign_in_load`: whether sign-ins slow the reads of others.

A server process answers one customer by id, asked on a fixed beat, in turns without sign-ins and with twenty a second
that are sent whether or not those before were answered. Latency counts from the moment a request was due, so a wait
behind a slow answer is not left out. The two kinds of turns alternate in one run; what counts is the ratio of their p99.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx2

from db import api_keys, credentials, users, workspaces
from db.migrating import migrate
from db.transaction import Intent, Transaction
from server.app import application
from server.settings import Settings

PORT = 8791
READS_A_SECOND = 100
SIGN_INS_A_SECOND = 20
TURNS = 4
SECONDS = 5
PASSWORD = "the right one of them all"
READ = "query($id: ID!) { node(id: $id) { ... on Customer { email name organization { name } } } }"
SIGN_IN = "mutation($input: SignInInput!) { signIn(input: $input) { token errors { code } } }"


async def prepare(directory: Path) -> tuple[str, str]:
    """A workspace with a user and a customer; an API key and the customer's id."""
    migrate(directory / "rolodesk.db")
    app = application(Settings(data_dir=str(directory), rate_limit="off"))
    async with app.router.lifespan_context(app):
        process = app.state.process
        workspace_id = await workspaces.create(process.database, "Test")
        hashed = await process.passwords.hash(PASSWORD)

        async def add(tx: Transaction) -> tuple[str, str]:
            user_id = await users.create(tx, "uma@example.com", "Uma", "AGENT")
            await credentials.set_password(tx, user_id, hashed)
            _, key = await api_keys.create(tx, "benchmark", ("ADMIN",))
            return key, workspace_id

        key, _ = await process.database.write(add, Intent(workspace_id, "benchmark"))
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://benchmark") as http:
            create = 'mutation { createCustomer(input: {email: "ann@example.com"}) { customer { id } } }'
            answer = await http.post("/graphql", json={"query": create}, headers={"authorization": f"Bearer {key}"})
            return key, answer.json()["data"]["createCustomer"]["customer"]["id"]


async def beat(http: httpx2.AsyncClient, body: object, rate: int, took: list[float]) -> int:
    """Sends a request `rate` times a second for one turn; how many were answered without errors."""
    begin = time.perf_counter()

    async def one(due: float) -> bool:
        answer = (await http.post("/graphql", json=body)).json()
        took.append((time.perf_counter() - due) * 1000)
        return "errors" not in answer and not next(iter(answer["data"].values())).get("errors")

    sent = []
    for number in range(rate * SECONDS):
        due = begin + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        sent.append(asyncio.create_task(one(due)))
    return sum(await asyncio.gather(*sent))


async def measure(key: str, customer_id: str) -> None:
    limits = httpx2.Limits(max_connections=64)
    base = f"http://127.0.0.1:{PORT}"
    read = {"query": READ, "variables": {"id": customer_id}}
    given = {"workspace": "test", "email": "uma@example.com", "password": PASSWORD}
    sign_in = {"query": SIGN_IN, "variables": {"input": given}}
    took: dict[str, list[float]] = {"without": [], "with": []}
    signed_in, waited = 0, list[float]()
    async with (
        httpx2.AsyncClient(
            base_url=base, headers={"authorization": f"Bearer {key}"}, timeout=60, limits=limits
        ) as reader,
        httpx2.AsyncClient(base_url=base, timeout=120, limits=limits) as stranger,
    ):
        await beat(reader, read, READS_A_SECOND, [])
        for _ in range(TURNS):
            await beat(reader, read, READS_A_SECOND, took["without"])
            beats = beat(reader, read, READS_A_SECOND, took["with"]), beat(stranger, sign_in, SIGN_INS_A_SECOND, waited)
            signed_in += (await asyncio.gather(*beats))[1]
    p99 = {}
    for kind, times in took.items():
        p99[kind] = statistics.quantiles(times, n=100)[98]
        print(
            f"reads {kind:<7} sign-ins: {len(times):,}, p50 {statistics.median(times):.1f} ms, p99 {p99[kind]:.1f} ms"
        )
    asked = SIGN_INS_A_SECOND * SECONDS * TURNS
    print(f"sign-ins: {signed_in} of {asked} succeeded, p50 {statistics.median(waited):.0f} ms")
    print(f"p99 with / without: {p99['with'] / p99['without']:.1f}")


def main() -> None:
    directory = Path(tempfile.mkdtemp())
    key, customer_id = asyncio.run(prepare(directory))
    settings = {"ROLODESK_DATA_DIR": str(directory), "PORT": str(PORT), "ROLODESK_RATE_LIMIT": "off"}
    command = [sys.executable, "-m", "server", "serve"]
    server = subprocess.Popen(
        command, env={**os.environ, **settings}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(100):
            time.sleep(0.1)
            try:
                if httpx2.get(f"http://127.0.0.1:{PORT}/readyz").status_code == 200:
                    break
            except httpx2.TransportError:
                continue
        asyncio.run(measure(key, customer_id))
    finally:
        server.terminate()
        server.wait(15)


if __name__ == "__main__":
    main()
