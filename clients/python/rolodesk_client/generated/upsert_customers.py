from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .enums import Outcome
from .fragments import CustomerFields, Problem


class UpsertCustomers(BaseModel):
    upsert_customers: "UpsertCustomersUpsertCustomers" = Field(alias="upsertCustomers")


class UpsertCustomersUpsertCustomers(BaseModel):
    count: int
    results: list["UpsertCustomersUpsertCustomersResults"]
    errors: list["UpsertCustomersUpsertCustomersErrors"]


class UpsertCustomersUpsertCustomersResults(BaseModel):
    outcome: Outcome
    customer: Optional["UpsertCustomersUpsertCustomersResultsCustomer"]
    errors: list["UpsertCustomersUpsertCustomersResultsErrors"]


UpsertCustomersUpsertCustomersResultsCustomer = CustomerFields


class UpsertCustomersUpsertCustomersResultsErrors(Problem):
    typename__: str = Field(alias="__typename")


class UpsertCustomersUpsertCustomersErrors(Problem):
    typename__: str = Field(alias="__typename")


UpsertCustomers.model_rebuild()
UpsertCustomersUpsertCustomers.model_rebuild()
UpsertCustomersUpsertCustomersResults.model_rebuild()
