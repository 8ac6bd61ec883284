"""Loading the demo workspace, and finding it again with its key."""

import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from sqlalchemy import bindparam, update

from db import api_keys, customers, invitations, organizations, projects, tickets, uploads, users, viewers, workspaces
from db.clock import DAY, MINUTE, system_clock
from db.database import Database
from db.engines.opening import Where, open_database
from db.ids import link_token, new_id, token
from db.statements import Statement
from db.tables import Credential, Invitation, Job, Mail, Upload
from db.transaction import Intent, Transaction
from db.writing import adding, columns
from resolvers.passwords import Passwords
from server.demo.companies import PROJECTS, Company, companies
from server.demo.people import PRIVATE_DOMAINS, TITLES, Person, people, phone
from server.demo.requests import request

NEWCOMERS = Path(__file__).parent / "newcomers.csv"
NAME = "Fernleaf Instruments"
SLUG = "demo"
EMAIL = "owner@fernleaf.example"
PASSWORD = "a leaf in the wind gauge"  # noqa: S105  printed for everybody
STAFF = (
    (EMAIL, "Marisol Quint", "OWNER"),
    ("admin@fernleaf.example", "Tobias Anker", "ADMIN"),
    ("agent@fernleaf.example", "Sunniva Patel", "AGENT"),
    ("viewer@fernleaf.example", "Desmond Achterberg", "VIEWER"),
)
SEED = 20_26
DAYS = 120
BATCHES = 30
CUSTOMERS = 600
TICKETS = 300
STRANGERS = 30
INVITED_LATELY = 70


class Demo(NamedTuple):
    """The demo workspace, and an API key to it that may do everything."""

    workspace_id: str
    key: str


def demo_key(secret: str, workspace_id: str) -> str:
    """The demo's key: made of the server's secret, so that it can be told again though only its hash is kept."""
    signed = hmac.new(secret.encode(), f"demo key {workspace_id}".encode(), "sha256")
    return token("key", workspace_id, signed.hexdigest())


async def find(database: Database, secrets: Sequence[str]) -> Demo | None:
    """The demo workspace that was loaded with one of these secrets; one whose loading was interrupted does not count."""
    slug, number = SLUG, 1
    while workspace_id := await workspaces.find(database, slug):
        for secret in secrets:
            key = demo_key(secret, workspace_id)
            if await viewers.find(database, key):
                return Demo(workspace_id, key)
        number += 1
        slug = f"{SLUG}-{number}"
    return None


async def is_empty(database: Database) -> bool:
    """Whether nobody has begun to use the database; what an interrupted loading left behind does not count."""
    ours = all(one.slug == SLUG or one.slug.startswith(f"{SLUG}-") for one in await workspaces.every(database))
    return ours and not await api_keys.any_at_all(database)


async def load(where: Where, secret: str, directory: Path) -> Demo:
    """Adds a demo workspace to the database in a file: what happened over the last months, in as many transactions.

    A file that waits to be imported goes to the directory of uploads.
    """
    past = Past(system_clock() - DAYS * DAY)
    database, passwords = await open_database(where, past), Passwords()
    try:
        free = await workspaces.find(database, SLUG) is None
        workspace_id = await workspaces.create(database, NAME if free else SLUG, SLUG if free else None)
        password_hash = await passwords.hash(PASSWORD)
        await Loading(database, past, workspace_id, secret, password_hash, directory).everything()
    finally:
        passwords.close()
        await database.close()
    return Demo(workspace_id, demo_key(secret, workspace_id))


@dataclass
class Past:
    """A clock that is set forward by hand."""

    now: int

    def __call__(self) -> int:
        return self.now

    def pass_by(self, milliseconds: int) -> None:
        self.now += milliseconds


class Newcomer(NamedTuple):
    """A customer to be."""

    properties: dict[str, Any]
    company: int | None
    fate: str
    """never, open, accepted or revoked: what becomes of their invitation."""


class Loading:
    """One run; every choice comes from one seed, so that each run tells the same story."""

    def __init__(
        self,
        database: Database,
        past: Past,
        workspace_id: str,
        secret: str,
        password_hash: str,
        directory: Path,
    ) -> None:
        self.random = Random(SEED)
        self.database, self.past, self.workspace_id = database, past, workspace_id
        self.secret, self.password_hash, self.directory = secret, password_hash, directory
        self.companies = companies()
        crowd = people(self.random)
        self.newcomers = [self.newcomer(next(crowd), number) for number in range(1, CUSTOMERS + 1)]
        self.strangers = [next(crowd) for _ in range(STRANGERS)]
        self.staff: list[str] = []
        self.organization_ids: list[str] = []
        self.project_ids: dict[str, str] = {}
        self.customer_ids: list[str] = []

    def newcomer(self, person: Person, number: int) -> Newcomer:
        company = None if self.random.random() < 0.14 else self.random.randrange(len(self.companies))
        domain = self.random.choice(PRIVATE_DOMAINS) if company is None else self.companies[company].domain
        names = {"first_name": person.first_name, "last_name": person.last_name} if self.random.random() < 0.95 else {}
        more = {
            "phone": phone(self.random) if self.random.random() < 0.6 else None,
            "title": self.random.choice(TITLES) if company is not None and self.random.random() < 0.7 else None,
            "external_id": f"C-{number:04}" if self.random.random() < 0.8 else None,
        }
        fate = self.random.choices(("never", "open", "accepted", "revoked"), (42, 14, 42, 2))[0]
        return Newcomer({"email": f"{person.local_part}@{domain}", **names, **more}, company, fate)

    async def everything(self) -> None:
        """The whole story, from the first user to the key."""
        await self.do("createUser", self.add_staff)
        await self.do("createOrganization", self.add_organizations)
        await self.do("createProject", self.add_projects)
        for batch in range(BATCHES):
            self.past.pass_by((DAYS - 2) * DAY // BATCHES)
            await self.do("createTicket", lambda tx, batch=batch: self.add_tickets(tx, batch))  # type: ignore[misc]
            await self.do("createCustomer", lambda tx, batch=batch: self.add_customers(tx, batch))  # type: ignore[misc]
            await self.do("acceptInvitation", self.accept_invitations)
        await self.do("shareProject", self.share_with_customers)
        await self.do("moveCustomers", self.move_customers)
        await self.do("inviteCustomers", self.invite_lately)
        await self.do("upload", self.add_file)
        await self.do("createApiKey", self.add_key)

    async def do(self, operation: str, work: Callable[[Transaction], Awaitable[None]]) -> None:
        """One transaction, by the owner or, before there is one, by nobody."""
        self.past.pass_by(MINUTE)
        actor = self.staff[0] if self.staff else None
        await self.database.write(work, Intent(self.workspace_id, operation, actor))

    async def add_staff(self, tx: Transaction) -> None:
        self.staff = [await users.create(tx, address, name, role) for address, name, role in STAFF]
        for user_id in self.staff:
            await tx.run(adding(Credential), holder_id=user_id, password_hash=self.password_hash, changed_at=tx.now)

    async def add_organizations(self, tx: Transaction) -> None:
        ids: list[str] = []
        for company in self.companies:
            ids.append(await organizations.create(tx, organization(company, ids)))
        self.organization_ids = ids

    async def add_projects(self, tx: Transaction) -> None:
        by_name = {c.name: i for c, i in zip(self.companies, self.organization_ids, strict=True)}
        ids: dict[str, str] = {}
        for plan in PROJECTS:
            properties = {"name": plan.name, "description": plan.description, "external_id": plan.external_id}
            ids[plan.external_id] = await projects.create(tx, properties)
            await projects.share(tx, ids[plan.external_id], (), [by_name[name] for name in plan.organizations])
        self.project_ids = ids

    async def add_tickets(self, tx: Transaction, batch: int) -> None:
        """Some come before their requester is a customer, and some requesters never become one."""
        random = Random(f"tickets {batch}")
        for number in range(batch * TICKETS // BATCHES, (batch + 1) * TICKETS // BATCHES):
            made = request(random)
            if random.random() < 0.2:
                stranger = random.choice(self.strangers)
                address, name = f"{stranger.local_part}@example.org", f"{stranger.first_name} {stranger.last_name}"
            else:
                asking = random.choice(self.newcomers).properties
                address, name = asking["email"], " ".join(asking.get(n, "") for n in ("first_name", "last_name"))
            properties = {
                "subject": made.subject,
                "description": made.description,
                "status": made.status,
                "priority": made.priority,
                "project_id": self.project_ids.get(made.project),
                "requester_email": address,
                "requester_name": name,
                "external_id": f"T-{number + 1:04}",
            }
            await tickets.create(tx, properties)

    async def add_customers(self, tx: Transaction, batch: int) -> None:
        size = CUSTOMERS // BATCHES
        ids: list[str] = []
        for one in self.newcomers[batch * size : (batch + 1) * size]:
            place = None if one.company is None else self.organization_ids[one.company]
            ids.append(await customers.create(tx, {**one.properties, "organization_id": place}))
            if one.fate != "never":
                await invitations.invite(tx, ids[-1], self.secret, "Welcome. Ask us anything about the weather.")
        await without_mail(tx)
        self.customer_ids[batch * size :] = ids

    async def accept_invitations(self, tx: Transaction) -> None:
        """Of the last batch; the others are left open, or revoked."""
        size = CUSTOMERS // BATCHES
        lately = zip(self.newcomers[: len(self.customer_ids)][-size:], self.customer_ids[-size:], strict=True)
        for one, customer_id in lately:
            if one.fate not in {"accepted", "revoked"}:
                continue
            opened = await tx.row(invitations.OPEN, customer_id=customer_id)
            assert opened is not None  # noqa: S101  it was sent in the transaction before
            if one.fate == "revoked":
                await invitations.revoke(tx, opened[0])
            else:
                link = link_token(self.secret, self.workspace_id, opened[0], opened[1])
                await invitations.accept(tx, link, self.password_hash, {})

    async def share_with_customers(self, tx: Transaction) -> None:
        random = Random("shares")
        for plan in PROJECTS:
            chosen = random.sample(self.customer_ids, plan.customers)
            await projects.share(tx, self.project_ids[plan.external_id], chosen, ())

    async def move_customers(self, tx: Transaction) -> None:
        """Some who came alone are put where they belong."""
        alone = [i for i, one in zip(self.customer_ids, self.newcomers, strict=True) if one.company is None]
        await customers.move(tx, alone[:12], self.organization_ids[-1])

    async def invite_lately(self, tx: Transaction) -> None:
        """Invitations that are still open today; four of them came back."""
        waiting = [i for i, one in zip(self.customer_ids, self.newcomers, strict=True) if one.fate == "never"]
        sent = [await invitations.invite(tx, customer_id, self.secret) for customer_id in waiting[-INVITED_LATELY:]]
        await without_mail(tx)
        for invitation_id in sent[:4]:
            await tx.run(BOUNCED, id=invitation_id, answer="550 5.1.1 No such mailbox here.")

    async def add_file(self, tx: Transaction) -> None:
        """A file to try an import with; it does not expire."""
        upload_id = new_id("uploaded_file")
        path = uploads.path_of(self.directory, upload_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(NEWCOMERS.read_bytes())
        await uploads.add(tx, upload_id, NEWCOMERS.name, path.stat().st_size, "text/csv")
        await tx.run(KEEP_FILE, id=upload_id, expires_at=tx.now + 3650 * DAY)

    async def add_key(self, tx: Transaction) -> None:
        """The last step: a workspace without its key was not loaded to the end."""
        key = demo_key(self.secret, self.workspace_id)
        await api_keys.create(tx, "GraphiQL", ("ADMIN",), key=key)


def organization(company: Company, ids: Sequence[str]) -> dict[str, Any]:
    """An organization's properties; `ids` are those of the companies before it."""
    return {
        "name": company.name,
        "parent_id": None if company.parent is None else ids[company.parent],
        "website": company.website,
        "description": company.description,
        "external_id": company.external_id,
    }


async def without_mail(tx: Transaction) -> None:
    """Counts the mails queued so far as sent: nobody made up gets one."""
    await tx.run(MAIL_SENT, now=tx.now)
    await tx.run(JOB_DONE)
    await tx.run(DELIVERED, now=tx.now)


_m, _j, _i, _f = columns(Mail), columns(Job), columns(Invitation), columns(Upload)
KEEP_FILE = Statement(
    update(Upload)
    .where(_f.workspace_id == bindparam("workspace"), _f.id == bindparam("id"))
    .values(expires_at=bindparam("expires_at"))
)
MAIL_SENT = Statement(
    update(Mail)
    .where(_m.workspace_id == bindparam("workspace"), _m.status == "QUEUED")
    .values(status="SENT", attempts=1, server_answer="not sent: a demo", sent_at=bindparam("now"))
)
JOB_DONE = Statement(
    update(Job)
    .where(_j.workspace_id == bindparam("workspace"), _j.kind == "MAIL", _j.status == "WAITING")
    .values(status="DONE")
)
DELIVERED = Statement(
    update(Invitation)
    .where(_i.workspace_id == bindparam("workspace"), _i.delivery == "QUEUED")
    .values(delivery="SENT", last_sent_at=bindparam("now"))
)
BOUNCED = Statement(
    update(Invitation)
    .where(_i.workspace_id == bindparam("workspace"), _i.id == bindparam("id"))
    .values(delivery="BOUNCED", delivery_message=bindparam("answer"))
)
