"""Which permission each kind of record takes to be read. What each mutation takes stands beside it in `schema/mutation.py`."""

from typing import Final

TO_READ: Final = {
    "customer": "CUSTOMERS_READ",
    "project_access": "CUSTOMERS_READ",
    "organization": "ORGANIZATIONS_READ",
    "project": "PROJECTS_READ",
    "ticket": "TICKETS_READ",
    "unmatched_requester": "TICKETS_READ",
    "query.unmatched_requesters": "CUSTOMERS_READ",
    "invitation": "INVITATIONS_READ",
    "import": "IMPORTS_READ",
    "import_row": "IMPORTS_READ",
    "import_undo": "IMPORTS_READ",
    "import_kept": "IMPORTS_READ",
    "import_preview": "IMPORTS_READ",
    "import_mapping": "IMPORTS_READ",
    "importable_field": "IMPORTS_READ",
    "uploaded_file": "IMPORTS_READ",
    "contact": "IMPORTS_WRITE",
    "contact_source": "IMPORTS_WRITE",
    "change": "CHANGES_READ",
    "change_record": "CHANGES_READ",
    "user": "USERS_READ",
    "mail_settings": "SETTINGS_READ",
    "mail_preview": "INVITATIONS_WRITE",
    "outbox_mail": "ADMIN",
    "api_key": "KEYS_READ",
    "organization.customer_count": "CUSTOMERS_READ",
    "project.customer_count": "CUSTOMERS_READ",
}


def permission_to_read(kind: str) -> str | None:
    """The permission to read a kind of record, or one field of it (`kind.field`); None where none more is needed."""
    return TO_READ.get(kind)
