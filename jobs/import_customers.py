"""A file's records as customers: matched by address, decided one after the other, written set-wise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from db import batches, customers, imports, organizations
from db.batches import Holder, NewCustomer
from db.imports import Work
from db.tables import Customer, Organization
from db.text import clean, split_name
from db.transaction import Transaction
from jobs.import_entries import Entry, Outcome, moved
from jobs.import_places import Memory, Places
from jobs.import_shares import Shares, named

OWN = {
    "email": "email",
    "firstName": "first_name",
    "lastName": "last_name",
    "phone": "phone",
    "title": "title",
    "externalId": "external_id",
}
"""Properties that are read as they stand, and the columns they become."""


@dataclass(slots=True)
class Chunk:
    """One attempt at a chunk: what is known, and what is planned."""

    places: Places
    shares: Shares = field(default_factory=Shares)
    given: str | None = None
    holders: dict[str, Holder] = field(default_factory=dict)
    existing: dict[str, dict[str, Any]] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    external_ids: dict[str, str] = field(default_factory=dict)
    seen: dict[str, tuple[int, str | None]] = field(default_factory=dict)
    created: list[NewCustomer] = field(default_factory=list)
    changed: list[tuple[Mapping[str, Any], Mapping[str, Any]]] = field(default_factory=list)


class Customers:
    """Reads entries into customers."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.policy = work.on_existing
        self.memory = Memory()

    def prepare(self, entry: Entry) -> None:
        """Checks what can be checked without the database."""
        if "email" not in entry.values:
            entry.errors.append(entry.issue("REQUIRED", "The row has no e-mail address.", "email"))
        entry.first_address("email")
        entry.properties(customers.prepared, OWN)
        if "name" in entry.values:
            self._split(entry)
        kept = entry.kept
        if not (kept.get("first_name") or kept.get("last_name")):
            entry.warnings.append(entry.issue("NAME_MISSING", "The row has no name; the address stands for it."))
        if "otherEmails" in entry.values:
            message = "A customer has one address; the others are left out."
            entry.warnings.append(entry.issue("OTHER_ADDRESSES", message, "otherEmails"))
        kept["path"] = entry.path("organization")
        for name, column in (("organizationWebsite", "website"), ("organizationExternalId", "external_id")):
            value = entry.values.get(name)
            limit = organizations.LIMITS[column]
            kept[name] = entry.attempt(partial(clean, value, limit, (name,)))
        kept["projects"] = named(entry) if "projects" in entry.values else ()
        if not entry.errors:
            kept["new"] = batches.new_customer(kept)

    def _split(self, entry: Entry) -> None:
        """The whole name's parts, where they have no values of their own."""
        first, last = split_name(entry.values["name"])
        for column, value in (("first_name", first), ("last_name", last)):
            if value and entry.kept.get(column) is None:
                kept = entry.attempt(partial(customers.prepared, {column: value}), "name")
                entry.kept |= kept or {}

    async def carry(self, tx: Transaction, entries: Sequence[Entry]) -> tuple[list[Outcome], Chunk]:
        """Decides about entries in their order, and writes what follows."""
        chunk = await self._look_up(tx, [entry for entry in entries if not entry.errors])
        outcomes = [Outcome.of(entry) for entry in entries]
        for outcome in outcomes:
            if not outcome.errors:
                self._decide(outcome, chunk)
        used = (
            row.get("organization_id")
            for row in (*(new.row for new in chunk.created), *(moved for _, moved in chunk.changed))
        )
        await chunk.places.write_made(tx, used)
        await chunk.places.write_changed(tx)
        await batches.add_customers(tx, chunk.created)
        await batches.change_customers(tx, chunk.changed)
        await chunk.shares.write(tx)
        return outcomes, chunk

    def remember(self, outcomes: Sequence[Outcome], chunk: Chunk) -> None:
        """Notes for later chunks of a dry run what this one would have done."""
        chunk.places.remember()
        for outcome in outcomes:
            if outcome.status in {"CREATED", "UPDATED", "UNCHANGED"}:
                self.memory.addresses.setdefault(outcome.entry.kept["email_key"], outcome.entry.line)
        for external_id in chunk.external_ids:
            self.memory.external_ids.setdefault(external_id, 0)

    async def _look_up(self, tx: Transaction, entries: Sequence[Entry]) -> Chunk:
        chunk = Chunk(Places(self.memory, creates=self.work.policy.creates_organizations))
        kept = [entry.kept for entry in entries]
        given = self.work.afterwards.organization_id
        if given is not None:
            chunk.given = next(iter(await batches.by_id(tx, Organization, [given])), None)
        chunk.holders = await batches.holders(tx, {one["email_key"] for one in kept})
        chunk.existing = await batches.by_id(
            tx, Customer, [holder.customer_id for holder in chunk.holders.values() if holder.customer_id]
        )
        chunk.lines = await imports.lines_of(tx, self.work.id, list(chunk.existing))
        chunk.external_ids = await batches.by_external_id(
            tx, Customer, {one["external_id"] for one in kept if one.get("external_id") is not None}
        )
        await chunk.shares.look_up(tx, {name for one in kept for name in one["projects"]})
        await chunk.places.look_up(
            tx,
            {one["path"] for one in kept if one["path"]},
            {one["organizationExternalId"] for one in kept if one["organizationExternalId"] is not None},
        )
        return chunk

    def _decide(self, outcome: Outcome, chunk: Chunk) -> None:
        kept = outcome.entry.kept
        key = kept["email_key"]
        holder = chunk.holders.get(key)
        customer_id = holder.customer_id if holder else None
        if key in chunk.seen:
            line, before = chunk.seen[key]
            outcome.again("address", line, "email", before, policy=self.policy)
        elif key in self.memory.addresses:
            outcome.again("address", self.memory.addresses[key], "email", customer_id, policy=self.policy)
        elif customer_id in chunk.lines:
            outcome.again("address", chunk.lines[customer_id], "email", customer_id, policy=self.policy)
        elif holder is not None and customer_id is None:
            outcome.refuse(
                "EMAIL_TAKEN", f"{kept['email']} belongs to a user of this workspace.", "email", holder.user_id
            )
        elif customer_id is not None and self.policy == "FAIL":
            outcome.refuse("EMAIL_TAKEN", f"{kept['email']} belongs to a customer already.", "email", customer_id)
        elif customer_id is not None and self.policy == "SKIP":
            outcome.settle("SKIPPED", customer_id)
        elif self._external_id_is_free(outcome, chunk, customer_id):
            self._take(outcome, chunk, chunk.existing[customer_id] if customer_id else None)
        if outcome.status in {"CREATED", "UPDATED", "UNCHANGED"}:
            chunk.seen[key] = outcome.entry.line, outcome.record_id

    def _external_id_is_free(self, outcome: Outcome, chunk: Chunk, customer_id: str | None) -> bool:
        external_id = outcome.entry.kept.get("external_id")
        if external_id is None:
            return True
        holder = chunk.external_ids.get(external_id)
        if holder is None and external_id not in self.memory.external_ids:
            return True
        if customer_id is not None and holder == customer_id:
            return True
        policy = self.work.policy.fields.get("external_id", self.policy)
        if customer_id and policy == "SKIP":
            return True
        if policy == "FILL_EMPTY" and customer_id and chunk.existing[customer_id]["external_id"] is not None:
            return True
        message = f"The external id {external_id!r} belongs to another customer."
        outcome.refuse("EXTERNAL_ID_TAKEN", message, "externalId", holder)
        return False

    def _take(self, outcome: Outcome, chunk: Chunk, was: dict[str, Any] | None) -> None:
        """Makes a customer, or changes one, and settles where it belongs."""
        kept = outcome.entry.kept
        project_ids = chunk.shares.find(outcome) if kept["projects"] else []
        wanted = {column: kept.get(column) for column in OWN.values() if column != "email"}
        if was is not None and self.work.policy.fields:
            self._refuse_differing(outcome, chunk, was, wanted)
        if outcome.errors:
            return
        place_policy = self.work.policy.fields.get("organization_id", self.policy)
        if was is not None and (
            place_policy == "SKIP" or (place_policy == "FILL_EMPTY" and was["organization_id"] is not None)
        ):
            organization_id = None
        elif self.work.afterwards.organization_id is not None:
            organization_id = self._given(outcome, chunk, was)
        else:
            organization_id = self._organization(outcome, chunk)
            if outcome.errors:
                return
        wanted["organization_id"] = organization_id
        if was is None:
            new: NewCustomer = kept["new"]
            chunk.created.append(new._replace(row={**new.row, "organization_id": organization_id}))
            outcome.settle("CREATED", new.row["id"])
        else:
            becomes = moved(self.policy, was, wanted, self.work.policy.fields)
            if becomes:
                chunk.changed.append((was, becomes))
            outcome.settle("UPDATED" if becomes else "UNCHANGED", was["id"])
        chunk.shares.add(project_ids, str(outcome.record_id))
        if wanted["external_id"] is not None:
            chunk.external_ids.setdefault(wanted["external_id"], str(outcome.record_id))

    def _refuse_differing(
        self, outcome: Outcome, chunk: Chunk, was: Mapping[str, Any], wanted: Mapping[str, Any]
    ) -> None:
        """Refuses a row whose values differ from those that are to stand, before anything is made for it."""
        kept, own = outcome.entry.kept, self.work.policy.fields
        if outcome.differs("CUSTOMERS", was, wanted, own) or own.get("organization_id") != "FAIL":
            return
        row = chunk.places.by_external_id(kept["organizationExternalId"])
        if row is None and kept["path"]:
            row = chunk.places.peek(kept["path"]) or {"id": ""}
        if row is not None:
            outcome.differs("CUSTOMERS", was, {"organization_id": row["id"]}, own)

    def _given(self, outcome: Outcome, chunk: Chunk, was: dict[str, Any] | None) -> str | None:
        """The organization that was asked for, for who is in none; nowhere if it was archived meanwhile."""
        if was is not None and was["organization_id"] is not None:
            return None
        if chunk.given is None:
            outcome.warn("ORGANIZATION_GONE", "The organization was archived; the customer is in none.")
        return chunk.given

    def _organization(self, outcome: Outcome, chunk: Chunk) -> str | None:
        kept, places = outcome.entry.kept, chunk.places
        external_id = kept["organizationExternalId"]
        row = places.by_external_id(external_id)
        if row is None and external_id is not None and not kept["path"]:
            message = f"No organization has the external id {external_id!r}, and the row names none to be made."
            outcome.refuse("NOT_FOUND", message, "organizationExternalId")
            return None
        if row is None and kept["path"]:
            row = places.find(kept["path"], outcome, "organization")
            if row is not None and external_id is not None and row["external_id"] is None:
                places.change(row, {"external_id": external_id})
        if row is None:
            return None
        places.website(row, kept["organizationWebsite"], outcome, "organizationWebsite")
        return str(row["id"])
