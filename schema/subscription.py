"""The table of contents of what is told as it happens."""

from collections.abc import AsyncIterator
from typing import Annotated

import strawberry

from schema.change import Change
from schema.customer import CustomerFilter
from schema.customer_import import Import

Position = Annotated[
    int | None,
    strawberry.argument(
        description="Go on after this `Change.number`; nothing in between is left out. Left out: from now on."
    ),
]

Followed = Annotated[
    CustomerFilter | None,
    strawberry.argument(
        description="Only changes of a customer that met this before the change, or meets it after it. What it says of projects, "
        "of the tree and of invitations counts as it is now."
    ),
]


@strawberry.type(description="What is told as it happens, over WebSocket (the graphql-transport-ws protocol).")
class Subscription:
    @strawberry.subscription(description="An import: as it is now, and again whenever it got further; ends with it.")
    async def import_progress(
        self, id: Annotated[strawberry.ID, strawberry.argument(description="The id of the import.")]
    ) -> AsyncIterator[Import]: ...

    @strawberry.subscription(description="Each change that touched a customer, in the order of the log.")
    async def customers_changed(self, after: Position = None, filter: Followed = None) -> AsyncIterator[Change]: ...

    @strawberry.subscription(description="Each change that touched an organization, in the order of the log.")
    async def organizations_changed(self, after: Position = None) -> AsyncIterator[Change]: ...
