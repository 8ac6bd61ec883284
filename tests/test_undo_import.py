"""Undoing an import: what it made is archived, what it changed is restored, and what was touched since is kept."""

import random
from typing import Any

import pytest

from db import tickets
from db.errors import RequestRefusal
from db.job_queue import LEASE_MILLISECONDS, claim
from db.tables import Ticket
from db.writing import changing
from jobs import imports as jobs
from jobs import undo
from jobs.runner import drain
from tests.conftest import Client, World
from tests.importing import imported, start
from tests.mailing import Caught, worker
from tests.steps import customer, done, emails, organization, project, read, well, written

UNDO = """query($id: ID!) { import(id: $id) { status
  undo { dryRun status records undone partlyUndone kept
    keptRecords { nodes { undo issues { property code message }
      record { ... on Customer { email } ... on Organization { name } ... on Ticket { subject } } } } }
  rows(first: 250) { nodes { line status undo undoIssues { property code } } } } }"""

LIVING = (
    (
        "SELECT id, email, email_key, first_name, first_name_key, last_name, last_name_key, name_key, phone, title, external_id,"
        " organization_id, activated_at, created_at FROM customer WHERE archived_at IS NULL ORDER BY id"
    ),
    (
        "SELECT id, name, name_key, parent_id, external_id, website, description, created_at FROM organization"
        " WHERE archived_at IS NULL ORDER BY id"
    ),
    (
        "SELECT id, number, subject, description, status, priority, project_id, requester_id, requester_email,"
        " requester_email_key, requester_name, external_id, created_at FROM ticket WHERE archived_at IS NULL ORDER BY id"
    ),
    ("SELECT email_key, customer_id, user_id FROM email_address ORDER BY 1"),
    (
        "SELECT word, w.name_key, customer_id FROM customer_word w JOIN customer c USING (workspace_id)"
        " WHERE c.id = customer_id AND c.archived_at IS NULL ORDER BY 1, 2, 3"
    ),
    (
        "SELECT project_id, customer_id FROM project_customer JOIN customer c USING (workspace_id) WHERE c.id = customer_id"
        " AND c.archived_at IS NULL ORDER BY 1, 2"
    ),
)


async def living(world: World) -> list[Any]:
    """Everything that is not archived, without versions, times of change, the log and the imports."""
    return [[tuple(row) for row in await world.database.read(text)] for text in LIVING]


async def undone(world: World, admin: Client, import_id: str, **given: Any) -> dict[str, Any]:
    await well(admin, "undoImport", "import { status }", importId=import_id, **given)
    await drain(worker(world, Caught()))
    found: dict[str, Any] = (await admin.ask(UNDO, id=import_id))["import"]
    state = found["undo"]
    assert state["records"] == state["undone"] + state["partlyUndone"] + state["kept"]
    return found


def kept(found: dict[str, Any]) -> list[tuple[str, str, list[tuple[str | None, str]]]]:
    """What was kept: address, name or subject, how, and why."""
    return sorted(
        (next(iter(one["record"].values())), one["undo"], [(i["property"], i["code"]) for i in one["issues"]])
        for one in found["undo"]["keptRecords"]["nodes"]
    )


async def some_ticket(world: World, address: str, **properties: Any) -> str:
    given = {"subject": "Help", "requester_email": address, **properties}
    return await world.write(lambda tx: tickets.create(tx, given))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (jobs, undo):
        for name in ("FIRST_CHUNK", "LARGEST_CHUNK", "SMALLEST_CHUNK"):
            monkeypatch.setattr(module, name, 3)


@pytest.mark.usefixtures("small")
async def test_everything_is_as_before(world: World, admin: Client) -> None:
    acme = await organization(admin, "Acme")
    ann = await customer(admin, "ann@example.com", firstName="Ann", organizationId=acme, externalId="A")
    await some_ticket(world, "bob@example.com")
    await some_ticket(world, "ann@example.com")
    before = await living(world)
    text = (
        "Email,First Name,Phone,Company,Website,Customer Id\n"
        "ann@example.com,Anna,12,Globex / Europe,https://globex.example,A2\n"
        "bob@example.com,Bob,,Acme,https://acme.example,B\n"
        + "".join(f"p{n}@example.com,P,,Globex / Asia,,p{n}\n" for n in range(9))
        + "wrong,W,,,,\n"
    )
    found = await imported(world, admin, "importCustomers", text)
    during = await living(world)
    assert during != before
    looked = await undone(world, admin, found["id"], dryRun=True)
    assert (looked["status"], looked["undo"]["dryRun"], kept(looked)) == ("SUCCEEDED", True, [])
    assert looked["undo"]["undone"] == 15
    assert await living(world) == during
    result = await undone(world, admin, found["id"])
    assert (result["status"], result["undo"]["undone"], kept(result)) == ("UNDONE", 15, [])
    assert await living(world) == before
    assert [row["undo"] for row in result["rows"]["nodes"]] == ["UNDONE"] * 11 + [None]
    history = await read(admin, ann, "... on Customer { history { nodes { action change { operation } } } }")
    assert history["history"]["nodes"][0] == {"action": "UPDATED", "change": {"operation": "undoImport"}}
    again = await imported(world, admin, "importCustomers", text)
    assert again["counts"]["created"] == 10


async def test_keeps_what_was_touched_since_and_says_why(world: World, admin: Client) -> None:
    old = await customer(admin, "old@example.com", firstName="Old", phone="1")
    names = ("edited", "invited", "shared", "ticket", "linked", "place", "gone")
    rows = "".join(f"{name}@example.com,{name},{'Inside' if name == 'place' else ''},\n" for name in names)
    text = "Email,First Name,Company,Phone\n" + rows + "old@example.com,New,,2\n"
    found = await imported(world, admin, "importCustomers", text)
    ids = {}
    for name in names:
        answer = await admin.ask("query($e: String) { customer(by: {email: $e}) { id } }", e=f"{name}@example.com")
        ids[name] = answer["customer"]["id"]
    await well(admin, "updateCustomer", customer={"id": ids["edited"]}, title="Boss")
    await well(admin, "inviteCustomers", customerIds=[ids["invited"]])
    await project(admin, "Site", [ids["shared"]])
    given = await some_ticket(world, "somebody@example.com")
    by_hand = {"id": given, "requester_id": ids["ticket"]}
    await world.write(lambda tx: tx.run(changing(Ticket, ("requester_id",)), now=tx.now, **by_hand))
    linked = await some_ticket(world, "linked@example.com")
    inside = (await read(admin, ids["place"], "... on Customer { organization { id } }"))["organization"]["id"]
    await customer(admin, "later@example.com", organizationId=inside)
    await well(admin, "archiveCustomers", customerIds=[ids["gone"]])
    await well(admin, "updateCustomer", customer={"id": old}, firstName="Newest")
    expected = [
        ("Inside", "KEPT", [(None, "IN_USE")]),
        ("edited@example.com", "KEPT", [("title", "EDITED")]),
        ("invited@example.com", "KEPT", [(None, "INVITED")]),
        ("old@example.com", "PARTLY_UNDONE", [("firstName", "CHANGED_SINCE")]),
        ("shared@example.com", "KEPT", [(None, "SHARED")]),
        ("ticket@example.com", "KEPT", [(None, "HAS_TICKETS")]),
    ]
    looked = await undone(world, admin, found["id"], dryRun=True)
    assert kept(looked) == expected
    result = await undone(world, admin, found["id"])
    assert (result["status"], kept(result)) == ("PARTLY_UNDONE", expected)
    assert (result["undo"]["undone"], result["undo"]["partlyUndone"], result["undo"]["kept"]) == (3, 1, 5)
    row = result["rows"]["nodes"][0]
    assert (row["undo"], row["undoIssues"]) == ("KEPT", [{"property": "title", "code": "EDITED"}])
    assert await read(admin, old, "... on Customer { firstName phone }") == {"firstName": "Newest", "phone": "1"}
    assert (await read(admin, linked, "... on Ticket { requester { id } }"))["requester"] is None
    assert "linked@example.com" not in await emails(admin)
    await well(admin, "updateCustomer", customer={"id": ids["edited"]}, title=None)
    again = await undone(world, admin, found["id"])
    assert (again["status"], len(kept(again))) == ("PARTLY_UNDONE", 5)
    assert "edited@example.com" not in await emails(admin)


async def test_says_what_cannot_be_given_back(world: World, admin: Client) -> None:
    old = await organization(admin, "Old")
    one = await customer(admin, "one@example.com", externalId="1", organizationId=old)
    found = await imported(world, admin, "importCustomers", "Email,Customer Id,Company\none@example.com,2,New\n")
    await customer(admin, "two@example.com", externalId="1")
    await well(admin, "archiveOrganization", organizationId=old)
    result = await undone(world, admin, found["id"])
    issues = [("organizationId", "NOT_FOUND"), ("externalId", "EXTERNAL_ID_TAKEN")]
    assert kept(result) == [("New", "KEPT", [(None, "IN_USE")]), ("one@example.com", "KEPT", issues)]
    assert (await read(admin, one, "... on Customer { externalId }"))["externalId"] == "2"


@pytest.mark.usefixtures("small")
async def test_undoes_organizations_in_whatever_order_they_free_each_other(world: World, admin: Client) -> None:
    a = await organization(admin, "A", externalId="a")
    await organization(admin, "B", a, externalId="b")
    await organization(admin, "C", externalId="c", website="https://c.example")
    before = await living(world)
    text = "Name,Parent,External ID,Website\nTop,,t,\nA2,Top,a,\nC,Top,c,https://new.example\nDeep,Top / A2,,\n"
    found = await imported(world, admin, "importOrganizations", text)
    assert found["counts"]["updated"] == 2
    assert found["counts"]["created"] == 2
    result = await undone(world, admin, found["id"])
    assert (result["status"], kept(result)) == ("UNDONE", [])
    assert await living(world) == before


async def test_undoes_tickets(world: World, admin: Client) -> None:
    ann = await customer(admin, "ann@example.com")
    await some_ticket(world, "bob@example.com", external_id="1", status="OPEN")
    before = await living(world)
    rows = "ann@example.com,New,1,closed\nann@example.com,Two,2,open\nx@example.com,Three,3,open\n"
    found = await imported(world, admin, "importTickets", "Email,Subject,External ID,Status\n" + rows)
    assert (found["counts"]["created"], found["counts"]["updated"]) == (2, 1)
    await customer(admin, "x@example.com")
    result = await undone(world, admin, found["id"])
    assert (result["status"], kept(result)) == ("UNDONE", [])
    assert (await living(world))[2] == before[2]
    assert ann is not None


@pytest.mark.usefixtures("small")
async def test_undoes_what_was_cancelled(world: World, admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    before = await living(world)
    import_id = await start(admin, "importCustomers", "Email\n" + "".join(f"p{n}@example.com\n" for n in range(20)))
    whole = jobs.Run.chunk

    async def then_cancel(run: jobs.Run, entries: Any, at: int) -> float:
        held = await whole(run, entries, at)
        if at == 6:
            (error,) = (await done(admin, "undoImport", importId=import_id))["errors"]
            assert (error["code"], error["path"]) == ("NOT_POSSIBLE", ["importId"])
            await well(admin, "cancelImport", importId=import_id)
        return held

    monkeypatch.setattr(jobs.Run, "chunk", then_cancel)
    await drain(worker(world, Caught()))
    assert len(await emails(admin)) == 9
    result = await undone(world, admin, import_id)
    assert (result["status"], result["undo"]["undone"]) == ("UNDONE", 9)
    assert await living(world) == before
    once_more = await undone(world, admin, import_id)
    assert once_more["undo"]["undone"] == 9


async def test_refuses_what_cannot_be_undone(world: World, admin: Client) -> None:
    waiting = await start(admin, "importCustomers", "Email\na@example.com\n")
    (error,) = (await done(admin, "undoImport", importId=waiting))["errors"]
    assert (error["code"], error["path"]) == ("NOT_POSSIBLE", ["importId"])
    dry = await imported(world, admin, "importCustomers", "Email\nb@example.com\n", dryRun=True)
    before = await written(world)
    (error,) = (await done(admin, "undoImport", importId=dry["id"]))["errors"]
    assert error["code"] == "NOT_POSSIBLE"
    (error,) = (await done(admin, "undoImport", importId="imp_00000000000000000000000000"))["errors"]
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["importId"])
    assert await written(world) == before


class Gone(RequestRefusal):
    """Stands for the end of the process: what the transaction wrote is lost, and nobody tries anything else."""


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("dry_run", [False, True])
async def test_goes_on_wherever_it_was_interrupted(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch, seed: int, dry_run: bool
) -> None:
    chance = random.Random(seed)
    await customer(admin, "p3@example.com", firstName="Old")
    before = await living(world)
    rows = "".join(f"p{n}@example.com,Given {n},Acme {n % 4} / Branch\n" for n in range(30))
    found = await imported(world, admin, "importCustomers", "Email,First Name,Company\n" + rows)
    during = await living(world)
    settle = undo.undoing.settle

    async def then_end(*arguments: Any, **more: Any) -> None:
        await settle(*arguments, **more)
        if chance.random() < 0.2:
            raise Gone("gone")

    await well(admin, "undoImport", importId=found["id"], dryRun=dry_run)
    monkeypatch.setattr(undo.undoing, "settle", then_end)
    for attempt in range(60):
        if attempt == 50:
            monkeypatch.setattr(undo.undoing, "settle", settle)
        world.clock.advance(LEASE_MILLISECONDS + 1)
        job = await claim(world.database, "worker", world.clock(), ["UNDO"])
        if job is None:
            break
        try:
            await undo.carry_out(worker(world, Caught()), job)
        except Gone:
            continue
    result = (await admin.ask(UNDO, id=found["id"]))["import"]
    assert result["status"] == ("SUCCEEDED" if dry_run else "UNDONE")
    assert (result["undo"]["status"], result["undo"]["undone"], kept(result)) == ("ENDED", 38, [])
    assert await living(world) == (during if dry_run else before)
