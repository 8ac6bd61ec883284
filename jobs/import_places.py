"""The organizations that the records of a chunk name: found, or planned to be made, each once.

A name alone means the organization at the top level, or else the only one of that name; a path leads from the top.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from db import batches, organizations
from db.ids import new_id
from db.tables import Organization
from db.transaction import Transaction
from db.writing import blank
from jobs.import_entries import Outcome

Names = tuple[tuple[str, str], ...]
"""A path: names from the top, each with its key."""

OrganizationRow = dict[str, Any]


@dataclass(slots=True)
class Memory:
    """What a dry run would have made so far. Its chunks are rolled back, so that later ones find it here."""

    made: dict[str, OrganizationRow] = field(default_factory=dict)
    changed: dict[str, dict[str, Any]] = field(default_factory=dict)
    addresses: dict[str, int] = field(default_factory=dict)
    external_ids: dict[str, int] = field(default_factory=dict)
    given_up: dict[tuple[str, str], str] = field(default_factory=dict)
    records: dict[int, tuple[int, str | None]] = field(default_factory=dict)


class Places:
    """The organizations of one attempt at a chunk."""

    def __init__(self, memory: Memory, *, creates: bool = True) -> None:
        self._memory = memory
        self._creates = creates
        self._below: dict[tuple[str, str], OrganizationRow] = {}
        self._named: dict[str, list[OrganizationRow]] = {}
        self._by_external_id: dict[str, OrganizationRow] = {}
        self._stored: dict[str, OrganizationRow] = {}
        self._by_id: dict[str, OrganizationRow] = {}
        self._moved: set[str] = set()
        self.made: dict[str, OrganizationRow] = {}
        self.changed: dict[str, dict[str, Any]] = {}
        for row in memory.made.values():
            self._note(dict(row))

    # Looking up, before any record is decided

    async def look_up(
        self,
        tx: Transaction,
        paths: Collection[Names],
        external_ids: Collection[str] = (),
        ids: Collection[str] = (),
    ) -> None:
        """Finds what these paths, external ids and ids name."""
        by_external_id = await batches.by_external_id(tx, Organization, external_ids)
        for row in (await batches.by_id(tx, Organization, list({*by_external_id.values(), *ids}))).values():
            self._store(row)
        parents, level = {""}, 0
        while deeper := [path for path in paths if len(path) > level]:
            found = await self.look_below(tx, parents, {path[level][1] for path in deeper})
            level += 1
            if all(len(path) == level for path in deeper):
                break
            parents = found
        elsewhere = {path[0][1] for path in paths if len(path) == 1 and ("", path[0][1]) not in self._below}
        for key, alike in (await batches.organizations_named(tx, elsewhere)).items():
            known = {row["id"] for row in self._named.get(key, ())}
            for row in alike:
                if row["id"] not in known:
                    self._store(row)

    async def look_below(self, tx: Transaction, parents: Iterable[str], keys: Collection[str]) -> set[str]:
        """Finds the organizations of these names below these parents; answers their ids."""
        found = await batches.organizations_below(tx, set(parents), keys)
        for row in found.values():
            if row["id"] not in self._stored:
                self._store(row)
        made = (
            {row["id"] for row in self._memory.made.values() if row["name_key"] in keys} if self._memory.made else set()
        )
        return {row["id"] for row in found.values()} | made

    def _store(self, row: OrganizationRow) -> None:
        self._stored[row["id"]] = dict(row)
        self._by_id[row["id"]] = noted = {**row, **self._memory.changed.get(row["id"], {})}
        self._note(noted)

    def _note(self, row: OrganizationRow) -> None:
        self._below[row["parent_id"] or "", row["name_key"]] = row
        alike = self._named.setdefault(row["name_key"], [])
        alike[:] = [one for one in alike if one["id"] != row["id"]] + [row]
        if row["external_id"] is not None:
            self._by_external_id[row["external_id"]] = row

    # Deciding

    def below(self, parent_id: str | None, key: str) -> OrganizationRow | None:
        return self._below.get((parent_id or "", key))

    def known(self) -> list[str]:
        """The ids of all organizations that were looked up."""
        return list(self._stored)

    def peek(self, path: Names) -> OrganizationRow | None:
        """The organization of a path, if there is one."""
        if len(path) == 1 and ("", path[0][1]) not in self._below:
            alike = self._named.get(path[0][1], [])
            return alike[0] if len(alike) == 1 else None
        row: OrganizationRow | None = None
        for _, key in path:
            row = self.below(row["id"] if row else None, key)
            if row is None:
                return None
        return row

    def by_id(self, organization_id: str) -> OrganizationRow | None:
        return self._by_id.get(organization_id)

    def by_external_id(self, external_id: str | None) -> OrganizationRow | None:
        return self._by_external_id.get(external_id) if external_id is not None else None

    def find(self, path: Names, outcome: Outcome, name: str, *, below: str | None = None) -> OrganizationRow | None:
        """The organization of a path from the top, or from `below`; planned where there is none and may be made.

        None where the outcome was refused.
        """
        if below is None and len(path) == 1 and ("", path[0][1]) not in self._below:
            alike = self._named.get(path[0][1], [])
            if len(alike) > 1:
                message = f"Several organizations are named {path[0][0]!r}, none of them at the top level."
                outcome.refuse("AMBIGUOUS_ORGANIZATION", message, name)
                return None
            if alike:
                return alike[0]
        row: OrganizationRow | None = None
        for level, (one, key) in enumerate(path):
            parent_id = row["id"] if row else below
            row = self.below(parent_id, key)
            if row is None and not self._creates:
                where = f" below {path[level - 1][0]!r}" if level else ""
                outcome.refuse("NOT_FOUND", f"No organization is named {one!r}{where}, and none are to be made.", name)
                return None
            row = row or self.make({"name": one, "name_key": key, "parent_id": parent_id})
        return row

    def make(self, properties: OrganizationRow) -> OrganizationRow:
        """Plans a new organization."""
        row = {**blank(Organization), **properties, "id": new_id("organization")}
        self.made[row["id"]] = row
        self._note(row)
        return row

    def change(self, row: OrganizationRow, moved: dict[str, Any]) -> None:
        """Plans a change of an organization's own properties, or of its place."""
        old = self._below.get((row["parent_id"] or "", row["name_key"]))
        if ("name_key" in moved or "parent_id" in moved) and old is row:
            del self._below[row["parent_id"] or "", row["name_key"]]
        if "parent_id" in moved:
            self._moved.add(row["id"])
        row.update(moved)
        self._note(row)
        if row["id"] not in self.made:
            self.changed.setdefault(row["id"], {}).update(moved)

    def identify(self, row: OrganizationRow, external_id: str, outcome: Outcome, name: str) -> None:
        """Gives an organization an external id; where it has another one, that one stands."""
        if row["external_id"] is None:
            self.change(row, {"external_id": external_id})
        else:
            message = (
                f"The organization {row['name']!r} has the external id {row['external_id']!r} already, which stands."
            )
            outcome.warn("EXTERNAL_ID_DIFFERS", message, name)

    def website(self, row: OrganizationRow, website: str | None, outcome: Outcome, name: str) -> None:
        """Fills an organization's website; where it has another one, that one stands."""
        if website is None:
            return
        if row["website"] is None:
            self.change(row, {"website": website})
        elif alike(row["website"]) != alike(website):
            message = f"The organization {row['name']!r} has the website {row['website']!r} already, which stands."
            outcome.warn("WEBSITE_DIFFERS", message, name)

    # Writing

    async def write_made(self, tx: Transaction, used: Iterable[str | None] = ()) -> None:
        """Adds what was planned, and what an earlier chunk of a dry run made and this one's records refer to."""
        again: dict[str, OrganizationRow] = {}
        earlier = [(row, self._memory.changed[one]) for one, row in self._stored.items() if one in self._memory.changed]
        await batches.change_organizations(tx, earlier)
        if self._memory.made:
            for one in (*used, *(row["parent_id"] for row in self.made.values())):
                self._again(one, again)
        await batches.add_organizations(tx, [*again.values(), *self.made.values()])

    async def write_changed(self, tx: Transaction) -> None:
        """Changes what was planned to be changed."""
        own = [one for one in self.changed if one in self._stored and one not in self._moved]
        await batches.change_organizations(tx, [(self._stored[one], self.changed[one]) for one in own])

    async def write_moved(self, tx: Transaction, organization_id: str) -> None:
        """Puts one in its new place, with whatever else of it changes; refused where it may not lie."""
        moved = {name: value for name, value in self.changed[organization_id].items() if name != "name_key"}
        await organizations.put_back(tx, self._stored[organization_id], moved)

    def _again(self, organization_id: str | None, again: dict[str, OrganizationRow]) -> None:
        """Those that have to be made once more, parents first."""
        chain = []
        while organization_id in self._memory.made and organization_id not in again:
            row = self._memory.made[organization_id]
            chain.append(row)
            organization_id = row["parent_id"]
        again.update({row["id"]: row for row in reversed(chain)})

    def remember(self) -> None:
        """Notes for later chunks what a dry run would have made."""
        self._memory.made |= self.made
        for one, moved in self.changed.items():
            if one in self._memory.made:
                self._memory.made[one].update(moved)
            else:
                self._memory.changed.setdefault(one, {}).update(moved)


def alike(website: str) -> str:
    """What two spellings of one website have in common."""
    plain = website.strip().casefold().rstrip("/")
    return plain.removeprefix("https://").removeprefix("http://").removeprefix("www.")
