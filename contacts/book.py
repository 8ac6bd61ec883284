"""What every address book has in common: contacts that come page by page, and the ways in which a request can fail."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from contacts.outgoing import Outgoing


@dataclass(frozen=True, slots=True)
class Contact:
    """A person as an address book has it. `id` is the provider's, `tag` changes whenever the contact does."""

    id: str
    emails: tuple[str, ...] = ()
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    title: str | None = None
    phone: str | None = None
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A contact that is known to exist, and still has to be asked for by its id."""

    id: str
    tag: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of an address book. Without a `position` it was the last; `sync_token` then says where changes go on."""

    contacts: Sequence[Contact] = ()
    listed: Sequence[Listed] = ()
    removed: Sequence[str] = ()
    position: str | None = None
    sync_token: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of an address book: the changes since `sync_token` (None: everything), from `position` on."""

    authorization: str
    server: str = ""
    sync_token: str | None = None
    position: str | None = None
    wanted: Sequence[str] = ()
    """Contacts that were listed and not fetched yet, as many as `Book.batch`."""


class Book(Protocol):
    """A kind of address book."""

    batch: int
    """How many listed contacts are asked for at once."""

    def origins(self, server: str) -> Sequence[str]:
        """Where requests for a server's contacts may go."""
        ...

    async def page(self, outgoing: Outgoing, asked: Asked) -> Page:
        """The next page. Raises the failures of `contacts.failures`."""
        ...
