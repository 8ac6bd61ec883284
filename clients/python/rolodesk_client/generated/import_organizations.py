from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .fragments import Problem, Progress


class ImportOrganizations(BaseModel):
    import_organizations: "ImportOrganizationsImportOrganizations" = Field(
        alias="importOrganizations"
    )


class ImportOrganizationsImportOrganizations(BaseModel):
    import_: Optional["ImportOrganizationsImportOrganizationsImport"] = Field(
        alias="import"
    )
    errors: list["ImportOrganizationsImportOrganizationsErrors"]


ImportOrganizationsImportOrganizationsImport = Progress


class ImportOrganizationsImportOrganizationsErrors(Problem):
    typename__: str = Field(alias="__typename")


ImportOrganizations.model_rebuild()
ImportOrganizationsImportOrganizations.model_rebuild()
