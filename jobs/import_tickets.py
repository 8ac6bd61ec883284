"""A file's records as tickets: matched by external id or id, linked to their requesters by address, now or later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from db import batches, imports, tickets
from db.batches import Holder
from db.customers import NewCustomer
from db.dates import moment
from db.ids import new_id
from db.imports import Work
from db.tables import Ticket
from db.text import clean, fold, shorten
from db.transaction import Transaction
from db.writing import blank
from jobs.import_entries import FOUND_BY_ITSELF, Entry, Outcome, Waits, moved
from jobs.import_places import Memory

OWN = {
    "requesterEmail": "requester_email",
    "requesterName": "requester_name",
    "subject": "subject",
    "description": "description",
    "externalId": "external_id",
}
"""Properties that are read as they stand, and the columns they become."""

SUBJECT_LENGTH = 100
NO_SUBJECT = "(no subject)"

STATUSES: Final = {
    "CLOSED": ("closed", "close", "resolved", "solved", "done", "completed", "complete", "fixed", "finished", "archived",
               "cancelled", "canceled", "rejected", "duplicate", "spam", "deleted", "erledigt", "geschlossen", "gelost",
               "ferme", "resolu", "cerrado", "resuelto", "chiuso", "risolto", "gesloten", "opgelost"),
    "PENDING": ("pending", "waiting", "on hold", "hold", "awaiting", "paused", "blocked", "suspended", "snoozed",
                "wartend", "warten", "en attente", "pendiente", "in attesa", "wachtend"),
    "OPEN": ("open", "opened", "new", "in progress", "active", "reopened", "re opened", "to do", "todo", "assigned",
             "unassigned", "started", "working", "offen", "neu", "in bearbeitung", "ouvert", "nouveau", "en cours",
             "abierto", "nuevo", "aperto", "nuovo"),
}  # fmt: skip
PRIORITIES: Final = {
    "URGENT": ("urgent", "critical", "blocker", "highest", "emergency", "immediate", "very high", "p1",
               "kritisch", "dringend", "critique", "urgente", "critico"),
    "HIGH": ("high", "major", "important", "p2", "hoch", "haute", "eleve", "alta", "alto", "hoog"),
    "NORMAL": ("normal", "medium", "standard", "default", "moderate", "average", "regular", "p3", "mittel",
               "moyenne", "normale", "media", "medio", "gemiddeld"),
    "LOW": ("low", "lowest", "minor", "trivial", "very low", "none", "p4", "p5", "niedrig", "gering", "basse",
            "faible", "baja", "bajo", "bassa", "laag"),
}  # fmt: skip
"""The usual words for each value, folded; a longer text is taken by the words it holds."""


@dataclass(slots=True)
class Chunk:
    """One attempt at a chunk: what is known, and what is planned."""

    holders: dict[str, Holder]
    projects: dict[str, str]
    existing: dict[str, dict[str, Any]]
    by_external_id: dict[str, str]
    lines: dict[str, int]
    external_ids: dict[str, int] = field(default_factory=dict)
    given_up: dict[tuple[str, str], str] = field(default_factory=dict)
    created: list[dict[str, Any]] = field(default_factory=list)
    changed: list[tuple[Mapping[str, Any], Mapping[str, Any]]] = field(default_factory=list)


class Tickets:
    """Reads entries into tickets."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.policy = work.on_existing
        self.by_itself = FOUND_BY_ITSELF.get(work.policy.match_by)
        self.memory = Memory()

    def prepare(self, entry: Entry) -> None:
        """Checks what can be checked without the database."""
        if "requesterEmail" not in entry.values and (self.by_itself is None or self.by_itself not in entry.values):
            entry.errors.append(entry.issue("REQUIRED", "The row has no requester's address.", "requesterEmail"))
        entry.first_address("requesterEmail")
        entry.properties(tickets.prepared, OWN)
        kept = entry.kept
        for name, values in (("status", STATUSES), ("priority", PRIORITIES)):
            kept[name] = meant(entry.values.get(name), values)
            if kept[name] is None and name in entry.values:
                message = f"The {name} is not known; a new ticket is {DEFAULTS[name]}, an existing one keeps its own."
                entry.warnings.append(entry.issue(f"UNKNOWN_{name.upper()}", message, name))
        if "createdAt" in entry.values:
            kept["created_at"] = entry.attempt(partial(moment, entry.values["createdAt"], self.work.date_order))
        kept["project"] = fold(entry.attempt(partial(clean, entry.values.get("project"), 200, ("project",))))

    async def carry(self, tx: Transaction, entries: Sequence[Entry]) -> tuple[list[Outcome], Chunk]:
        """Decides about entries in their order, and writes what follows."""
        chunk = await self._look_up(tx, [entry for entry in entries if not entry.errors])
        outcomes = [Outcome.of(entry) for entry in entries]
        for place, outcome in enumerate(outcomes):
            if not outcome.errors:
                if ("externalId", outcome.entry.kept.get("external_id")) in chunk.given_up:
                    raise Waits(place)
                self._decide(outcome, chunk, tx.now)
        await batches.add_tickets(tx, chunk.created)
        await batches.change_tickets(tx, chunk.changed)
        return outcomes, chunk

    def made(self, _chunk: Chunk) -> Sequence[NewCustomer]:
        """No customers."""
        return ()

    def remember(self, _outcomes: Sequence[Outcome], chunk: Chunk) -> None:
        """Notes for later chunks of a dry run what this one would have done."""
        self.memory.external_ids |= chunk.external_ids
        self.memory.given_up |= chunk.given_up

    async def _look_up(self, tx: Transaction, entries: Sequence[Entry]) -> Chunk:
        kept = [entry.kept for entry in entries]
        external_ids = {one["external_id"] for one in kept if one.get("external_id") is not None}
        given_up = self.memory.given_up
        again = [given_up["externalId", one] for one in external_ids if ("externalId", one) in given_up]
        await batches.release(tx, Ticket, again)
        by_external_id = await batches.by_external_id(tx, Ticket, external_ids)
        own = [entry.values["id"] for entry in entries if "id" in entry.values] if self.by_itself == "id" else ()
        existing = await batches.by_id(tx, Ticket, list({*by_external_id.values(), *own}))
        return Chunk(
            await batches.holders(tx, {one["requester_email_key"] for one in kept if "requester_email_key" in one}),
            await batches.projects_named(tx, {one["project"] for one in kept if one["project"]}),
            existing,
            by_external_id,
            await imports.lines_of(tx, self.work.id, list(existing)),
        )

    def _decide(self, outcome: Outcome, chunk: Chunk, now: int) -> None:
        values, external_id = outcome.entry.values, outcome.entry.kept.get("external_id")
        by_id = self.by_itself == "id" and "id" in values
        what, name = ("id", "id") if by_id else ("external id", "externalId")
        ticket_id = (
            values["id"] if by_id else chunk.by_external_id.get(external_id) if external_id is not None else None
        )
        before = None if by_id or external_id is None else self.memory.external_ids.get(external_id)
        line = before or (chunk.lines.get(ticket_id) if ticket_id is not None else None)
        if by_id and ticket_id not in chunk.existing:
            outcome.refuse("NOT_FOUND", f"No ticket has the id {shorten(str(ticket_id))!r}.", "id")
        elif line is not None:
            outcome.again(what, line, name, ticket_id, policy=self.policy)
        elif ticket_id is not None and self.policy == "FAIL":
            known = by_id or external_id is None
            code = "RECORD_EXISTS" if known else "EXTERNAL_ID_TAKEN"
            stands = "The ticket exists, and existing ones are not to be changed."
            message = stands if known else f"A ticket has the external id {external_id!r} already."
            outcome.refuse(code, message, name, ticket_id)
        elif ticket_id is not None and self.policy == "SKIP":
            outcome.settle("SKIPPED", ticket_id)
        elif not by_id or self._external_id_is_free(outcome, chunk, chunk.existing[str(ticket_id)]):
            self._take(outcome, chunk, chunk.existing[ticket_id] if ticket_id else None, now)

    def _external_id_is_free(self, outcome: Outcome, chunk: Chunk, was: Mapping[str, Any]) -> bool:
        """Whether a ticket that was found by its id may have the row's external id."""
        external_id = outcome.entry.kept.get("external_id")
        if external_id in {None, was["external_id"]} or (self.policy != "UPDATE" and was["external_id"] is not None):
            return True
        holder = chunk.by_external_id.get(external_id)
        if holder is None and external_id not in self.memory.external_ids:
            return True
        outcome.refuse(
            "EXTERNAL_ID_TAKEN", f"The external id {external_id!r} belongs to another ticket.", "externalId", holder
        )
        return False

    @staticmethod
    def _hold(outcome: Outcome, chunk: Chunk, was: Mapping[str, Any] | None, becomes: Mapping[str, Any]) -> None:
        """Notes what the record of a row holds from here on, and what it no longer does."""
        ticket_id, line = str(outcome.record_id), outcome.entry.line
        chunk.lines[ticket_id] = line
        if (external_id := becomes.get("external_id")) is not None:
            chunk.by_external_id[external_id] = ticket_id
            chunk.external_ids[external_id] = line
            if was is not None and was["external_id"] is not None:
                chunk.given_up["externalId", was["external_id"]] = ticket_id

    def _take(self, outcome: Outcome, chunk: Chunk, was: dict[str, Any] | None, now: int) -> None:
        """Makes a ticket, or changes one, and settles whose it is."""
        kept = outcome.entry.kept
        project_id = chunk.projects.get(kept["project"])
        if kept["project"] and project_id is None:
            outcome.refuse("NOT_FOUND", f"No project is named {outcome.entry.values['project']!r}.", "project")
            return
        wanted = {column: kept.get(column) for column in (*OWN.values(), "requester_email_key", "status", "priority")}
        wanted["project_id"] = project_id
        holder = chunk.holders.get(kept.get("requester_email_key", ""))
        requester_id = holder.customer_id if holder else None
        if was is None and "requester_email" not in kept:
            message = "No ticket has the external id, and a new one needs a requester's address."
            outcome.refuse("REQUIRED", message, "requesterEmail")
        elif was is None:
            given = {column: value for column, value in wanted.items() if value is not None}
            row = {**blank(Ticket), **DEFAULTS, **given, "requester_id": requester_id, "id": new_id("ticket")}
            row["subject"] = row["subject"] or self._subject(outcome)
            row["created_at"] = now if kept.get("created_at") is None else kept["created_at"]
            chunk.created.append(row)
            outcome.settle("CREATED", row["id"])
            self._hold(outcome, chunk, None, row)
            outcome.unmatched = requester_id is None
        else:
            own = self.work.policy.fields
            if outcome.differs("TICKETS", was, wanted, own):
                return
            becomes = moved(self.policy, was, wanted, own)
            if "requester_email_key" in becomes:
                becomes["requester_id"] = requester_id
            else:
                requester_id = was["requester_id"]
                becomes.pop("requester_email", None)
            if becomes:
                chunk.changed.append((was, becomes))
            outcome.settle("UPDATED" if becomes else "UNCHANGED", was["id"])
            self._hold(outcome, chunk, was, becomes)
            outcome.unmatched = requester_id is None

    def _subject(self, outcome: Outcome) -> str:
        """A subject made of the description."""
        text = next((line.strip() for line in (outcome.entry.kept.get("description") or "").splitlines() if line), "")
        outcome.warn(
            "SUBJECT_MISSING", "The row has no subject; the description's first line stands for it.", "subject"
        )
        return shorten(text, SUBJECT_LENGTH) or NO_SUBJECT


DEFAULTS: Final = {"status": "OPEN", "priority": "NORMAL"}


def meant(text: str | None, values: Mapping[str, Sequence[str]]) -> str | None:
    """The value that a text stands for: a usual word, or one of several that holds such a word."""
    key = " ".join(fold(text).replace("_", " ").replace("-", " ").split())
    if not key:
        return None
    for value, usual in values.items():
        if key == value.lower() or key in usual:
            return value
    found = set(key.split())
    for value in ("PENDING", "CLOSED", "OPEN", *PRIORITIES):
        if any(word in found for word in values.get(value, ())):
            return value
    return None
