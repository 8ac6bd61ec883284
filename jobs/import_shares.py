"""The projects that rows of customers name, to be shared with them: found by name, or by external id."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import partial

from db import batches, projects
from db.tables import Project
from db.text import clean, fold
from db.transaction import Transaction
from jobs.import_entries import Entry, Outcome

MOST_NAMED = 20
BETWEEN = ";"


def named(entry: Entry) -> tuple[str, ...]:
    """What a row names: names or external ids of projects."""
    parts = [part for part in entry.values["projects"].split(BETWEEN) if part.strip()]
    if len(parts) > MOST_NAMED:
        message = f"A row names at most {MOST_NAMED} projects; this one names {len(parts):,}."
        entry.errors.append(entry.issue("LIMIT", message, "projects"))
        return ()
    cleaned = (entry.attempt(partial(clean, part, 200, ("projects",))) for part in parts)
    return tuple(dict.fromkeys(one for one in cleaned if one))


@dataclass(slots=True)
class Shares:
    """The projects of one attempt at a chunk, and who is to share them."""

    _by_name: dict[str, str] = field(default_factory=dict)
    _by_external_id: dict[str, str] = field(default_factory=dict)
    _members: dict[str, list[str]] = field(default_factory=dict)

    async def look_up(self, tx: Transaction, names: Collection[str]) -> None:
        self._by_name = await batches.projects_named(tx, {fold(one) for one in names})
        self._by_external_id = await batches.by_external_id(tx, Project, names)

    def find(self, outcome: Outcome) -> list[str]:
        """The projects that a row names; the outcome is refused where there is none of a name."""
        found = []
        for one in outcome.entry.kept["projects"]:
            project_id = self._by_name.get(fold(one)) or self._by_external_id.get(one)
            if project_id is None:
                message = f"No project has the name or the external id {one!r}."
                outcome.refuse("NOT_FOUND", message, "projects")
                return []
            found.append(project_id)
        return found

    def add(self, project_ids: Iterable[str], customer_id: str) -> None:
        for project_id in project_ids:
            members = self._members.setdefault(project_id, [])
            if customer_id not in members[-1:]:
                members.append(customer_id)

    async def write(self, tx: Transaction) -> None:
        for project_id, customer_ids in self._members.items():
            await projects.share(tx, project_id, customer_ids, [])
