from typing import Optional

from .base_model import BaseModel
from .fragments import CustomerFields


class Customer(BaseModel):
    customer: Optional["CustomerCustomer"]


CustomerCustomer = CustomerFields
Customer.model_rebuild()
