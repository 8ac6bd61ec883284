"""What a mutation refuses: errors that carry what a client needs to act."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from db.errors import MEANINGS
from schema.customer import Customer
from schema.node import Node
from schema.user import User

if TYPE_CHECKING:
    ErrorCode = str
else:
    ErrorCode = strawberry.enum(
        Enum("ErrorCode", {code: strawberry.enum_value(code, description=text) for code, text in MEANINGS.items()}),
        description="Why something was refused. A code never changes its meaning; new ones may come.",
    )

Holder = Annotated[
    Customer | User, strawberry.union("Holder", description="Who holds an e-mail address: a customer or a user.")
]


@strawberry.interface(description="Something in the input that is refused.")
class UserError:
    code: ErrorCode = strawberry.field(description="Why, for programs.")
    message: str = strawberry.field(description="Why and what to do, for a person; in English.")
    path: list[str] = strawberry.field(
        description='Where in the input, such as ["customers", "3", "email"]; at most 20 steps.'
    )


@strawberry.type(description="A value that does not fit, or an act that is not possible; the code says which.")
class InvalidInput(UserError):
    value: str | None = strawberry.field(description="The value as it was sent, at most 80 characters.")


@strawberry.type(description="An id, address or external id that names nothing in sight.")
class NotFound(UserError):
    value: str | None = strawberry.field(description="What was looked for.")


@strawberry.type(description="The address is held by a living customer or a user.")
class EmailTaken(UserError):
    holder: Holder | None = strawberry.field(description="Who holds it.")


@strawberry.type(description="The external id is held by another living record.")
class ExternalIdTaken(UserError):
    holder: Node | None = strawberry.field(description="The record that holds it.")


@strawberry.type(description="The name is held by a living record beside this one.")
class NameTaken(UserError):
    holder: Node | None = strawberry.field(description="The record that holds it.")


@strawberry.type(description="The record changed since the version that was expected.")
class VersionConflict(UserError):
    current_version: int = strawberry.field(description="The version it has now.")
    record: Node | None = strawberry.field(description="The record as it is now.")


@strawberry.type(description="The organization would come to lie under itself.")
class OrganizationCycle(UserError):
    organization: Node | None = strawberry.field(
        description="The target, which lies below the organization to be moved."
    )


@strawberry.type(description="The organization still holds others.")
class NotEmpty(UserError):
    customer_count: int = strawberry.field(description="How many living customers are in it or below it.")
    organization_count: int = strawberry.field(description="How many living organizations are below it.")


ERRORS = [InvalidInput, NotFound, EmailTaken, ExternalIdTaken, NameTaken, VersionConflict, OrganizationCycle, NotEmpty]
