from datetime import datetime
from typing import Any, Optional

from pydantic import Field

from .base_model import BaseModel
from .enums import ChangeAction, CustomerStatus, ErrorCode, ImportKind, ImportStatus


class ChangeFields(BaseModel):
    number: int
    at: datetime
    operation: str
    count: int


class CustomerFields(BaseModel):
    id: str
    version: int
    email: str
    first_name: Optional[str] = Field(alias="firstName")
    last_name: Optional[str] = Field(alias="lastName")
    name: str
    phone: Optional[str]
    title: Optional[str]
    external_id: Optional[str] = Field(alias="externalId")
    status: CustomerStatus
    created_at: datetime = Field(alias="createdAt")
    updated_at: datetime = Field(alias="updatedAt")
    organization: Optional["CustomerFieldsOrganization"]


class CustomerFieldsOrganization(BaseModel):
    id: str
    name: str


class Problem(BaseModel):
    code: ErrorCode
    message: str
    path: list[str]


class Progress(BaseModel):
    id: str
    kind: ImportKind
    status: ImportStatus
    dry_run: bool = Field(alias="dryRun")
    total_records: Optional[int] = Field(alias="totalRecords")
    error_code: Optional[str] = Field(alias="errorCode")
    error_message: Optional[str] = Field(alias="errorMessage")
    counts: "ProgressCounts"


class ProgressCounts(BaseModel):
    records: int
    created: int
    updated: int
    unchanged: int
    skipped: int
    refused: int
    warnings: int
    unmatched: int


class RecordFields(BaseModel):
    record_id: str = Field(alias="recordId")
    action: ChangeAction
    before: Any
    after: Any


ChangeFields.model_rebuild()
CustomerFields.model_rebuild()
Problem.model_rebuild()
Progress.model_rebuild()
RecordFields.model_rebuild()
