
from pydantic import Field

from .base_model import BaseModel
from .fragments import Problem


class ArchiveCustomers(BaseModel):
    archive_customers: "ArchiveCustomersArchiveCustomers" = Field(
        alias="archiveCustomers"
    )


class ArchiveCustomersArchiveCustomers(BaseModel):
    count: int
    errors: list["ArchiveCustomersArchiveCustomersErrors"]


class ArchiveCustomersArchiveCustomersErrors(Problem):
    typename__: str = Field(alias="__typename")


ArchiveCustomers.model_rebuild()
ArchiveCustomersArchiveCustomers.model_rebuild()
