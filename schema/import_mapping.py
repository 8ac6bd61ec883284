"""Mappings of imports that are saved, and offered again."""

import strawberry

from schema.customer_import import ColumnMapping, ImportColumn, ImportKind
from schema.inputs import optional, required
from schema.node import Node
from schema.scalars import DateTime

HEADER = "The columns of the file, as its preview names them, those that are ignored too; at most 500."
MAPPING = "Which column is read into which property; columns left out are ignored. At most 500 entries."


@strawberry.type(description="A mapping that was saved under a name, to be used again for files with the same header.")
class ImportMapping(Node):
    kind: ImportKind = strawberry.field(description="What files are read into by it.")
    name: str = strawberry.field(description="Its name, unique within its kind, at most 200 characters.")
    header: list[str] = strawberry.field(description=HEADER)
    columns: list[ImportColumn] = strawberry.field(
        description="What is read into which property; columns of the header that are not among them are ignored. At most 500."
    )
    created_at: DateTime = strawberry.field(description="When it was saved.")
    updated_at: DateTime = strawberry.field(description="When it was changed last.")


@strawberry.input(description="A mapping to save under a name.")
class CreateImportMappingInput:
    kind: ImportKind = required("What files are read into by it.")
    name: str = required("Its name, at most 200 characters. NAME_TAKEN where another of its kind has it.")
    header: list[str] = required(HEADER)
    mapping: list[ColumnMapping] = required(MAPPING)


@strawberry.input(description="Changes of a saved mapping. What is left out stays.")
class UpdateImportMappingInput:
    import_mapping_id: strawberry.ID = required("Which mapping.")
    name: str | None = optional("Its new name, at most 200 characters.")
    header: list[str] | None = optional(HEADER)
    mapping: list[ColumnMapping] | None = optional(MAPPING)


@strawberry.input(description="A saved mapping to forget. Imports that used it stay as they are.")
class RemoveImportMappingInput:
    import_mapping_id: strawberry.ID = required("Which mapping.")
