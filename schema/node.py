"""What every record of its own has."""

import strawberry


@strawberry.interface(
    description="A record that resolves by its id alone, archived or not (Relay's object identification)."
)
class Node:
    id: strawberry.ID = strawberry.field(
        description="Opaque, globally unique and sortable by creation: three letters of kind, `_`, 26 characters."
    )
