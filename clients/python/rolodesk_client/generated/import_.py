from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .fragments import Progress


class Import(BaseModel):
    import_: Optional["ImportImport"] = Field(alias="import")


ImportImport = Progress
Import.model_rebuild()
