"""The roots of every read: all kinds of records, and what can be asked for without a record to start from."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from sqlalchemy import exists, literal_column, select

from db.api_keys import API_KEY
from db.changes import CHANGE, CHANGE_RECORD
from db.columns import Flag, JsonText
from db.contacts import CONTACT, of_source
from db.customers import CUSTOMER, PROJECT_ACCESS
from db.engines.dialects import quoted
from db.ids import PREFIXES
from db.imports import IMPORT, IMPORT_COLUMN, IMPORT_COUNTS, IMPORT_ISSUE, IMPORT_ROW
from db.invitations import INVITATION
from db.mapping.saved import IMPORT_MAPPING
from db.organizations import ORGANIZATION
from db.projects import PROJECT
from db.reads.reading import Reading
from db.reads.records import AnyOf, Arguments, Members, Part, Record, Relation, Row
from db.requesters import UNMATCHED_REQUESTER, waiting
from db.tables import ChangeRecord
from db.text import email
from db.tickets import TICKET
from db.undoing import IMPORT_KEPT, IMPORT_UNDO, UNDO_ISSUE
from db.uploads import UPLOADED_FILE
from db.users import USER
from db.workspaces import MAIL_SETTINGS, WORKSPACE

NODES = (
    "customer",
    "organization",
    "project",
    "ticket",
    "invitation",
    "import",
    "user",
    "api_key",
    "uploaded_file",
    "import_mapping",
    "workspace",
    "contact",
)
"""The kinds that resolve by id alone."""


def _by(column: str, fold: Callable[[Any], Any] = str) -> Callable[[Reading, Row, Any], Any]:
    return lambda reading, row, given: getattr(row, column) == reading.value(given, fold)


def _email_key(text: str) -> str:
    return email(text, ("by", "email")).key


REFERENCES: dict[str, Callable[[Reading, Row, Any], Any]] = {
    "id": _by("id"),
    "email": _by("email_key", _email_key),
    "external_id": _by("external_id"),
    "name": _by("name_key"),
    "number": _by("number", int),
}


def _by_reference(reading: Reading, _parent: Any, row: Row, arguments: Arguments) -> list[Any]:
    """The record a oneOf reference names: by id whatever became of it, otherwise among the living."""
    ((name, given),) = arguments["by"].items()
    found = REFERENCES[name](reading, row, given)
    return [found] if name in {"id", "number"} else [found, row.archived_at.is_(None)]


def _by_id(reading: Reading, _parent: Any, row: Row, arguments: Arguments) -> list[Any]:
    return [row.id == reading.value(arguments["id"])]


def _touched(reading: Reading, _parent: Any, row: Row, arguments: Arguments) -> list[Any]:
    """The records that one change touched."""
    entries = reading.rows(ChangeRecord)
    touched = select(entries.row.record_id).select_from(entries.clause)
    return [row.id.in_(touched.where(*entries.where, entries.row.number == reading.value(arguments["change"])))]


def _of_kind_after(reading: Reading, _parent: Any, row: Row, arguments: Arguments) -> list[Any]:
    """The changes after a position that touched a record of a kind."""
    entries = reading.rows(ChangeRecord)
    low = quoted(f"{PREFIXES[arguments['kind']]}_")
    high = quoted(f"{PREFIXES[arguments['kind']]}`")
    touched = exists(
        select(literal_column("1"))
        .select_from(entries.clause)
        .where(
            *entries.where,
            entries.row.number == row.number,
            entries.row.record_id >= low,
            entries.row.record_id < high,
        )
    )
    return [row.number > reading.value(arguments["after_number"]), touched]


def _of_kind(reading: Reading, _parent: Any, row: Row, arguments: Arguments) -> list[Any]:
    """Rows of the kind that is asked for; of any where none is."""
    given = arguments.get("kind")
    return [] if given is None else [row.kind == reading.value(given)]


def _all(kind: str) -> Relation:
    return Relation(kind, "connection", page=50)


QUERY = Record(
    kind="query",
    relations={
        "viewer": Part("viewer"),
        "node": AnyOf(NODES, lambda r, _p, arguments: r.value(arguments["id"])),
        "nodes": Members(NODES, "ids"),
        "workspace": Relation("workspace", "one"),
        "customer": Relation("customer", "one", _by_reference),
        "customers": _all("customer"),
        "organization": Relation("organization", "one", _by_reference),
        "organizations": _all("organization"),
        "project": Relation("project", "one", _by_reference),
        "projects": _all("project"),
        "ticket": Relation("ticket", "one", _by_reference),
        "tickets": _all("ticket"),
        "unmatched_requesters": Relation("unmatched_requester", "connection", waiting, page=50),
        "invitation": Relation("invitation", "one", _by_id),
        "invitations": _all("invitation"),
        "import": Relation("import", "one", _by_id),
        "imports": _all("import"),
        "import_mappings": Relation("import_mapping", "connection", _of_kind, page=50),
        "upload": Relation("uploaded_file", "one", _by_id),
        "uploads": _all("uploaded_file"),
        "changes": _all("change"),
        "contacts": Relation("contact", "connection", of_source, page=50),
        "users": _all("user"),
        "api_keys": _all("api_key"),
        "changes_of_kind": Relation("change", "connection", _of_kind_after),
        "customers_of_change": Relation("customer", "connection", _touched, living=False),
    },
)

ABILITIES = {
    "create_customers": "CUSTOMERS_WRITE",
    "invite_customers": "INVITATIONS_WRITE",
    "manage_organizations": "ORGANIZATIONS_WRITE",
    "manage_projects": "PROJECTS_WRITE",
    "manage_tickets": "TICKETS_WRITE",
    "import_files": "IMPORTS_WRITE",
    "read_changes": "CHANGES_READ",
    "manage_users": "USERS_WRITE",
    "manage_api_keys": "KEYS_WRITE",
    "change_settings": "SETTINGS_WRITE",
}
"""What a viewer can be told that it may do, and the permission that says so."""


def _may(permission: str) -> Callable[[Reading, Any, Arguments], Any]:
    return lambda r, _p, _a: r.parameter(lambda _, scope: permission in scope.permissions, Flag(), permission)


VIEWER = Record(
    kind="viewer",
    expressions={
        "permissions": lambda r, _p, _a: r.parameter(
            lambda _, scope: orjson.dumps(scope.permissions).decode(), JsonText(), "permissions"
        ),
        **{f"viewer_can_{ability}": _may(permission) for ability, permission in ABILITIES.items()},
    },
    relations={
        "user": Relation("user", "one", lambda r, _p, row, _a: [row.id == r.viewer]),
        "customer": Relation("customer", "one", lambda r, _p, row, _a: [row.id == r.viewer]),
        "api_key": Relation("api_key", "one", lambda r, _p, row, _a: [row.id == r.viewer]),
        "workspace": Relation("workspace", "one"),
    },
)


RECORDS: Mapping[str, Record] = {
    record.kind: record
    for record in (
        QUERY, VIEWER, WORKSPACE, MAIL_SETTINGS, USER, API_KEY, CUSTOMER, PROJECT_ACCESS, ORGANIZATION, PROJECT, TICKET, INVITATION,
        IMPORT, IMPORT_COUNTS, IMPORT_COLUMN, IMPORT_ISSUE, IMPORT_ROW,
        IMPORT_MAPPING, IMPORT_UNDO, IMPORT_KEPT, UNDO_ISSUE, UPLOADED_FILE, CHANGE, CHANGE_RECORD, CONTACT, UNMATCHED_REQUESTER,
    )
}  # fmt: skip
