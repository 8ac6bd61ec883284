"""Invitations of customers."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.connection import DateTimeRange, OrderDirection
from schema.customer import CustomerFilter, ErrorPolicy
from schema.inputs import SessionForm, dry_run, optional, required, session_form
from schema.node import Node
from schema.scalars import DateTime, EmailAddress
from schema.user import User

if TYPE_CHECKING:
    from schema.customer import Customer
    from schema.viewer import ApiKey


@strawberry.enum(description="Where an invitation stands. It follows from time; no job has to run for it.")
class InvitationStatus(Enum):
    PENDING = strawberry.enum_value("PENDING", description="Its link can be used.")
    ACCEPTED = strawberry.enum_value("ACCEPTED", description="The customer joined with it.")
    EXPIRED = strawberry.enum_value("EXPIRED", description="Its time is over; it can be extended or sent again.")
    REVOKED = strawberry.enum_value("REVOKED", description="It was taken back.")


@strawberry.enum(description="What became of an invitation's last mail.")
class Delivery(Enum):
    QUEUED = strawberry.enum_value("QUEUED", description="It is about to be sent.")
    SENT = strawberry.enum_value("SENT", description="The mail server took it.")
    DEFERRED = strawberry.enum_value(
        "DEFERRED", description="The mail server could not take it yet; it will be tried again."
    )
    BOUNCED = strawberry.enum_value("BOUNCED", description="The mail server refused it for good.")


Inviter = Annotated[
    User | Annotated["ApiKey", strawberry.lazy("schema.viewer")],
    strawberry.union("Inviter", description="Who invited somebody: a user or an API key."),
]


@strawberry.type(
    description="An invitation of a customer to join and set a password. A customer has one open at a time."
)
class Invitation(Node):
    customer: Annotated["Customer", strawberry.lazy("schema.customer")] = strawberry.field(
        description="Who is invited."
    )
    invited_by: Inviter | None = strawberry.field(
        description="Who sent it last; null if a command of the server did, or it is out of sight."
    )
    status: InvitationStatus = strawberry.field(description="Where it stands now.")
    delivery: Delivery = strawberry.field(description="What became of its last mail.")
    delivery_message: str | None = strawberry.field(description="The mail server's last words, where it had any.")
    mail_blocked: bool = strawberry.field(
        description="Whether the customer's address refused its last mail, so that no more are sent until `clearBounce`."
    )
    message: str | None = strawberry.field(description="The personal message in the mail, at most 2,000 characters.")
    expires_at: DateTime = strawberry.field(description="Until when its link can be used.")
    sent_count: int = strawberry.field(description="How often it was sent, from 1; each send ends the link before.")
    last_sent_at: DateTime | None = strawberry.field(description="When its last mail was taken; null if none was yet.")
    accepted_at: DateTime | None = strawberry.field(description="When it was accepted.")
    revoked_at: DateTime | None = strawberry.field(description="When it was revoked.")
    created_at: DateTime = strawberry.field(description="When the customer was invited.")


@strawberry.input(description="Which invitations to list. Conditions given together must all hold.")
class InvitationFilter:
    ids: list[strawberry.ID] | None = optional("One of these ids, at most 1,000.")
    customer: strawberry.ID | None = optional("Of this customer.")
    status: list[InvitationStatus] | None = optional("Has one of these statuses.")
    created_at: DateTimeRange | None = optional("When the customer was invited.")
    expires_at: DateTimeRange | None = optional("When it expires.")
    and_: list["InvitationFilter"] | None = optional("All of these hold; an empty list is true.", "and")
    or_: list["InvitationFilter"] | None = optional("One of these holds; an empty list is false.", "or")
    not_: "InvitationFilter | None" = optional("This does not hold.", "not")


@strawberry.enum(description="By what invitations can be sorted.")
class InvitationOrderField(Enum):
    CREATED_AT = strawberry.enum_value("CREATED_AT", description="By creation.")
    EXPIRES_AT = strawberry.enum_value("EXPIRES_AT", description="By expiry.")


@strawberry.input(description="A sort key for invitations. At most three are taken; the id breaks ties.")
class InvitationOrder:
    field: InvitationOrderField = required("What to sort by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


InvitationOrderBy = Annotated[
    list[InvitationOrder] | None,
    strawberry.argument(description="At most three sort keys. Left out: the latest first."),
]
InvitationFiltered = Annotated[
    InvitationFilter | None, strawberry.argument(description="Which invitations. Left out: all.")
]


@strawberry.input(description="Customers to invite. Give `customerIds` or `filter`. Who has joined already is refused.")
class InviteCustomersInput:
    customer_ids: list[strawberry.ID] | None = optional("These customers, at most 1,000.")
    filter: CustomerFilter | None = optional(
        "All that match and have not joined, at most 1,000. An empty filter is refused."
    )
    message: str | None = optional("A personal message in plain text, at most 2,000 characters.")
    error_policy: ErrorPolicy = strawberry.field(
        default=ErrorPolicy.REJECT_ALL, description="What happens to the others when one is refused."
    )
    dry_run: bool = dry_run()


@strawberry.input(description="An invitation to send again. The link of the mail before ends.")
class ResendInvitationInput:
    invitation_id: strawberry.ID = required("Which invitation.")
    dry_run: bool = dry_run()


@strawberry.input(description="An invitation that is to hold longer, with the link it has.")
class ExtendInvitationInput:
    invitation_id: strawberry.ID = required("Which invitation.")
    expires_at: DateTime = required("Until when; in the future and at most 90 days from now.")
    dry_run: bool = dry_run()


@strawberry.input(description="An invitation to take back. Its link ends at once.")
class RevokeInvitationInput:
    invitation_id: strawberry.ID = required("Which invitation.")
    dry_run: bool = dry_run()


@strawberry.input(description="A bounce to clear, when the address takes mails again.")
class ClearBounceInput:
    invitation_id: strawberry.ID = required("An invitation of the customer whose address refused a mail.")
    dry_run: bool = dry_run()


@strawberry.input(description="Accepting an invitation: the link's token, once, and a password.")
class AcceptInvitationInput:
    token: str = required("The token of the link, as it came in the mail.")
    password: str = required(
        "15 to 256 characters; the most common ones are refused (NIST SP 800-63B, section 5.1.1.2)."
    )
    first_name: str | None = optional("At most 200 characters.")
    last_name: str | None = optional("At most 200 characters.")
    session: SessionForm = session_form()


@strawberry.enum(description="Where a mail of the outbox stands.")
class MailStatus(Enum):
    QUEUED = strawberry.enum_value("QUEUED", description="It is about to be sent.")
    DEFERRED = strawberry.enum_value("DEFERRED", description="The mail server could not take it yet.")
    SENT = strawberry.enum_value("SENT", description="The mail server took it, or it was printed.")
    BOUNCED = strawberry.enum_value("BOUNCED", description="The mail server refused it for good.")
    GIVEN_UP = strawberry.enum_value("GIVEN_UP", description="It was tried for three days, or its secret is gone.")
    SUPERSEDED = strawberry.enum_value("SUPERSEDED", description="It was not sent: its link was over or replaced.")


@strawberry.type(description="A mail as it would be sent, with a link that opens nothing.")
class MailPreview:
    sender: str = strawberry.field(description="Whom it comes from, as a mail program shows it.")
    recipient: EmailAddress = strawberry.field(description="Whom it goes to.")
    reply_to: str | None = strawberry.field(description="Where answers go; null for the sender.")
    subject: str = strawberry.field(description="The subject; one line.")
    text: str = strawberry.field(description="The text for mail programs that show no HTML.")
    html: str = strawberry.field(description="The HTML. Show it in a sandboxed frame.")


@strawberry.type(description="A mail of the outbox. In development mode only, so that tests can follow its link.")
class OutboxMail(MailPreview):
    message_id: str = strawberry.field(description="The first part of its Message-ID.")
    status: MailStatus = strawberry.field(description="What became of it.")
    link: str | None = strawberry.field(description="The link in it; null where it opens nothing any more.")
    created_at: DateTime = strawberry.field(description="When it was queued.")
