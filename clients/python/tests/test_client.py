"""The client against the server that URL and KEY name, and against one that is busy."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from gql import Client, gql
from gql.transport.httpx import HTTPXAsyncTransport
from rolodesk_client import ImportFailed, Refused, RequestRefused, Rolodesk
from rolodesk_client.generated.enums import CustomerMatch, ErrorCode, ImportKind, Outcome
from rolodesk_client.generated.input_types import (
    ColumnMapping,
    CreateCustomerInput,
    CustomerFilter,
    StringComparison,
    UpsertCustomerItem,
)

URL, KEY = os.environ["URL"], os.environ["KEY"]


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Rolodesk]:
    async with Rolodesk(URL, KEY) as client:
        yield client


def items(number: int, title: str) -> list[UpsertCustomerItem]:
    return [
        UpsertCustomerItem(external_id=f"many-{n}", email=f"many-{n}@partner.example", title=title)
        for n in range(number)
    ]


async def test_upserts_more_than_one_request_takes_and_pages_through_everything(desk: Rolodesk) -> None:
    again = [*items(1_200, "Buyer"), UpsertCustomerItem(external_id="many-x", email="no address")]
    outcomes = [result.outcome async for result in desk.upsert(again, CustomerMatch.EXTERNAL_ID)]
    assert outcomes == [*[Outcome.CREATED] * 1_200, Outcome.REFUSED]
    only = CustomerFilter(external_id=StringComparison(starts_with="many-"))
    found = [customer.external_id async for customer in desk.all_customers(only)]
    assert sorted(name or "" for name in found) == sorted(f"many-{n}" for n in range(1_200))
    assert len([one async for one in desk.all_organizations()]) == 55


async def test_follows_changes_with_all_their_records(desk: Rolodesk) -> None:
    start = await desk.position()
    results = [result async for result in desk.upsert(items(600, "Head of buying"), CustomerMatch.EXTERNAL_ID)]
    (change,) = [change async for change in desk.changes_after(start)]
    assert change.operation == "upsertCustomers"
    assert sorted(r.record_id for r in change.records) == sorted(r.customer.id for r in results if r.customer)
    assert {record.after["title"] for record in change.records} == {"Head of buying"}
    assert [change async for change in desk.changes_after(change.cursor)] == []


async def test_is_told_of_changes_over_a_socket(desk: Rolodesk) -> None:
    edges = (await desk.latest_change()).changes.edges
    created = (await desk.create_customer(CreateCustomerInput(email="told@partner.example"))).create_customer
    assert created.customer is not None
    async with aclosing(desk.customers_changed(after=edges[0].node.number)) as telling:  # type: ignore[type-var]
        told = (await anext(telling)).customers_changed
    await asyncio.sleep(0.2)  # the generated code leaves it to the event loop to close its socket
    assert [record.record_id for record in told.records.nodes] == [created.customer.id]


async def test_imports_a_file_and_reads_what_was_refused(desk: Rolodesk, tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    path.write_text("E-mail,First,Last\nada@import.example,Ada,Moss\nno address,Bo,Fern\n")
    progress = await desk.import_file(path, poll_seconds=0.05)
    assert (progress.counts.created, progress.counts.refused) == (1, 1)
    (row,) = [row async for row in desk.refused_rows(progress.id)]
    assert [(row.line, error.code, error.value) for error in row.errors] == [(3, "INVALID_EMAIL", "no address")]


async def test_says_why_a_file_is_refused(desk: Rolodesk, tmp_path: Path) -> None:
    path = tmp_path / "organizations.csv"
    path.write_text("Colour\nred\n")
    with pytest.raises((Refused, ImportFailed)) as refusal:
        await desk.import_file(
            path, ImportKind.ORGANIZATIONS, poll_seconds=0.05, mapping=[ColumnMapping(column="Shade", field="name")]
        )
    assert "MAPPING" in str(refusal.value)


async def test_a_refused_request_has_its_code_and_the_id_to_quote() -> None:
    async with Rolodesk(URL, "rd_nothing") as stranger:
        with pytest.raises(RequestRefused) as refusal:
            await stranger.permissions()
    assert (refusal.value.code, refusal.value.status) == ("UNAUTHENTICATED", 401)
    assert refusal.value.request_id


class Busy(httpx.AsyncBaseTransport):
    """A server that carries a request out and loses its first answers."""

    def __init__(self, *answers: httpx.Response | httpx.TransportError) -> None:
        self.answers = list(answers)
        self.keys: list[str] = []
        self.inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.keys.append(request.headers["idempotency-key"])
        response = await self.inner.handle_async_request(request)
        if not self.answers:
            return response
        await response.aread()
        await response.aclose()
        answer = self.answers.pop(0)
        if isinstance(answer, httpx.TransportError):
            raise answer
        return answer

    async def aclose(self) -> None:
        await self.inner.aclose()


async def test_waits_as_long_as_it_is_told_and_does_nothing_twice() -> None:
    busy = Busy(httpx.Response(429, headers={"Retry-After": "7"}), httpx.ReadError("gone"))
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    async with Rolodesk(URL, KEY, transport=busy, sleep=sleep) as desk:
        payload = (await desk.create_customer(CreateCustomerInput(email="once@partner.example"))).create_customer
    assert payload.errors == []
    assert payload.customer is not None
    assert waited[0] == 7
    assert len(waited) == 2
    assert len(busy.keys) == 3
    assert len(set(busy.keys)) == 1


async def test_gives_up_after_so_many_attempts() -> None:
    busy = Busy(*[httpx.Response(503, headers={"Retry-After": "1"}, json={"errors": [{"message": "busy"}]})] * 2)

    async def sleep(_seconds: float) -> None:
        pass

    async with Rolodesk(URL, KEY, transport=busy, sleep=sleep, attempts=2) as desk:
        with pytest.raises(RequestRefused) as refusal:
            await desk.permissions()
    assert refusal.value.status == 503


def test_takes_codes_that_are_newer_than_itself() -> None:
    code = ErrorCode("SOMETHING_NEW")
    assert code.value == "SOMETHING_NEW"
    assert code == "SOMETHING_NEW"


async def test_gql_reads_the_schema_and_asks() -> None:
    transport = HTTPXAsyncTransport(f"{URL}/graphql", headers={"Authorization": f"Bearer {KEY}"})
    async with Client(transport=transport, fetch_schema_from_transport=True) as session:
        assert await session.execute(gql("{ workspace { slug } }")) == {"workspace": {"slug": "demo"}}
