from pydantic import Field

from .base_model import BaseModel
from .fragments import ChangeFields, RecordFields


class CustomersChanged(BaseModel):
    customers_changed: "CustomersChangedCustomersChanged" = Field(
        alias="customersChanged"
    )


class CustomersChangedCustomersChanged(ChangeFields):
    records: "CustomersChangedCustomersChangedRecords"


class CustomersChangedCustomersChangedRecords(BaseModel):
    nodes: list["CustomersChangedCustomersChangedRecordsNodes"]


CustomersChangedCustomersChangedRecordsNodes = RecordFields
CustomersChanged.model_rebuild()
CustomersChangedCustomersChanged.model_rebuild()
CustomersChangedCustomersChangedRecords.model_rebuild()
