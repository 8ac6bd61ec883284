
from pydantic import Field

from .base_model import BaseModel
from .fragments import Problem


class MoveCustomers(BaseModel):
    move_customers: "MoveCustomersMoveCustomers" = Field(alias="moveCustomers")


class MoveCustomersMoveCustomers(BaseModel):
    count: int
    errors: list["MoveCustomersMoveCustomersErrors"]


class MoveCustomersMoveCustomersErrors(Problem):
    typename__: str = Field(alias="__typename")


MoveCustomers.model_rebuild()
MoveCustomersMoveCustomers.model_rebuild()
