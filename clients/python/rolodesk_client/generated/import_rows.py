from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .enums import ImportRowStatus


class ImportRows(BaseModel):
    import_: Optional["ImportRowsImport"] = Field(alias="import")


class ImportRowsImport(BaseModel):
    rows: "ImportRowsImportRows"


class ImportRowsImportRows(BaseModel):
    nodes: list["ImportRowsImportRowsNodes"]
    page_info: "ImportRowsImportRowsPageInfo" = Field(alias="pageInfo")


class ImportRowsImportRowsNodes(BaseModel):
    line: int
    status: ImportRowStatus
    errors: list["ImportRowsImportRowsNodesErrors"]


class ImportRowsImportRowsNodesErrors(BaseModel):
    column: Optional[str]
    value: Optional[str]
    code: str
    message: str
    hint: Optional[str]


class ImportRowsImportRowsPageInfo(BaseModel):
    has_next_page: bool = Field(alias="hasNextPage")
    end_cursor: Optional[str] = Field(alias="endCursor")


ImportRows.model_rebuild()
ImportRowsImport.model_rebuild()
ImportRowsImportRows.model_rebuild()
ImportRowsImportRowsNodes.model_rebuild()
