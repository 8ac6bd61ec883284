"""The arguments of lists of projects and tickets, for the nouns that these refer to themselves."""

from typing import TYPE_CHECKING, Annotated

import strawberry

if TYPE_CHECKING:
    from schema.project import ProjectFilter, ProjectOrder
    from schema.ticket import TicketFilter, TicketOrder

ProjectFiltered = Annotated[
    Annotated["ProjectFilter", strawberry.lazy("schema.project")] | None,
    strawberry.argument(description="Which projects. Left out: all."),
]
ProjectOrderBy = Annotated[
    list[Annotated["ProjectOrder", strawberry.lazy("schema.project")]] | None,
    strawberry.argument(description="At most three sort keys. Left out: by name."),
]
TicketFiltered = Annotated[
    Annotated["TicketFilter", strawberry.lazy("schema.ticket")] | None,
    strawberry.argument(description="Which tickets. Left out: all."),
]
TicketOrderBy = Annotated[
    list[Annotated["TicketOrder", strawberry.lazy("schema.ticket")]] | None,
    strawberry.argument(description="At most three sort keys. Left out: by number."),
]
