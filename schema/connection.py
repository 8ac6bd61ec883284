"""Lists: Relay's cursor connections, their arguments and limits."""

from enum import Enum
from typing import Annotated, Generic, TypeVar

import strawberry

from schema.scalars import DateTime

T = TypeVar("T")

First = Annotated[
    int | None,
    strawberry.argument(
        description="How many to return from the start: 1 to 250. Left out: 50 at the root, 20 nested."
    ),
]
After = Annotated[str | None, strawberry.argument(description="Return what comes after this cursor.")]
Last = Annotated[
    int | None, strawberry.argument(description="How many to return from the end: 1 to 250. Not together with `first`.")
]
Before = Annotated[str | None, strawberry.argument(description="Return what comes before this cursor.")]


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether more follow after this page.")
    has_previous_page: bool = strawberry.field(description="Whether some come before this page.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first edge, null on an empty page.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last edge, null on an empty page.")


@strawberry.type(description="One record in a list, with its position.")
class Edge(Generic[T]):
    cursor: str = strawberry.field(
        description="An opaque position in this order. It stays usable while records come and go; it grants no right."
    )
    node: T = strawberry.field(description="The record.")


@strawberry.type(
    description="A page of a list. At most 250 records are returned at once; `pageInfo` leads to the others."
)
class Connection(Generic[T]):
    edges: list[Edge[T]] = strawberry.field(description="The records of this page, each with its cursor; at most 250.")
    nodes: list[T] = strawberry.field(
        description="The records of this page, for those who need no cursors; at most 250."
    )
    page_info: PageInfo = strawberry.field(description="Where this page lies in the list.")
    total_count: int = strawberry.field(
        description="How many records the whole list holds, filters applied. Counted only if it is asked for."
    )


@strawberry.enum(description="Which way a list is sorted.")
class OrderDirection(Enum):
    ASC = strawberry.enum_value("ASC", description="From small to large, from A to Z, from old to new.")
    DESC = strawberry.enum_value("DESC", description="From large to small, from Z to A, from new to old.")


BY_ADDRESS = "The address, without regard to case; accents count. Of a domain beyond ASCII all that follows the @ is to be given."


@strawberry.input(
    description="Comparisons of a text, without regard to case and accents. Several at once must all hold."
)
class StringComparison:
    eq: str | None = strawberry.field(default=strawberry.UNSET, description="Is this text.")
    in_: list[str] | None = strawberry.field(
        name="in",
        default=strawberry.UNSET,
        description="Is one of these, at most 1,000. An empty list matches nothing.",
    )
    contains: str | None = strawberry.field(default=strawberry.UNSET, description="Contains this text anywhere.")
    starts_with: str | None = strawberry.field(default=strawberry.UNSET, description="Begins with this text.")
    is_null: bool | None = strawberry.field(default=strawberry.UNSET, description="true: is absent; false: is present.")


@strawberry.input(description="A range of moments. Several bounds at once must all hold.")
class DateTimeRange:
    gte: DateTime | None = strawberry.field(default=strawberry.UNSET, description="At this moment or later.")
    gt: DateTime | None = strawberry.field(default=strawberry.UNSET, description="Later than this moment.")
    lte: DateTime | None = strawberry.field(default=strawberry.UNSET, description="At this moment or earlier.")
    lt: DateTime | None = strawberry.field(default=strawberry.UNSET, description="Earlier than this moment.")
