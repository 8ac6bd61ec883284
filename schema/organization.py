"""Customer organizations and their tree."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.change import History
from schema.connection import After, Before, Connection, DateTimeRange, First, Last, OrderDirection, StringComparison
from schema.customer import CustomerFiltered, CustomerOrderBy
from schema.inputs import dry_run, expected_version, optional, required
from schema.listing import ProjectFiltered, ProjectOrderBy
from schema.node import Node
from schema.scalars import DateTime

if TYPE_CHECKING:
    from schema.customer import Customer
    from schema.project import Project


@strawberry.input(description="Which organizations to list. Conditions given together must all hold.")
class OrganizationFilter:
    ids: list[strawberry.ID] | None = optional("One of these ids, at most 1,000.")
    root: bool | None = optional(
        "true: those of the top level, for a signed-in customer its own organization; false: those below another in sight."
    )
    parent: strawberry.ID | None = optional("Directly below this organization.")
    in_tree_of: strawberry.ID | None = optional("This organization or anywhere below it.")
    project: strawberry.ID | None = optional("This project is shared with it or with one above it.")
    name: StringComparison | None = optional("The name.")
    external_id: StringComparison | None = optional("The external id; compared exactly.")
    website: StringComparison | None = optional("The website; compared exactly.")
    created_at: DateTimeRange | None = optional("When it was created.")
    updated_at: DateTimeRange | None = optional("When its own properties last changed.")
    archived: bool | None = optional("true: the archived ones. Left out: the living ones.")
    and_: list["OrganizationFilter"] | None = optional("All of these hold; an empty list is true.", "and")
    or_: list["OrganizationFilter"] | None = optional("One of these holds; an empty list is false.", "or")
    not_: "OrganizationFilter | None" = optional("This does not hold.", "not")


@strawberry.enum(description="By what organizations can be sorted.")
class OrganizationOrderField(Enum):
    NAME = strawberry.enum_value("NAME", description="By name, case and accents aside.")
    CREATED_AT = strawberry.enum_value("CREATED_AT", description="By creation.")
    UPDATED_AT = strawberry.enum_value("UPDATED_AT", description="By last change.")


@strawberry.input(description="A sort key for organizations. At most three are taken; the id breaks ties.")
class OrganizationOrder:
    field: OrganizationOrderField = required("What to sort by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


OrganizationOrderBy = Annotated[
    list[OrganizationOrder] | None, strawberry.argument(description="At most three sort keys. Left out: by name.")
]
OrganizationFiltered = Annotated[
    OrganizationFilter | None, strawberry.argument(description="Which organizations. Left out: all.")
]
IncludeDescendants = Annotated[
    bool, strawberry.argument(description="true: also those in the organizations below, at any depth.")
]


@strawberry.type(description="A company that customers belong to. Organizations nest at most 50 deep.")
class Organization(Node):
    name: str = strawberry.field(
        description="The name, at most 200 characters; unique among living siblings, case and accents aside."
    )
    external_id: str | None = strawberry.field(
        description="The id in the partner's own system, at most 200 characters; unique among living organizations."
    )
    website: str | None = strawberry.field(description="The website as it was given, at most 500 characters.")
    description: str | None = strawberry.field(description="Notes, at most 5,000 characters.")
    parent: "Organization | None" = strawberry.field(
        description="The organization above; null at the top level, and to a signed-in customer above its own."
    )
    ancestors: list["Organization"] = strawberry.field(
        description="All organizations above, the topmost first; at most 50. A signed-in customer sees none above its own."
    )
    depth: int = strawberry.field(
        description="How many organizations are above: 0 at the top level. A signed-in customer counts from its own."
    )
    created_at: DateTime = strawberry.field(description="When the organization was created.")
    updated_at: DateTime = strawberry.field(description="When its own properties last changed.")
    archived_at: DateTime | None = strawberry.field(description="When it was archived; null for a living one.")
    version: int = strawberry.field(
        description="Counts the changes of its own properties, from 1. For `expectedVersion`."
    )

    @strawberry.field(description="The organizations directly below, by name.")
    def children(
        self,
        filter: OrganizationFiltered = None,
        order_by: OrganizationOrderBy = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection["Organization"]: ...

    @strawberry.field(description="The organizations below at any depth, by name.")
    def descendants(
        self,
        filter: OrganizationFiltered = None,
        order_by: OrganizationOrderBy = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection["Organization"]: ...

    @strawberry.field(description="The customers of this organization, by name.")
    def customers(
        self,
        filter: CustomerFiltered = None,
        order_by: CustomerOrderBy = None,
        include_descendants: IncludeDescendants = False,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Annotated["Customer", strawberry.lazy("schema.customer")]]: ...

    @strawberry.field(description="How many customers this organization has. A signed-in customer counts itself alone.")
    def customer_count(self, include_descendants: IncludeDescendants = False) -> int: ...

    @strawberry.field(description="The projects shared with this organization or with one above it, by name.")
    def projects(
        self,
        filter: ProjectFiltered = None,
        order_by: ProjectOrderBy = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Annotated["Project", strawberry.lazy("schema.project")]]: ...

    @strawberry.field(description="What was done to this organization, the latest first.")
    def history(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> History: ...


@strawberry.input(one_of=True, description="Names one organization, by exactly one of these.")
class OrganizationRef:
    id: strawberry.ID | None = optional("Its id; archived organizations are found too.")
    external_id: str | None = optional("Its external id, among the living.")


@strawberry.input(description="A new organization. Only the name is required.")
class CreateOrganizationInput:
    name: str = required("At most 200 characters; unique among living siblings, case and accents aside.")
    parent_id: strawberry.ID | None = optional("The organization to put it below. Left out: the top level.")
    external_id: str | None = optional("At most 200 characters; unique among living organizations.")
    website: str | None = optional("At most 500 characters.")
    description: str | None = optional("At most 5,000 characters.")
    dry_run: bool = dry_run()


@strawberry.input(description="Changes to an organization. What is left out stays; null clears.")
class UpdateOrganizationInput:
    organization: OrganizationRef = required("Which organization.")
    name: str | None = optional(
        "At most 200 characters; unique among living siblings, case and accents aside; may not be null."
    )
    external_id: str | None = optional("At most 200 characters; unique among living organizations.")
    website: str | None = optional("At most 500 characters.")
    description: str | None = optional("At most 5,000 characters.")
    expected_version: int | None = expected_version()
    dry_run: bool = dry_run()


@strawberry.input(
    one_of=True, description="Where an organization is to go. Leaving it out must not mean the top, so it is named."
)
class ParentTarget:
    parent_id: strawberry.ID | None = optional("Below this organization.")
    top_level: bool | None = optional("true: to the top level.")


@strawberry.input(description="An organization to move, with all that is below it.")
class MoveOrganizationInput:
    organization_id: strawberry.ID = required("Which organization.")
    to: ParentTarget = required("Where to.")
    expected_version: int | None = expected_version()
    dry_run: bool = dry_run()


@strawberry.enum(description="What is to happen to what an archived organization holds.")
class OrganizationContents(Enum):
    MOVE_UP = strawberry.enum_value(
        "MOVE_UP", description="Its customers and organizations move to the organization above, or to none."
    )
    ARCHIVE = strawberry.enum_value("ARCHIVE", description="Everything below it is archived with it.")


@strawberry.input(
    description="An organization to archive. One that holds others is refused unless `contents` says what to do."
)
class ArchiveOrganizationInput:
    organization_id: strawberry.ID = required("Which organization.")
    contents: OrganizationContents | None = optional(
        "What is to happen to its contents. Left out: refuse if it has any."
    )
    expected_version: int | None = expected_version()
    dry_run: bool = dry_run()


@strawberry.input(description="An organization to bring back, with everything that was archived with it.")
class RestoreOrganizationInput:
    organization_id: strawberry.ID = required("Which organization.")
    dry_run: bool = dry_run()
