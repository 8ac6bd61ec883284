"""How a change of access is answered."""

from typing import Any

from db.access_change import Change
from resolvers.payload import Reference


def answered(change: Change | None) -> dict[str, Any] | None:
    """Projects with the number of customers, those that concern most first."""
    if change is None:
        return None
    return {
        name: [
            {"project": Reference(project_id), "customer_count": count}
            for project_id, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
        ]
        for name, counts in (("gained", change.gained), ("lost", change.lost))
    }
