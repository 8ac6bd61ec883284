"""Who asks, as far as rows are concerned: the workspace, and the customer whose view it is (None for staff and keys)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    workspace_id: str
    customer_id: str | None
    viewer_id: str | None
    permissions: tuple[str, ...]
    now: int
