"""What the floors write and answer, on either engine: the row of a new customer, and of one that is moved."""

import secrets
import time
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

Row = tuple[Any, ...]


def created(workspace_id: str, given: Mapping[str, Any]) -> tuple[Row, Response]:
    """A new customer's values, the moment last; and the answer."""
    now, record_id = time.time_ns() // 1_000_000, f"cus_{secrets.token_hex(13)}"
    email, first, last = given["email"], given["firstName"], given["lastName"]
    keys = (first, first.lower(), last, last.lower(), f"{first} {last}".lower())
    row = (workspace_id, record_id, email, email, *keys, given["title"], given["organizationId"], now)
    customer = {"id": record_id, "email": email, "firstName": first, "lastName": last}
    return row, _said({"createCustomer": {"customer": customer, "errors": []}})


def moved(workspace_id: str, given: Mapping[str, Any]) -> tuple[Row, Response]:
    row = (given["to"]["organizationId"], time.time_ns() // 1_000_000, workspace_id, given["customerIds"][0])
    return row, _said({"moveCustomers": {"count": 1, "errors": []}})


def _said(data: Any) -> Response:
    return Response(orjson.dumps({"data": data}), media_type="application/json")
