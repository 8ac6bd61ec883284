"""Links in mails: what an open one leads to, and the one refusal of all that are not open."""

from typing import NamedTuple

from db.errors import NotPossible

INVALID_LINK = "This link is not valid: it was used, revoked or replaced, or its time is over. Ask for a new one."


class Link(NamedTuple):
    """Whose link it is, as the page that it leads to shows it."""

    workspace_name: str
    email: str
    first_name: str | None = None
    last_name: str | None = None


def invalid_link() -> NotPossible:
    """Unknown, spent, revoked, replaced, expired and foreign links are told alike."""
    return NotPossible(INVALID_LINK, ("token",), code="INVALID_LINK")
