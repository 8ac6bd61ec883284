"""Files that were sent, and what they look like before anything is imported."""

from enum import Enum
from typing import Annotated

import strawberry

from schema.customer_import import ImportColumn, ImportKind
from schema.import_mapping import ImportMapping
from schema.inputs import required
from schema.node import Node
from schema.scalars import DateTime, Upload


@strawberry.enum(description="What tells that a column holds a property.")
class SuggestionBasis(Enum):
    KNOWN_LAYOUT = strawberry.enum_value("KNOWN_LAYOUT", description="The file is a known product's export.")
    HEADER_NAME = strawberry.enum_value("HEADER_NAME", description="The column's name.")
    VALUES = strawberry.enum_value("VALUES", description="The shape of the column's first values.")
    SAVED_MAPPING = strawberry.enum_value(
        "SAVED_MAPPING", description="A mapping that was saved for files with this header."
    )
    EARLIER_IMPORT = strawberry.enum_value(
        "EARLIER_IMPORT", description="The last import of a file with this header that succeeded and was not undone."
    )


@strawberry.type(description="A column as the file has it, and the property it seems to hold.")
class ColumnSuggestion:
    column: str = strawberry.field(description="The column as the file's header names it.")
    samples: list[str] = strawberry.field(description="Its first values; at most 5.")
    field: str | None = strawberry.field(description="The property it seems to hold; null for none.")
    reason: str = strawberry.field(description="Why it is thought so, for a person.")
    basis: SuggestionBasis | None = strawberry.field(description="What tells it; null if nothing does.")
    confidence: float = strawberry.field(description="How surely, from 0 to 1.")
    fill_rate: float = strawberry.field(description="The share of the first records that have a value, from 0 to 1.")


@strawberry.enum(description="What a file of records is.")
class FileFormat(Enum):
    DELIMITED = strawberry.enum_value("DELIMITED", description="Text with separated columns (CSV, TSV).")
    WORKBOOK = strawberry.enum_value("WORKBOOK", description="A workbook: XLSX, XLSB, ODS or XLS.")
    JSON_LINES = strawberry.enum_value(
        "JSON_LINES",
        description="JSON lines: an object a line; the properties of those in the first mebibyte are the columns.",
    )
    VCARD = strawberry.enum_value("VCARD", description="Address cards: vCard 2.1, 3.0 or 4.0.")


@strawberry.type(description="What a file looks like before anything is imported.")
class ImportPreview:
    format: FileFormat = strawberry.field(description="What the file is, told by its content.")
    encoding: str = strawberry.field(description="The character encoding it is read in.")
    delimiter: str = strawberry.field(description="What separates its columns.")
    quote: str = strawberry.field(description="What wraps cells that hold the delimiter; empty where nothing does.")
    has_header: bool = strawberry.field(description="Whether its first row names the columns.")
    first_line: int = strawberry.field(description="The line, or the sheet's row, the table begins on, from 1.")
    sheet: str | None = strawberry.field(description="The sheet that is read; null if the file is no workbook.")
    product: str | None = strawberry.field(
        description="The product whose export it is, such as Google Contacts or HubSpot; null if none is recognised."
    )
    sheets: list[str] = strawberry.field(description="The sheets of a workbook, the hidden ones left out; at most 100.")
    columns: list[ColumnSuggestion] = strawberry.field(description="Its columns; at most 500.")
    mapping: list[ImportColumn] = strawberry.field(
        description="What `mapping` would be by these suggestions: what is read, constants last; at most 1,000."
    )
    import_mappings: list[ImportMapping] = strawberry.field(
        description="The saved mappings for files with this header (the same names in any order, case and marks aside), the last "
        "changed first: that one is suggested; at most 10."
    )
    rows: list[list[str]] = strawberry.field(description="Its first records as they will be read; at most 10.")


KindOfFile = Annotated[ImportKind, strawberry.argument(description="What the file is to be read into.")]
Encoding = Annotated[
    str | None, strawberry.argument(description="Its encoding, such as windows-1252. Left out: recognised.")
]
Delimiter = Annotated[str | None, strawberry.argument(description="What separates its columns. Left out: recognised.")]
Quote = Annotated[
    str | None, strawberry.argument(description="What wraps cells: a quote, or empty. Left out: recognised.")
]
HasHeader = Annotated[
    bool | None, strawberry.argument(description="Whether its first row names the columns. Left out: recognised.")
]
FirstLine = Annotated[
    int | None, strawberry.argument(description="The line the table begins on. Left out: recognised.")
]
Sheet = Annotated[
    str | None, strawberry.argument(description="A workbook's sheet. Left out: the first that holds anything.")
]


@strawberry.input(description="An uploaded file to remove before it expires. What was imported from it stays.")
class RemoveUploadInput:
    upload_id: strawberry.ID = required("Which file. NOT_POSSIBLE while an import that did not end yet reads it.")


@strawberry.type(
    description="A file that was sent, by `POST /uploads` or `uploadFile`. It is removed three days after it was last needed."
)
class UploadedFile(Node):
    filename: str | None = strawberry.field(description="The name it was sent with, at most 200 characters.")
    size_bytes: int = strawberry.field(description="Its size in bytes, at most 1,000,000,000.")
    media_type: str | None = strawberry.field(
        description="What it is, told by its first bytes; text/csv for any text with columns. Null for files older than this."
    )
    created_at: DateTime = strawberry.field(description="When it was sent.")
    expires_at: DateTime = strawberry.field(description="When it is removed, unless it is needed until then.")

    @strawberry.field(
        description="What it looks like, and how its columns seem to map; read from its first MiB. Null once it expired. At most "
        "10 in an operation. Of a file that holds no records it is null, and `errors` beside the data say FILE_REFUSED and why."
    )
    def preview(
        self,
        kind: KindOfFile,
        encoding: Encoding = None,
        delimiter: Delimiter = None,
        quote: Quote = None,
        has_header: HasHeader = None,
        first_line: FirstLine = None,
        sheet: Sheet = None,
    ) -> ImportPreview | None: ...


@strawberry.input(description="A small file to keep for an import, sent with the request itself.")
class UploadFileInput:
    file: Upload = required("The file: a variable, in a GraphQL multipart request.")
