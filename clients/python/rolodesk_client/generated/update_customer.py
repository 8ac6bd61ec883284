from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .fragments import CustomerFields, Problem


class UpdateCustomer(BaseModel):
    update_customer: "UpdateCustomerUpdateCustomer" = Field(alias="updateCustomer")


class UpdateCustomerUpdateCustomer(BaseModel):
    customer: Optional["UpdateCustomerUpdateCustomerCustomer"]
    errors: list["UpdateCustomerUpdateCustomerErrors"]


UpdateCustomerUpdateCustomerCustomer = CustomerFields


class UpdateCustomerUpdateCustomerErrors(Problem):
    typename__: str = Field(alias="__typename")


UpdateCustomer.model_rebuild()
UpdateCustomerUpdateCustomer.model_rebuild()
