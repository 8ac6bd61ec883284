"""A file's records as customers: matched by address, external id or id, decided one after the other, written set-wise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from db import batches, customers, imports, organizations
from db.batches import Holder
from db.customers import NewCustomer
from db.imports import Work
from db.tables import Customer, Organization
from db.text import clean, shorten, split_name
from db.transaction import Transaction
from jobs.import_entries import FOUND_BY_ITSELF, Entry, Outcome, Waits, moved
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


class Match(NamedTuple):
    """The record that a row names, if there is one: by what, in words and as a property; the line that had it before."""

    what: str
    name: str
    customer_id: str | None
    line: int | None


@dataclass(slots=True)
class Chunk:
    """One attempt at a chunk: what is known, and what is planned.

    `lines` leads from a customer to the line that had it, `addresses` and `external_ids` too: those that this chunk's rows
    have now. `given_up` are those that they had before.
    """

    places: Places
    shares: Shares = field(default_factory=Shares)
    given: str | None = None
    holders: dict[str, Holder] = field(default_factory=dict)
    existing: dict[str, dict[str, Any]] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    holders_of_ids: dict[str, str] = field(default_factory=dict)
    addresses: dict[str, int] = field(default_factory=dict)
    external_ids: dict[str, int] = field(default_factory=dict)
    given_up: dict[tuple[str, str], str] = field(default_factory=dict)
    created: list[NewCustomer] = field(default_factory=list)
    changed: list[tuple[Mapping[str, Any], Mapping[str, Any]]] = field(default_factory=list)


class Customers:
    """Reads entries into customers."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.policy = work.on_existing
        self.by_itself = FOUND_BY_ITSELF.get(work.policy.match_by)
        self.memory = Memory()

    def prepare(self, entry: Entry) -> None:
        """Checks what can be checked without the database."""
        found_otherwise = self.by_itself is not None and self.by_itself in entry.values
        if "email" not in entry.values and not found_otherwise:
            entry.errors.append(entry.issue("REQUIRED", "The row has no e-mail address.", "email"))
        entry.first_address("email")
        entry.properties(customers.prepared, OWN)
        if "name" in entry.values:
            self._split(entry)
        kept = entry.kept
        if not (kept.get("first_name") or kept.get("last_name") or found_otherwise):
            entry.warnings.append(entry.issue("NAME_MISSING", "The row has no name; the address stands for it."))
        if "otherEmails" in entry.values:
            message = "A customer has one address; the others are left out."
            entry.warnings.append(entry.issue("OTHER_ADDRESSES", message, "otherEmails"))
        kept["path"] = entry.path("organization")
        for name, column in (("organizationWebsite", "website"), ("organizationExternalId", "external_id")):
            value = entry.values.get(name)
            limit = organizations.LIMITS[column]
            kept[name] = None if value is None else entry.attempt(partial(clean, value, limit, (name,)))
        kept["projects"] = named(entry) if "projects" in entry.values else ()
        if not entry.errors and "email_key" in kept:
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
        for place, outcome in enumerate(outcomes):
            if not outcome.errors:
                if chunk.given_up and self._comes_free(outcome.entry.kept, chunk):
                    raise Waits(place)
                self._decide(outcome, chunk)
        used = (
            row.get("organization_id")
            for row in (*(new.row for new in chunk.created), *(moved for _, moved in chunk.changed))
        )
        await chunk.places.write_made(tx, used)
        await chunk.places.write_changed(tx)
        await batches.add_customers(tx, chunk.created, searchable=False)
        await batches.change_customers(tx, chunk.changed)
        await chunk.shares.write(tx)
        return outcomes, chunk

    def made(self, chunk: Chunk) -> Sequence[NewCustomer]:
        """The customers whose words are to follow."""
        return chunk.created

    def remember(self, _outcomes: Sequence[Outcome], chunk: Chunk) -> None:
        """Notes for later chunks of a dry run what this one would have done."""
        chunk.places.remember()
        self.memory.given_up |= chunk.given_up
        self.memory.addresses |= chunk.addresses
        self.memory.external_ids |= chunk.external_ids

    async def _look_up(self, tx: Transaction, entries: Sequence[Entry]) -> Chunk:
        chunk = Chunk(Places(self.memory, creates=self.work.policy.creates_organizations))
        kept = [entry.kept for entry in entries]
        if self.memory.given_up:
            await self._release(tx, kept)
        given = self.work.afterwards.organization_id
        if given is not None:
            chunk.given = next(iter(await batches.by_id(tx, Organization, [given])), None)
        chunk.holders = await batches.holders(tx, {one["email_key"] for one in kept if "email_key" in one})
        chunk.holders_of_ids = await batches.by_external_id(
            tx, Customer, {one["external_id"] for one in kept if one.get("external_id") is not None}
        )
        ids = {holder.customer_id for holder in chunk.holders.values() if holder.customer_id}
        if self.by_itself == "id":
            ids |= {entry.values["id"] for entry in entries if "id" in entry.values}
        elif self.by_itself is not None:
            ids.update(chunk.holders_of_ids.values())
        chunk.existing = await batches.by_id(tx, Customer, list(ids))
        chunk.lines = await imports.lines_of(tx, self.work.id, list(chunk.existing))
        await chunk.shares.look_up(tx, {name for one in kept for name in one["projects"]})
        await chunk.places.look_up(
            tx,
            {one["path"] for one in kept if one["path"]},
            {one["organizationExternalId"] for one in kept if one["organizationExternalId"] is not None},
        )
        return chunk

    async def _release(self, tx: Transaction, kept: Sequence[Mapping[str, Any]]) -> None:
        """Frees again what an earlier chunk of a dry run would have freed, as far as these rows have it."""
        given_up = self.memory.given_up
        for which, column in (("email", "email_key"), ("externalId", "external_id")):
            wanted = ((which, one.get(column)) for one in kept)
            ids = [given_up[one] for one in wanted if one in given_up]
            await batches.release(tx, Customer, ids, addresses=which == "email")

    @staticmethod
    def _comes_free(kept: Mapping[str, Any], chunk: Chunk) -> bool:
        """Whether a row has an address or an external id that a row before it in the chunk gave up."""
        given_up = chunk.given_up
        return ("email", kept.get("email_key")) in given_up or ("externalId", kept.get("external_id")) in given_up

    def _decide(self, outcome: Outcome, chunk: Chunk) -> None:
        match = self._match(outcome, chunk)
        if match is None:
            return
        what, name, customer_id, line = match
        if line is not None:
            outcome.again(what, line, name, customer_id, policy=self.policy)
        elif customer_id is not None and self.policy == "FAIL":
            self._refuse_existing(outcome, match)
        elif customer_id is not None and self.policy == "SKIP":
            outcome.settle("SKIPPED", customer_id)
        elif self._external_id_is_free(outcome, chunk, customer_id) and (
            name == "email" or self._address_is_free(outcome, chunk, customer_id)
        ):
            self._take(outcome, chunk, chunk.existing[customer_id] if customer_id else None)

    def _match(self, outcome: Outcome, chunk: Chunk) -> Match | None:
        """Which customer a row names; None where it was refused for that."""
        values, kept, memory = outcome.entry.values, outcome.entry.kept, self.memory
        if self.by_itself == "id" and "id" in values:
            customer_id = values["id"]
            if customer_id not in chunk.existing:
                outcome.refuse("NOT_FOUND", f"No customer has the id {shorten(customer_id)!r}.", "id")
                return None
            return Match("id", "id", customer_id, chunk.lines.get(customer_id))
        external_id = kept.get("external_id")
        if self.by_itself == "externalId" and external_id is not None:
            holder = chunk.holders_of_ids.get(external_id)
            line = memory.external_ids.get(external_id) or (chunk.lines.get(holder) if holder else None)
            return Match("external id", "externalId", holder, line)
        key = kept["email_key"]
        held = chunk.holders.get(key)
        if held is not None and held.customer_id is None:
            outcome.refuse(
                "EMAIL_TAKEN", f"{kept['email']} belongs to a user of this workspace.", "email", held.user_id
            )
            return None
        found = held.customer_id if held else None
        line = memory.addresses.get(key) or (chunk.lines.get(found) if found else None)
        return Match("address", "email", found, line)

    @staticmethod
    def _refuse_existing(outcome: Outcome, match: Match) -> None:
        kept = outcome.entry.kept
        if match.name == "email":
            code, message = "EMAIL_TAKEN", f"{kept['email']} belongs to a customer already."
        elif match.name == "externalId":
            code, message = "EXTERNAL_ID_TAKEN", f"A customer has the external id {kept['external_id']!r} already."
        else:
            code, message = "RECORD_EXISTS", "The customer exists, and existing ones are not to be changed."
        outcome.refuse(code, message, match.name, match.customer_id)

    def _address_is_free(self, outcome: Outcome, chunk: Chunk, customer_id: str | None) -> bool:
        """Whether a customer who was not found by the row's address may have it."""
        key = outcome.entry.kept.get("email_key")
        if key is None:
            if customer_id is None:
                message = "No customer has the external id, and a new one needs an e-mail address."
                outcome.refuse("REQUIRED", message, "email")
            return customer_id is not None
        was = chunk.existing[customer_id] if customer_id else None
        if was is not None and (was["email_key"] == key or self._stands("email")):
            return True
        held = chunk.holders.get(key)
        if held is None and key not in self.memory.addresses:
            return True
        whose = "a user of this workspace" if held is not None and held.user_id else "another customer"
        holder = (held.customer_id or held.user_id) if held else None
        outcome.refuse("EMAIL_TAKEN", f"{outcome.entry.kept['email']} belongs to {whose}.", "email", holder)
        return False

    def _stands(self, column: str) -> bool:
        """Whether an existing customer keeps this value, which is never empty."""
        return self.work.policy.fields.get(column, self.policy) != "UPDATE"

    def _external_id_is_free(self, outcome: Outcome, chunk: Chunk, customer_id: str | None) -> bool:
        external_id = outcome.entry.kept.get("external_id")
        if external_id is None:
            return True
        holder = chunk.holders_of_ids.get(external_id)
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
        wanted = {} if was is None else self._wanted(kept, was)
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
        if was is None:
            new: NewCustomer = kept["new"]
            new.row["organization_id"] = organization_id
            chunk.created.append(new)
            outcome.settle("CREATED", new.row["id"])
            self._hold(outcome, chunk, None, new.row)
        else:
            wanted["organization_id"] = organization_id
            becomes = moved(self.policy, was, wanted, self.work.policy.fields)
            if "email" in becomes:
                becomes["email_key"] = kept["email_key"]
            if becomes:
                chunk.changed.append((was, becomes))
            outcome.settle("UPDATED" if becomes else "UNCHANGED", was["id"])
            self._hold(outcome, chunk, was, becomes)
        chunk.shares.add(project_ids, str(outcome.record_id))

    @staticmethod
    def _wanted(kept: Mapping[str, Any], was: Mapping[str, Any]) -> dict[str, Any]:
        """What a row says of an existing customer, its place left out; the address only where it is another."""
        wanted = {column: kept.get(column) for column in OWN.values() if column != "email"}
        if kept.get("email_key") not in {None, was["email_key"]}:
            wanted["email"] = kept["email"]
        return wanted

    @staticmethod
    def _hold(outcome: Outcome, chunk: Chunk, was: Mapping[str, Any] | None, becomes: Mapping[str, Any]) -> None:
        """Notes what the record of a row holds from here on, and what it no longer does."""
        customer_id, line = str(outcome.record_id), outcome.entry.line
        chunk.lines[customer_id] = line
        if (key := becomes.get("email_key")) is not None:
            chunk.holders[key] = Holder(customer_id, None)
            chunk.addresses[key] = line
        if (external_id := becomes.get("external_id")) is not None:
            chunk.holders_of_ids[external_id] = customer_id
            chunk.external_ids[external_id] = line
        if was is not None:
            if "email_key" in becomes:
                chunk.given_up["email", was["email_key"]] = customer_id
            if "external_id" in becomes and was["external_id"] is not None:
                chunk.given_up["externalId", was["external_id"]] = customer_id

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
            if row is not None and external_id is not None:
                places.identify(row, external_id, outcome, "organizationExternalId")
        if row is None:
            return None
        places.website(row, kept["organizationWebsite"], outcome, "organizationWebsite")
        return str(row["id"])
