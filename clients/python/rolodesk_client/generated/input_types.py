from datetime import datetime
from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .enums import (
    CustomerMatch,
    CustomerOrderField,
    CustomerStatus,
    DateOrder,
    ErrorPolicy,
    ImportErrorPolicy,
    ImportMatchBy,
    ImportRowStatus,
    ImportUndoState,
    OnExisting,
    OrderDirection,
)


class ArchiveCustomersInput(BaseModel):
    """Customers to archive: they leave lists and counts and give up their addresses."""

    customer_ids: list[str] = Field(validation_alias="customerIds", serialization_alias="customerIds")
    "At most 1,000."
    dry_run: bool = Field(validation_alias="dryRun", serialization_alias="dryRun", default=False)
    "true: do everything, answer what would be, and keep nothing."
    error_policy: ErrorPolicy = Field(
        validation_alias="errorPolicy", serialization_alias="errorPolicy", default=ErrorPolicy.REJECT_ALL
    )
    "What happens to the others when one is refused."


class ColumnMapping(BaseModel):
    """Reads one column, or a constant, into one property. Several columns may be read into one property: they are joined (`ImportableField.joinedBy`), or the first that has a value counts."""

    column: Optional[str] = None
    "The column as the file's header names it. Either this or `constant`."
    constant: Optional[str] = None
    "What stands for the property in every row, or in those where its columns are empty; at most 5,000 characters."
    field: Optional[str] = None
    "The property: one that `importableFields` lists. Left out: the column is ignored, as are those not named at all."


class CreateCustomerInput(BaseModel):
    """A new customer. Only the address is required."""

    dry_run: bool = Field(validation_alias="dryRun", serialization_alias="dryRun", default=False)
    "true: do everything, answer what would be, and keep nothing."
    email: str
    "The address."
    external_id: Optional[str] = Field(validation_alias="externalId", serialization_alias="externalId", default=None)
    "At most 200 characters; unique among living customers."
    first_name: Optional[str] = Field(validation_alias="firstName", serialization_alias="firstName", default=None)
    "At most 200 characters."
    last_name: Optional[str] = Field(validation_alias="lastName", serialization_alias="lastName", default=None)
    "At most 200 characters."
    organization_id: Optional[str] = Field(validation_alias="organizationId", serialization_alias="organizationId", default=None)
    "The organization to put it in. Left out: none."
    phone: Optional[str] = None
    "At most 100 characters."
    project_ids: Optional[list[str]] = Field(validation_alias="projectIds", serialization_alias="projectIds", default=None)
    "Projects to share with it, at most 100."
    send_invitation: bool = Field(validation_alias="sendInvitation", serialization_alias="sendInvitation", default=False)
    "true: a mail invites the customer to join and set a password. Otherwise nothing is sent."
    title: Optional[str] = None
    "At most 200 characters."


class CustomerFilter(BaseModel):
    """Which customers to list. Conditions given together must all hold."""

    and_: Optional[list["CustomerFilter"]] = Field(validation_alias="and", serialization_alias="and", default=None)
    "All of these hold; an empty list is true."
    archived: Optional[bool] = None
    "true: the archived ones. Left out: the living ones."
    created_at: Optional["DateTimeRange"] = Field(validation_alias="createdAt", serialization_alias="createdAt", default=None)
    "When it was created."
    email: Optional["StringComparison"] = None
    "The address, without regard to case; accents count. Of a domain beyond ASCII all that follows the @ is to be given."
    external_id: Optional["StringComparison"] = Field(validation_alias="externalId", serialization_alias="externalId", default=None)
    "The external id; compared exactly."
    first_name: Optional["StringComparison"] = Field(validation_alias="firstName", serialization_alias="firstName", default=None)
    "The first name."
    ids: Optional[list[str]] = None
    "One of these ids, at most 1,000."
    in_tree_of: Optional[str] = Field(validation_alias="inTreeOf", serialization_alias="inTreeOf", default=None)
    "In this organization or anywhere below it."
    last_name: Optional["StringComparison"] = Field(validation_alias="lastName", serialization_alias="lastName", default=None)
    "The last name."
    name: Optional["StringComparison"] = None
    "The name shown."
    not_: Optional["CustomerFilter"] = Field(validation_alias="not", serialization_alias="not", default=None)
    "This does not hold."
    or_: Optional[list["CustomerFilter"]] = Field(validation_alias="or", serialization_alias="or", default=None)
    "One of these holds; an empty list is false."
    organization: Optional[str] = None
    "In this organization itself, not below it."
    project: Optional[str] = None
    "Sees this project, directly or through an organization; an archived customer only by a share of its own."
    status: Optional[list[CustomerStatus]] = None
    "Has one of these statuses."
    unassigned: Optional[bool] = None
    "true: in no organization; false: in one."
    updated_at: Optional["DateTimeRange"] = Field(validation_alias="updatedAt", serialization_alias="updatedAt", default=None)
    "When its own properties last changed."


class CustomerOrder(BaseModel):
    """A sort key for customers. At most three are taken; the id breaks ties."""

    direction: OrderDirection = OrderDirection.ASC
    "Which way."
    field: CustomerOrderField
    "What to sort by."


class CustomerRef(BaseModel):
    """Names one customer, by exactly one of these."""

    email: Optional[str] = None
    "Its address, among the living."
    external_id: Optional[str] = Field(validation_alias="externalId", serialization_alias="externalId", default=None)
    "Its external id, among the living."
    id: Optional[str] = None
    "Its id; archived customers are found too."


class DateTimeRange(BaseModel):
    """A range of moments. Several bounds at once must all hold."""

    gt: Optional[datetime] = None
    "Later than this moment."
    gte: Optional[datetime] = None
    "At this moment or later."
    lt: Optional[datetime] = None
    "Earlier than this moment."
    lte: Optional[datetime] = None
    "At this moment or earlier."


class FieldPolicyItem(BaseModel):
    """What happens to one property of records that exist already."""

    field: str
    "The property, such as phone. Not the one by which records are found: email only with another `matchBy`."
    on_existing: OnExisting = Field(validation_alias="onExisting", serialization_alias="onExisting")
    "UPDATE: it takes the file's value where there is one. FILL_EMPTY: only if it is empty. SKIP: it stays. FAIL: a row with another value is REFUSED with VALUE_DIFFERS."


class ImportFileInput(BaseModel):
    """An uploaded file to read into records, as a job."""

    create_organizations: bool = Field(validation_alias="createOrganizations", serialization_alias="createOrganizations", default=True)
    "Whether organizations that rows name are created where there are none. false: such a row is REFUSED with NOT_FOUND."
    date_order: Optional[DateOrder] = Field(validation_alias="dateOrder", serialization_alias="dateOrder", default=None)
    "Whether dates such as 03/04/2026 have the day or the month first. Left out: what other dates of the first records tell; a row whose date could be two is refused otherwise."
    delimiter: Optional[str] = None
    "What separates the columns: one character. Left out: recognised."
    dry_run: bool = Field(validation_alias="dryRun", serialization_alias="dryRun", default=False)
    "true: read it all and report what would happen, by row, and keep nothing but the report."
    encoding: Optional[str] = None
    "The file's encoding, such as utf-8 or windows-1252. Left out: recognised."
    error_policy: ImportErrorPolicy = Field(
        validation_alias="errorPolicy", serialization_alias="errorPolicy", default=ImportErrorPolicy.CONTINUE
    )
    "When it stops because of refused rows. It is FAILED then, with LIMIT; what was written stays, `undoImport` takes it back, `retryImport` goes on after the last refused row."
    field_policies: Optional[list["FieldPolicyItem"]] = Field(
        validation_alias="fieldPolicies", serialization_alias="fieldPolicies", default=None
    )
    "What happens to single properties of existing records instead, where `onExisting` is UPDATE or FILL_EMPTY."
    first_line: Optional[int] = Field(validation_alias="firstLine", serialization_alias="firstLine", default=None)
    "The line (of a sheet: the row) the table begins on. Left out: recognised."
    has_header: Optional[bool] = Field(validation_alias="hasHeader", serialization_alias="hasHeader", default=None)
    "Whether the first row names the columns. Left out: recognised."
    mapping: Optional[list["ColumnMapping"]] = None
    "Which column is read into which property; columns left out are ignored. Left out: as the file itself tells; what was saved or done before is offered by previews alone."
    mapping_id: Optional[str] = Field(validation_alias="mappingId", serialization_alias="mappingId", default=None)
    "A saved mapping to read it by, instead of `mapping`."
    match_by: Optional[ImportMatchBy] = Field(validation_alias="matchBy", serialization_alias="matchBy", default=None)
    "By what existing records are found; the mapping must have that property and may lack any other. Left out: customers by their address; organizations by their external id, else by their name below their parent; tickets by their external id. Of two rows that find one record the first stands."
    most_refused: Optional[int] = Field(validation_alias="mostRefused", serialization_alias="mostRefused", default=None)
    "With CONTINUE: how many rows may be refused; one more stops it. Left out: any."
    on_existing: OnExisting = Field(validation_alias="onExisting", serialization_alias="onExisting", default=OnExisting.UPDATE)
    "What happens to records that exist."
    project_ids: Optional[list[str]] = Field(validation_alias="projectIds", serialization_alias="projectIds", default=None)
    "Of customers: projects to share with all who are created, updated or unchanged, once the file is read; at most 100."
    quote: Optional[str] = None
    "What wraps cells: a double or a single quote, or empty for none. Left out: recognised."
    send_invitations: bool = Field(validation_alias="sendInvitations", serialization_alias="sendInvitations", default=False)
    "Of customers: invite by mail who is created, once the file is read."
    sheet: Optional[str] = None
    "A workbook's sheet, by its name. Left out: the first that holds anything."
    upload_id: str = Field(validation_alias="uploadId", serialization_alias="uploadId")
    "The file, as `POST /uploads` named it."


class ImportRowFilter(BaseModel):
    """Which rows to list. Conditions given together must all hold."""

    status: Optional[list[ImportRowStatus]] = None
    "Became one of these."
    undo: Optional[list[ImportUndoState]] = None
    "Became one of these when the import was undone."
    with_warnings: Optional[bool] = Field(validation_alias="withWarnings", serialization_alias="withWarnings", default=None)
    "true: those with warnings; false: those without."


class MoveCustomersInput(BaseModel):
    """Customers to move into an organization, or out of any. Give `customerIds` or `filter`."""

    customer_ids: Optional[list[str]] = Field(validation_alias="customerIds", serialization_alias="customerIds", default=None)
    "These customers, at most 1,000."
    dry_run: bool = Field(validation_alias="dryRun", serialization_alias="dryRun", default=False)
    "true: do everything, answer what would be, and keep nothing."
    error_policy: ErrorPolicy = Field(
        validation_alias="errorPolicy", serialization_alias="errorPolicy", default=ErrorPolicy.REJECT_ALL
    )
    "What happens to the others when one id is refused."
    filter_: Optional["CustomerFilter"] = Field(validation_alias="filter", serialization_alias="filter", default=None)
    "All that match, without a bound. An empty filter is refused."
    to: "MoveTarget"
    "Where to."


class MoveTarget(BaseModel):
    """Where customers are to go. Leaving it out must not mean none, so it is named."""

    organization_id: Optional[str] = Field(validation_alias="organizationId", serialization_alias="organizationId", default=None)
    "Into this organization."
    unassigned: Optional[bool] = None
    "true: out of any organization."


class OrganizationFilter(BaseModel):
    """Which organizations to list. Conditions given together must all hold."""

    and_: Optional[list["OrganizationFilter"]] = Field(validation_alias="and", serialization_alias="and", default=None)
    "All of these hold; an empty list is true."
    archived: Optional[bool] = None
    "true: the archived ones. Left out: the living ones."
    created_at: Optional["DateTimeRange"] = Field(validation_alias="createdAt", serialization_alias="createdAt", default=None)
    "When it was created."
    external_id: Optional["StringComparison"] = Field(validation_alias="externalId", serialization_alias="externalId", default=None)
    "The external id; compared exactly."
    ids: Optional[list[str]] = None
    "One of these ids, at most 1,000."
    in_tree_of: Optional[str] = Field(validation_alias="inTreeOf", serialization_alias="inTreeOf", default=None)
    "This organization or anywhere below it."
    name: Optional["StringComparison"] = None
    "The name."
    not_: Optional["OrganizationFilter"] = Field(validation_alias="not", serialization_alias="not", default=None)
    "This does not hold."
    or_: Optional[list["OrganizationFilter"]] = Field(validation_alias="or", serialization_alias="or", default=None)
    "One of these holds; an empty list is false."
    parent: Optional[str] = None
    "Directly below this organization."
    project: Optional[str] = None
    "This project is shared with it or with one above it."
    root: Optional[bool] = None
    "true: those of the top level, for a signed-in customer its own organization; false: those below another in sight."
    updated_at: Optional["DateTimeRange"] = Field(validation_alias="updatedAt", serialization_alias="updatedAt", default=None)
    "When its own properties last changed."
    website: Optional["StringComparison"] = None
    "The website; compared exactly."


class StringComparison(BaseModel):
    """Comparisons of a text, without regard to case and accents. Several at once must all hold."""

    contains: Optional[str] = None
    "Contains this text anywhere."
    eq: Optional[str] = None
    "Is this text."
    in_: Optional[list[str]] = Field(validation_alias="in", serialization_alias="in", default=None)
    "Is one of these, at most 1,000. An empty list matches nothing."
    is_null: Optional[bool] = Field(validation_alias="isNull", serialization_alias="isNull", default=None)
    "true: is absent; false: is present."
    starts_with: Optional[str] = Field(validation_alias="startsWith", serialization_alias="startsWith", default=None)
    "Begins with this text."


class UpdateCustomerInput(BaseModel):
    """Changes to a customer. What is left out stays; null clears."""

    customer: "CustomerRef"
    "Which customer."
    dry_run: bool = Field(validation_alias="dryRun", serialization_alias="dryRun", default=False)
    "true: do everything, answer what would be, and keep nothing."
    email: Optional[str] = None
    "The new address; may not be null."
    expected_version: Optional[int] = Field(validation_alias="expectedVersion", serialization_alias="expectedVersion", default=None)
    "Refuse with CONFLICT unless the record has this `version`. Left out: no check."
    external_id: Optional[str] = Field(validation_alias="externalId", serialization_alias="externalId", default=None)
    "At most 200 characters; unique among living customers."
    first_name: Optional[str] = Field(validation_alias="firstName", serialization_alias="firstName", default=None)
    "At most 200 characters."
    last_name: Optional[str] = Field(validation_alias="lastName", serialization_alias="lastName", default=None)
    "At most 200 characters."
    phone: Optional[str] = None
    "At most 100 characters."
    title: Optional[str] = None
    "At most 200 characters."


class UpsertCustomerItem(BaseModel):
    """One customer to create or update. What is left out stays as it is."""

    email: Optional[str] = None
    "The address; required for a new customer."
    external_id: Optional[str] = Field(validation_alias="externalId", serialization_alias="externalId", default=None)
    "At most 200 characters; null clears."
    first_name: Optional[str] = Field(validation_alias="firstName", serialization_alias="firstName", default=None)
    "At most 200 characters; null clears."
    last_name: Optional[str] = Field(validation_alias="lastName", serialization_alias="lastName", default=None)
    "At most 200 characters; null clears."
    organization_id: Optional[str] = Field(validation_alias="organizationId", serialization_alias="organizationId", default=None)
    "The organization it is to be in; null for none."
    phone: Optional[str] = None
    "At most 100 characters; null clears."
    title: Optional[str] = None
    "At most 200 characters; null clears."


class UpsertCustomersInput(BaseModel):
    """Customers to create or, where they exist, to update."""

    customers: list["UpsertCustomerItem"]
    "At most 1,000 items."
    dry_run: bool = Field(validation_alias="dryRun", serialization_alias="dryRun", default=False)
    "true: do everything, answer what would be, and keep nothing."
    error_policy: ErrorPolicy = Field(
        validation_alias="errorPolicy", serialization_alias="errorPolicy", default=ErrorPolicy.REJECT_ALL
    )
    "What happens to the others when one is refused."
    match_by: CustomerMatch = Field(validation_alias="matchBy", serialization_alias="matchBy", default=CustomerMatch.EMAIL)
    "How an item finds its customer."


CustomerFilter.model_rebuild()
ImportFileInput.model_rebuild()
MoveCustomersInput.model_rebuild()
OrganizationFilter.model_rebuild()
UpdateCustomerInput.model_rebuild()
UpsertCustomersInput.model_rebuild()
