"""Imports of files into records."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.connection import After, Before, Connection, DateTimeRange, First, Last, OrderDirection
from schema.inputs import flag, optional, required
from schema.node import Node
from schema.scalars import DateTime

if TYPE_CHECKING:
    from schema.upload import UploadedFile


@strawberry.enum(description="What a file is read into.")
class ImportKind(Enum):
    CUSTOMERS = strawberry.enum_value("CUSTOMERS", description="Customers, and the organizations they name.")
    ORGANIZATIONS = strawberry.enum_value("ORGANIZATIONS", description="Organizations.")
    TICKETS = strawberry.enum_value("TICKETS", description="Tickets, linked to customers by the requester's address.")


@strawberry.enum(description="How far an import has come.")
class ImportStatus(Enum):
    QUEUED = strawberry.enum_value("QUEUED", description="Waits for a worker.")
    RUNNING = strawberry.enum_value("RUNNING", description="Is being read; counts move with each chunk.")
    SUCCEEDED = strawberry.enum_value("SUCCEEDED", description="Read to the end; refused rows are listed.")
    FAILED = strawberry.enum_value("FAILED", description="Could not be read; `error` says why.")
    CANCELLED = strawberry.enum_value("CANCELLED", description="Was stopped; what was read until then stays.")
    UNDOING = strawberry.enum_value("UNDOING", description="Is being undone; `undo` says how far that is.")
    UNDONE = strawberry.enum_value("UNDONE", description="Was undone, and nothing was kept.")
    PARTLY_UNDONE = strawberry.enum_value(
        "PARTLY_UNDONE", description="Was undone but for what `undo.keptRecords` lists. It can be undone again."
    )


@strawberry.enum(description="What became of one record of the file.")
class ImportRowStatus(Enum):
    CREATED = strawberry.enum_value("CREATED", description="A record was made of it.")
    UPDATED = strawberry.enum_value("UPDATED", description="An existing record was changed by it.")
    UNCHANGED = strawberry.enum_value("UNCHANGED", description="The existing record already was like it.")
    SKIPPED = strawberry.enum_value(
        "SKIPPED", description="Left aside by choice: it exists, or came before in the file."
    )
    REFUSED = strawberry.enum_value("REFUSED", description="Could not be taken; `errors` says why.")


@strawberry.enum(description="What became of a record when the import was undone.")
class ImportUndoState(Enum):
    UNDONE = strawberry.enum_value("UNDONE", description="It is as it was before the import: archived, or restored.")
    PARTLY_UNDONE = strawberry.enum_value("PARTLY_UNDONE", description="Some of its values were restored.")
    KEPT = strawberry.enum_value("KEPT", description="It stayed as it is.")


@strawberry.type(description="Why a record, or one value of it, was not undone.")
class UndoIssue:
    property: str | None = strawberry.field(description="The property it is about; null for the whole record.")
    code: str = strawberry.field(
        description="Of a created record: EDITED, JOINED, INVITED, SHARED, HAS_TICKETS or IN_USE. Of a changed one: "
        "CHANGED_SINCE, ARCHIVED, or an `ErrorCode` such as EMAIL_TAKEN."
    )
    message: str = strawberry.field(description="Why, for a person.")


@strawberry.enum(description="What happens to records that exist already.")
class OnExisting(Enum):
    SKIP = strawberry.enum_value("SKIP", description="They stay as they are; the row is SKIPPED.")
    UPDATE = strawberry.enum_value("UPDATE", description="They take the file's values where it has any.")
    FILL_EMPTY = strawberry.enum_value("FILL_EMPTY", description="Only their empty properties take the file's values.")
    FAIL = strawberry.enum_value("FAIL", description="The row is REFUSED.")


@strawberry.enum(
    description="By what an import finds the existing record of a row. A row without a value for it finds its record as if "
    "`matchBy` were left out."
)
class ImportMatchBy(Enum):
    EMAIL = strawberry.enum_value("EMAIL", description="Of customers: by the address. The usual way.")
    EXTERNAL_ID = strawberry.enum_value(
        "EXTERNAL_ID",
        description="By the external id alone: where no living record has it, a new one is made. A customer found by it "
        "takes the row's address, an organization the row's name.",
    )
    ID = strawberry.enum_value(
        "ID",
        description="By the property `id`, such as an export's column \"Rolodesk id\": a row whose id is no living record's of "
        "this workspace and kind is REFUSED with NOT_FOUND. The record takes the row's address, name and external id.",
    )


@strawberry.enum(description="When an import stops because of rows that are refused.")
class ImportErrorPolicy(Enum):
    CONTINUE = strawberry.enum_value("CONTINUE", description="Never, or after `mostRefused` of them.")
    STOP_AT_FIRST = strawberry.enum_value("STOP_AT_FIRST", description="At the first; nothing after it is written.")


@strawberry.input(description="What happens to one property of records that exist already.")
class FieldPolicyItem:
    field: str = required(
        "The property, such as phone. Not the one by which records are found: email only with another `matchBy`."
    )
    on_existing: OnExisting = required(
        "UPDATE: it takes the file's value where there is one. FILL_EMPTY: only if it is empty. SKIP: it stays. "
        "FAIL: a row with another value is REFUSED with VALUE_DIFFERS."
    )


@strawberry.type(
    description="How many records of the file became what. records = created + updated + unchanged + skipped + refused."
)
class ImportCounts:
    records: int = strawberry.field(description="Records read so far.")
    created: int = strawberry.field(description="Records that were made.")
    updated: int = strawberry.field(description="Records that were changed.")
    unchanged: int = strawberry.field(description="Records that already were so.")
    skipped: int = strawberry.field(description="Records left aside by choice.")
    refused: int = strawberry.field(description="Records that could not be taken.")
    warnings: int = strawberry.field(description="Records taken with a warning.")
    unmatched: int = strawberry.field(description="Tickets whose requester is not a customer yet.")


@strawberry.type(description="What is wrong with one value of the file, or worth knowing about it.")
class ImportIssue:
    column: str | None = strawberry.field(
        description="The column as the file names it; null if it is about the whole row."
    )
    value: str | None = strawberry.field(description="The value as the file has it, at most 200 characters.")
    code: str = strawberry.field(
        description="What kind of problem: an `ErrorCode`, or a code of imports such as DUPLICATE_IN_FILE."
    )
    message: str = strawberry.field(description="What is wrong, for a person.")
    hint: str | None = strawberry.field(description="What to do about it.")


@strawberry.type(description="One record of the file and what became of it.")
class ImportRow:
    record_number: int = strawberry.field(
        description="Its place among the file's records, from 1, the header not counted."
    )
    line: int = strawberry.field(description="The line of the file it begins on, from 1.")
    status: ImportRowStatus = strawberry.field(description="What became of it.")
    record: Node | None = strawberry.field(
        description="The customer, organization or ticket it became or was matched to."
    )
    errors: list[ImportIssue] = strawberry.field(description="Why it was refused; at most 20.")
    warnings: list[ImportIssue] = strawberry.field(description="What was noticed and did not stop it; at most 20.")
    undo: ImportUndoState | None = strawberry.field(
        description="What became of its record when the import was undone; null if it was not, or there was nothing to undo."
    )
    undo_issues: list[UndoIssue] = strawberry.field(description="What was not undone, and why; at most 20.")


@strawberry.input(description="Which rows to list. Conditions given together must all hold.")
class ImportRowFilter:
    status: list[ImportRowStatus] | None = optional("Became one of these.")
    undo: list[ImportUndoState] | None = optional("Became one of these when the import was undone.")
    with_warnings: bool | None = optional("true: those with warnings; false: those without.")


@strawberry.type(description="One column of a file and the property it is read into.")
class ImportColumn:
    column: str = strawberry.field(description="The column as the file names it; empty for a constant.")
    field: str | None = strawberry.field(description="The property; null if the column is ignored.")
    constant: str | None = strawberry.field(description="The constant for the property; null for a column.")


@strawberry.type(description="A record that undoing an import left as it is, or restored in part.")
class ImportKept:
    record: Node | None = strawberry.field(description="The customer, organization, ticket or project.")
    undo: ImportUndoState = strawberry.field(description="KEPT or PARTLY_UNDONE.")
    issues: list[UndoIssue] = strawberry.field(description="Why; at most 20.")


@strawberry.enum(description="How far an undo has come.")
class ImportUndoStatus(Enum):
    QUEUED = strawberry.enum_value("QUEUED", description="Waits for a worker.")
    RUNNING = strawberry.enum_value("RUNNING", description="Is being carried out; counts move with each chunk.")
    ENDED = strawberry.enum_value("ENDED", description="Came to its end.")


@strawberry.type(
    description="The last undo of an import, or the last dry run of one. records = undone + partlyUndone + kept."
)
class ImportUndo:
    dry_run: bool = strawberry.field(description="Whether it only says what would be kept.")
    status: ImportUndoStatus = strawberry.field(description="How far it has come.")
    records: int = strawberry.field(description="Records looked at so far, organizations made on demand among them.")
    undone: int = strawberry.field(description="Records that are as they were before the import.")
    partly_undone: int = strawberry.field(description="Records of which some values were restored.")
    kept: int = strawberry.field(description="Records that stay as they are.")
    error_message: str | None = strawberry.field(description="Why it was given up; null otherwise.")
    created_at: DateTime = strawberry.field(description="When it was asked for.")
    started_at: DateTime | None = strawberry.field(description="When a worker took it up.")
    finished_at: DateTime | None = strawberry.field(description="When it ended.")

    @strawberry.field(description="What is kept, in full or in part, with the reasons.")
    def kept_records(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[ImportKept]: ...


@strawberry.type(
    description="A job that reads a file into records, chunk by chunk; a killed server goes on where it was."
)
class Import(Node):
    kind: ImportKind = strawberry.field(description="What the file is read into.")
    status: ImportStatus = strawberry.field(description="How far it has come.")
    filename: str | None = strawberry.field(description="The name of the file.")
    dry_run: bool = strawberry.field(description="Whether it only reports what would happen.")
    counts: ImportCounts = strawberry.field(description="How many records became what.")
    total_records: int | None = strawberry.field(description="Records in the file; null until it was counted.")
    records_per_second: int | None = strawberry.field(
        description="Records read a second, from `startedAt` to its last chunk; null before the first and unless RUNNING."
    )
    seconds_left: int | None = strawberry.field(
        description="Seconds that the other records take at that rate, from its last chunk on; null where the rate is."
    )
    upload: Annotated["UploadedFile", strawberry.lazy("schema.upload")] | None = strawberry.field(
        description="The file it reads; its preview is null once it expired."
    )
    columns: list[ImportColumn] = strawberry.field(
        description="The columns of the file and what they are read into; at most 500."
    )
    error_code: str | None = strawberry.field(description="Why it FAILED: an `ErrorCode`.")
    error_message: str | None = strawberry.field(description="Why it FAILED, for a person.")
    refused_rows_path: str | None = strawberry.field(
        description="Where refused rows are fetched as CSV, with the same credentials: the file's columns, and line, codes "
        "and reasons. Corrected, it is sent again for `retryImport`. Null where none was refused."
    )
    retry_of: "Import | None" = strawberry.field(
        description="The import whose refused rows, corrected, its file has: that which `retryImport` named. Null for any other."
    )
    undo: ImportUndo | None = strawberry.field(description="How it was undone, or would be; null if nobody asked.")
    created_at: DateTime = strawberry.field(description="When it was asked for.")
    started_at: DateTime | None = strawberry.field(description="When a worker took it up.")
    finished_at: DateTime | None = strawberry.field(description="When it ended.")

    @strawberry.field(description="What became of each record of the file, in its order.")
    def rows(
        self,
        filter: Annotated[ImportRowFilter | None, strawberry.argument(description="Which rows. Left out: all.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[ImportRow]: ...


@strawberry.input(description="Which imports to list. Conditions given together must all hold.")
class ImportFilter:
    ids: list[strawberry.ID] | None = optional("One of these ids, at most 1,000.")
    kind: list[ImportKind] | None = optional("Of one of these kinds.")
    status: list[ImportStatus] | None = optional("Has one of these statuses.")
    created_at: DateTimeRange | None = optional("When it was asked for.")


@strawberry.enum(description="By what imports can be sorted.")
class ImportOrderField(Enum):
    CREATED_AT = strawberry.enum_value("CREATED_AT", description="By creation.")


@strawberry.input(description="A sort key for imports.")
class ImportOrder:
    field: ImportOrderField = required("What to sort by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.input(
    description="Reads one column, or a constant, into one property. Several columns may be read into one property: they are "
    "joined (`ImportableField.joinedBy`), or the first that has a value counts."
)
class ColumnMapping:
    column: str | None = optional("The column as the file's header names it. Either this or `constant`.")
    constant: str | None = optional(
        "What stands for the property in every row, or in those where its columns are empty; at most 5,000 characters."
    )
    field: str | None = optional(
        "The property: one that `importableFields` lists. Left out: the column is ignored, as are those not named at all."
    )


@strawberry.enum(description="What the values of a property are.")
class ImportableFieldType(Enum):
    DATE_TIME = strawberry.enum_value("DATE_TIME", description="A day, or a moment.")
    EMAIL = strawberry.enum_value("EMAIL", description="One e-mail address.")
    EMAILS = strawberry.enum_value("EMAILS", description="Several e-mail addresses.")
    IDENTIFIER = strawberry.enum_value("IDENTIFIER", description="An id, compared letter for letter.")
    LIST = strawberry.enum_value("LIST", description="Several names with ';' between.")
    PATH = strawberry.enum_value(
        "PATH", description="A name, or names from the top with ' / ' between; ' \\/ ' is no such place."
    )
    PERSON = strawberry.enum_value("PERSON", description="A person's whole name.")
    PHONE = strawberry.enum_value("PHONE", description="A phone number, kept as written.")
    TEXT = strawberry.enum_value("TEXT", description="Any text.")
    URL = strawberry.enum_value("URL", description="The address of a website.")
    WORD = strawberry.enum_value("WORD", description="One of a few words, which the property's description lists.")


@strawberry.type(description="A property that files can be read into.")
class ImportableField:
    name: str = strawberry.field(description="Its name in mappings.")
    type: ImportableFieldType = strawberry.field(description="What its values are.")
    joined_by: str | None = strawberry.field(
        description="What stands between the values of several columns that are read into it; null: the first value counts."
    )
    description: str = strawberry.field(description="What it means and what is accepted.")
    required: bool = strawberry.field(description="Whether a mapping must have it.")
    examples: list[str] = strawberry.field(description="Values as they may stand in a file; at most 5.")


@strawberry.enum(description="What comes first in dates that are written in numbers with slashes or dashes.")
class DateOrder(Enum):
    DAY_FIRST = strawberry.enum_value("DAY_FIRST", description="31/01/2026.")
    MONTH_FIRST = strawberry.enum_value("MONTH_FIRST", description="01/31/2026.")


@strawberry.input(description="An uploaded file to read into records, as a job.")
class ImportFileInput:
    upload_id: strawberry.ID = required("The file, as `POST /uploads` named it.")
    mapping: list[ColumnMapping] | None = optional(
        "Which column is read into which property; columns left out are ignored. Left out: as the file itself tells; "
        "what was saved or done before is offered by previews alone."
    )
    mapping_id: strawberry.ID | None = optional("A saved mapping to read it by, instead of `mapping`.")
    on_existing: OnExisting = strawberry.field(
        default=OnExisting.UPDATE, description="What happens to records that exist."
    )
    match_by: ImportMatchBy | None = optional(
        "By what existing records are found; the mapping must have that property and may lack any other. Left out: "
        "customers by their address; organizations by their external id, else by their name below their parent; tickets by "
        "their external id. Of two rows that find one record the first stands."
    )
    field_policies: list[FieldPolicyItem] | None = optional(
        "What happens to single properties of existing records instead, where `onExisting` is UPDATE or FILL_EMPTY."
    )
    error_policy: ImportErrorPolicy = strawberry.field(
        default=ImportErrorPolicy.CONTINUE,
        description="When it stops because of refused rows. It is FAILED then, with LIMIT; what was written stays, "
        "`undoImport` takes it back, `retryImport` goes on after the last refused row.",
    )
    most_refused: int | None = optional(
        "With CONTINUE: how many rows may be refused; one more stops it. Left out: any."
    )
    create_organizations: bool = strawberry.field(
        default=True,
        description="Whether organizations that rows name are created where there are none. false: such a row is REFUSED "
        "with NOT_FOUND.",
    )
    encoding: str | None = optional("The file's encoding, such as utf-8 or windows-1252. Left out: recognised.")
    delimiter: str | None = optional("What separates the columns: one character. Left out: recognised.")
    quote: str | None = optional(
        "What wraps cells: a double or a single quote, or empty for none. Left out: recognised."
    )
    has_header: bool | None = optional("Whether the first row names the columns. Left out: recognised.")
    first_line: int | None = optional("The line (of a sheet: the row) the table begins on. Left out: recognised.")
    sheet: str | None = optional("A workbook's sheet, by its name. Left out: the first that holds anything.")
    date_order: DateOrder | None = optional(
        "Whether dates such as 03/04/2026 have the day or the month first. Left out: what other dates of the first records "
        "tell; a row whose date could be two is refused otherwise."
    )
    project_ids: list[strawberry.ID] | None = optional(
        "Of customers: projects to share with all who are created, updated or unchanged, once the file is read; at most 100."
    )
    send_invitations: bool = flag("Of customers: invite by mail who is created, once the file is read.")
    dry_run: bool = flag("true: read it all and report what would happen, by row, and keep nothing but the report.")


@strawberry.input(description="An import to stop. It ends within one chunk; what was read until then stays.")
class CancelImportInput:
    import_id: strawberry.ID = required("Which import.")


@strawberry.input(
    description="An import to undo: one that SUCCEEDED, FAILED, was CANCELLED or PARTLY_UNDONE. A value is restored only "
    "if it still is what the import wrote; created records that were edited, invited or used since are kept."
)
class UndoImportInput:
    import_id: strawberry.ID = required("Which import.")
    dry_run: bool = flag("true: undo nothing and list in the import's `undo` what would be kept.")


@strawberry.input(
    description="An import to try again: with a corrected file (`refusedRowsPath`) as a new import with the same mapping "
    "and policy, whose rows have the lines of the first file; or, if it FAILED or was CANCELLED, the same one."
)
class RetryImportInput:
    import_id: strawberry.ID = required("Which import.")
    upload_id: strawberry.ID | None = optional("The corrected file, as `POST /uploads` named it.")
    dry_run: bool = flag("true: with a file, report what would happen and keep nothing else.")
