"""How an input's field is declared: one that may be left out, and what several inputs share."""

from enum import Enum
from typing import Any

import strawberry


@strawberry.enum(description="How a session is kept by who signs in.")
class SessionForm(Enum):
    TOKEN = strawberry.enum_value("TOKEN", description="By its token in the answer, for `Authorization: Bearer`.")
    COOKIE = strawberry.enum_value(
        "COOKIE",
        description="By a cookie that the answer sets and no script can read; `token` is null. For pages of this server's "
        "origin and of those listed in ROLODESK_CORS_ORIGINS, by a plain answer over HTTP; others are refused with "
        "FORBIDDEN, other transports with NOT_POSSIBLE.",
    )


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


def session_form() -> Any:
    return strawberry.field(default=SessionForm.TOKEN, description="How the session is kept.")
