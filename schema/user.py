"""Users, the staff of a workspace."""

from enum import Enum
from typing import Annotated

import strawberry

from schema.connection import OrderDirection, StringComparison
from schema.inputs import optional, required
from schema.node import Node
from schema.scalars import DateTime, EmailAddress


@strawberry.enum(description="What a user may do; `Viewer.permissions` says it in detail.")
class Role(Enum):
    OWNER = strawberry.enum_value("OWNER", description="Everything, the workspace itself included.")
    ADMIN = strawberry.enum_value("ADMIN", description="Everything but the workspace itself.")
    AGENT = strawberry.enum_value(
        "AGENT", description="Reads and changes customers, organizations, projects and tickets."
    )
    VIEWER = strawberry.enum_value("VIEWER", description="Reads.")


@strawberry.type(description="A member of the workspace's staff.")
class User(Node):
    email: EmailAddress = strawberry.field(description="The address; no customer can have it.")
    name: str = strawberry.field(description="The name, at most 200 characters.")
    role: Role = strawberry.field(description="What the user may do.")
    created_at: DateTime = strawberry.field(description="When the user was created.")


@strawberry.input(description="Which users to list. Conditions given together must all hold.")
class UserFilter:
    ids: list[strawberry.ID] | None = optional("One of these ids, at most 1,000.")
    role: list[Role] | None = optional("Has one of these roles.")
    email: StringComparison | None = optional("The address.")
    archived: bool | None = optional("true: those who left. Left out: the others.")


@strawberry.enum(description="By what users can be sorted.")
class UserOrderField(Enum):
    NAME = strawberry.enum_value("NAME", description="By name, case and accents aside.")
    CREATED_AT = strawberry.enum_value("CREATED_AT", description="By creation.")


@strawberry.input(description="A sort key for users. At most three are taken; the id breaks ties.")
class UserOrder:
    field: UserOrderField = required("What to sort by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


UserOrderBy = Annotated[
    list[UserOrder] | None, strawberry.argument(description="At most three sort keys. Left out: by name.")
]
UserFiltered = Annotated[UserFilter | None, strawberry.argument(description="Which users. Left out: all.")]
