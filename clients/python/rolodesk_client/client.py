"""The client: the generated operations, and what integrations do with several of them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Self

import httpx

from rolodesk_client.generated.client import Operations
from rolodesk_client.generated.enums import CustomerMatch, ErrorPolicy, ImportKind, ImportRowStatus, ImportStatus
from rolodesk_client.generated.fragments import CustomerFields, Problem, Progress, RecordFields
from rolodesk_client.generated.import_rows import ImportRowsImportRowsNodes
from rolodesk_client.generated.input_types import (
    CustomerFilter,
    CustomerOrder,
    ImportFileInput,
    ImportRowFilter,
    OrganizationFilter,
    UpsertCustomerItem,
    UpsertCustomersInput,
)
from rolodesk_client.generated.organizations import OrganizationsOrganizationsNodes
from rolodesk_client.generated.upsert_customers import UpsertCustomersUpsertCustomersResults
from rolodesk_client.transport import Contents, Retrying, Sleep

MOST_ITEMS = 1_000
ENDED = {ImportStatus.SUCCEEDED, ImportStatus.FAILED, ImportStatus.CANCELLED}


class RequestRefused(Exception):  # noqa: N818  an answer
    """The request was refused as a whole: `code` is one of docs/errors.md, `request_id` the one to quote."""

    def __init__(self, code: str, message: str, status: int, request_id: str | None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.request_id = request_id


class Refused(Exception):  # noqa: N818  an answer
    """The input was refused; nothing was done. `errors` say why and where."""

    def __init__(self, errors: Sequence[Problem]) -> None:
        super().__init__(
            "; ".join(f"{error.code.value} at {'.'.join(error.path)}: {error.message}" for error in errors)
        )
        self.errors = list(errors)


class ImportFailed(Exception):  # noqa: N818  an answer
    """The file could not be imported."""

    def __init__(self, progress: Progress) -> None:
        super().__init__(f"{progress.status.value}: {progress.error_code}: {progress.error_message}")
        self.progress = progress


class Position(NamedTuple):
    """A change, with all the records that it touched. `cursor` is where to go on."""

    cursor: str
    number: int
    at: datetime
    operation: str
    records: list[RecordFields]


class Rolodesk(Operations):
    """Asks one workspace by a key. Use it as `async with Rolodesk(url, key) as desk`."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        attempts: int = 5,
        timeout_seconds: float = 30,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`url` is the server's address, such as https://desk.example.com; `attempts` how often a request is sent at most."""
        self.base = url.rstrip("/")
        authorization = f"Bearer {key}"
        http = httpx.AsyncClient(
            headers={"Authorization": authorization, "Accept": "application/graphql-response+json"},
            transport=Retrying(transport or httpx.AsyncHTTPTransport(), attempts, sleep),
            timeout=timeout_seconds,
        )
        super().__init__(
            f"{self.base}/graphql",
            http_client=http,  # type: ignore[arg-type]  # its protocol names arguments that httpx takes by keyword
            ws_url=f"{self.base}/graphql".replace("http", "ws", 1),
            ws_connection_init_payload={"authorization": authorization},
        )
        self._http = http

    async def __aenter__(self) -> Self:
        return self

    def get_data(self, response: Any) -> dict[str, Any]:
        """The answer's data; raises `RequestRefused` where there is none."""
        try:
            answer = response.json()
        except ValueError:
            answer = {}
        if errors := answer.get("errors"):
            code = errors[0].get("extensions", {}).get("code", "")
            request_id = response.headers.get("x-request-id")
            raise RequestRefused(code, errors[0]["message"], response.status_code, request_id)
        return super().get_data(response)

    # Everything, page by page

    async def all_customers(
        self,
        filter: CustomerFilter | None = None,  # noqa: A002  the argument's name in the schema
        search: str | None = None,
        order_by: list[CustomerOrder] | None = None,
    ) -> AsyncIterator[CustomerFields]:
        """Every customer that fits, 250 a request."""

        async def page(after: str | None) -> Any:
            return (await self.customers(filter_=filter, search=search, order_by=order_by, after=after)).customers

        async for customer in _paged(page):
            yield customer

    async def all_organizations(
        self,
        filter: OrganizationFilter | None = None,  # noqa: A002  the argument's name in the schema
    ) -> AsyncIterator[OrganizationsOrganizationsNodes]:
        """Every organization that fits, 250 a request."""

        async def page(after: str | None) -> Any:
            return (await self.organizations(filter_=filter, after=after)).organizations

        async for organization in _paged(page):
            yield organization

    # Many at once

    async def upsert(
        self, items: Iterable[UpsertCustomerItem], match_by: CustomerMatch = CustomerMatch.EMAIL
    ) -> AsyncIterator[UpsertCustomersUpsertCustomersResults]:
        """Creates or updates customers, 1,000 a request; one result for each item, in its order. Refused ones keep nobody back."""
        for some in _batches(items, MOST_ITEMS):
            asked = UpsertCustomersInput(customers=some, match_by=match_by, error_policy=ErrorPolicy.SKIP_FAILED)
            payload = (await self.upsert_customers(asked)).upsert_customers
            if payload.errors and not payload.results:
                raise Refused(payload.errors)
            for result in payload.results:
                yield result

    # Files

    async def upload(self, path: Path | str) -> str:
        """Sends a file; the upload's id."""
        path = Path(path)
        size = (await asyncio.to_thread(path.stat)).st_size
        response = await self._http.post(
            f"{self.base}/uploads",
            params={"filename": path.name},
            content=Contents(path),
            headers={"Content-Length": str(size)},
            timeout=None,
        )
        if response.is_success:
            return str(response.json()["id"])
        self.get_data(response)
        raise AssertionError(response.text)  # get_data raised

    async def import_file(
        self,
        path: Path | str,
        kind: ImportKind = ImportKind.CUSTOMERS,
        *,
        poll_seconds: float = 0.5,
        **options: Any,
    ) -> Progress:
        """Uploads a file, imports it and waits for the end.

        `options` are those of `ImportFileInput`: `mapping`, `dry_run`.

        Rows that were refused are no failure: `refused_rows` has them.
        """
        asked = ImportFileInput(upload_id=await self.upload(path), **options)
        payload: Any
        if kind is ImportKind.CUSTOMERS:
            payload = (await self.import_customers(asked)).import_customers
        elif kind is ImportKind.ORGANIZATIONS:
            payload = (await self.import_organizations(asked)).import_organizations
        else:
            payload = (await self.import_tickets(asked)).import_tickets
        if payload.errors:
            raise Refused(payload.errors)
        progress: Progress | None = payload.import_
        while progress is not None and progress.status not in ENDED:
            await asyncio.sleep(poll_seconds)
            progress = (await self.import_(progress.id)).import_
        assert progress is not None  # noqa: S101  a payload without errors has its import
        if progress.status is not ImportStatus.SUCCEEDED:
            raise ImportFailed(progress)
        return progress

    async def refused_rows(self, import_id: str) -> AsyncIterator[ImportRowsImportRowsNodes]:
        """The rows that an import did not take, with the reasons."""

        async def page(after: str | None) -> Any:
            only = ImportRowFilter(status=[ImportRowStatus.REFUSED])
            found = (await self.import_rows(import_id, filter_=only, after=after)).import_
            return found.rows if found is not None else None

        async for row in _paged(page):
            yield row

    # A copy in step

    async def position(self) -> str | None:
        """Where the log of changes ends now: the cursor to follow it from, once a copy was made."""
        edges = (await self.latest_change()).changes.edges
        return edges[0].cursor if edges else None

    async def changes_after(self, cursor: str | None) -> AsyncIterator[Position]:
        """Every change after a cursor, in order, each with all its records. Keep the cursor of the last one you dealt with."""
        before = cursor
        while True:
            found = (await self.changes(after=before)).changes
            for edge in found.edges:
                change = edge.node
                records, page = list(change.records.nodes), change.records.page_info
                while page.has_next_page:
                    more = (await self.change_records(position=before, after=page.end_cursor)).changes.nodes[0].records
                    records.extend(more.nodes)
                    page = more.page_info  # type: ignore[assignment]
                yield Position(edge.cursor, change.number, change.at, change.operation, records)
                before = edge.cursor
            if not found.page_info.has_next_page:
                return


async def _paged(page: Callable[[str | None], Awaitable[Any]]) -> AsyncIterator[Any]:
    """The nodes of every page of a connection."""
    after: str | None = None
    while (connection := await page(after)) is not None:
        for node in connection.nodes:
            yield node
        if not connection.page_info.has_next_page:
            return
        after = connection.page_info.end_cursor


def _batches(items: Iterable[UpsertCustomerItem], size: int) -> Iterable[list[UpsertCustomerItem]]:
    batch: list[UpsertCustomerItem] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
