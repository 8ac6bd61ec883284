from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .fragments import Problem, Progress


class ImportCustomers(BaseModel):
    import_customers: "ImportCustomersImportCustomers" = Field(alias="importCustomers")


class ImportCustomersImportCustomers(BaseModel):
    import_: Optional["ImportCustomersImportCustomersImport"] = Field(alias="import")
    errors: list["ImportCustomersImportCustomersErrors"]


ImportCustomersImportCustomersImport = Progress


class ImportCustomersImportCustomersErrors(Problem):
    typename__: str = Field(alias="__typename")


ImportCustomers.model_rebuild()
ImportCustomersImportCustomers.model_rebuild()
