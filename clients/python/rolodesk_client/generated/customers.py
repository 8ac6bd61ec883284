from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .fragments import CustomerFields


class Customers(BaseModel):
    customers: "CustomersCustomers"


class CustomersCustomers(BaseModel):
    nodes: list["CustomersCustomersNodes"]
    page_info: "CustomersCustomersPageInfo" = Field(alias="pageInfo")


CustomersCustomersNodes = CustomerFields


class CustomersCustomersPageInfo(BaseModel):
    has_next_page: bool = Field(alias="hasNextPage")
    end_cursor: Optional[str] = Field(alias="endCursor")


Customers.model_rebuild()
CustomersCustomers.model_rebuild()
