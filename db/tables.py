"""All tables on one page: the entity diagram of Rolodesk.

Every table carries `workspace_id`, and every primary key, unique index and foreign key starts with it: a row of one
workspace cannot refer to another's. Foreign keys take no action; the transaction unlinks. Times are milliseconds in UTC.
A `…_key` column is its neighbour folded by `db.text` and is what is compared, ordered and kept unique.
"""

from typing import Any

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, Integer, text
from sqlalchemy.schema import SchemaItem
from sqlmodel import Field, SQLModel

from db.columns import Flag, JsonText, Key, Milliseconds, Words


def within(column: str, target: str, target_column: str = "id") -> ForeignKeyConstraint:
    """A reference that stays inside the workspace."""
    return ForeignKeyConstraint(
        ["workspace_id", column], [f"{target}.workspace_id", f"{target}.{target_column}"], name=f"fk_{target}_{column}"
    )


def of_workspace() -> ForeignKeyConstraint:
    """The reference of a row to its workspace."""
    return ForeignKeyConstraint(["workspace_id"], ["workspace.workspace_id"], name="fk_workspace")


def living(name: str, *columns: str, unique: bool = False, also: str = "") -> Index:
    """An index over the records that are not archived, first column `workspace_id`."""
    condition = text("archived_at IS NULL" + (f" AND {also}" if also else ""))
    return Index(name, "workspace_id", *columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def constraints(*items: SchemaItem) -> tuple[SchemaItem, ...]:
    return items


def key(**options: Any) -> Any:
    return Field(sa_type=Key, **options)


def words(**options: Any) -> Any:
    return Field(sa_type=Words, **options)


def moment(**options: Any) -> Any:
    return Field(sa_type=Milliseconds, **options)


class Workspace(SQLModel, table=True):
    """The account that owns everything. `change_number` counts its transactions; `access_number` those that moved rights."""

    workspace_id: str = key(primary_key=True)
    slug: str = key(unique=True)
    name: str = words()
    change_number: int = Field(default=0, sa_type=BigInteger)
    access_number: int = Field(default=0, sa_type=BigInteger)
    ticket_number: int = Field(default=0, sa_type=Integer)
    changed_at: int = moment()
    created_at: int = moment()
    sender_name: str | None = words(default=None)
    reply_to: str | None = words(default=None)
    link_base_url: str | None = words(default=None)
    invitation_days: int = Field(default=14, sa_type=Integer)
    invitation_subject: str | None = words(default=None)
    invitation_text: str | None = words(default=None)
    language: str = key(default="en")


class InWorkspace(SQLModel):
    workspace_id: str = key(primary_key=True)


class Identified(InWorkspace):
    id: str = key(primary_key=True)


class Versioned(Identified):
    """A record of its own: `version` and `updated_at` move only with its own columns."""

    version: int = Field(default=1, sa_type=Integer)
    created_at: int = moment()
    updated_at: int = moment()
    archived_at: int | None = moment(default=None)
    archived_by_change: int | None = Field(default=None, sa_type=BigInteger)


class User(Versioned, table=True):
    """A member of the workspace's staff."""

    __table_args__ = constraints(of_workspace())
    email: str = words()
    email_key: str = key()
    name: str = words()
    name_key: str = key()
    role: str = key()
    activated_at: int | None = moment(default=None)


class Organization(Versioned, table=True):
    """A company that customers belong to; organizations nest by `parent_id`. A name is unique among living siblings."""

    __table_args__ = constraints(
        within("parent_id", "organization"),
        living("organization_children", "parent_id", "name_key", "id"),
        living("organization_by_name", "name_key", "id"),
        living("organization_by_created", "created_at", "id"),
        living("organization_by_updated", "updated_at", "id"),
        Index(
            "organization_name_among_siblings",
            "workspace_id",
            text("coalesce(parent_id, '')"),
            "name_key",
            unique=True,
            sqlite_where=text("archived_at IS NULL"),
            postgresql_where=text("archived_at IS NULL"),
        ),
        living("organization_external_id", "external_id", unique=True, also="external_id IS NOT NULL"),
        Index(
            "organization_archived",
            "workspace_id",
            "archived_by_change",
            sqlite_where=text("archived_at IS NOT NULL"),
            postgresql_where=text("archived_at IS NOT NULL"),
        ),
    )
    name: str = words()
    name_key: str = key()
    parent_id: str | None = key(default=None)
    external_id: str | None = key(default=None)
    website: str | None = words(default=None)
    description: str | None = words(default=None)


class Customer(Versioned, table=True):
    """A person the workspace serves, in one organization or in none."""

    __table_args__ = constraints(
        within("organization_id", "organization"),
        living("customer_of_organization", "organization_id", "name_key", "id"),
        living("customer_by_name", "name_key", "id"),
        living("customer_by_last_name", "last_name_key", "id"),
        living("customer_by_email", "email_key", "id"),
        living("customer_active", "name_key", "id", also="activated_at IS NOT NULL"),
        living("customer_by_created", "created_at", "id"),
        living("customer_by_updated", "updated_at", "id"),
        living("customer_external_id", "external_id", unique=True, also="external_id IS NOT NULL"),
        Index(
            "customer_archived",
            "workspace_id",
            "archived_by_change",
            sqlite_where=text("archived_at IS NOT NULL"),
            postgresql_where=text("archived_at IS NOT NULL"),
        ),
    )
    email: str = words()
    email_key: str = key()
    first_name: str | None = words(default=None)
    first_name_key: str = key(default="")
    last_name: str | None = words(default=None)
    last_name_key: str = key(default="")
    name_key: str = key()
    phone: str | None = words(default=None)
    title: str | None = words(default=None)
    external_id: str | None = key(default=None)
    organization_id: str | None = key(default=None)
    activated_at: int | None = moment(default=None)


class EmailAddress(InWorkspace, table=True):
    """Who holds an address: one living customer or one user, never both. The primary key decides."""

    __tablename__ = "email_address"
    __table_args__ = constraints(
        within("customer_id", "customer"),
        within("user_id", "user"),
        Index("email_address_customer", "workspace_id", "customer_id"),
        Index("email_address_user", "workspace_id", "user_id"),
    )
    email_key: str = key(primary_key=True)
    customer_id: str | None = key(default=None)
    user_id: str | None = key(default=None)


class CustomerWord(InWorkspace, table=True):
    """The folded words of a customer's name, address and external id: what `search` looks through by prefix.

    With each word goes the key by which its customer is ordered, so that a word's customers are read in that order.
    """

    __tablename__ = "customer_word"
    __table_args__ = (
        within("customer_id", "customer"),
        Index("customer_word_in_order", "workspace_id", "word", "name_key", "customer_id"),
        {"sqlite_with_rowid": False},
    )
    customer_id: str = key(primary_key=True)
    word: str = key(primary_key=True)
    name_key: str = key()


class Project(Versioned, table=True):
    """What customers can be members of."""

    __table_args__ = constraints(
        living("project_name", "name_key", unique=True),
        living("project_by_name", "name_key", "id"),
        living("project_external_id", "external_id", unique=True, also="external_id IS NOT NULL"),
    )
    name: str = words()
    name_key: str = key()
    description: str | None = words(default=None)
    external_id: str | None = key(default=None)


class ProjectCustomer(InWorkspace, table=True):
    """A project shared with a customer directly."""

    __tablename__ = "project_customer"
    __table_args__ = constraints(
        within("project_id", "project"),
        within("customer_id", "customer"),
        Index("project_customer_of", "workspace_id", "customer_id", "project_id"),
    )
    project_id: str = key(primary_key=True)
    customer_id: str = key(primary_key=True)
    created_at: int = moment()


class ProjectOrganization(InWorkspace, table=True):
    """A project shared with an organization: its customers, those below it, and those who join later."""

    __tablename__ = "project_organization"
    __table_args__ = constraints(
        within("project_id", "project"),
        within("organization_id", "organization"),
        Index("project_organization_of", "workspace_id", "organization_id", "project_id"),
    )
    project_id: str = key(primary_key=True)
    organization_id: str = key(primary_key=True)
    created_at: int = moment()


class Ticket(Versioned, table=True):
    """A request. Its requester is a customer or, until that customer exists, an address."""

    __table_args__ = constraints(
        within("project_id", "project"),
        within("requester_id", "customer"),
        Index("ticket_number", "workspace_id", "number", unique=True),
        living("ticket_by_number", "number", "id"),
        living("ticket_by_created", "created_at", "id"),
        living("ticket_by_updated", "updated_at", "id"),
        living("ticket_of_requester", "requester_id", "number", "id"),
        living("ticket_of_project", "project_id", "number", "id"),
        living("ticket_unmatched", "requester_email_key", also="requester_id IS NULL"),
        living("ticket_external_id", "external_id", unique=True, also="external_id IS NOT NULL"),
    )
    number: int = Field(sa_type=Integer)
    subject: str = words()
    description: str | None = words(default=None)
    status: str = key()
    priority: str = key()
    project_id: str | None = key(default=None)
    requester_id: str | None = key(default=None)
    requester_email: str = words()
    requester_email_key: str = key()
    requester_name: str | None = words(default=None)
    external_id: str | None = key(default=None)


class Invitation(Identified, table=True):
    """An invitation of a customer to join. Its status follows from these times; `token_hash` is of the last link sent."""

    __table_args__ = constraints(
        within("customer_id", "customer"),
        Index("invitation_of_customer", "workspace_id", "customer_id", "id"),
        Index("invitation_by_created", "workspace_id", "created_at", "id"),
        Index(
            "invitation_expiry",
            "workspace_id",
            "expires_at",
            sqlite_where=text("accepted_at IS NULL AND revoked_at IS NULL"),
            postgresql_where=text("accepted_at IS NULL AND revoked_at IS NULL"),
        ),
        Index("invitation_token", "workspace_id", "token_hash", unique=True),
        Index(
            "invitation_open",
            "workspace_id",
            "customer_id",
            unique=True,
            sqlite_where=text("accepted_at IS NULL AND revoked_at IS NULL"),
            postgresql_where=text("accepted_at IS NULL AND revoked_at IS NULL"),
        ),
    )
    customer_id: str = key()
    invited_by: str | None = key(default=None)
    message: str | None = words(default=None)
    expires_at: int = moment()
    accepted_at: int | None = moment(default=None)
    revoked_at: int | None = moment(default=None)
    sent_count: int = Field(default=1, sa_type=Integer)
    last_sent_at: int | None = moment(default=None)
    delivery: str = key(default="QUEUED")
    delivery_message: str | None = words(default=None)
    bounced_address: str | None = words(default=None)
    token_hash: str = key()
    created_at: int = moment()
    updated_at: int = moment()


class Credential(InWorkspace, table=True):
    """The password of a user or a customer, as an argon2id hash."""

    __table_args__ = constraints(of_workspace())
    holder_id: str = key(primary_key=True)
    password_hash: str = key()
    changed_at: int = moment()


class PasswordReset(Identified, table=True):
    """A link by which a password is set: anew, or for the first time by a user who was invited. Used once."""

    __tablename__ = "password_reset"
    __table_args__ = constraints(
        of_workspace(),
        Index("password_reset_token", "workspace_id", "token_hash", unique=True),
        Index("password_reset_of", "workspace_id", "holder_id"),
    )
    holder_id: str = key()
    requested_by: str | None = key(default=None)
    token_hash: str = key()
    expires_at: int = moment()
    ended_at: int | None = moment(default=None)
    created_at: int = moment()


class IdempotencyKey(InWorkspace, table=True):
    """A field of a mutation that was carried out under a client's key, and what was answered, for who asks again."""

    __tablename__ = "idempotency_key"
    __table_args__ = constraints(of_workspace(), Index("idempotency_key_ended", "workspace_id", "created_at"))
    actor_id: str = key(primary_key=True)
    client_key: str = key(primary_key=True)
    field: str = key(primary_key=True)
    request_hash: str = key()
    answer: str | None = words(default=None)
    created_at: int = moment()


class Session(Identified, table=True):
    """A signed-in user or customer; the token is kept as a hash."""

    __table_args__ = constraints(
        of_workspace(),
        Index("session_token", "workspace_id", "token_hash", unique=True),
        Index("session_of", "workspace_id", "holder_id"),
    )
    holder_id: str = key()
    token_hash: str = key()
    created_at: int = moment()
    expires_at: int = moment()
    last_used_at: int | None = moment(default=None)


class ApiKey(Identified, table=True):
    """A key of an integration; shown once, kept as a hash, recognised by its prefix."""

    __tablename__ = "api_key"
    __table_args__ = constraints(
        of_workspace(),
        Index("api_key_token", "workspace_id", "token_hash", unique=True),
    )
    name: str = words()
    prefix: str = key()
    token_hash: str = key()
    scopes: str = Field(sa_type=JsonText)
    created_by: str | None = key(default=None)
    created_at: int = moment()
    expires_at: int | None = moment(default=None)
    last_used_at: int | None = moment(default=None)
    revoked_at: int | None = moment(default=None)


class Change(InWorkspace, table=True):
    """One transaction: its position in the workspace's log, who did what, and to how many records."""

    __table_args__ = constraints(
        of_workspace(),
        Index(
            "change_of_import",
            "workspace_id",
            "import_id",
            "number",
            sqlite_where=text("import_id IS NOT NULL"),
            postgresql_where=text("import_id IS NOT NULL"),
        ),
    )
    number: int = Field(primary_key=True, sa_type=BigInteger)
    at: int = moment()
    actor_id: str | None = key(default=None)
    operation: str = key()
    count: int = Field(sa_type=Integer)
    import_id: str | None = key(default=None)


class ChangeRecord(InWorkspace, table=True):
    """One record that a change touched: the properties that moved, before and after."""

    __tablename__ = "change_record"
    __table_args__ = constraints(
        within("number", "change", "number"), Index("change_record_history", "workspace_id", "record_id", "number")
    )
    number: int = Field(primary_key=True, sa_type=BigInteger)
    record_id: str = key(primary_key=True)
    action: str = key()
    before: str | None = Field(default=None, sa_type=JsonText)
    after: str | None = Field(default=None, sa_type=JsonText)


class Mail(Identified, table=True):
    """The outbox: a mail to send, written with what caused it and never with the link's token."""

    __table_args__ = constraints(
        within("invitation_id", "invitation"),
        within("reset_id", "password_reset"),
        Index("mail_of_invitation", "workspace_id", "invitation_id", "send_number"),
        Index("mail_of_reset", "workspace_id", "reset_id"),
    )
    kind: str = key()
    invitation_id: str | None = key(default=None)
    reset_id: str | None = key(default=None)
    send_number: int | None = Field(default=None, sa_type=Integer)
    recipient: str = words()
    language: str = key(default="en")
    status: str = key(default="QUEUED")
    attempts: int = Field(default=0, sa_type=Integer)
    server_answer: str | None = words(default=None)
    created_at: int = moment()
    sent_at: int | None = moment(default=None)


class Job(Identified, table=True):
    """Slow work as a row: claimed by a lease, tried again, its progress committed with its data."""

    __table_args__ = constraints(
        of_workspace(),
        Index("job_due", "status", "due_at"),
        Index("job_subject", "workspace_id", "subject_id"),
    )
    kind: str = key()
    subject_id: str = key()
    status: str = key(default="WAITING")
    due_at: int = moment()
    leased_until: int | None = moment(default=None)
    leased_by: str | None = key(default=None)
    attempts: int = Field(default=0, sa_type=Integer)
    last_error: str | None = words(default=None)
    created_at: int = moment()


class Upload(Identified, table=True):
    """A file that was sent to be imported; its bytes are in the upload directory under its id.

    `media_type` is told by its first bytes; files sent before that was noted have none.
    """

    __table_args__ = constraints(of_workspace(), Index("upload_by_created", "workspace_id", "created_at", "id"))
    filename: str | None = words(default=None)
    size_bytes: int = Field(sa_type=BigInteger)
    media_type: str | None = key(default=None)
    created_by: str | None = key(default=None)
    created_at: int = moment()
    expires_at: int = moment()


class Import(Identified, table=True):
    """A job that reads a file into records. `next_record`, `advanced_at` and the counts commit with the rows of each chunk."""

    __table_args__ = constraints(
        within("upload_id", "upload"),
        Index("import_by_created", "workspace_id", "created_at", "id"),
        Index("import_by_header", "workspace_id", "kind", "header_key", "created_at", "id"),
    )
    kind: str = key()
    status: str = key(default="QUEUED")
    upload_id: str = key()
    filename: str | None = words(default=None)
    header_key: str | None = key(default=None)
    columns: str = Field(sa_type=JsonText)
    settings: str = Field(sa_type=JsonText)
    dry_run: bool = Field(default=False, sa_type=Flag)
    total_records: int | None = Field(default=None, sa_type=Integer)
    next_record: int = Field(default=0, sa_type=Integer)
    created: int = Field(default=0, sa_type=Integer)
    updated: int = Field(default=0, sa_type=Integer)
    unchanged: int = Field(default=0, sa_type=Integer)
    skipped: int = Field(default=0, sa_type=Integer)
    refused: int = Field(default=0, sa_type=Integer)
    warnings: int = Field(default=0, sa_type=Integer)
    unmatched: int = Field(default=0, sa_type=Integer)
    error_code: str | None = key(default=None)
    error_message: str | None = words(default=None)
    created_by: str | None = key(default=None)
    created_at: int = moment()
    started_at: int | None = moment(default=None)
    advanced_at: int | None = moment(default=None)
    finished_at: int | None = moment(default=None)
    cancelled_at: int | None = moment(default=None)
    retry_of: str | None = key(default=None)


class ImportMapping(Identified, table=True):
    """A mapping that was saved under a name.

    `header` are the columns of the file, `columns` what is read of them (column, field, constant).
    `header_key` is equal for files whose columns have the same names in any order: to them the mapping is offered again.
    """

    __tablename__ = "import_mapping"
    __table_args__ = constraints(
        of_workspace(),
        Index("import_mapping_name", "workspace_id", "kind", "name_key", unique=True),
        Index("import_mapping_by_name", "workspace_id", "name_key", "id"),
        Index("import_mapping_by_header", "workspace_id", "kind", "header_key", "updated_at"),
    )
    kind: str = key()
    name: str = words()
    name_key: str = key()
    header: str = Field(sa_type=JsonText)
    header_key: str = key()
    columns: str = Field(sa_type=JsonText)
    created_by: str | None = key(default=None)
    created_at: int = moment()
    updated_at: int = moment()


class ImportRow(InWorkspace, table=True):
    """What became of one record of an imported file; `errors` and `warnings` are lists of column, value, code, message, hint.

    `undo` and `undo_issues` (property, code, message) say what became of it when the import was undone.
    """

    __tablename__ = "import_row"
    __table_args__ = constraints(
        within("import_id", "import"), Index("import_row_of_record", "workspace_id", "record_id", "import_id")
    )
    import_id: str = key(primary_key=True)
    record_number: int = Field(primary_key=True, sa_type=Integer)
    line: int = Field(sa_type=Integer)
    status: str = key()
    record_id: str | None = key(default=None)
    errors: str = Field(default="[]", sa_type=JsonText)
    warnings: str = Field(default="[]", sa_type=JsonText)
    undo: str | None = key(default=None)
    undo_issues: str = Field(default="[]", sa_type=JsonText, sa_column_kwargs={"server_default": "[]"})


class ImportUndo(InWorkspace, table=True):
    """The last time an import was undone or, by a dry run, looked at for that: changes from `before_number` on are done."""

    __tablename__ = "import_undo"
    __table_args__ = constraints(within("import_id", "import"))
    import_id: str = key(primary_key=True)
    dry_run: bool = Field(default=False, sa_type=Flag)
    status: str = key(default="QUEUED")
    before_number: int = Field(sa_type=BigInteger)
    done_in_change: int = Field(default=0, sa_type=Integer)
    undone: int = Field(default=0, sa_type=Integer)
    partly: int = Field(default=0, sa_type=Integer)
    kept: int = Field(default=0, sa_type=Integer)
    error_message: str | None = words(default=None)
    created_by: str | None = key(default=None)
    created_at: int = moment()
    started_at: int | None = moment(default=None)
    finished_at: int | None = moment(default=None)


class ImportKept(InWorkspace, table=True):
    """A record that undoing an import left as it is, or restored in part; `issues` say why (property, code, message)."""

    __tablename__ = "import_kept"
    __table_args__ = constraints(within("import_id", "import"))
    import_id: str = key(primary_key=True)
    record_id: str = key(primary_key=True)
    state: str = key()
    issues: str = Field(sa_type=JsonText)


class GuessingLimit(InWorkspace, table=True):
    """Failed attempts at a door (an account or an address), counted over a window that doubles when it is used up."""

    __tablename__ = "guessing_limit"
    door: str = key(primary_key=True)
    failures: int = Field(sa_type=Integer)
    window_ends_at: int = moment()
    doublings: int = Field(default=0, sa_type=Integer)


class ContactSource(Identified, table=True):
    """An address book that a user connected. It and its contacts are that user's alone.

    `credentials` are sealed. `position` is where a fetch that is under way goes on; it commits with the contacts of the
    page before it. `round` numbers the fetches that list the whole book: contacts of an earlier one are gone from it.
    """

    __tablename__ = "contact_source"
    __table_args__ = constraints(
        within("user_id", "user"),
        Index("contact_source_account", "workspace_id", "user_id", "provider", "server", "account_key", unique=True),
    )
    user_id: str = key()
    provider: str = key()
    server: str = key(default="")
    account: str = words()
    account_key: str = key()
    credentials: str = key()
    status: str = key(default="SYNCING")
    status_message: str | None = words(default=None)
    sync_token: str | None = words(default=None)
    position: str | None = words(default=None)
    round: int = Field(default=1, sa_type=Integer)
    whole: bool = Field(default=True, sa_type=Flag)
    failures: int = Field(default=0, sa_type=Integer)
    retry_at: int | None = moment(default=None)
    last_synced_at: int | None = moment(default=None)
    created_at: int = moment()


class Contact(Identified, table=True):
    """A person as an address book has it: a copy that is never written back. `pending`: known by its name, not fetched yet."""

    __table_args__ = constraints(
        within("user_id", "user"),
        within("source_id", "contact_source"),
        Index("contact_of_source", "workspace_id", "source_id", "remote_name", unique=True),
        Index("contact_by_name", "workspace_id", "source_id", "name_key", "id"),
        Index("contact_of_user", "workspace_id", "user_id", "name_key", "id"),
    )
    user_id: str = key()
    source_id: str = key()
    remote_name: str = key()
    tag: str | None = key(default=None)
    round: int = Field(sa_type=Integer)
    pending: bool = Field(default=False, sa_type=Flag)
    name: str = words()
    name_key: str = key()
    first_name: str | None = words(default=None)
    last_name: str | None = words(default=None)
    company: str | None = words(default=None)
    title: str | None = words(default=None)
    phone: str | None = words(default=None)
    emails: str = Field(default="[]", sa_type=JsonText)
    search_key: str = key(default="")


class ContactAddress(InWorkspace, table=True):
    """An address of a contact by its key, in the order of the book: how it is told whether it is a customer's."""

    __tablename__ = "contact_address"
    __table_args__ = constraints(within("contact_id", "contact"))
    contact_id: str = key(primary_key=True)
    position: int = Field(primary_key=True, sa_type=Integer)
    email_key: str = key()


class ContactConsent(Identified, table=True):
    """A browser that was sent to a provider to ask for consent: for one user, one session and one answer."""

    __tablename__ = "contact_consent"
    __table_args__ = constraints(
        within("user_id", "user"),
        Index("contact_consent_state", "workspace_id", "state_hash", unique=True),
        Index("contact_consent_of", "workspace_id", "user_id", "provider", "id"),
    )
    user_id: str = key()
    asking_session: str = key()
    provider: str = key()
    state_hash: str = key()
    verifier: str = key()
    return_to: str | None = words(default=None)
    outcome: str | None = key(default=None)
    expires_at: int = moment()
    created_at: int = moment()
