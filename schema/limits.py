"""What an operation costs, and what is left to be spent."""

from typing import Annotated

import strawberry

from schema.inputs import optional, required
from schema.scalars import JSON, DateTime


@strawberry.input(description="An operation whose cost is to be told without running it.")
class DryRunInput:
    query: str = required("The document, at most 50,000 characters.")
    variables: JSON | None = optional("The values of its variables, as an object.")
    operation_name: str | None = optional("Which of the document's operations; needed where there are several.")


@strawberry.type(description="The list that makes an operation dear.")
class ExpensiveList:
    path: list[str] = strawberry.field(
        description="Where in the answer, such as [organizations, nodes, customers]; at most 24 steps."
    )
    node_count: int = strawberry.field(description="How many records all its pages together could hold.")
    cost: int = strawberry.field(description="Its share of the cost, in points, rounded up.")


@strawberry.type(
    description="What an operation costs, in points, and what is left to be spent. A request costs 1 point and 1 more for each "
    "full hundred of records its answer could hold; a mutation's field costs 10, and 1 more for each full ten of items in it."
)
class RateLimit:
    cost: int = strawberry.field(description="What the operation costs at the most: what must be left for it to run.")
    limit: int | None = strawberry.field(description="The points of a full bucket; null where there is no limit.")
    remaining: int | None = strawberry.field(description="The points left now; null where there is no limit.")
    reset_at: DateTime | None = strawberry.field(
        description="When the bucket is full again if nothing more is asked; null where there is no limit."
    )
    node_count: int = strawberry.field(
        description="How many records the answer could hold. Beyond 50,000 the operation itself is refused."
    )
    most_expensive: ExpensiveList | None = strawberry.field(
        description="The list with the most records; null where there is no list."
    )
    suggestion: str | None = strawberry.field(
        description="Which page size would fit, for a person; null where the operation fits as it is."
    )


DryRun = Annotated[
    DryRunInput | None,
    strawberry.argument(
        description="Tell the cost of this operation, which is not run. Left out: of the one that asks."
    ),
]
