"""The table of contents: which address books this server can read, and what each of them needs from its settings."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from contacts.book import Book
from contacts.oauth import Client
from contacts.outgoing import Outgoing, named
from contacts.sealing import Seal

NAMES = ("GOOGLE", "MICROSOFT", "YAHOO", "CARDDAV")


@dataclass(frozen=True, slots=True)
class Server:
    """A CardDAV server that settings name: its address, and every origin that belongs to it."""

    url: str
    origins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Provider:
    """One kind of address book. `client` is there where consent is asked for, `servers` where a password is taken."""

    name: str
    book: Book
    client: Client | None = None
    servers: tuple[Server, ...] = ()
    missing: str = ""
    """What to set; empty where nothing is missing."""
    consents_url: str = ""
    """Where users take a consent back themselves."""

    @property
    def configured(self) -> bool:
        return self.client is not None or bool(self.servers)


@dataclass(frozen=True, slots=True)
class Books:
    """All of them, and what they share."""

    providers: Mapping[str, Provider]
    seal: Seal = field(repr=False)
    redirect_uri: str = ""
    return_origins: tuple[str, ...] = ()
    """Front ends that a browser may be sent back to."""
    loopback: bool = False
    """Whether addresses of this machine may be reached without TLS."""

    def may_return_to(self, url: str) -> bool:
        return named(url, self.return_origins)

    def signing_in(self, client: Client) -> Outgoing:
        """Requests to the addresses at which a provider signs in."""
        ends = client.endpoints
        return Outgoing([url for url in (ends.token, ends.revoke) if url], loopback=self.loopback)

    def reading(self, provider: Provider, server: str) -> Outgoing:
        """Requests for contacts."""
        return Outgoing(provider.book.origins(server), loopback=self.loopback)


def nothing() -> Books:
    """No address books at all, for a process without settings of any."""
    return Books({}, Seal([secrets.token_hex(32)]))
