"""Tickets."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.change import History
from schema.connection import BY_ADDRESS, After, Before, DateTimeRange, First, Last, OrderDirection, StringComparison
from schema.inputs import optional, required
from schema.node import Node
from schema.scalars import DateTime, EmailAddress

if TYPE_CHECKING:
    from schema.customer import Customer
    from schema.project import Project


@strawberry.enum(description="Where a ticket stands.")
class TicketStatus(Enum):
    OPEN = strawberry.enum_value("OPEN", description="Waits for the staff.")
    PENDING = strawberry.enum_value("PENDING", description="Waits for the requester or for somebody else.")
    CLOSED = strawberry.enum_value("CLOSED", description="Is done.")


@strawberry.enum(description="How pressing a ticket is.")
class TicketPriority(Enum):
    LOW = strawberry.enum_value("LOW", description="Can wait.")
    NORMAL = strawberry.enum_value("NORMAL", description="In its turn.")
    HIGH = strawberry.enum_value("HIGH", description="Before the others.")
    URGENT = strawberry.enum_value("URGENT", description="Now.")


@strawberry.input(description="Which tickets to list. Conditions given together must all hold.")
class TicketFilter:
    ids: list[strawberry.ID] | None = optional("One of these ids, at most 1,000.")
    project: strawberry.ID | None = optional("Belongs to this project.")
    requester: strawberry.ID | None = optional("Was requested by this customer.")
    requester_email: StringComparison | None = optional(f"The requester's. {BY_ADDRESS}")
    unmatched: bool | None = optional("true: the requester is not a customer yet; false: is one.")
    status: list[TicketStatus] | None = optional("Has one of these statuses.")
    priority: list[TicketPriority] | None = optional("Has one of these priorities.")
    external_id: StringComparison | None = optional("The external id; compared exactly.")
    created_at: DateTimeRange | None = optional("When it was created.")
    updated_at: DateTimeRange | None = optional("When its own properties last changed.")
    archived: bool | None = optional("true: the archived ones. Left out: the living ones.")
    and_: list["TicketFilter"] | None = optional("All of these hold; an empty list is true.", "and")
    or_: list["TicketFilter"] | None = optional("One of these holds; an empty list is false.", "or")
    not_: "TicketFilter | None" = optional("This does not hold.", "not")


@strawberry.enum(description="By what tickets can be sorted.")
class TicketOrderField(Enum):
    NUMBER = strawberry.enum_value("NUMBER", description="By number.")
    CREATED_AT = strawberry.enum_value("CREATED_AT", description="By creation.")
    UPDATED_AT = strawberry.enum_value("UPDATED_AT", description="By last change.")


@strawberry.input(description="A sort key for tickets. At most three are taken; the id breaks ties.")
class TicketOrder:
    field: TicketOrderField = required("What to sort by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.type(description="A request. It finds its requester by address, whichever of the two came first.")
class Ticket(Node):
    number: int = strawberry.field(description="Its number in the workspace, from 1.")
    subject: str = strawberry.field(description="What it is about, at most 500 characters.")
    description: str | None = strawberry.field(description="The text, at most 100,000 characters.")
    status: TicketStatus = strawberry.field(description="Where it stands.")
    priority: TicketPriority = strawberry.field(description="How pressing it is.")
    project: Annotated["Project", strawberry.lazy("schema.project")] | None = strawberry.field(
        description="The project it belongs to; null for none."
    )
    requester: Annotated["Customer", strawberry.lazy("schema.customer")] | None = strawberry.field(
        description="The customer who requested it; null until a customer with that address exists."
    )
    requester_email: EmailAddress = strawberry.field(description="The requester's address as it came with the ticket.")
    requester_name: str | None = strawberry.field(
        description="The requester's name as it came, at most 400 characters."
    )
    external_id: str | None = strawberry.field(
        description="The id in the system it came from, at most 200 characters; unique among living tickets."
    )
    created_at: DateTime = strawberry.field(description="When the ticket was created.")
    updated_at: DateTime = strawberry.field(description="When its own properties last changed.")
    version: int = strawberry.field(description="Counts the changes of its own properties, from 1.")

    @strawberry.field(description="What was done to this ticket, the latest first.")
    def history(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> History: ...


@strawberry.input(one_of=True, description="Names one ticket, by exactly one of these.")
class TicketRef:
    id: strawberry.ID | None = optional("Its id.")
    number: int | None = optional("Its number in the workspace.")
    external_id: str | None = optional("Its external id, among the living.")


@strawberry.type(description="An address that living tickets were requested from, and that is no customer's yet.")
class UnmatchedRequester:
    email: EmailAddress = strawberry.field(description="The address, as it came with the first of these tickets.")
    name: str | None = strawberry.field(
        description="The name that came with the latest ticket that has one, at most 400 characters; null if none has."
    )
    ticket_count: int = strawberry.field(description="How many living tickets wait for a customer with this address.")
    latest_ticket_at: DateTime = strawberry.field(description="When the latest of them was created.")
