"""Users, the staff of a workspace."""

from enum import Enum
from typing import Annotated

import strawberry

from schema.connection import BY_ADDRESS, OrderDirection, StringComparison
from schema.inputs import dry_run, expected_version, optional, required
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


@strawberry.enum(description="Whether a user can sign in.")
class UserStatus(Enum):
    INVITED = strawberry.enum_value("INVITED", description="A mail was sent; no password is set yet.")
    ACTIVE = strawberry.enum_value("ACTIVE", description="A password is set.")
    REMOVED = strawberry.enum_value("REMOVED", description="The user was removed.")


@strawberry.type(description="A member of the workspace's staff.")
class User(Node):
    email: EmailAddress = strawberry.field(description="The address; no customer can have it.")
    name: str = strawberry.field(description="The name, at most 200 characters.")
    role: Role = strawberry.field(description="What the user may do.")
    status: UserStatus = strawberry.field(description="Whether the user can sign in.")
    invitation_expires_at: DateTime | None = strawberry.field(
        description="Until when the link in an invited user's last mail holds; null for others."
    )
    created_at: DateTime = strawberry.field(description="When the user was created.")
    updated_at: DateTime = strawberry.field(description="When name, role or status last changed.")
    archived_at: DateTime | None = strawberry.field(description="When the user was removed; null for those who belong.")
    version: int = strawberry.field(description="Counts the changes, from 1. For `expectedVersion`.")


@strawberry.input(description="Which users to list. Conditions given together must all hold.")
class UserFilter:
    ids: list[strawberry.ID] | None = optional("One of these ids, at most 1,000.")
    role: list[Role] | None = optional("Has one of these roles.")
    email: StringComparison | None = optional(BY_ADDRESS)
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


@strawberry.input(description="A user to invite by mail. Nobody gives a role that may do more than oneself.")
class InviteUserInput:
    email: EmailAddress = required("The address; no customer or user of the workspace may have it.")
    name: str = required("The name, at most 200 characters.")
    role: Role = required("What the user is to do. Owners are made by owners.")
    dry_run: bool = dry_run()


@strawberry.input(description="A user who has not joined yet, to be sent a new link. The link before ends.")
class ResendUserInvitationInput:
    user_id: strawberry.ID = required("Which user.")
    dry_run: bool = dry_run()


@strawberry.input(description="Changes to a user. What is left out stays.")
class UpdateUserInput:
    user_id: strawberry.ID = required("Which user.")
    name: str | None = optional("At most 200 characters; may not be null.")
    role: Role | None = optional("What the user may do from the next request on; may not be null.")
    expected_version: int | None = expected_version()
    dry_run: bool = dry_run()


@strawberry.input(description="A user to remove. Sessions end at once and the address is free again; API keys stay.")
class RemoveUserInput:
    user_id: strawberry.ID = required("Which user. The last owner who has joined cannot be removed.")
    revoke_api_keys: bool = strawberry.field(
        default=False,
        description="Whether the API keys that the user created end too. Otherwise they stay in force: integrations may use them.",
    )
    expected_version: int | None = expected_version()
    dry_run: bool = dry_run()
