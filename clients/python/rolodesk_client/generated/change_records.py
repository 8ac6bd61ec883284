from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .fragments import RecordFields


class ChangeRecords(BaseModel):
    changes: "ChangeRecordsChanges"


class ChangeRecordsChanges(BaseModel):
    nodes: list["ChangeRecordsChangesNodes"]


class ChangeRecordsChangesNodes(BaseModel):
    number: int
    records: "ChangeRecordsChangesNodesRecords"


class ChangeRecordsChangesNodesRecords(BaseModel):
    nodes: list["ChangeRecordsChangesNodesRecordsNodes"]
    page_info: "ChangeRecordsChangesNodesRecordsPageInfo" = Field(alias="pageInfo")


ChangeRecordsChangesNodesRecordsNodes = RecordFields


class ChangeRecordsChangesNodesRecordsPageInfo(BaseModel):
    has_next_page: bool = Field(alias="hasNextPage")
    end_cursor: Optional[str] = Field(alias="endCursor")


ChangeRecords.model_rebuild()
ChangeRecordsChanges.model_rebuild()
ChangeRecordsChangesNodes.model_rebuild()
ChangeRecordsChangesNodesRecords.model_rebuild()
