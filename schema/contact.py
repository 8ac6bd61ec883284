"""Address books that users connect, and the contacts in them."""

from enum import Enum

import strawberry

from schema.customer import Customer
from schema.customer_import import OnExisting
from schema.inputs import flag, optional, required
from schema.node import Node
from schema.scalars import DateTime


@strawberry.enum(description="Whose address books can be connected.")
class ContactProvider(Enum):
    GOOGLE = strawberry.enum_value("GOOGLE", description="A Google account, by consent.")
    MICROSOFT = strawberry.enum_value(
        "MICROSOFT", description="A Microsoft account (work, school or personal), by consent: its default folder."
    )
    YAHOO = strawberry.enum_value("YAHOO", description="A Yahoo account, by consent or with an app password.")
    CARDDAV = strawberry.enum_value(
        "CARDDAV", description="An account at a CardDAV server that settings name, with an app password."
    )


@strawberry.enum(description="How an address book stands.")
class ContactSourceStatus(Enum):
    NOT_CONFIGURED = strawberry.enum_value(
        "NOT_CONFIGURED", description="This server's settings do not name the provider; `hint` says what to set."
    )
    NOT_CONNECTED = strawberry.enum_value("NOT_CONNECTED", description="Can be connected by `connectContactSource`.")
    SYNCING = strawberry.enum_value("SYNCING", description="Is being fetched; contacts come page by page.")
    READY = strawberry.enum_value("READY", description="Was fetched to its end, at `lastSyncedAt`.")
    WAITING = strawberry.enum_value(
        "WAITING", description="The provider wants a pause or does not answer; the fetch goes on at `retryAt`."
    )
    REVOKED = strawberry.enum_value(
        "REVOKED", description="The provider no longer lets this server in; connect it again."
    )
    FAILED = strawberry.enum_value("FAILED", description="Could not be fetched; `hint` says why.")


@strawberry.type(
    description="A provider and, where one is connected, an address book there. It belongs to the user who connected it; "
    "nobody else sees it."
)
class ContactSource:
    provider: ContactProvider = strawberry.field(description="Whose address book.")
    configured: bool = strawberry.field(description="Whether this server's settings name the provider.")
    connected: bool = strawberry.field(description="Whether an address book is connected.")
    source_id: strawberry.ID | None = strawberry.field(
        description="By which mutations name the address book; null where none is connected."
    )
    account: str | None = strawberry.field(description="Whose account it is, as the provider names it.")
    server: str | None = strawberry.field(description="The CardDAV server it is at; null for others.")
    servers: list[str] = strawberry.field(
        description="The CardDAV servers that can be connected to with an app password; at most 50."
    )
    status: ContactSourceStatus = strawberry.field(description="How it stands.")
    hint: str | None = strawberry.field(
        description="Why it stands so and what to do, for a person; null if all is well."
    )
    contact_count: int = strawberry.field(description="How many contacts were fetched.")
    last_synced_at: DateTime | None = strawberry.field(description="When it was last fetched to its end.")
    retry_at: DateTime | None = strawberry.field(description="When the fetch goes on, where it waits.")


@strawberry.type(
    description="A person in an address book of who asks: a copy, which goes when the book is disconnected."
)
class Contact(Node):
    source_id: strawberry.ID = strawberry.field(description="The address book it is in.")
    name: str = strawberry.field(
        description="The name as the book shows it; without one the company or an address. At most 400 characters."
    )
    first_name: str | None = strawberry.field(description="The first name, at most 200 characters.")
    last_name: str | None = strawberry.field(description="The last name, at most 200 characters.")
    emails: list[str] = strawberry.field(
        description="The addresses as the book has them, the main one first; at most 20."
    )
    company: str | None = strawberry.field(description="The company, at most 200 characters.")
    title: str | None = strawberry.field(description="The position there, at most 200 characters.")
    phone: str | None = strawberry.field(description="The main phone number, at most 100 characters.")
    customer: Customer | None = strawberry.field(
        description="The customer who has one of these addresses already; null where none has."
    )


@strawberry.input(description="An address book to connect.")
class ConnectContactSourceInput:
    provider: ContactProvider = required("Whose address book.")
    return_to: str | None = optional(
        "The front end's page that the browser is sent back to, with `state` and `code` (or `error`) in its query, to be "
        "given to `completeContactSource`. Its origin must be this server's or one of ROLODESK_CORS_ORIGINS. "
        "Left out: the server's own page completes it, in a browser whose session asked."
    )
    server: str | None = optional(
        "With an app password: the CardDAV server, one of `servers`. Left out: the only one there is."
    )
    username: str | None = optional("With an app password: the name at the server, at most 200 characters.")
    password: str | None = optional(
        "With an app password: one made for this purpose at the server, at most 200 characters. It is tried at once."
    )


@strawberry.input(description="The provider's answer, as the browser brought it back to `returnTo`.")
class CompleteContactSourceInput:
    state: str = required("`state` of the query. It is taken once, from the session that asked, for 15 minutes.")
    code: str | None = optional("`code` of the query.")
    error: str | None = optional("`error` of the query, where consent was not given.")


@strawberry.input(description="An address book to fetch again: what changed since, or everything where need be.")
class SyncContactSourceInput:
    source_id: strawberry.ID = required("Which address book of one's own.")


@strawberry.input(description="An address book to disconnect. Customers that were imported from it stay.")
class DisconnectContactSourceInput:
    source_id: strawberry.ID = required("Which address book of one's own.")


@strawberry.input(one_of=True, description="Which contacts of one's own, by exactly one of these.")
class ContactSelection:
    ids: list[strawberry.ID] | None = optional("Those with these ids, at most 1,000.")
    source_id: strawberry.ID | None = optional("All of one address book.")
    all: bool | None = optional("true: all of all address books.")


@strawberry.input(
    one_of=True,
    description="Where the customers go. Who is in an organization already stays in it, unless `fromCompany`.",
)
class ContactOrganizationTarget:
    from_company: bool | None = optional(
        "true: into the organization that is called like the contact's company; created where there is none."
    )
    organization_id: strawberry.ID | None = optional("Into this organization, whatever their company.")
    unassigned: bool | None = optional("true: into none.")


@strawberry.input(description="Contacts to import as customers, as a job.")
class ImportContactsInput:
    contacts: ContactSelection = required(
        "Which contacts. Those who share an address are one person and become one customer."
    )
    organization: ContactOrganizationTarget | None = optional("Where they go. Left out: `fromCompany`.")
    project_ids: list[strawberry.ID] | None = optional("Projects to share with them once they are there, at most 100.")
    send_invitations: bool = flag("true: invite by mail who is created, once all of them are there.")
    on_existing: OnExisting = strawberry.field(
        default=OnExisting.SKIP, description="What happens to those who are customers already."
    )
    dry_run: bool = flag("true: report what would happen, by row, and keep nothing but the report.")
