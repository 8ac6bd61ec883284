"""What every resolver is given: the process it runs in, who asks, and a way to write."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from contacts.providers import Books, nothing
from db import idempotency
from db.clock import Clock
from db.database import Database
from db.errors import Refusal, RequestRefusal, Unauthenticated, Unique
from db.idempotency import Claim
from db.reads.scope import Scope
from db.transaction import Intent, Transaction
from db.uploads import UNBOUNDED, Space
from resolvers.costs import Rate
from resolvers.passwords import Passwords
from resolvers.payload import Answering

log = logging.getLogger("rolodesk.writing")

Outcome = dict[str, Any]


@dataclass(frozen=True)
class Process:
    """What lives as long as the server: opened and closed by its lifespan."""

    database: Database
    clock: Clock
    secrets: tuple[str, ...] = field(repr=False)
    public_url: str
    upload_directory: Path
    passwords: Passwords
    mail_from: str
    development: bool = False
    books: Books = field(default_factory=nothing, repr=False)
    upload_space: Space = UNBOUNDED


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks: a user, a customer or an API key, as found at `access_number` of its workspace."""

    kind: str
    id: str
    workspace_id: str
    permissions: frozenset[str]
    access_number: int
    credential_id: str
    expires_at: int | None = None
    last_used_at: int | None = None

    @property
    def customer_id(self) -> str | None:
        return self.id if self.kind == "customer" else None

    def expired(self, now: int) -> bool:
        """Whether its credentials ended by themselves; that moves no number."""
        return self.expires_at is not None and self.expires_at <= now

    def scope(self, now: int) -> Scope:
        return Scope(self.workspace_id, self.customer_id, self.id, _ordered(self.permissions), now)


@lru_cache(maxsize=1_000)
def _ordered(permissions: frozenset[str]) -> tuple[str, ...]:
    """Permissions in the order they are told; sets of them come again with each request."""
    return tuple(sorted(permissions))


class SessionCookie(Protocol):
    """The cookie by which a browser keeps its session, where an answer can set one."""

    def check(self) -> None:
        """Refuses to set one for who asks."""

    def set(self, token: str) -> None: ...

    def end(self) -> None:
        """Has it forgotten, where it is what the request was taken by."""


class Context(NamedTuple):
    """One request: who asks (None: nobody said), where from, and for a mutation the payload it is to fill."""

    process: Process
    viewer: Viewer | None
    request_id: str
    client: str
    look_again: "Callable[[], Awaitable[Viewer | None]] | None" = None
    """Looks the viewer up again, when rights moved since."""
    operation: str = ""
    answering: Answering | None = None
    idempotency_key: str | None = None
    """The client's name for this request; a mutation that was carried out under it is answered and not repeated."""
    claim: Claim | None = None
    """The same for one field of it, where it is kept."""
    rate: Rate | None = None
    """The points of who asks; None where there is no limit."""
    shows_cost: bool = False
    """Whether the answer is to tell what it cost, in `extensions.cost`."""
    session_cookie: SessionCookie | None = None
    """The cookie that this answer can set; None where it can set none."""

    @property
    def asking(self) -> Viewer:
        """The viewer, where one is needed."""
        if self.viewer is None:
            raise Unauthenticated("Send credentials: `Authorization: Bearer …` with an API key or a session's token.")
        return self.viewer

    async def write(
        self,
        work: Callable[[Transaction], Awaitable[Outcome]],
        *,
        dry_run: bool = False,
        workspace_id: str | None = None,
        scope: Callable[[Outcome, int], Scope] | None = None,
        then: Callable[[Outcome], None] | None = None,
    ) -> bytes:
        """Runs `work` as one transaction and answers its payload, read within it.

        A refusal undoes everything and is answered in the payload's `errors`. Where nobody is signed in yet,
        `workspace_id` says where to work and `scope` as whom the payload is read. `then` is told of what is done for good.
        """
        answering = self.answering
        assert answering is not None  # noqa: S101  only mutations write
        viewer = self.viewer
        intent = Intent(
            workspace_id or self.asking.workspace_id,
            self.operation,
            viewer.id if viewer else None,
            viewer.access_number if viewer and workspace_id is None else None,
            dry_run,
        )

        claim = self.claim if workspace_id is None and not dry_run else None

        outcome: Outcome = {}

        async def whole(tx: Transaction) -> bytes:
            nonlocal outcome
            if claim is not None:
                await idempotency.take(tx, claim)
            outcome = await work(tx)
            await tx.finish()
            seen = scope(outcome, tx.now) if scope else self.asking.scope(tx.now)
            payload = await answering.assemble(outcome, seen, tx.connection.rows)
            if claim is not None:
                await idempotency.keep(tx, claim, payload)
            return payload

        try:
            payload = await self.process.database.write(whole, intent)
        except RequestRefusal:
            raise
        except Refusal as refusal:
            return await self.refuse(refusal)
        except Unique as stands_in_the_way:
            log.warning("request %s: nobody named the uniqueness of %s", self.request_id, stands_in_the_way.what)
            message = (
                "Another record with the same values stands in the way. Nothing was done; look for it and change that."
            )
            return await self.refuse(Refusal(message, code="CONSTRAINT"))
        if then is not None:
            then(outcome)
        return payload

    async def refuse(self, refusal: Refusal) -> bytes:
        """The payload of a mutation that is refused as a whole; a refused bulk call brings its own."""
        return await self.answer(getattr(refusal, "outcome", None) or {"errors": [refusal]})

    async def answer(self, outcome: Outcome) -> bytes:
        """The payload of a mutation that wrote nothing."""
        assert self.answering is not None  # noqa: S101  only mutations are answered by a payload
        now = self.process.clock()
        seen = self.viewer.scope(now) if self.viewer else Scope("", None, None, (), now)
        return await self.answering.assemble(outcome, seen, self.process.database.read)
