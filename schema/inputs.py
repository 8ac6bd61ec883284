"""How an input's field is declared: one that may be left out, and what several inputs share."""

from typing import Any

import strawberry


def optional(description: str, name: str | None = None) -> Any:
    """A field that may be left out. Left out is not null: null clears."""
    return strawberry.field(default=strawberry.UNSET, description=description, name=name)


def required(description: str) -> Any:
    return strawberry.field(description=description)


def flag(description: str) -> Any:
    """A switch that is off unless given."""
    return strawberry.field(default=False, description=description)


def dry_run() -> Any:
    """The switch that mutations share."""
    return flag("true: do everything, answer what would be, and keep nothing.")


def expected_version() -> Any:
    return optional("Refuse with CONFLICT unless the record has this `version`. Left out: no check.")
