from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .fragments import CustomerFields, Problem


class CreateCustomer(BaseModel):
    create_customer: "CreateCustomerCreateCustomer" = Field(alias="createCustomer")


class CreateCustomerCreateCustomer(BaseModel):
    customer: Optional["CreateCustomerCreateCustomerCustomer"]
    errors: list["CreateCustomerCreateCustomerErrors"]


CreateCustomerCreateCustomerCustomer = CustomerFields


class CreateCustomerCreateCustomerErrors(Problem):
    typename__: str = Field(alias="__typename")


CreateCustomer.model_rebuild()
CreateCustomerCreateCustomer.model_rebuild()
