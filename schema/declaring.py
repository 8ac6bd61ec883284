"""How a mutation is declared: by its input, the permission it takes and the function that carries it out."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

import strawberry

Resolver = Callable[..., Awaitable[Any]]

ANYBODY = "ANYBODY"
"""May be asked without credentials: signing in, accepting an invitation."""

SIGNED_IN = "SIGNED_IN"
"""May be asked by whoever has credentials, whatever they permit."""


@dataclass(frozen=True, slots=True)
class Act:
    """What a root field of `Mutation` stands for. `resolve` takes the context and the input's fields as keywords."""

    resolve: Resolver
    permission: str
    holds_secret: bool = False


def mutation(
    resolve: Resolver, input_type: type, description: str, *, permission: str, holds_secret: bool = False
) -> Any:
    """A root field of `Mutation`; its type is the annotation it is assigned to.

    `holds_secret` says that its payload shows something that is kept nowhere.
    """

    def declared(self: Any, input: Any) -> Any: ...

    argument = strawberry.argument(description="What is to be done.")
    declared.__annotations__ = {"input": Annotated[input_type, argument]}
    return strawberry.mutation(
        declared, description=description, metadata={"act": Act(resolve, permission, holds_secret)}
    )
