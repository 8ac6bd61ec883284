from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .fragments import Problem, Progress


class ImportTickets(BaseModel):
    import_tickets: "ImportTicketsImportTickets" = Field(alias="importTickets")


class ImportTicketsImportTickets(BaseModel):
    import_: Optional["ImportTicketsImportTicketsImport"] = Field(alias="import")
    errors: list["ImportTicketsImportTicketsErrors"]


ImportTicketsImportTicketsImport = Progress


class ImportTicketsImportTicketsErrors(Problem):
    typename__: str = Field(alias="__typename")


ImportTickets.model_rebuild()
ImportTicketsImportTickets.model_rebuild()
