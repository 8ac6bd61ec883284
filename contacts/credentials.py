"""What lets the server into an address book: tokens of a consent, or a name and a password."""

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from contacts.oauth import Tokens


@dataclass(frozen=True, slots=True)
class Credentials:
    """Kept sealed. With a consent `access` holds until `expires_at` and `refresh` brings the next; or there is a password."""

    access: str | None = field(default=None, repr=False)
    refresh: str | None = field(default=None, repr=False)
    expires_at: int | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "Credentials":
        return cls(**kept)

    @classmethod
    def given(cls, tokens: Tokens) -> "Credentials":
        return cls(tokens.access, tokens.refresh, tokens.expires_at)

    def kept(self) -> dict[str, Any]:
        return asdict(self)

    def refreshed(self, tokens: Tokens) -> "Credentials":
        """With fresh tokens; a provider that gives no other refresh token lets the old one stand."""
        return Credentials(tokens.access, tokens.refresh or self.refresh, tokens.expires_at)

    @property
    def authorization(self) -> str:
        """The value of the header field Authorization."""
        if self.password is None:
            return f"Bearer {self.access}"
        return f"Basic {base64.b64encode(f'{self.username}:{self.password}'.encode()).decode()}"
