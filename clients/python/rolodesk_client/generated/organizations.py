from typing import Optional

from pydantic import Field

from .base_model import BaseModel


class Organizations(BaseModel):
    organizations: "OrganizationsOrganizations"


class OrganizationsOrganizations(BaseModel):
    nodes: list["OrganizationsOrganizationsNodes"]
    page_info: "OrganizationsOrganizationsPageInfo" = Field(alias="pageInfo")


class OrganizationsOrganizationsNodes(BaseModel):
    id: str
    version: int
    name: str
    external_id: Optional[str] = Field(alias="externalId")
    parent: Optional["OrganizationsOrganizationsNodesParent"]


class OrganizationsOrganizationsNodesParent(BaseModel):
    id: str


class OrganizationsOrganizationsPageInfo(BaseModel):
    has_next_page: bool = Field(alias="hasNextPage")
    end_cursor: Optional[str] = Field(alias="endCursor")


Organizations.model_rebuild()
OrganizationsOrganizations.model_rebuild()
OrganizationsOrganizationsNodes.model_rebuild()
