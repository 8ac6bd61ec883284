from typing import Optional

from pydantic import Field

from .base_model import BaseModel


class ImportPreview(BaseModel):
    upload: Optional["ImportPreviewUpload"]


class ImportPreviewUpload(BaseModel):
    id: str
    filename: Optional[str]
    media_type: Optional[str] = Field(alias="mediaType")
    preview: Optional["ImportPreviewUploadPreview"]


class ImportPreviewUploadPreview(BaseModel):
    encoding: str
    delimiter: str
    columns: list["ImportPreviewUploadPreviewColumns"]
    rows: list[list[str]]


class ImportPreviewUploadPreviewColumns(BaseModel):
    column: str
    field: Optional[str]
    reason: str
    samples: list[str]


ImportPreview.model_rebuild()
ImportPreviewUpload.model_rebuild()
ImportPreviewUploadPreview.model_rebuild()
