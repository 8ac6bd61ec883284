"""Who asks, as far as rows are concerned: the workspace, and the customer whose view it is (None for staff and keys)."""

from typing import NamedTuple


class Scope(NamedTuple):
    workspace_id: str
    customer_id: str | None
    viewer_id: str | None
    permissions: tuple[str, ...]
    now: int
