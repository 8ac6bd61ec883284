"""A small world with everything in it, the same at every run: 14 organizations on 4 levels, 60 customers, 40 tickets.

Two workspaces hold records of the same ids, so that a statement that forgets the workspace answers wrongly at once.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from random import Random
from unittest.mock import patch

from db import users
from db.ids import PREFIXES
from db.transaction import Transaction
from tests.conftest import World
from tests.reads.making import Making

FIRST = ["Ann", "ann", "Ánn", "Bob", "Zoë", "Ødegård", "Jean-Luc", "O'Neill", None, "李", "Straße"]
LAST = ["Lee", "LEE", "Ray", "Müller", "von Berg", None, "Łuk", "Zhang", "Lee Ray"]
ORGANIZATIONS = [
    ("Acme", None), ("Globex", None), ("initech", None), ("Sales", 0), ("Works", 0), ("Éclair", 1), ("North", 3),
    ("South", 3), ("sales", 5), ("Oslo", 6), ("Gone", 0), ("Below gone", 10),
    ("Shut", 1), ("Shut too", 3),
]  # fmt: skip


def ids() -> Iterator[str]:
    return (f"{number:026}" for number in count(1))


async def seed(world: World, workspace_id: str, salt: int) -> dict[str, list[str]]:
    """Fills a workspace; answers the ids by kind."""
    random = Random(salt)
    numbers = ids()
    making = Making(world, workspace_id)
    with ExitStack() as stack:
        for module in ("db.customers", "db.organizations", "db.projects", "db.users", "tests.reads.making"):
            stack.enter_context(patch(f"{module}.new_id", lambda kind: f"{PREFIXES[kind]}_{next(numbers)}"))
        return await _seed(world, making, random, salt)


async def _seed(world: World, making: Making, random: Random, salt: int) -> dict[str, list[str]]:  # noqa: C901
    made: dict[str, list[str]] = {}
    organizations = made["organization"] = []
    for i, (name, parent) in enumerate(ORGANIZATIONS):
        world.clock.advance(random.choice([0, 0, 1, 60_000]))
        more = {"website": random.choice([None, "https://a.example", "b.example"])}
        more["external_id"] = f"o-{i}" if i % 3 == 0 else None
        above = organizations[parent] if parent is not None else None
        organizations.append(await making.organization(f"{name}{' 2' * (salt - 1)}", above, **more))
    made["customer"] = []
    for i in range(60):
        if i % 7 == 0:
            world.clock.advance(random.choice([1, 999, 86_400_000]))
        person = {"first_name": random.choice(FIRST), "last_name": random.choice(LAST)}
        person |= {"title": random.choice([None, "Boss"]), "phone": random.choice([None, "+1 555 0100"])}
        person["external_id"] = random.choice([None, f"X-{i}", f"x {i}"])
        email = (
            f"{random.choice('abc')}{i}.{random.choice(['lee', 'ray'])}@{random.choice(['example.com', 'Example.org'])}"
        )
        organization = random.choice([*organizations, None, None])
        made["customer"].append(await making.customer(email, organization, **person))
    made["project"] = []
    for i, name in enumerate(("Plan", "plan b", "Éva", "Nobody", "Old", "Zeta")):
        shared = random.sample(made["customer"], 8) if name != "Nobody" else []
        with_organizations = random.sample(organizations, 2) if name not in {"Nobody", "Zeta"} else []
        made["project"].append(
            await making.project(name, shared, with_organizations, external_id=f"p{i}" if i % 2 else None)
        )
    made["ticket"] = []
    for i in range(40):
        if i % 5 == 0:
            world.clock.advance(1_000)
        more = {"status": random.choice(["OPEN", "PENDING", "CLOSED"]), "priority": random.choice(["LOW", "URGENT"])}
        more |= {
            "external_id": random.choice([None, f"T{i}"]),
            "description": random.choice([None, "It does not work."]),
        }
        requester = random.choice([None, *made["customer"][:15]])
        project = random.choice([None, *made["project"]])
        made["ticket"].append(await making.ticket(f"Ticket {i}", requester, project, **more))
    now = world.clock()
    made["invitation"] = []
    for i, customer in enumerate(made["customer"][:24]):
        world.clock.advance(random.choice([0, 5]))
        kinds = [
            {},
            {"expires_at": now - 1},
            {"revoked_at": now - 5},
            {"accepted_at": now - 9},
            {"expires_at": now + 10**8},
        ]
        made["invitation"].append(await making.invitation(customer, **kinds[i % 5]))
        if i % 4 == 1:
            made["invitation"].append(await making.invitation(customer, revoked_at=now - 3))

    async def staff(tx: Transaction) -> list[str]:
        return [
            await users.create(tx, f"u{i}@staff.example", n, r)
            for i, (n, r) in enumerate((("Ada", "OWNER"), ("Bo", "AGENT")))
        ]

    made["user"] = await making.write(staff)
    await making.archive_project(made["project"][4])
    await making.archive_customers(*made["customer"][50:54])
    for shut in (10, 12, 13):
        await making.archive_organization(organizations[shut], "ARCHIVE")

    await _finish(world, making.workspace_id, made)
    return made


async def _finish(world: World, workspace_id: str, made: dict[str, list[str]]) -> None:
    where = "WHERE workspace_id = ? AND id IN (?, ?, ?)"
    await world.run(f"UPDATE customer SET activated_at = created_at {where}", (workspace_id, *made["customer"][3:6]))
    await world.run(f"UPDATE ticket SET archived_at = created_at {where}", (workspace_id, *made["ticket"][7:10]))
    bounced = "(SELECT email FROM customer c WHERE c.workspace_id = i.workspace_id AND c.id = i.customer_id)"
    ending = "substr(i.id, length(i.id)) IN ('2', '7')"
    await world.run(f"UPDATE invitation AS i SET bounced_address = {bounced} WHERE {ending}")
    actors = [*made["user"], *made["customer"][:2], None]
    for number in range(1, 12):
        place = (actors[number % 5], workspace_id, number)
        await world.run("UPDATE change SET actor_id = ? WHERE workspace_id = ? AND number = ?", place)
