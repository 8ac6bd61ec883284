"""What can be permitted, and what each role has. `docs/permissions.md` shows the same as a table."""

from typing import Final

PERMISSIONS: Final = {
    "CUSTOMERS_READ": "Read customers, and why they see what they see.",
    "CUSTOMERS_WRITE": "Create, change, move, archive and restore customers.",
    "ORGANIZATIONS_READ": "Read organizations.",
    "ORGANIZATIONS_WRITE": "Create, change, move, archive and restore organizations.",
    "PROJECTS_READ": "Read projects.",
    "PROJECTS_WRITE": "Create, change, share, archive and restore projects.",
    "TICKETS_READ": "Read tickets.",
    "TICKETS_WRITE": "Create and change tickets.",
    "INVITATIONS_READ": "Read invitations.",
    "INVITATIONS_WRITE": "Invite customers; send again, extend and revoke invitations.",
    "IMPORTS_READ": "Read imports, their rows and uploads.",
    "IMPORTS_WRITE": "Upload files and import them; connect one's own address books.",
    "CHANGES_READ": "Read the log of changes and the history of records.",
    "SETTINGS_READ": "Read the workspace's settings of mails.",
    "SETTINGS_WRITE": "Change the workspace's name and its settings of mails.",
    "USERS_READ": "Read the users of the workspace.",
    "USERS_WRITE": "Invite, change and remove users who may not do more than oneself.",
    "KEYS_READ": "Read the API keys of the workspace.",
    "KEYS_WRITE": "Create and revoke API keys.",
    "ADMIN": "Everything an administrator may.",
}
"""Each permission and its meaning. API keys hold them as scopes."""

READS = frozenset(name for name in PERMISSIONS if name.endswith("_READ") and name != "KEYS_READ")
WORK = frozenset(
    {"CUSTOMERS_WRITE", "ORGANIZATIONS_WRITE", "PROJECTS_WRITE", "TICKETS_WRITE", "INVITATIONS_WRITE", "IMPORTS_WRITE"}
)
EVERYTHING = frozenset(PERMISSIONS)

ROLES: Final = {"OWNER": EVERYTHING, "ADMIN": EVERYTHING, "AGENT": READS | WORK, "VIEWER": READS}
CUSTOMER = frozenset({"CUSTOMERS_READ", "ORGANIZATIONS_READ", "PROJECTS_READ", "TICKETS_READ", "INVITATIONS_READ"})
"""What a signed-in customer may ask for; the rows are those in its sight."""


def held(scopes: "frozenset[str] | set[str] | list[str]") -> frozenset[str]:
    """The permissions that scopes amount to; ADMIN stands for all."""
    return EVERYTHING if "ADMIN" in scopes else frozenset(scopes)


def granted(scope: str) -> str:
    """A scope as people write it (`customers:read`, `admin`) by its name in the schema."""
    return scope.strip().upper().replace(":", "_").replace("-", "_")
