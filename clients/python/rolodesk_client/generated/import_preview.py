from typing import Optional

from pydantic import Field

from .base_model import BaseModel


class ImportPreview(BaseModel):
    import_preview: Optional["ImportPreviewImportPreview"] = Field(
        alias="importPreview"
    )


class ImportPreviewImportPreview(BaseModel):
    encoding: str
    delimiter: str
    columns: list["ImportPreviewImportPreviewColumns"]
    rows: list[list[str]]


class ImportPreviewImportPreviewColumns(BaseModel):
    column: str
    field: Optional[str]
    reason: str
    samples: list[str]


ImportPreview.model_rebuild()
ImportPreviewImportPreview.model_rebuild()
