"""What tests of imports share: a file sent, an import asked for and carried out, and its report."""

import json
from typing import Any

import httpx2

from jobs.runner import drain
from tests.conftest import Client, World
from tests.mailing import Caught, worker
from tests.steps import well

REPORT = """query($id: ID!) { import(id: $id) {
  id status dryRun filename totalRecords errorCode errorMessage
  counts { records created updated unchanged skipped refused warnings unmatched }
  columns { column field }
  rows(first: 250) { nodes {
    recordNumber line status record { id ... on Customer { email } ... on Organization { name } ... on Ticket { subject } }
    errors { column value code message hint } warnings { column value code message hint } } }
} }"""

COUNTS = ("created", "updated", "unchanged", "skipped", "refused")


async def send(client: Client, content: str | bytes, filename: str = "file.csv") -> httpx2.Response:
    body = content.encode() if isinstance(content, str) else content
    headers = {"authorization": f"Bearer {client.token}"} if client.token else {}
    return await client.http.post("/uploads", params={"filename": filename}, content=body, headers=headers)


async def send_form(
    client: Client, text: str, content: str | bytes, filename: str = "file.csv", **more: str
) -> httpx2.Response:
    """Sends a GraphQL multipart request whose variable `file` is a file; `more` are headers."""
    operations = {"query": text, "variables": {"file": None}}
    headers = {"apollo-require-preflight": "1", **client.headers, **more}
    if client.token:
        headers["authorization"] = f"Bearer {client.token}"
    parts = [
        ("operations", (None, json.dumps(operations))),
        ("map", (None, '{"0": ["variables.file"]}')),
        ("0", (filename, content.encode() if isinstance(content, str) else content)),
    ]
    return await client.http.post("/graphql", files=parts, headers=headers)


async def upload(client: Client, content: str | bytes, filename: str = "file.csv") -> str:
    answer = await send(client, content, filename)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def start(client: Client, field: str, content: str | bytes, **given: Any) -> str:
    """Asks for an import; its id."""
    upload_id = await upload(client, content)
    return (await well(client, field, "import { id }", uploadId=upload_id, **given))["import"]["id"]


async def report(client: Client, import_id: str) -> dict[str, Any]:
    """An import's report, whose counts add up."""
    found: dict[str, Any] = (await client.ask(REPORT, id=import_id))["import"]
    assert found["counts"]["records"] == sum(found["counts"][name] for name in COUNTS)
    return found


async def imported(world: World, client: Client, field: str, content: str | bytes, **given: Any) -> dict[str, Any]:
    """Imports a file to its end: its report."""
    import_id = await start(client, field, content, **given)
    await drain(worker(world, Caught()))
    return await report(client, import_id)


def counts(found: dict[str, Any]) -> dict[str, int]:
    """The counts of a report that are not zero, without their sum."""
    return {name: n for name, n in found["counts"].items() if n and name != "records"}


def issues(found: dict[str, Any], kind: str = "errors") -> list[tuple[int, str, str | None, str | None]]:
    """Line, code, column and value of everything a report says is wrong, or of its warnings."""
    return [
        (row["line"], one["code"], one["column"], one["value"]) for row in found["rows"]["nodes"] for one in row[kind]
    ]
