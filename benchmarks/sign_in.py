"""`python -m benchmarks.sign_in`: whether the time of a refused sign-in tells what was wrong.

A wrong password, an unknown address and an unknown workspace are tried in turns; what counts is how far their medians
lie apart (bar: 20 ms). Nothing else should run on the machine meanwhile.
"""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import httpx2

from db import credentials, users, workspaces
from db.migrating import migrate
from db.transaction import Intent, Transaction
from server.app import application
from server.settings import Settings

SIGN_IN = "mutation($input: SignInInput!) { signIn(input: $input) { errors { code } } }"
ATTEMPTS = 30


async def main() -> None:
    directory = Path(tempfile.mkdtemp())
    migrate(directory / "rolodesk.db")
    app = application(Settings(data_dir=str(directory), rate_limit="off"))
    async with app.router.lifespan_context(app):
        process = app.state.process
        workspace_id = await workspaces.create(process.database, "Test")
        hashed = await process.passwords.hash("the right one of them all")

        async def add(tx: Transaction) -> None:
            user_id = await users.create(tx, "uma@example.com", "Uma", "AGENT")
            await credentials.set_password(tx, user_id, hashed)

        await process.database.write(add, Intent(workspace_id, "benchmark"))
        took: dict[str, list[float]] = {"password": [], "address": [], "workspace": []}
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://benchmark", timeout=60) as http:
            for _ in range(ATTEMPTS):
                for wrong, times in took.items():
                    given = {
                        "workspace": "nowhere" if wrong == "workspace" else "test",
                        "email": "nobody@example.com" if wrong == "address" else "uma@example.com",
                        "password": "not the right one at all",
                    }
                    await process.database.maintain(lambda m: m.connection.run("DELETE FROM guessing_limit", ()))
                    begin = time.perf_counter()
                    answer = await http.post("/graphql", json={"query": SIGN_IN, "variables": {"input": given}})
                    times.append(time.perf_counter() - begin)
                    assert answer.json()["data"]["signIn"]["errors"] == [{"code": "SIGN_IN_FAILED"}]
    medians = {wrong: statistics.median(times) * 1000 for wrong, times in took.items()}
    for wrong, median in medians.items():
        print(f"wrong {wrong:<10} median {median:6.1f} ms")
    print(f"apart: {max(medians.values()) - min(medians.values()):.1f} ms (bar: 20 ms)")


if __name__ == "__main__":
    asyncio.run(main())
