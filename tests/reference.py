"""The slow way: plain graphql-core over rows in memory, field by field.

It says on its own who sees what, what filters, orders, pages, search, access, status and archiving mean, so that the
one statement of the server can be compared with it. Nothing of the server's reading is used here.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, cmp_to_key
from math import prod
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    build_schema,
    execute_sync,
    get_named_type,
    is_abstract_type,
    is_object_type,
    parse,
)
from graphql.execution import get_argument_values, get_variable_values
from sqlmodel import SQLModel

from db.database import Database
from schema.build import sdl
from tests import sql

Row = Mapping[str, Any]

KINDS = {
    "wsp": "workspace", "usr": "user", "cus": "customer", "org": "organization", "prj": "project", "tkt": "ticket",
    "inv": "invitation", "key": "api_key",
}  # fmt: skip
TYPES = {
    "workspace": "Workspace", "user": "User", "customer": "Customer", "organization": "Organization",
    "project": "Project", "ticket": "Ticket", "invitation": "Invitation", "api_key": "ApiKey", "change": "Change",
    "change_record": "ChangeRecord", "project_access": "ProjectAccess", "mail_settings": "MailSettings",
}  # fmt: skip
PERMISSION = {
    "Customer": "CUSTOMERS_READ", "ProjectAccess": "CUSTOMERS_READ", "Organization": "ORGANIZATIONS_READ",
    "Project": "PROJECTS_READ", "Ticket": "TICKETS_READ", "Invitation": "INVITATIONS_READ", "Change": "CHANGES_READ",
    "ChangeRecord": "CHANGES_READ", "User": "USERS_READ", "ApiKey": "KEYS_READ", "Import": "IMPORTS_READ",
    "Upload": "IMPORTS_READ", "Contact": "IMPORTS_WRITE", "MailSettings": "SETTINGS_READ",
}  # fmt: skip
ABILITIES = {
    "viewerCanCreateCustomers": "CUSTOMERS_WRITE", "viewerCanInviteCustomers": "INVITATIONS_WRITE",
    "viewerCanManageOrganizations": "ORGANIZATIONS_WRITE", "viewerCanManageProjects": "PROJECTS_WRITE",
    "viewerCanManageTickets": "TICKETS_WRITE", "viewerCanImportFiles": "IMPORTS_WRITE",
    "viewerCanReadChanges": "CHANGES_READ", "viewerCanManageUsers": "USERS_WRITE",
    "viewerCanManageApiKeys": "KEYS_WRITE", "viewerCanChangeSettings": "SETTINGS_WRITE",
}  # fmt: skip
ARCHIVING = {"customer", "organization", "project", "ticket", "user"}


# Text


def fold(text: str | None) -> str:
    """Case, accents and runs of space aside."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text or "") if not unicodedata.combining(c)).casefold()
    return " ".join("".join(" " if unicodedata.category(c) == "Cc" else c for c in plain).split())


def words(*texts: str | None) -> set[str]:
    return {w[:64] for text in texts for w in re.split(r"[\W_]+", fold(text)) if w}


def same(text: str) -> str:
    return text


def address(text: str) -> str:
    return text.strip().lower()


def milliseconds(text: str) -> int:
    since = datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)
    return since // timedelta(milliseconds=1)


def printed(moment: int | None) -> str | None:
    if moment is None:
        return None
    seconds, rest = divmod(moment, 1000)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{rest:03}Z"


def shown_name(customer: Row) -> str:
    return " ".join(n for n in (customer["first_name"], customer["last_name"]) if n) or customer["email"]


def name_key(customer: Row) -> str:
    return fold(" ".join(n for n in (customer["first_name"], customer["last_name"]) if n)) or fold(customer["email"])


# Orders: what each sort key is called in a cursor's tag, and its value

By = Callable[[Row], Any]
CREATED: dict[str, tuple[str, By]] = {"CREATED_AT": ("created_at", lambda r: r["created_at"])}
MOMENTS: dict[str, tuple[str, By]] = CREATED | {"UPDATED_AT": ("updated_at", lambda r: r["updated_at"])}
NAMED: dict[str, tuple[str, By]] = MOMENTS | {"NAME": ("name_key", lambda r: fold(r["name"]))}
NUMBERED: dict[str, tuple[str, By]] = {"NUMBER": ("number", lambda r: r["number"])}
ORDERS: dict[str, dict[str, tuple[str, By]]] = {
    "customer": MOMENTS
    | {
        "NAME": ("name_key", name_key),
        "LAST_NAME": ("last_name_key", lambda r: fold(r["last_name"])),
        "EMAIL": ("email_key", lambda r: r["email_key"]),
    },
    "organization": NAMED,
    "project": NAMED,
    "user": NAMED,
    "ticket": MOMENTS | NUMBERED,
    "invitation": CREATED | {"EXPIRES_AT": ("expires_at", lambda r: r["expires_at"])},
    "api_key": CREATED,
    "change": NUMBERED,
    "change_record": NUMBERED,
}
DEFAULT_ORDER = {
    "customer": ("NAME", "ASC"), "organization": ("NAME", "ASC"), "project": ("NAME", "ASC"), "user": ("NAME", "ASC"),
    "ticket": ("NUMBER", "ASC"), "invitation": ("CREATED_AT", "DESC"), "api_key": ("CREATED_AT", "DESC"),
    "change": ("NUMBER", "ASC"), "change_record": ("NUMBER", "DESC"),
}  # fmt: skip
IDENTITY = {"change": "number", "change_record": "record_id"}


@dataclass(frozen=True)
class Order:
    """The order of a list, with the cursors that belong to it."""

    kind: str
    keys: tuple[tuple[str, By, bool], ...]

    @classmethod
    def of(cls, kind: str, wanted: Sequence[Mapping[str, str]] | None) -> "Order":
        asked = [(o["field"], o.get("direction") or "ASC") for o in wanted or ()] or [DEFAULT_ORDER[kind]]
        keys = [(*ORDERS[kind][name], direction == "DESC") for name, direction in asked]
        identity = IDENTITY.get(kind, "id")
        return cls(kind, (*keys, (identity, lambda r: r[identity], keys[-1][2])))

    @property
    def tag(self) -> str:
        text = self.kind + "".join(f" {name} {'desc' if down else 'asc'}" for name, _, down in self.keys)
        return hashlib.blake2s(text.encode(), digest_size=3).hexdigest()

    def position(self, row: Row) -> list[Any]:
        return [by(row) for _, by, _ in self.keys]

    def cursor(self, row: Row) -> str:
        return "\x1f".join([self.tag, *map(str, self.position(row))]).encode().hex()

    def decoded(self, cursor: str, sample: Sequence[Row]) -> list[Any]:
        """The position of a cursor; ValueError unless it is one of this order."""
        tag, *parts = bytes.fromhex(cursor).decode().split("\x1f")
        if tag != self.tag or len(parts) != len(self.keys) or any("\x00" in p for p in parts):
            raise ValueError(cursor)
        numeric = [name in {"created_at", "updated_at", "expires_at", "number"} for name, _, _ in self.keys]
        assert all(isinstance(v, int) == n for row in sample for v, n in zip(self.position(row), numeric, strict=True))
        return [int(p) if n else p for p, n in zip(parts, numeric, strict=True)]

    def compare(self, left: Sequence[Any], right: Sequence[Any]) -> int:
        for (_, _, down), a, b in zip(self.keys, left, right, strict=True):
            if a != b:
                return (1 if a > b else -1) * (-1 if down else 1)
        return 0


# What is kept


@dataclass
class Data:
    """All rows of one workspace."""

    tables: dict[str, list[Row]]

    @classmethod
    async def load(cls, database: Database, workspace_id: str) -> "Data":
        names = (
            "workspace", "user", "api_key", "customer", "organization", "project", "project_customer",
            "project_organization", "ticket", "invitation", "password_reset", "change", "change_record",
        )  # fmt: skip
        tables = {}
        for name in names:
            columns = [column.name for column in SQLModel.metadata.tables[name].columns]
            text = f'SELECT {", ".join(columns)} FROM "{name}" WHERE workspace_id = ?'
            rows = await sql.rows(database, text, (workspace_id,))
            tables[name] = [dict(zip(columns, row, strict=True)) for row in rows]
        for row in tables["workspace"]:
            row["id"] = row["workspace_id"]
        return cls(tables)

    def __getitem__(self, name: str) -> list[Row]:
        return self.tables[name]

    @cached_property
    def by_id(self) -> dict[str, tuple[str, Row]]:
        return {row["id"]: (kind, row) for kind in KINDS.values() for row in self.tables[kind]}

    def row(self, kind: str, record_id: str | None) -> Row | None:
        found = self.by_id.get(record_id or "")
        return found[1] if found and found[0] == kind else None

    @cached_property
    def shares(self) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        for share in self["project_organization"]:
            found.setdefault(share["organization_id"], []).append(share)
        for share in self["project_customer"]:
            found.setdefault(share["customer_id"], []).append(share)
        return found

    def above(self, organization_id: str | None) -> list[Row]:
        """An organization and those above it, the lowest first."""
        chain = []
        row = self.row("organization", organization_id)
        while row is not None:
            chain.append(row)
            row = self.row("organization", row["parent_id"])
        return chain

    def below(self, organization_id: str | None) -> set[str]:
        """An organization and the living ones below it."""
        if self.row("organization", organization_id) is None:
            return set()
        found, new = {organization_id}, {organization_id}
        while new:
            new = {o["id"] for o in self["organization"] if o["parent_id"] in new and o["archived_at"] is None}
            found |= new
        return found  # type: ignore[return-value]

    def projects_through(self, organization_id: str | None) -> set[str]:
        return {s["project_id"] for o in self.above(organization_id) for s in self.shares.get(o["id"], ())}

    def projects_of(self, customer: Row) -> set[str]:
        direct = {s["project_id"] for s in self.shares.get(customer["id"], ())}
        return direct | self.projects_through(customer["organization_id"])

    def customers_of(self, project_id: str) -> set[str]:
        """Who sees a project; an archived customer only by a share of its own."""
        direct = {s["customer_id"] for s in self["project_customer"] if s["project_id"] == project_id}
        shared = [s["organization_id"] for s in self["project_organization"] if s["project_id"] == project_id]
        covered = set().union(*(self.below(o) for o in shared)) if shared else set()
        living = (c for c in self["customer"] if c["archived_at"] is None)
        return direct | {c["id"] for c in living if c["organization_id"] in covered}


@dataclass
class Record:
    """A record on its way into an answer; `level` is how many records it hangs below, itself counted."""

    kind: str
    row: Row
    level: int


@dataclass
class Page:
    records: list[Record]
    order: Order
    whole: list[Record]
    has_next: bool
    has_previous: bool


@dataclass(frozen=True)
class Asking:
    """Who asks."""

    kind: str
    id: str
    permissions: frozenset[str]


class Wrong(Exception):  # noqa: N818
    """The request is refused, for one of these reasons."""

    def __init__(self, codes: set[str]) -> None:
        super().__init__(", ".join(codes))
        self.codes = codes


def built() -> GraphQLSchema:
    return build_schema(sdl())


@dataclass
class Reference:
    """Answers queries from `data` as `asking` would have them answered at the moment `now`."""

    data: Data
    asking: Asking
    now: int
    schema: GraphQLSchema = field(default_factory=built)
    deepest: int = 0

    # Requests

    def answer(self, text: str, variables: Mapping[str, Any], name: str | None = None) -> dict[str, Any]:
        """The answer's data; raises Wrong where the request is to be refused."""
        document = parse(text)
        Checking(self, document, variables, name).check()
        self.deepest = 0
        result = execute_sync(
            self.schema,
            document,
            variable_values=dict(variables),
            operation_name=name,
            field_resolver=self.resolve,
            type_resolver=lambda value, *_: TYPES[value.kind],
        )
        assert not result.errors, result.errors
        assert result.data is not None
        return result.data

    # Sight

    @cached_property
    def me(self) -> Row | None:
        return self.data.row("customer", self.asking.id) if self.asking.kind == "customer" else None

    @cached_property
    def my_organizations(self) -> set[str]:
        assert self.me
        return self.data.below(self.me["organization_id"])

    @cached_property
    def my_projects(self) -> set[str]:
        assert self.me
        return self.data.projects_of(self.me)

    def sees(self, kind: str, row: Row) -> bool:  # noqa: PLR0911
        """Whether the viewer may see a record."""
        if self.me is None:
            return True
        match kind:
            case "customer":
                return row["id"] == self.me["id"]
            case "organization":
                return row["id"] in self.my_organizations
            case "project":
                return row["id"] in self.my_projects
            case "ticket":
                return row["requester_id"] == self.me["id"]
            case "invitation":
                return row["customer_id"] == self.me["id"]
            case "workspace":
                return True
        return False

    def in_sight(self, record_id: str) -> bool:
        """Whether there is a record of this id that the viewer may see."""
        found = self.data.by_id.get(record_id)
        return found is not None and self.sees(*found)

    def one(self, kind: str, record_id: str | None, level: int) -> Record | None:
        row = self.data.row(kind, record_id)
        return self.made(kind, row, level) if row is not None and self.sees(kind, row) else None

    def made(self, kind: str, row: Row, level: int) -> Record:
        self.deepest = max(self.deepest, level)
        return Record(kind, row, level)

    def any_of(self, record_id: str | None, level: int, kinds: Iterable[str] = KINDS.values()) -> Record | None:
        found = self.data.by_id.get(record_id or "")
        if found is None or found[0] not in kinds or not self.sees(*found) or not self.readable(found[0]):
            return None
        return self.made(*found, level)

    def readable(self, kind: str) -> bool:
        permission = PERMISSION.get(TYPES[kind])
        return permission is None or permission in self.asking.permissions

    # Fields

    def resolve(self, source: Any, info: Any, **given: Any) -> Any:
        kind, name = info.parent_type.name, info.field_name
        if kind == "Query":
            return self.root(name, given)
        if isinstance(source, Page):
            return self.of_page(source, name)
        if kind == "PageInfo" or kind.endswith("Edge"):
            return source[name]
        if kind == "Viewer":
            return self.of_viewer(name)
        return getattr(self, f"of_{source.kind}")(source.row, name, given, source.level + 1)

    def of_page(self, page: Page, name: str) -> Any:
        cursors = [page.order.cursor(r.row) for r in page.records]
        match name:
            case "nodes":
                return page.records
            case "edges":
                return [{"cursor": c, "node": r} for c, r in zip(cursors, page.records, strict=True)]
            case "totalCount":
                return len(page.whole)
        return {
            "hasNextPage": page.has_next,
            "hasPreviousPage": page.has_previous,
            "startCursor": cursors[0] if cursors else None,
            "endCursor": cursors[-1] if cursors else None,
        }

    def of_viewer(self, name: str) -> Any:
        match name:
            case "permissions":
                return sorted(self.asking.permissions)
            case "workspace":
                return self.made("workspace", self.data["workspace"][0], 1)
        if name in ABILITIES:
            return ABILITIES[name] in self.asking.permissions
        kind = {"user": "user", "customer": "customer", "apiKey": "api_key"}[name]
        return self.one(kind, self.asking.id if self.asking.kind == kind else None, 1)

    def root(self, name: str, given: Mapping[str, Any]) -> Any:  # noqa: PLR0911
        match name:
            case "viewer":
                return self.asking
            case "workspace":
                return self.made("workspace", self.data["workspace"][0], 1)
            case "node":
                return self.any_of(given["id"], 1)
            case "nodes":
                return [self.any_of(one, 1) for one in given["ids"]]
            case "invitation":
                return self.one("invitation", given["id"], 1)
            case "customer" | "organization" | "project" | "ticket":
                return self.referenced(name, given["by"])
        kind = {"apiKeys": "api_key"}.get(name, name.removesuffix("s"))
        return self.page(kind, self.data[kind], given, 50, 1)

    def referenced(self, kind: str, by: Mapping[str, Any]) -> Record | None:
        ((name, value),) = by.items()
        if name == "id":
            return self.one(kind, value, 1)
        if name == "number":
            column, always = "number", True
        else:
            column, always = {"email": "email_key", "externalId": "external_id"}[name], False
            value = address(value) if name == "email" else value
        for row in self.data[kind]:
            if row[column] == value and (always or row["archived_at"] is None):
                return self.one(kind, row["id"], 1)
        return None

    def of_workspace(self, row: Row, name: str, _given: Any, level: int) -> Any:
        return self.made("mail_settings", row, level) if name == "mailSettings" else plain(row, name)

    def of_mail_settings(self, row: Row, name: str, _given: Any, _level: int) -> Any:
        return row["language"].upper() if name == "language" else plain(row, name)

    def of_user(self, row: Row, name: str, _given: Any, _level: int) -> Any:
        invited = row["archived_at"] is None and row["activated_at"] is None
        match name:
            case "status":
                return "REMOVED" if row["archived_at"] is not None else "INVITED" if invited else "ACTIVE"
            case "invitationExpiresAt":
                links = [
                    link["expires_at"]
                    for link in self.data["password_reset"]
                    if link["holder_id"] == row["id"] and link["ended_at"] is None and invited
                ]
                return printed(max(links)) if links else None
        return plain(row, name)

    def of_api_key(self, row: Row, name: str, _given: Any, _level: int) -> Any:
        return json.loads(row["scopes"]) if name == "scopes" else plain(row, name)

    def of_customer(self, row: Row, name: str, given: Any, level: int) -> Any:  # noqa: PLR0911
        match name:
            case "name":
                return shown_name(row)
            case "status":
                return self.status(row)
            case "organization":
                return self.one("organization", row["organization_id"], level)
            case "invitation":
                sent = [i["id"] for i in self.data["invitation"] if i["customer_id"] == row["id"]]
                return self.one("invitation", max(sent, default=None), level)
            case "projects":
                seen = self.data.projects_of(row)
                return self.page("project", [p for p in self.data["project"] if p["id"] in seen], given, 20, level)
            case "access":
                return self.access(row, given, level)
            case "tickets":
                own = [t for t in self.data["ticket"] if t["requester_id"] == row["id"]]
                return self.page("ticket", own, given, 20, level)
            case "history":
                return self.history(row, given, level)
        return plain(row, name)

    def status(self, row: Row) -> str:
        if row["archived_at"] is not None:
            return "ARCHIVED"
        if row["activated_at"] is not None:
            return "ACTIVE"
        sent = [i for i in self.data["invitation"] if i["customer_id"] == row["id"]]
        return "INVITED" if any(self.invitation_status(i) == "PENDING" for i in sent) else "CREATED"

    def access(self, customer: Row, given: Mapping[str, Any], level: int) -> list[Record]:
        reasons = [
            {"project_id": s["project_id"], "via": "DIRECT", "organization_id": None, "since": s["created_at"]}
            for s in self.data.shares.get(customer["id"], ())
        ]
        for organization in self.data.above(customer["organization_id"]):
            reasons += [
                {
                    "project_id": s["project_id"],
                    "via": "ORGANIZATION",
                    "organization_id": organization["id"],
                    "since": s["created_at"],
                }
                for s in self.data.shares.get(organization["id"], ())
            ]
        living = {p["id"] for p in self.data["project"] if p["archived_at"] is None and self.sees("project", p)}
        reasons = [r for r in reasons if r["project_id"] in living]
        reasons.sort(key=lambda r: (r["project_id"], r["via"], r["organization_id"] or ""))
        first = given.get("first")
        return [self.made("project_access", r, level) for r in reasons[: 20 if first is None else first]]

    def of_project_access(self, row: Row, name: str, _given: Any, level: int) -> Any:
        match name:
            case "project":
                return self.one("project", row["project_id"], level)
            case "organization":
                return self.one("organization", row["organization_id"], level)
            case "organizationName":
                organization = self.data.row("organization", row["organization_id"])
                return organization and organization["name"]
        return plain(row, name)

    def of_organization(self, row: Row, name: str, given: Any, level: int) -> Any:  # noqa: PLR0911
        match name:
            case "parent":
                return self.one("organization", row["parent_id"], level)
            case "ancestors" | "depth":
                above = [o for o in reversed(self.data.above(row["parent_id"])) if self.sees("organization", o)]
                return len(above) if name == "depth" else [self.made("organization", o, level) for o in above]
            case "children":
                children = [o for o in self.data["organization"] if o["parent_id"] == row["id"]]
                return self.page("organization", children, given, 20, level)
            case "descendants":
                below = self.data.below(row["id"]) - {row["id"]}
                found = [o for o in self.data["organization"] if o["id"] in below]
                return self.page("organization", found, given, 20, level)
            case "customers" | "customerCount":
                inside = self.data.below(row["id"]) if given.get("includeDescendants") else {row["id"]}
                members = [c for c in self.data["customer"] if c["organization_id"] in inside]
                if name == "customerCount":
                    return self.living_count(members)
                return self.page("customer", members, given, 20, level)
            case "projects":
                through = self.data.projects_through(row["id"])
                return self.page("project", [p for p in self.data["project"] if p["id"] in through], given, 20, level)
            case "history":
                return self.history(row, given, level)
        return plain(row, name)

    def living_count(self, customers: Iterable[Row]) -> int:
        return sum(c["archived_at"] is None and self.sees("customer", c) for c in customers)

    def of_project(self, row: Row, name: str, given: Any, level: int) -> Any:
        match name:
            case "customers" | "customerCount":
                seeing = self.data.customers_of(row["id"])
                members = [c for c in self.data["customer"] if c["id"] in seeing]
                if name == "customerCount":
                    return self.living_count(members)
                return self.page("customer", members, given, 20, level)
            case "organizations":
                shared = {
                    s["organization_id"] for s in self.data["project_organization"] if s["project_id"] == row["id"]
                }
                found = [o for o in self.data["organization"] if o["id"] in shared]
                return self.page("organization", found, given, 20, level)
            case "tickets":
                own = [t for t in self.data["ticket"] if t["project_id"] == row["id"]]
                return self.page("ticket", own, given, 20, level)
            case "history":
                return self.history(row, given, level)
        return plain(row, name)

    def of_ticket(self, row: Row, name: str, given: Any, level: int) -> Any:
        match name:
            case "project":
                return self.one("project", row["project_id"], level)
            case "requester":
                return self.one("customer", row["requester_id"], level)
            case "history":
                return self.history(row, given, level)
        return plain(row, name)

    def invitation_status(self, row: Row) -> str:
        if row["accepted_at"] is not None:
            return "ACCEPTED"
        if row["revoked_at"] is not None:
            return "REVOKED"
        return "EXPIRED" if row["expires_at"] <= self.now else "PENDING"

    def of_invitation(self, row: Row, name: str, _given: Any, level: int) -> Any:
        match name:
            case "status":
                return self.invitation_status(row)
            case "invitedBy":
                return self.any_of(row["invited_by"], level, ("user", "api_key"))
            case "customer":
                return self.one("customer", row["customer_id"], level)
            case "mailBlocked":
                customer = self.data.row("customer", row["customer_id"])
                return customer is not None and customer["email"] == row["bounced_address"]
        return plain(row, name)

    def history(self, row: Row, given: Any, level: int) -> Page:
        entries = [e for e in self.data["change_record"] if e["record_id"] == row["id"]]
        return self.page("change_record", entries, given, 20, level)

    def of_change(self, row: Row, name: str, given: Any, level: int) -> Any:
        match name:
            case "actor":
                return self.any_of(row["actor_id"], level, ("user", "customer", "api_key"))
            case "records":
                entries = [e for e in self.data["change_record"] if e["number"] == row["number"]]
                return self.page("change_record", entries, given, 20, level)
        return plain(row, name)

    def of_change_record(self, row: Row, name: str, _given: Any, level: int) -> Any:
        match name:
            case "record":
                kinds = ("customer", "organization", "project", "ticket", "invitation")
                return self.any_of(row["record_id"], level, kinds)
            case "before" | "after":
                return json.loads(row[name])
            case "change":
                (change,) = [c for c in self.data["change"] if c["number"] == row["number"]]
                return self.made("change", change, level) if self.sees("change", change) else None
        return plain(row, name)

    # Lists

    def page(self, kind: str, rows: Iterable[Row], given: Mapping[str, Any], default: int, level: int) -> Page:
        order = Order.of(kind, given.get("orderBy"))
        wanted = given.get("filter")
        found = [r for r in rows if self.sees(kind, r)]
        if kind in ARCHIVING and not speaks_of_archived(wanted):
            found = [r for r in found if r["archived_at"] is None]
        if wanted is not None:
            found = [r for r in found if self.holds(kind, r, wanted)]
        if given.get("search") is not None:
            found = [r for r in found if searched(r, given["search"])]
        found.sort(key=cmp_to_key(lambda a, b: order.compare(order.position(a), order.position(b))))
        positions = [order.position(r) for r in found]
        after = order.decoded(given["after"], found) if given.get("after") is not None else None
        before = order.decoded(given["before"], found) if given.get("before") is not None else None
        start = sum(after is not None and order.compare(p, after) <= 0 for p in positions)
        end = len(found) - sum(before is not None and order.compare(p, before) >= 0 for p in positions)
        end = max(start, end)
        first, last = given.get("first"), given.get("last")
        if last is not None:
            kept = found[max(start, end - last) : end]
            has_previous, has_next = (
                end - start > last,
                before is not None and any(order.compare(p, before) >= 0 for p in positions),
            )
        else:
            size = default if first is None else first
            kept = found[start : min(end, start + size)]
            has_next, has_previous = end - start > size, start > 0
        whole = [Record(kind, r, level) for r in found]
        return Page([self.made(kind, r, level) for r in kept], order, whole, has_next, has_previous)

    # Filters

    def holds(self, kind: str, row: Row, wanted: Mapping[str, Any]) -> bool:
        return all(self.condition(kind, row, name, value) for name, value in wanted.items() if value is not None)

    def condition(self, kind: str, row: Row, name: str, value: Any) -> bool:  # noqa: C901, PLR0911, PLR0912
        match name:
            case "and":
                return all(self.holds(kind, row, one) for one in value)
            case "or":
                return any(self.holds(kind, row, one) for one in value)
            case "not":
                return not self.holds(kind, row, value)
            case "ids":
                return row["id"] in value
            case "archived":
                return (row["archived_at"] is not None) == value
            case "createdAt" | "updatedAt" | "expiresAt":
                return within(row[snake(name)], value)
            case "status" if kind == "customer":
                return self.status(row) in value
            case "status" if kind == "invitation":
                return self.invitation_status(row) in value
            case "status" | "priority" | "role":
                return row[name] in value
            case "unassigned":
                return (row["organization_id"] is None) == value
            case "organization":
                return row["organization_id"] == value
            case "inTreeOf":
                tree = self.data.below(value) if self.in_sight(value) else set()
                return row["organization_id" if kind == "customer" else "id"] in tree
            case "project" if kind == "customer":
                return row["id"] in self.data.customers_of(value)
            case "project" if kind == "organization":
                return self.in_sight(value) and value in self.data.projects_through(row["id"])
            case "project":
                return self.in_sight(value) and row["project_id"] == value
            case "root":
                top = row["id"] == self.me["organization_id"] if self.me else row["parent_id"] is None
                return top == value
            case "parent":
                return self.in_sight(value) and row["parent_id"] == value
            case "customer" if kind == "project":
                customer = self.data.row("customer", value)
                return customer is not None and self.in_sight(value) and row["id"] in self.data.projects_of(customer)
            case "customer":
                return row["customer_id"] == value
            case "requester":
                return row["requester_id"] == value
            case "unmatched":
                return (row["requester_id"] is None) == value
            case "record":
                touched = {e["number"] for e in self.data["change_record"] if e["record_id"] == value}
                return row["number"] in touched
        return self.text(kind, row, name, value)

    def text(self, kind: str, row: Row, name: str, given: Mapping[str, Any]) -> bool:
        match name:
            case "email":
                return compared(row["email_key"], given, address)
            case "requesterEmail":
                return compared(row["requester_email_key"], given, address)
            case "name" if kind == "customer":
                return compared(name_key(row), given, fold)
            case "name" | "firstName" | "lastName":
                return compared(fold(row[snake(name)]), given, fold)
            case "externalId" | "website":
                return compared(row[snake(name)], given, same)
        raise AssertionError(f"no filter {name}")


def plain(row: Row, name: str) -> Any:
    column = snake(name)
    value = row[column]
    return printed(value) if column in {"since", "at"} or column.endswith("_at") else value


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def speaks_of_archived(wanted: Any) -> bool:
    if isinstance(wanted, list):
        return any(map(speaks_of_archived, wanted))
    if not isinstance(wanted, dict):
        return False
    return wanted.get("archived") is not None or any(
        speaks_of_archived(wanted.get(name)) for name in ("and", "or", "not")
    )


def within(moment: int, given: Mapping[str, Any]) -> bool:
    bounds = {name: milliseconds(value) for name, value in given.items() if value is not None}
    return (
        moment >= bounds.get("gte", moment)
        and moment <= bounds.get("lte", moment)
        and ("gt" not in bounds or moment > bounds["gt"])
        and ("lt" not in bounds or moment < bounds["lt"])
    )


def compared(text: str | None, given: Mapping[str, Any], folded: Callable[[str], str]) -> bool:
    """A text's comparisons. What is absent (None, or '' of a folded one) equals nothing that is not empty."""
    for name, value in given.items():
        if value is None:
            continue
        if name == "isNull":
            good = (not text) == value if folded is not same else (text is None) == value
        elif text is None:
            good = False
        elif name == "in":
            good = text in {folded(one) for one in value}
        else:
            part = folded(value)
            good = {"eq": text == part, "contains": part in text, "startsWith": text.startswith(part)}[name]
        if not good:
            return False
    return True


def searched(row: Row, typed: str) -> bool:
    known = words(row["first_name"], row["last_name"], row["email_key"], row["email"], row["external_id"])
    return all(any(k.startswith(w) for k in known) for w in words(typed))


# What is refused before anything is looked up


class Checking:
    """Finds every reason to refuse a request, by its selections alone."""

    def __init__(
        self, reference: Reference, document: DocumentNode, variables: Mapping[str, Any], name: str | None
    ) -> None:
        self.reference = reference
        self.schema = reference.schema
        operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
        (self.operation,) = [o for o in operations if name is None or (o.name and o.name.value == name)]
        self.fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        values = get_variable_values(self.schema, self.operation.variable_definitions or (), dict(variables))
        if isinstance(values, list):
            raise Wrong({"INVALID_VALUE"})
        self.variables = values
        self.codes: set[str] = set()
        self.nodes = 0

    def check(self) -> None:
        assert self.schema.query_type
        self.selection(self.schema.query_type, [self.operation.selection_set], ())
        if self.nodes > 50_000:
            self.codes.add("LIMIT")
        if self.codes:
            raise Wrong(self.codes)

    def included(self, node: Any) -> bool:
        for directive in node.directives or ():
            value = directive.arguments[0].value
            on = self.variables.coerced[value.name.value] if value.kind == "variable" else value.value
            if directive.name.value in {"include", "skip"} and on == (directive.name.value == "skip"):
                return False
        return True

    def collected(self, kind: GraphQLObjectType, sets: Iterable[Any], into: dict[str, list[FieldNode]]) -> set[str]:
        """Gathers the fields for an object type; answers the object types that fragments single out."""
        named: set[str] = set()
        for selections in sets:
            for node in selections.selections:
                if not self.included(node):
                    continue
                if isinstance(node, FieldNode):
                    into.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
                    continue
                inner = self.fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
                assert isinstance(inner, FragmentDefinitionNode | InlineFragmentNode)
                on = inner.type_condition.name.value if inner.type_condition else kind.name
                target = self.schema.type_map[on]
                fits = target is kind or (is_abstract_type(target) and self.schema.is_sub_type(target, kind))
                fields: dict[str, list[FieldNode]] = into if fits else {}
                named |= self.collected(kind, [inner.selection_set], fields)
                named |= {on} if inner.type_condition else set()
        return named

    def selection(self, kind: GraphQLObjectType, sets: Sequence[Any], sizes: tuple[int, ...]) -> None:
        fields: dict[str, list[FieldNode]] = {}
        self.collected(kind, sets, fields)
        for nodes in fields.values():
            name = nodes[0].name.value
            if not name.startswith("__"):
                self.field(kind, name, nodes, sizes)

    def field(self, parent: GraphQLObjectType, name: str, nodes: list[FieldNode], sizes: tuple[int, ...]) -> None:
        definition = parent.fields[name]
        given = get_argument_values(definition, nodes[0], self.variables)
        target = get_named_type(definition.type)
        sets = [n.selection_set for n in nodes if n.selection_set]
        if name == "customerCount" and not self.allowed("Customer"):
            self.codes.add("FORBIDDEN")
        sizes = self.sized(parent, name, target, given, sizes)
        if is_abstract_type(target):
            for possible in self.schema.get_possible_types(target):
                named = self.collected(possible, sets, {})
                if self.allowed(possible.name):
                    self.selection(possible, sets, sizes)
                elif possible.name in named:
                    self.codes.add("FORBIDDEN")
        elif is_object_type(target):
            if parent.name != "Viewer" and not self.allowed(target.name):
                self.codes.add("FORBIDDEN")
            self.selection(target, sets, sizes)

    def allowed(self, type_name: str) -> bool:
        permission = PERMISSION.get(type_name.removesuffix("Connection"))
        return permission is None or permission in self.reference.asking.permissions

    def sized(
        self, parent: GraphQLObjectType, name: str, target: Any, given: Mapping[str, Any], sizes: tuple[int, ...]
    ) -> tuple[int, ...]:
        first, last = given.get("first"), given.get("last")
        if target.name.endswith("Connection"):
            size = 50 if parent.name == "Query" else 20
            if first is not None and last is not None:
                self.codes.add("INVALID_VALUE")
            kind = next(k for k, t in TYPES.items() if t == target.name.removesuffix("Connection"))
            self.cursors(kind, given)
        elif name == "access":
            size = 20
        elif name in {"nodes", "ancestors"} and not parent.name.endswith("Connection"):
            size = len(given["ids"]) if name == "nodes" else 50
            if size > 250:
                self.codes.add("LIMIT")
        else:
            return sizes
        for asked in (first, last):
            if asked is not None:
                size = asked
                if not 1 <= asked <= 250:
                    self.codes.add("LIMIT")
        self.nodes += prod((*sizes, size))
        return (*sizes, size)

    def cursors(self, kind: str, given: Mapping[str, Any]) -> None:
        wanted = given.get("orderBy") or []
        if len(wanted) > 3:
            self.codes.add("LIMIT")
            return
        if len({o["field"] for o in wanted}) < len(wanted):
            self.codes.add("INVALID_VALUE")
        order = Order.of(kind, wanted)
        for name in ("after", "before"):
            if given.get(name) is not None:
                try:
                    order.decoded(given[name], ())
                except ValueError:
                    self.codes.add("BAD_CURSOR")
