"""Customers."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.change import History
from schema.connection import (
    BY_ADDRESS,
    After,
    Before,
    Connection,
    DateTimeRange,
    First,
    Last,
    OrderDirection,
    StringComparison,
)
from schema.inputs import dry_run, expected_version, flag, optional, required
from schema.listing import ProjectFiltered, ProjectOrderBy, TicketFiltered, TicketOrderBy
from schema.node import Node
from schema.scalars import DateTime, EmailAddress

if TYPE_CHECKING:
    from schema.invitation import Invitation
    from schema.organization import Organization
    from schema.project import Project
    from schema.ticket import Ticket


@strawberry.enum(description="How far a customer has come. Derived, never set.")
class CustomerStatus(Enum):
    CREATED = strawberry.enum_value("CREATED", description="Recorded, and no invitation is pending.")
    INVITED = strawberry.enum_value("INVITED", description="An invitation is pending now.")
    ACTIVE = strawberry.enum_value("ACTIVE", description="Has set a password and can sign in.")
    ARCHIVED = strawberry.enum_value("ARCHIVED", description="Left lists and counts, and gave up its address.")


@strawberry.enum(description="Through what a customer sees a project.")
class AccessVia(Enum):
    DIRECT = strawberry.enum_value("DIRECT", description="The project is shared with the customer itself.")
    ORGANIZATION = strawberry.enum_value(
        "ORGANIZATION", description="The project is shared with the customer's organization or one above it."
    )


@strawberry.type(description="One reason why a customer sees a project.")
class ProjectAccess:
    project: Annotated["Project", strawberry.lazy("schema.project")] = strawberry.field(description="The project.")
    via: AccessVia = strawberry.field(description="Through what it is seen.")
    organization: Annotated["Organization", strawberry.lazy("schema.organization")] | None = strawberry.field(
        description="The organization it is shared with; null for a direct share, and where that organization is out of sight."
    )
    organization_id: strawberry.ID | None = strawberry.field(
        description="The id of that organization, also where the organization itself is out of sight."
    )
    organization_name: str | None = strawberry.field(
        description="The name of that organization, also where the organization itself is out of sight."
    )
    since: DateTime = strawberry.field(description="When it was shared.")


@strawberry.input(description="Which customers to list. Conditions given together must all hold.")
class CustomerFilter:
    ids: list[strawberry.ID] | None = optional("One of these ids, at most 1,000.")
    organization: strawberry.ID | None = optional("In this organization itself, not below it.")
    in_tree_of: strawberry.ID | None = optional("In this organization or anywhere below it.")
    unassigned: bool | None = optional("true: in no organization; false: in one.")
    project: strawberry.ID | None = optional(
        "Sees this project, directly or through an organization; an archived customer only by a share of its own."
    )
    status: list[CustomerStatus] | None = optional("Has one of these statuses.")
    email: StringComparison | None = optional(BY_ADDRESS)
    first_name: StringComparison | None = optional("The first name.")
    last_name: StringComparison | None = optional("The last name.")
    name: StringComparison | None = optional("The name shown.")
    external_id: StringComparison | None = optional("The external id; compared exactly.")
    created_at: DateTimeRange | None = optional("When it was created.")
    updated_at: DateTimeRange | None = optional("When its own properties last changed.")
    archived: bool | None = optional("true: the archived ones. Left out: the living ones.")
    and_: list["CustomerFilter"] | None = optional("All of these hold; an empty list is true.", "and")
    or_: list["CustomerFilter"] | None = optional("One of these holds; an empty list is false.", "or")
    not_: "CustomerFilter | None" = optional("This does not hold.", "not")


@strawberry.enum(description="By what customers can be sorted.")
class CustomerOrderField(Enum):
    NAME = strawberry.enum_value("NAME", description="By the name shown, case and accents aside.")
    LAST_NAME = strawberry.enum_value("LAST_NAME", description="By the last name, those without one first.")
    EMAIL = strawberry.enum_value("EMAIL", description="By the address.")
    CREATED_AT = strawberry.enum_value("CREATED_AT", description="By creation.")
    UPDATED_AT = strawberry.enum_value("UPDATED_AT", description="By last change.")


@strawberry.input(description="A sort key for customers. At most three are taken; the id breaks ties.")
class CustomerOrder:
    field: CustomerOrderField = required("What to sort by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


CustomerOrderBy = Annotated[
    list[CustomerOrder] | None, strawberry.argument(description="At most three sort keys. Left out: by name.")
]
CustomerFiltered = Annotated[CustomerFilter | None, strawberry.argument(description="Which customers. Left out: all.")]


@strawberry.type(description="A person the workspace serves, in one organization or in none.")
class Customer(Node):
    email: EmailAddress = strawberry.field(
        description="The address. One living customer or user holds it in a workspace."
    )
    first_name: str | None = strawberry.field(description="The first name, at most 200 characters.")
    last_name: str | None = strawberry.field(description="The last name, at most 200 characters.")
    name: str = strawberry.field(description="What to show: the names, or else the address.")
    phone: str | None = strawberry.field(description="A telephone number as it was given, at most 100 characters.")
    title: str | None = strawberry.field(description="What the person does, at most 200 characters.")
    external_id: str | None = strawberry.field(
        description="The id in the partner's own system, at most 200 characters; unique among living customers."
    )
    status: CustomerStatus = strawberry.field(description="How far the customer has come.")
    organization: Annotated["Organization", strawberry.lazy("schema.organization")] | None = strawberry.field(
        description="The organization the customer is in; null for none."
    )
    invitation: Annotated["Invitation", strawberry.lazy("schema.invitation")] | None = strawberry.field(
        description="The latest invitation; null if there never was one."
    )
    created_at: DateTime = strawberry.field(description="When the customer was created.")
    updated_at: DateTime = strawberry.field(description="When the customer's own properties last changed.")
    archived_at: DateTime | None = strawberry.field(
        description="When the customer was archived; null for a living one."
    )
    version: int = strawberry.field(
        description="Counts the changes of its own properties, from 1. For `expectedVersion`."
    )

    @strawberry.field(description="The projects the customer sees, directly or through its organization, by name.")
    def projects(
        self,
        filter: ProjectFiltered = None,
        order_by: ProjectOrderBy = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Annotated["Project", strawberry.lazy("schema.project")]]: ...

    @strawberry.field(description="Why the customer sees each of its projects, one entry for each reason.")
    def access(
        self,
        first: Annotated[
            int | None, strawberry.argument(description="At most so many, 1 to 250. Left out: 20.")
        ] = None,
    ) -> list[ProjectAccess]: ...

    @strawberry.field(description="The tickets this customer requested, by number.")
    def tickets(
        self,
        filter: TicketFiltered = None,
        order_by: TicketOrderBy = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Annotated["Ticket", strawberry.lazy("schema.ticket")]]: ...

    @strawberry.field(description="What was done to this customer, the latest first.")
    def history(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> History: ...


@strawberry.input(one_of=True, description="Names one customer, by exactly one of these.")
class CustomerRef:
    id: strawberry.ID | None = optional("Its id; archived customers are found too.")
    email: str | None = optional("Its address, among the living.")
    external_id: str | None = optional("Its external id, among the living.")


@strawberry.input(description="A new customer. Only the address is required.")
class CreateCustomerInput:
    email: EmailAddress = required("The address.")
    first_name: str | None = optional("At most 200 characters.")
    last_name: str | None = optional("At most 200 characters.")
    phone: str | None = optional("At most 100 characters.")
    title: str | None = optional("At most 200 characters.")
    external_id: str | None = optional("At most 200 characters; unique among living customers.")
    organization_id: strawberry.ID | None = optional("The organization to put it in. Left out: none.")
    project_ids: list[strawberry.ID] | None = optional("Projects to share with it, at most 100.")
    send_invitation: bool = flag(
        "true: a mail invites the customer to join and set a password. Otherwise nothing is sent."
    )
    dry_run: bool = dry_run()


@strawberry.input(description="Changes to a customer. What is left out stays; null clears.")
class UpdateCustomerInput:
    customer: CustomerRef = required("Which customer.")
    email: EmailAddress | None = optional("The new address; may not be null.")
    first_name: str | None = optional("At most 200 characters.")
    last_name: str | None = optional("At most 200 characters.")
    phone: str | None = optional("At most 100 characters.")
    title: str | None = optional("At most 200 characters.")
    external_id: str | None = optional("At most 200 characters; unique among living customers.")
    expected_version: int | None = expected_version()
    dry_run: bool = dry_run()


@strawberry.enum(description="By what an item finds the record it is about.")
class CustomerMatch(Enum):
    EMAIL = strawberry.enum_value("EMAIL", description="By the address.")
    EXTERNAL_ID = strawberry.enum_value("EXTERNAL_ID", description="By the external id.")


@strawberry.enum(description="What happens to the other items of a bulk call when one is refused.")
class ErrorPolicy(Enum):
    REJECT_ALL = strawberry.enum_value("REJECT_ALL", description="Nothing is written.")
    SKIP_FAILED = strawberry.enum_value("SKIP_FAILED", description="The others are written.")


@strawberry.input(description="One customer to create or update. What is left out stays as it is.")
class UpsertCustomerItem:
    email: EmailAddress | None = optional("The address; required for a new customer.")
    first_name: str | None = optional("At most 200 characters; null clears.")
    last_name: str | None = optional("At most 200 characters; null clears.")
    phone: str | None = optional("At most 100 characters; null clears.")
    title: str | None = optional("At most 200 characters; null clears.")
    external_id: str | None = optional("At most 200 characters; null clears.")
    organization_id: strawberry.ID | None = optional("The organization it is to be in; null for none.")


@strawberry.input(description="Customers to create or, where they exist, to update.")
class UpsertCustomersInput:
    customers: list[UpsertCustomerItem] = required("At most 1,000 items.")
    match_by: CustomerMatch = strawberry.field(
        default=CustomerMatch.EMAIL, description="How an item finds its customer."
    )
    error_policy: ErrorPolicy = strawberry.field(
        default=ErrorPolicy.REJECT_ALL, description="What happens to the others when one is refused."
    )
    dry_run: bool = dry_run()


@strawberry.input(
    one_of=True, description="Where customers are to go. Leaving it out must not mean none, so it is named."
)
class MoveTarget:
    organization_id: strawberry.ID | None = optional("Into this organization.")
    unassigned: bool | None = optional("true: out of any organization.")


@strawberry.input(description="Customers to move into an organization, or out of any. Give `customerIds` or `filter`.")
class MoveCustomersInput:
    customer_ids: list[strawberry.ID] | None = optional("These customers, at most 1,000.")
    filter: CustomerFilter | None = optional("All that match, without a bound. An empty filter is refused.")
    to: MoveTarget = required("Where to.")
    error_policy: ErrorPolicy = strawberry.field(
        default=ErrorPolicy.REJECT_ALL, description="What happens to the others when one id is refused."
    )
    dry_run: bool = dry_run()


@strawberry.input(description="Customers to archive: they leave lists and counts and give up their addresses.")
class ArchiveCustomersInput:
    customer_ids: list[strawberry.ID] = required("At most 1,000.")
    error_policy: ErrorPolicy = strawberry.field(
        default=ErrorPolicy.REJECT_ALL, description="What happens to the others when one is refused."
    )
    dry_run: bool = dry_run()


@strawberry.input(description="Customers to bring back from the archive, with their addresses.")
class RestoreCustomersInput:
    customer_ids: list[strawberry.ID] = required("At most 1,000.")
    error_policy: ErrorPolicy = strawberry.field(
        default=ErrorPolicy.REJECT_ALL, description="What happens to the others when one is refused."
    )
    dry_run: bool = dry_run()


@strawberry.input(one_of=True, description="Which requesters of `unmatchedRequesters`, by exactly one of these.")
class RequesterSelection:
    emails: list[EmailAddress] | None = optional("Those with these addresses, at most 1,000.")
    all: bool | None = optional("true: all of them; LIMIT if they are more than 1,000.")


@strawberry.input(description="Requesters of tickets to make customers of.")
class CreateCustomersFromRequestersInput:
    requesters: RequesterSelection = required("Which requesters.")
    organization_id: strawberry.ID | None = optional("The organization to put them in. Left out: none.")
    send_invitations: bool = flag(
        "true: a mail invites each of them to join and set a password. Otherwise nothing is sent."
    )
    error_policy: ErrorPolicy = strawberry.field(
        default=ErrorPolicy.REJECT_ALL, description="What happens to the others when one is refused."
    )
    dry_run: bool = dry_run()
