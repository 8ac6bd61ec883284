"""Who is asking: users, API keys, sessions and the workspace."""

from enum import Enum
from typing import TYPE_CHECKING

import strawberry

from db.permissions import PERMISSIONS
from schema.customer import Customer
from schema.inputs import flag, optional, required
from schema.node import Node
from schema.scalars import DateTime, EmailAddress
from schema.user import User

if TYPE_CHECKING:
    Permission = str
else:
    Permission = strawberry.enum(
        Enum("Permission", {n: strawberry.enum_value(n, description=meaning) for n, meaning in PERMISSIONS.items()}),
        description="What a role, or an API key by its scopes, may do.",
    )


@strawberry.type(description="The account that owns everything. Nothing crosses from one workspace to another.")
class Workspace(Node):
    name: str = strawberry.field(description="The name, at most 200 characters.")
    slug: str = strawberry.field(
        description="The short name by which one signs in; lower-case letters, digits and hyphens."
    )
    created_at: DateTime = strawberry.field(description="When the workspace was created.")


@strawberry.type(description="A key of an integration. The key itself is shown once, when it is created.")
class ApiKey(Node):
    name: str = strawberry.field(description="What it is for, at most 200 characters.")
    prefix: str = strawberry.field(description="The beginning of the key, to recognise it by.")
    scopes: list[Permission] = strawberry.field(description="What it may do; at most 20 entries.")
    created_at: DateTime = strawberry.field(description="When it was created.")
    expires_at: DateTime | None = strawberry.field(description="When it ends by itself; null for never.")
    last_used_at: DateTime | None = strawberry.field(
        description="When it was last used, to the minute; null for never."
    )
    revoked_at: DateTime | None = strawberry.field(description="When it was revoked; null for a key in force.")


@strawberry.type(
    description="Who is asking, and what it may do. Exactly one of `user`, `customer` and `apiKey` is set."
)
class Viewer:
    user: User | None = strawberry.field(description="The user who signed in.")
    customer: Customer | None = strawberry.field(description="The customer who signed in.")
    api_key: ApiKey | None = strawberry.field(description="The API key in use.")
    workspace: Workspace = strawberry.field(description="The workspace all answers come from.")
    permissions: list[Permission] = strawberry.field(description="What the viewer may do; at most 20 entries.")


@strawberry.input(description="A new API key.")
class CreateApiKeyInput:
    name: str = required("What it is for, at most 200 characters.")
    scopes: list[Permission] = required("What it may do; no more than its creator may. At least one.")
    expires_at: DateTime | None = optional("When it ends by itself. Left out: never.")


@strawberry.input(description="An API key to revoke; it ends at the next request.")
class RevokeApiKeyInput:
    api_key_id: strawberry.ID = required("Which key.")


@strawberry.input(description="Signing in with an address and a password.")
class SignInInput:
    workspace: str = required("The workspace's slug.")
    email: EmailAddress = required("The address of a user or an active customer.")
    password: str = required("The password.")


@strawberry.input(description="Signing out.")
class SignOutInput:
    everywhere: bool = flag("true: end all sessions of the viewer, not only the one in use.")


@strawberry.input(description="A new password for the viewer; all its other sessions end.")
class ChangePasswordInput:
    current_password: str = required("The password as it is.")
    new_password: str = required(
        "15 to 256 characters; the most common ones are refused (NIST SP 800-63B, section 5.1.1.2)."
    )


@strawberry.input(description="Asking for a mail with a link by which a new password can be set.")
class RequestPasswordResetInput:
    workspace: str = required("The workspace's slug.")
    email: EmailAddress = required("The address of a user or an active customer.")


@strawberry.input(description="Setting a new password by a link.")
class ResetPasswordInput:
    token: str = required("The token of the link, as it came in the mail.")
    new_password: str = required(
        "15 to 256 characters; the most common ones are refused (NIST SP 800-63B, section 5.1.1.2)."
    )
