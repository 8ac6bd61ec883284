"""Who is asking: users, API keys, sessions and the workspace."""

from enum import Enum
from typing import TYPE_CHECKING

import strawberry

from db.permissions import PERMISSIONS
from mails.composing import LANGUAGES
from schema.customer import Customer
from schema.inputs import SessionForm, dry_run, flag, optional, required, session_form
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


if TYPE_CHECKING:
    Language = str
else:
    Language = strawberry.enum(
        Enum(
            "Language",
            {tag.upper(): strawberry.enum_value(tag.upper(), description=f"{n}.") for tag, n in LANGUAGES.items()},
        ),
        description="A language in which mails are written.",
    )


@strawberry.type(description="How a workspace's mails look, and where their links lead.")
class MailSettings:
    sender_name: str | None = strawberry.field(description="The sender's name; null for the server's.")
    reply_to: EmailAddress | None = strawberry.field(description="Where answers go; null for the sender's address.")
    link_base_url: str | None = strawberry.field(
        description="The front end's own page for accepting invitations; `token` is added to its query. Null: the server's page."
    )
    invitation_days: int = strawberry.field(description="For how many days an invitation's link holds, 1 to 90.")
    invitation_subject: str | None = strawberry.field(description="The subject of invitations; null for the usual one.")
    invitation_text: str | None = strawberry.field(
        description="What invitations begin with, in plain text; null for the usual sentence."
    )
    language: Language = strawberry.field(description="The language of mails.")


@strawberry.type(description="The account that owns everything. Nothing crosses from one workspace to another.")
class Workspace(Node):
    name: str = strawberry.field(description="The name, at most 200 characters.")
    slug: str = strawberry.field(
        description="The short name by which one signs in; lower-case letters, digits and hyphens."
    )
    created_at: DateTime = strawberry.field(description="When the workspace was created.")
    mail_settings: MailSettings = strawberry.field(description="How the workspace's mails look.")


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
    viewer_can_create_customers: bool = strawberry.field(
        description="Whether it may create, change, move, archive and restore customers."
    )
    viewer_can_invite_customers: bool = strawberry.field(description="Whether it may invite customers.")
    viewer_can_manage_organizations: bool = strawberry.field(
        description="Whether it may create, change, move, archive and restore organizations."
    )
    viewer_can_manage_projects: bool = strawberry.field(
        description="Whether it may create, change, share, archive and restore projects."
    )
    viewer_can_manage_tickets: bool = strawberry.field(description="Whether it may create and change tickets.")
    viewer_can_import_files: bool = strawberry.field(description="Whether it may upload files and import them.")
    viewer_can_read_changes: bool = strawberry.field(description="Whether it may read the log of changes.")
    viewer_can_manage_users: bool = strawberry.field(
        description="Whether it may invite, change and remove users who may not do more than itself."
    )
    viewer_can_manage_api_keys: bool = strawberry.field(description="Whether it may create and revoke API keys.")
    viewer_can_change_settings: bool = strawberry.field(
        description="Whether it may change the workspace's name and its settings of mails."
    )


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
    session: SessionForm = session_form()


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
    session: SessionForm = session_form()


@strawberry.input(description="Changes to how mails look. What is left out stays; null brings back what is usual.")
class MailSettingsInput:
    sender_name: str | None = optional("The sender's name, at most 100 characters in one line.")
    reply_to: EmailAddress | None = optional("Where answers go.")
    link_base_url: str | None = optional(
        "The front end's own page for accepting invitations, http or https, at most 1,000 characters."
    )
    invitation_days: int | None = optional("For how many days an invitation's link holds, 1 to 90; may not be null.")
    invitation_subject: str | None = optional("The subject of invitations, at most 100 characters in one line.")
    invitation_text: str | None = optional("What invitations begin with, plain text of at most 2,000 characters.")
    language: Language | None = optional("The language of mails; may not be null.")


@strawberry.input(description="Changes to the workspace. What is left out stays.")
class UpdateWorkspaceInput:
    name: str | None = optional("The name, at most 200 characters; may not be null.")
    mail_settings: MailSettingsInput | None = optional("How its mails look.")
    dry_run: bool = dry_run()
