"""A file's records as organizations: matched by external id, or by name below their parent; or by their id.

Parents may stand anywhere in the file: records are taken level by level, those without a parent in the file first.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, groupby
from typing import Any, Final, NamedTuple

from db import batches, imports, organizations
from db.customers import NewCustomer
from db.errors import Refusal, RequestRefusal
from db.files.table import FileRecord
from db.imports import Work
from db.organization_paths import names_of
from db.tables import Organization
from db.text import fold, shorten
from db.transaction import Transaction
from db.tree import DEEPEST
from jobs.import_entries import FOUND_BY_ITSELF, TAKEN, Entry, Outcome, Waits, moved, value_of
from jobs.import_places import Memory, OrganizationRow, Places

OWN = {"name": "name", "externalId": "external_id", "website": "website", "description": "description"}
"""Properties that are read as they stand, and the columns they become."""

NONE, AMBIGUOUS, CYCLE, ITSELF = 0, -1, -2, -3
"""What stands for a parent's record number: the file has none, it has several, they lead back to the record, or the
record alone has the parent's name."""


class Plan(NamedTuple):
    """In which order a file's records are taken: by number, their level and their parent's number.

    Where the file has no record of a parent, but one of what is above it, that is taken before: `tops` has its number, and
    `rests` how many names of the path lie below it.
    """

    levels: "array[int]"
    parents: "array[int]"
    tops: "array[int]"
    rests: "array[int]"

    @property
    def deepest(self) -> int:
        return max(self.levels, default=0)


@dataclass(slots=True)
class Chunk:
    """One attempt at a chunk: what is known, and what is planned."""

    places: Places
    parents: dict[int, tuple[int, str | None]] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    room: dict[str, int] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    given_up: set[str] = field(default_factory=set)
    archived: set[str] = field(default_factory=set)
    moves: list[tuple[Outcome, str]] = field(default_factory=list)


class Organizations:
    """Reads entries into organizations."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.policy = work.on_existing
        self.by_itself = FOUND_BY_ITSELF.get(work.policy.match_by)
        self.memory = Memory()
        self.plan = Plan(*(array("i") for _ in range(4)))

    # Order

    def ordered(self, read: Iterable[FileRecord], again: Iterable[Iterable[FileRecord]]) -> Iterator[FileRecord]:
        """The file's records level by level; `again` reads the file anew for each level."""
        self.plan = planned((self._cell(record, "name"), self._cell(record, "parent")) for record in read)
        for level, anew in zip(range(self.plan.deepest + 1), again, strict=False):
            for record in anew:
                if self.plan.levels[record.number] == level:
                    yield record

    def _cell(self, record: FileRecord, name: str) -> str:
        return value_of(record, name, self.work)

    # Records

    def prepare(self, entry: Entry) -> None:
        """Checks what can be checked without the database."""
        if "name" not in entry.values and (self.by_itself is None or self.by_itself not in entry.values):
            entry.errors.append(entry.issue("REQUIRED", "The row has no name.", "name"))
        entry.properties(organizations.prepared, OWN)
        entry.kept["path"] = entry.path("parent")
        parent, level = self.plan.parents[entry.number], self.plan.levels[entry.number]
        if parent == CYCLE:
            message = "The parents lead back to the row itself."
            entry.errors.append(entry.issue("ORGANIZATION_CYCLE", message, "parent"))
        elif parent == AMBIGUOUS:
            message = (
                f"Several rows of the file can be meant by {entry.values['parent']!r}, none of them at the top level; which "
                "one is not guessed at."
            )
            entry.errors.append(entry.issue("AMBIGUOUS_ORGANIZATION", message, "parent"))
        elif level >= DEEPEST:
            entry.errors.append(entry.issue("TOO_DEEP", f"Organizations nest at most {DEEPEST} deep.", "parent"))

    async def carry(self, tx: Transaction, entries: Sequence[Entry]) -> tuple[list[Outcome], Chunk]:
        """Decides about entries in their order, level by level, and writes what follows."""
        chunk = Chunk(Places(self.memory, creates=self.work.policy.creates_organizations))
        outcomes = [Outcome.of(entry) for entry in entries]
        places = count()
        for _, level in groupby(outcomes, lambda outcome: self.plan.levels[outcome.entry.number]):
            beside = list(level)
            await self._look_up(tx, chunk, [outcome.entry for outcome in beside if not outcome.errors])
            for place, outcome in zip(places, beside, strict=False):
                if not outcome.errors:
                    if outcome.entry.kept.get("external_id") in chunk.given_up:
                        raise Waits(place)
                    await self._decide(tx, outcome, chunk)
                chunk.parents[outcome.entry.number] = outcome.entry.line, outcome.record_id
        await chunk.places.write_made(tx, [chunk.places.changed[one]["parent_id"] for _, one in chunk.moves])
        for outcome, organization_id in chunk.moves:
            await self._move(tx, outcome, organization_id, chunk)
        await chunk.places.write_changed(tx)
        return outcomes, chunk

    def made(self, _chunk: Chunk) -> Sequence[NewCustomer]:
        """No customers."""
        return ()

    def remember(self, outcomes: Sequence[Outcome], chunk: Chunk) -> None:
        """Notes for later chunks of a dry run what this one would have done."""
        chunk.places.remember()
        for outcome in outcomes:
            self.memory.records[outcome.entry.number] = outcome.entry.line, outcome.record_id
            if outcome.record_id is not None and outcome.status in TAKEN:
                self.memory.addresses.setdefault(outcome.record_id, outcome.entry.line)

    async def _look_up(self, tx: Transaction, chunk: Chunk, entries: Sequence[Entry]) -> None:
        """Finds what entries of one level may be, or lie below."""
        places, parent_of, top_of = chunk.places, self.plan.parents, self.plan.tops
        above = {one for e in entries for one in (parent_of[e.number], top_of[e.number]) if one > NONE}
        numbers = above - chunk.parents.keys()
        chunk.parents |= await imports.records_of(tx, self.work.id, list(numbers))
        chunk.parents |= {n: self.memory.records[n] for n in numbers if n in self.memory.records}
        earlier = {one for n in numbers if n in chunk.parents and (one := chunk.parents[n][1]) is not None}
        earlier -= self.memory.made.keys()
        chunk.archived |= earlier - await batches.there(tx, Organization, earlier, living=True)
        external_ids = {e.kept["external_id"] for e in entries if e.kept.get("external_id") is not None}
        tops = [e for e in entries if e.kept["path"] and top_of[e.number] > NONE]
        elsewhere = {
            e.kept["path"]
            for e in entries
            if e.kept["path"] and parent_of[e.number] in {NONE, ITSELF} and top_of[e.number] == NONE
        }
        own = {e.values["id"] for e in entries if "id" in e.values} if self.by_itself == "id" else set()
        await places.look_up(tx, elsewhere, external_ids, own)
        found = (chunk.parents[parent_of[e.number]][1] for e in entries if parent_of[e.number] in chunk.parents)
        below = {one for one in found if one is not None} | {""}
        below |= {row["id"] for path in elsewhere if (row := places.peek(path)) is not None}
        below |= await self._look_below_tops(tx, chunk, tops)
        by_itself = (*map(places.by_external_id, external_ids), *map(places.by_id, own))
        below |= {row["parent_id"] or "" for row in by_itself if row is not None}
        await places.look_below(tx, below, {e.kept["name_key"] for e in entries if "name_key" in e.kept})
        chunk.lines |= await imports.lines_of(tx, self.work.id, places.known())

    async def _look_below_tops(self, tx: Transaction, chunk: Chunk, entries: Sequence[Entry]) -> set[str]:
        """Finds the rest of paths whose beginning is a record of the file; answers all that may be their ends."""
        beginnings = (chunk.parents.get(self.plan.tops[e.number], (0, None))[1] for e in entries)
        parents, found = {one for one in beginnings if one is not None}, set[str]()
        rests = [e.kept["path"][-self.plan.rests[e.number] :] for e in entries]
        for level in range(max(map(len, rests), default=0)):
            parents = await chunk.places.look_below(
                tx, parents, {rest[level][1] for rest in rests if len(rest) > level}
            )
            found |= parents
        return found

    async def _decide(self, tx: Transaction, outcome: Outcome, chunk: Chunk) -> None:
        places = chunk.places
        parent_id = await self._parent(tx, outcome, chunk)
        if outcome.errors:
            return
        row = self._match(outcome, chunk, parent_id)
        if self.plan.parents[outcome.entry.number] == ITSELF and (row is None or row["parent_id"] != parent_id):
            message = "The row names itself as its parent."
            outcome.refuse("ORGANIZATION_CYCLE", message, "parent", row["id"] if row else None)
        if outcome.errors:
            return
        line = self._line(row, chunk)
        made_here = row is not None and row["id"] in places.made and row["id"] not in chunk.seen
        if row is not None and line is not None:
            outcome.again(*self._found_by(row, outcome, line), row["id"], policy=self.policy)
        elif row is not None and self.policy == "FAIL" and not made_here:
            by_id = self.by_itself == "id" and "id" in outcome.entry.values
            code, name = ("RECORD_EXISTS", "id") if by_id else ("NAME_TAKEN", "name")
            outcome.refuse(code, f"An organization {row['name']!r} exists already.", name, row["id"])
        elif row is not None and self.policy == "SKIP" and not made_here:
            outcome.settle("SKIPPED", row["id"])
        elif row is None:
            self._make(outcome, chunk, parent_id)
        else:
            self._change(outcome, chunk, row, parent_id)
        if outcome.status in TAKEN:
            chunk.seen[str(outcome.record_id)] = outcome.entry.line

    def _match(self, outcome: Outcome, chunk: Chunk, parent_id: str | None) -> OrganizationRow | None:
        """The organization that a row names, if there is one; the outcome is refused where there must be."""
        values, kept, places = outcome.entry.values, outcome.entry.kept, chunk.places
        if self.by_itself == "id" and "id" in values:
            row = places.by_id(values["id"])
            if row is None:
                outcome.refuse("NOT_FOUND", f"No organization has the id {shorten(values['id'])!r}.", "id")
            return row
        external_id = kept.get("external_id")
        if self.by_itself == "externalId" and external_id is not None:
            return places.by_external_id(external_id)
        return places.by_external_id(external_id) or places.below(parent_id, kept["name_key"])

    def _found_by(self, row: OrganizationRow, outcome: Outcome, line: int) -> tuple[str, int, str]:
        """What an organization was found by once more, the line that had it, and the property to name."""
        kept = outcome.entry.kept
        if self.by_itself == "id" and "id" in outcome.entry.values:
            return "id", line, "id"
        if self.by_itself == "externalId" and kept.get("external_id") is not None:
            return "external id", line, "externalId"
        if row["name_key"] != kept["name_key"]:
            return "external id", line, "name"
        return "name", line, "name"

    def _make(self, outcome: Outcome, chunk: Chunk, parent_id: str | None) -> None:
        """Plans a new organization; one that was looked for by its external id alone may find its name taken."""
        kept, places = outcome.entry.kept, chunk.places
        if "name" not in kept:
            message = "No organization has the external id, and a new one needs a name."
            outcome.refuse("REQUIRED", message, "name")
            return
        beside = places.below(parent_id, kept["name_key"])
        if beside is not None:
            message = (
                f"An organization {kept['name']!r} exists there, without this external id. Without `matchBy` it is found by its "
                "name."
            )
            outcome.refuse("NAME_TAKEN", message, "name", beside["id"])
            return
        own = {column: kept.get(column) for column in (*OWN.values(), "name_key")}
        outcome.settle("CREATED", places.make({**own, "parent_id": parent_id})["id"])

    def _line(self, row: OrganizationRow | None, chunk: Chunk) -> int | None:
        """The line that named this organization already."""
        if row is None:
            return None
        return chunk.seen.get(row["id"]) or self.memory.addresses.get(row["id"]) or chunk.lines.get(row["id"])

    def _change(self, outcome: Outcome, chunk: Chunk, row: OrganizationRow, parent_id: str | None) -> None:
        kept, places = outcome.entry.kept, chunk.places
        wanted = {column: kept.get(column) for column in (*OWN.values(), "name_key")}
        own = self.work.policy.fields
        if outcome.differs("ORGANIZATIONS", row, wanted, own):
            return
        becomes = moved(self.policy, row, wanted, own)
        goes = parent_id is not None and parent_id != row["parent_id"] and self.policy == "UPDATE"
        if self._taken(outcome, chunk, row, becomes, str(parent_id) if goes else row["parent_id"]):
            return
        if "external_id" in becomes and row["external_id"] is not None:
            chunk.given_up.add(row["external_id"])
        if goes:
            becomes["parent_id"] = parent_id
            chunk.moves.append((outcome, row["id"]))
        if becomes:
            places.change(row, becomes)
        outcome.settle("UPDATED" if becomes else "UNCHANGED", row["id"])

    @staticmethod
    def _taken(
        outcome: Outcome, chunk: Chunk, row: OrganizationRow, becomes: dict[str, Any], parent_id: str | None
    ) -> bool:
        """Refuses a name that another one beside it has, and an external id that another one has."""
        kept, places = outcome.entry.kept, chunk.places
        beside = places.below(parent_id, kept["name_key"]) if "name_key" in becomes else None
        holder = places.by_external_id(becomes.get("external_id"))
        if beside is not None and beside["id"] != row["id"]:
            outcome.refuse("NAME_TAKEN", f"An organization {kept['name']!r} exists beside it.", "name", beside["id"])
        elif holder is not None and holder["id"] != row["id"]:
            message = f"The external id {becomes['external_id']!r} belongs to another organization."
            outcome.refuse("EXTERNAL_ID_TAKEN", message, "externalId", holder["id"])
        return bool(outcome.errors)

    async def _parent(self, tx: Transaction, outcome: Outcome, chunk: Chunk) -> str | None:
        """The id of the parent: of a row that came before, or of what the path names elsewhere."""
        number, path = self.plan.parents[outcome.entry.number], outcome.entry.kept["path"]
        if not path:
            return None
        top = self.plan.tops[outcome.entry.number]
        if number > NONE or top > NONE:
            line, above_id = chunk.parents.get(number if number > NONE else top, (0, None))
            what = "The parent" if number > NONE else "What is above the parent"
            parent_id = None
            if above_id is None:
                outcome.refuse("NOT_FOUND", f"{what}, on line {line:,}, was refused.", "parent")
            elif above_id in chunk.archived:
                outcome.refuse("ORGANIZATION_GONE", f"{what}, on line {line:,}, was archived meanwhile.", "parent")
            elif number > NONE:
                parent_id = above_id
            else:
                rest = path[-self.plan.rests[outcome.entry.number] :]
                row = chunk.places.find(rest, outcome, "parent", below=above_id)
                parent_id = row["id"] if row is not None else None
        else:
            itself = number == ITSELF  # then there is one already, or else nothing is made
            row = chunk.places.peek(path) if itself else chunk.places.find(path, outcome, "parent")
            parent_id = row["id"] if row is not None else None
        if parent_id is not None and not await self._has_room(tx, chunk, parent_id):
            outcome.refuse("TOO_DEEP", f"Organizations nest at most {DEEPEST} deep.", "parent")
        return parent_id

    async def _has_room(self, tx: Transaction, chunk: Chunk, parent_id: str) -> bool:
        """Whether an organization may lie below this one."""
        level, above = 1, parent_id
        while (made := chunk.places.made.get(above) or self.memory.made.get(above)) is not None:
            level += 1
            if made["parent_id"] is None:
                return level <= DEEPEST
            above = made["parent_id"]
        if above not in chunk.room:
            chunk.room[above] = await organizations.levels_above(tx, above)
        return chunk.room[above] + level <= DEEPEST

    @staticmethod
    async def _move(tx: Transaction, outcome: Outcome, organization_id: str, chunk: Chunk) -> None:
        """Puts an existing organization below another one, where it may lie."""
        try:
            async with tx.savepoint():
                await chunk.places.write_moved(tx, organization_id)
        except RequestRefusal:
            raise  # no row is at fault
        except Refusal as refusal:
            chunk.places.changed.pop(organization_id, None)
            outcome.refuse(refusal.code, refusal.message, "parent", organization_id)


# Order


class _Named(NamedTuple):
    key: str
    path: tuple[str, ...]


def planned(cells: Iterable[tuple[str, str]]) -> Plan:
    """The levels and parents of records (from number 1) by their cells of name and parent."""
    named = [_Named("", ()), *(_Named(fold(name), _path(parent)) for name, parent in cells)]
    by_key: dict[str, list[int]] = {}
    for number, one in enumerate(named):
        if one.key:
            by_key.setdefault(one.key, []).append(number)
    parents, tops, rests = (array("i", [NONE] * len(named)) for _ in range(3))
    for number, one in enumerate(named):
        if one.path:
            parents[number] = _parent(number, one.path, named, by_key)
            if parents[number] == NONE:
                tops[number], rests[number] = _top(number, one.path, named, by_key)
    return Plan(_levels(parents, tops), parents, tops, rests)


def _path(parent: str) -> tuple[str, ...]:
    return tuple(key for part in names_of(parent) if (key := fold(part)))


def _parent(number: int, path: tuple[str, ...], named: Sequence[_Named], by_key: dict[str, list[int]]) -> int:
    """The record that a path names: the one that lies just there, or the only one whose own path can end so.

    Of rows that say the same, the first.
    """
    above = path[:-1]
    fitting: dict[tuple[str, ...], int] = {}
    for candidate in by_key.get(path[-1], ()):
        own = named[candidate].path
        if all(a == b for a, b in zip(reversed(own), reversed(above), strict=False)) and (own or not above):
            fitting.setdefault(own, candidate)
    if above in fitting:
        return fitting[above]
    others = [candidate for candidate in fitting.values() if candidate != number]
    if not others:
        return ITSELF if fitting else NONE
    return others[0] if len(others) == 1 else AMBIGUOUS


def _top(number: int, path: tuple[str, ...], named: Sequence[_Named], by_key: dict[str, list[int]]) -> tuple[int, int]:
    """The record that the longest beginning of a path names, and how many names are left of it then."""
    for length in range(len(path) - 1, 0, -1):
        found = _parent(number, path[:length], named, by_key)
        if found > NONE:
            return found, len(path) - length
    return NONE, 0


def _levels(parents: "array[int]", tops: "array[int]") -> "array[int]":
    """How many rows are above each; those whose parents lead back to them are marked in `parents`."""
    unknown: Final = -1

    def above_of(number: int) -> int:
        return parents[number] or tops[number]

    levels = array("i", [unknown] * len(parents))
    for start in range(len(parents)):
        chain: list[int] = []
        on_chain: set[int] = set()
        at = start
        while levels[at] == unknown and at not in on_chain:
            chain.append(at)
            on_chain.add(at)
            if above_of(at) <= NONE:
                break
            at = above_of(at)
        if levels[at] == unknown and above_of(at) > NONE:
            for member in chain[chain.index(at) :]:
                parents[member], tops[member] = CYCLE, NONE
        for member in reversed(chain):
            above = above_of(member)
            levels[member] = min(levels[above] + 1, DEEPEST) if above > NONE else 0
    return levels
