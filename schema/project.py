"""Projects and who they are shared with."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.change import History
from schema.connection import After, Before, Connection, DateTimeRange, First, Last, OrderDirection, StringComparison
from schema.customer import CustomerFiltered, CustomerOrderBy
from schema.inputs import dry_run, expected_version, optional, required
from schema.listing import TicketFiltered, TicketOrderBy
from schema.node import Node
from schema.organization import OrganizationFiltered, OrganizationOrderBy
from schema.scalars import DateTime

if TYPE_CHECKING:
    from schema.customer import Customer
    from schema.organization import Organization
    from schema.ticket import Ticket


@strawberry.input(description="Which projects to list. Conditions given together must all hold.")
class ProjectFilter:
    ids: list[strawberry.ID] | None = optional("One of these ids, at most 1,000.")
    customer: strawberry.ID | None = optional("The customer with this id sees it.")
    name: StringComparison | None = optional("The name.")
    external_id: StringComparison | None = optional("The external id; compared exactly.")
    created_at: DateTimeRange | None = optional("When it was created.")
    updated_at: DateTimeRange | None = optional("When its own properties last changed.")
    archived: bool | None = optional("true: the archived ones. Left out: the living ones.")
    and_: list["ProjectFilter"] | None = optional("All of these hold; an empty list is true.", "and")
    or_: list["ProjectFilter"] | None = optional("One of these holds; an empty list is false.", "or")
    not_: "ProjectFilter | None" = optional("This does not hold.", "not")


@strawberry.enum(description="By what projects can be sorted.")
class ProjectOrderField(Enum):
    NAME = strawberry.enum_value("NAME", description="By name, case and accents aside.")
    CREATED_AT = strawberry.enum_value("CREATED_AT", description="By creation.")
    UPDATED_AT = strawberry.enum_value("UPDATED_AT", description="By last change.")


@strawberry.input(description="A sort key for projects. At most three are taken; the id breaks ties.")
class ProjectOrder:
    field: ProjectOrderField = required("What to sort by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.type(description="What customers can be members of. It is shared with customers and with organizations.")
class Project(Node):
    name: str = strawberry.field(
        description="The name, at most 200 characters; unique among living projects, case and accents aside."
    )
    description: str | None = strawberry.field(description="Notes, at most 5,000 characters.")
    external_id: str | None = strawberry.field(
        description="The id in the partner's own system, at most 200 characters; unique among living projects."
    )
    created_at: DateTime = strawberry.field(description="When the project was created.")
    updated_at: DateTime = strawberry.field(description="When its own properties last changed.")
    archived_at: DateTime | None = strawberry.field(description="When it was archived; null for a living one.")
    version: int = strawberry.field(
        description="Counts the changes of its own properties, from 1. For `expectedVersion`."
    )
    customer_count: int = strawberry.field(
        description="How many customers see it: by a share of their own, or through their organization or one above it. "
        "A signed-in customer counts itself alone."
    )

    @strawberry.field(description="The customers who see it, by whatever share; by name.")
    def customers(
        self,
        filter: CustomerFiltered = None,
        order_by: CustomerOrderBy = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Annotated["Customer", strawberry.lazy("schema.customer")]]: ...

    @strawberry.field(
        description="The organizations it is shared with, by name; those below them are covered, not listed."
    )
    def organizations(
        self,
        filter: OrganizationFiltered = None,
        order_by: OrganizationOrderBy = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Annotated["Organization", strawberry.lazy("schema.organization")]]: ...

    @strawberry.field(description="Its tickets, by number.")
    def tickets(
        self,
        filter: TicketFiltered = None,
        order_by: TicketOrderBy = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Annotated["Ticket", strawberry.lazy("schema.ticket")]]: ...

    @strawberry.field(description="What was done to this project, the latest first.")
    def history(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> History: ...


@strawberry.input(one_of=True, description="Names one project, by exactly one of these.")
class ProjectRef:
    id: strawberry.ID | None = optional("Its id; archived projects are found too.")
    external_id: str | None = optional("Its external id, among the living.")


@strawberry.input(description="A new project. Only the name is required.")
class CreateProjectInput:
    name: str = required("At most 200 characters; unique among living projects, case and accents aside.")
    description: str | None = optional("At most 5,000 characters.")
    external_id: str | None = optional("At most 200 characters; unique among living projects.")
    dry_run: bool = dry_run()


@strawberry.input(description="Changes to a project. What is left out stays; null clears.")
class UpdateProjectInput:
    project: ProjectRef = required("Which project.")
    name: str | None = optional(
        "At most 200 characters; unique among living projects, case and accents aside; may not be null."
    )
    description: str | None = optional("At most 5,000 characters.")
    external_id: str | None = optional("At most 200 characters; unique among living projects.")
    expected_version: int | None = expected_version()
    dry_run: bool = dry_run()


@strawberry.input(description="A project to share. Sharing what is shared already changes nothing.")
class ShareProjectInput:
    project_id: strawberry.ID = required("Which project.")
    customer_ids: list[strawberry.ID] | None = optional("Customers to share it with, at most 1,000.")
    organization_ids: list[strawberry.ID] | None = optional(
        "Organizations to share it with, at most 1,000: their customers, those below them, and those who join later."
    )
    dry_run: bool = dry_run()


@strawberry.input(description="Shares of a project to take back. Taking back what is not shared changes nothing.")
class UnshareProjectInput:
    project_id: strawberry.ID = required("Which project.")
    customer_ids: list[strawberry.ID] | None = optional("Customers whose own share ends, at most 1,000.")
    organization_ids: list[strawberry.ID] | None = optional("Organizations whose share ends, at most 1,000.")
    dry_run: bool = dry_run()


@strawberry.input(description="A project to archive. Its shares stay and come back with it.")
class ArchiveProjectInput:
    project_id: strawberry.ID = required("Which project.")
    expected_version: int | None = expected_version()
    dry_run: bool = dry_run()


@strawberry.input(description="A project to bring back from the archive.")
class RestoreProjectInput:
    project_id: strawberry.ID = required("Which project.")
    dry_run: bool = dry_run()
