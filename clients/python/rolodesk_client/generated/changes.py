from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .fragments import ChangeFields, RecordFields


class Changes(BaseModel):
    changes: "ChangesChanges"


class ChangesChanges(BaseModel):
    edges: list["ChangesChangesEdges"]
    page_info: "ChangesChangesPageInfo" = Field(alias="pageInfo")


class ChangesChangesEdges(BaseModel):
    cursor: str
    node: "ChangesChangesEdgesNode"


class ChangesChangesEdgesNode(ChangeFields):
    records: "ChangesChangesEdgesNodeRecords"


class ChangesChangesEdgesNodeRecords(BaseModel):
    nodes: list["ChangesChangesEdgesNodeRecordsNodes"]
    page_info: "ChangesChangesEdgesNodeRecordsPageInfo" = Field(alias="pageInfo")


ChangesChangesEdgesNodeRecordsNodes = RecordFields


class ChangesChangesEdgesNodeRecordsPageInfo(BaseModel):
    has_next_page: bool = Field(alias="hasNextPage")
    end_cursor: Optional[str] = Field(alias="endCursor")


class ChangesChangesPageInfo(BaseModel):
    has_next_page: bool = Field(alias="hasNextPage")
    end_cursor: Optional[str] = Field(alias="endCursor")


Changes.model_rebuild()
ChangesChanges.model_rebuild()
ChangesChangesEdges.model_rebuild()
ChangesChangesEdgesNode.model_rebuild()
ChangesChangesEdgesNodeRecords.model_rebuild()
