"""The log of everything that was done."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.connection import After, Before, Connection, First, Last, OrderDirection
from schema.inputs import optional
from schema.node import Node
from schema.scalars import JSON, DateTime

if TYPE_CHECKING:
    from schema.customer import Customer
    from schema.user import User
    from schema.viewer import ApiKey

Actor = Annotated[
    Annotated["User", strawberry.lazy("schema.user")]
    | Annotated["Customer", strawberry.lazy("schema.customer")]
    | Annotated["ApiKey", strawberry.lazy("schema.viewer")],
    strawberry.union("Actor", description="Who did something: a user, a signed-in customer, or an API key."),
]


@strawberry.enum(description="What was done to a record.")
class ChangeAction(Enum):
    CREATED = strawberry.enum_value("CREATED", description="It was made.")
    UPDATED = strawberry.enum_value("UPDATED", description="Properties of it changed.")
    MOVED = strawberry.enum_value("MOVED", description="It came to lie elsewhere in the tree.")
    ARCHIVED = strawberry.enum_value("ARCHIVED", description="It left lists and counts.")
    RESTORED = strawberry.enum_value("RESTORED", description="It came back from the archive.")
    SHARED = strawberry.enum_value("SHARED", description="It was shared with others.")
    UNSHARED = strawberry.enum_value("UNSHARED", description="It is no longer shared with others.")
    INVITED = strawberry.enum_value("INVITED", description="It was invited, or its invitation was sent again.")
    REVOKED = strawberry.enum_value("REVOKED", description="An invitation was taken back.")
    ACCEPTED = strawberry.enum_value("ACCEPTED", description="An invitation was accepted.")
    JOINED = strawberry.enum_value("JOINED", description="A customer set a password and can sign in.")
    LINKED = strawberry.enum_value("LINKED", description="A ticket found its requester.")
    UNLINKED = strawberry.enum_value("UNLINKED", description="A ticket lost its requester and waits for another.")


@strawberry.type(description="One transaction: who did what and when. The log of a workspace has no gaps in its order.")
class Change:
    number: int = strawberry.field(
        description="Its place in the workspace's log; later transactions have larger numbers."
    )
    at: DateTime = strawberry.field(description="When it was done.")
    operation: str = strawberry.field(description="The name of the mutation, or of the job, that did it.")
    count: int = strawberry.field(description="How many records it touched.")
    actor: Actor | None = strawberry.field(description="Who did it; null if the server did it by itself.")

    @strawberry.field(description="The records it touched, with the properties that moved.")
    def records(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection["ChangeRecord"]: ...


@strawberry.type(description="One record that a change touched.")
class ChangeRecord:
    record_id: strawberry.ID = strawberry.field(description="The id of the record.")
    record: Node | None = strawberry.field(description="The record as it is now.")
    action: ChangeAction = strawberry.field(description="What was done to it.")
    before: JSON = strawberry.field(description="The properties that moved, as they were. Empty for a new record.")
    after: JSON = strawberry.field(description="The same properties as they came to be.")
    change: Change = strawberry.field(description="The change this belongs to.")


@strawberry.input(description="Which changes to list. Conditions given together must all hold.")
class ChangeFilter:
    record: strawberry.ID | None = optional("Those that touched the record with this id.")


@strawberry.enum(description="By what changes can be sorted.")
class ChangeOrderField(Enum):
    NUMBER = strawberry.enum_value("NUMBER", description="By place in the log.")


@strawberry.input(description="A sort key for changes.")
class ChangeOrder:
    field: ChangeOrderField = strawberry.field(description="What to sort by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


History = Connection[ChangeRecord]
