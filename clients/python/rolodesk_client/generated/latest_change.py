from .base_model import BaseModel
from .fragments import ChangeFields


class LatestChange(BaseModel):
    changes: "LatestChangeChanges"


class LatestChangeChanges(BaseModel):
    edges: list["LatestChangeChangesEdges"]


class LatestChangeChangesEdges(BaseModel):
    cursor: str
    node: "LatestChangeChangesEdgesNode"


LatestChangeChangesEdgesNode = ChangeFields
LatestChange.model_rebuild()
LatestChangeChanges.model_rebuild()
LatestChangeChangesEdges.model_rebuild()
