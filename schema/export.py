"""Exports: records that a list shows, as a file that imports read."""

from enum import Enum
from typing import Annotated

import strawberry

from schema.customer import CustomerFilter, CustomerOrder
from schema.customer_import import ImportKind
from schema.inputs import optional
from schema.organization import OrganizationFilter, OrganizationOrder
from schema.ticket import TicketFilter, TicketOrder

SEARCH = (
    "Words, each of which begins a word of the customer's name, address or external id; case and accents aside. At most 20. "
    "Where no letter or digit is in it, all are found."
)

ORDER = (
    "In which order, by at most three sort keys. Left out: as they were created. A record that is changed while the file is "
    "written may move in another order, and be in it twice or not at all."
)


@strawberry.enum(description="What kind of file an export is.")
class ExportFormat(Enum):
    CSV = strawberry.enum_value(
        "CSV",
        description="Text in UTF-8, separated by commas. What a spreadsheet would take for a formula has an apostrophe before it.",
    )
    XLSX = strawberry.enum_value(
        "XLSX", description="A workbook in which every cell is a text; at most 1,048,575 records."
    )
    JSONL = strawberry.enum_value("JSONL", description="A JSON object a line, values as they are.")


@strawberry.input(
    description="The customers of an export: those that the list `customers` would show. Without anything: all."
)
class CustomerExportSelection:
    filter: CustomerFilter | None = optional("Which customers. Left out: all that are not archived.")
    search: str | None = optional(SEARCH)
    order_by: list[CustomerOrder] | None = optional(ORDER)


@strawberry.input(description="The organizations of an export: those that the list `organizations` would show.")
class OrganizationExportSelection:
    filter: OrganizationFilter | None = optional("Which organizations. Left out: all that are not archived.")
    order_by: list[OrganizationOrder] | None = optional(ORDER)


@strawberry.input(description="The tickets of an export: those that the list `tickets` would show.")
class TicketExportSelection:
    filter: TicketFilter | None = optional("Which tickets. Left out: all.")
    order_by: list[TicketOrder] | None = optional(ORDER)


@strawberry.input(one_of=True, description="What is exported: records of one kind.")
class ExportSelection:
    customers: CustomerExportSelection | None = optional("Customers; takes CUSTOMERS_READ and ORGANIZATIONS_READ.")
    organizations: OrganizationExportSelection | None = optional("Organizations; takes ORGANIZATIONS_READ.")
    tickets: TicketExportSelection | None = optional("Tickets; takes TICKETS_READ and PROJECTS_READ.")


Records = Annotated[ExportSelection, strawberry.argument(description="Which records.")]
Format = Annotated[ExportFormat, strawberry.argument(description="What kind of file.")]


@strawberry.type(
    description="A file of records, made while it is fetched. Imported as it is, it changes nothing (tickets: by `matchBy: ID`)."
)
class Export:
    kind: ImportKind = strawberry.field(description="What it holds, as an import of it would be called.")
    format: ExportFormat = strawberry.field(description="What kind of file it is.")
    count: int = strawberry.field(description="How many records it would hold now.")
    path: str = strawberry.field(
        description="Where it is fetched by GET, with the same credentials: the address holds none and gives no right. At most "
        "6,000 characters; a longer filter is refused with LIMIT, and sent by POST to the path without a query, as JSON."
    )
    url: str = strawberry.field(description="The same with the server's own address before it.")
    filename: str = strawberry.field(description="The name it is saved under.")
    media_type: str = strawberry.field(description="What it is answered as.")
    columns: list[str] = strawberry.field(description="Its columns in order, the record's id last; at most 20.")
