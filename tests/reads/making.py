"""Records to read about, made by the nouns themselves."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from db import customers, organizations, projects
from db.clock import DAY
from db.ids import hashed, new_id
from db.tables import Invitation, Ticket
from db.transaction import Transaction
from db.writing import adding, columns
from tests.conftest import World


class Making:
    """Makes records in one workspace of a world; each call is a transaction and answers an id."""

    def __init__(self, world: World, workspace_id: str | None = None) -> None:
        self.world = world
        self.workspace_id = workspace_id or world.workspace_id
        self.numbers = 0

    async def write(self, work: Callable[[Transaction], Awaitable[Any]]) -> Any:
        return await self.world.write(work, self.workspace_id)

    async def organization(self, name: str, parent: str | None = None, **more: Any) -> str:
        return await self.write(lambda tx: organizations.create(tx, {"name": name, "parent_id": parent, **more}))

    async def customer(self, email: str, organization: str | None = None, **more: Any) -> str:
        return await self.write(
            lambda tx: customers.create(tx, {"email": email, "organization_id": organization, **more})
        )

    async def customers(self, many: Sequence[dict[str, Any]]) -> list[str]:
        """Several in one transaction: all of one moment."""

        async def work(tx: Transaction) -> list[str]:
            return [await customers.create(tx, one) for one in many]

        return await self.write(work)

    async def project(
        self, name: str, customers: Sequence[str] = (), organizations: Sequence[str] = (), **more: Any
    ) -> str:
        async def work(tx: Transaction) -> str:
            project_id = await projects.create(tx, {"name": name, **more})
            await projects.share(tx, project_id, customers, organizations)
            return project_id

        return await self.write(work)

    async def ticket(self, subject: str, requester: str | None = None, project: str | None = None, **more: Any) -> str:
        self.numbers += 1
        ticket_id = new_id("ticket")

        async def work(tx: Transaction) -> str:
            row: dict[str, Any] = dict.fromkeys(c.name for c in columns(Ticket))
            row |= {"id": ticket_id, "number": self.numbers, "subject": subject, "status": "OPEN", "priority": "NORMAL"}
            row |= {"requester_id": requester, "project_id": project, "version": 1}
            row |= {"requester_email": "who@else.example", "requester_email_key": "who@else.example"}
            row |= {"created_at": tx.now, "updated_at": tx.now, **more}
            await tx.run(adding(Ticket), **row)
            tx.record(ticket_id, "CREATED")
            return ticket_id

        return await self.write(work)

    async def invitation(self, customer: str, **more: Any) -> str:
        """A pending invitation that was sent, but for what `more` says."""
        invitation_id = new_id("invitation")

        async def work(tx: Transaction) -> str:
            row: dict[str, Any] = dict.fromkeys(c.name for c in columns(Invitation))
            row |= {"id": invitation_id, "customer_id": customer, "expires_at": tx.now + 14 * DAY, "sent_count": 1}
            row |= {"delivery": "SENT", "token_hash": hashed(invitation_id), "created_at": tx.now, "updated_at": tx.now}
            await tx.run(adding(Invitation), **{**row, **more})
            tx.record(invitation_id, "CREATED")
            return invitation_id

        return await self.write(work)

    async def archive_customers(self, *ids: str) -> None:
        await self.write(lambda tx: customers.archive(tx, ids))

    async def archive_organization(self, organization_id: str, contents: str | None = None) -> None:
        await self.write(lambda tx: organizations.archive(tx, organization_id, contents))

    async def archive_project(self, project_id: str) -> None:
        await self.write(lambda tx: projects.archive(tx, project_id))
