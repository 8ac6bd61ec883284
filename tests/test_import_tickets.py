"""Importing tickets from a file."""

from typing import Any

import pytest

from tests.conftest import Client, World
from tests.importing import counts, imported, issues
from tests.steps import customer, project, well

FILE = """Ticket ID,Customer Name,Customer Email,Customer Age,Ticket Subject,Ticket Description,Ticket Status,Ticket Priority
1,Marisa Obrien,carroll@example.com,32,Product setup,"I'm having an issue.

Please assist.",Pending Customer Response,Critical
2,Jessica Rios,clark@example.com,42,Network problem,Nothing works.,Closed,Low
3,Jessica Rios,Clark@example.com,42,Refund,Money back.,Open,Medium
4,Dan Poe,dan@example.com,20,Delivery,Where?,Open,High
"""
TICKETS = """{ tickets(first: 50) { totalCount nodes { number subject description status priority externalId requesterEmail
  requesterName requester { email } project { name } createdAt } } }"""


async def tickets(client: Client) -> list[dict[str, Any]]:
    return (await client.ask(TICKETS))["tickets"]["nodes"]


async def test_reads_tickets_of_customers_not_yet_known(world: World, admin: Client) -> None:
    found = await imported(world, admin, "importTickets", "\ufeff" + FILE)
    assert counts(found) == {"created": 4, "unmatched": 4}
    assert found["columns"][3] == {"column": "Customer Age", "field": None}
    first, *others = await tickets(admin)
    del first["createdAt"]
    assert first == {
        "number": 1,
        "subject": "Product setup",
        "description": "I'm having an issue.\n\nPlease assist.",
        "status": "PENDING",
        "priority": "URGENT",
        "externalId": "1",
        "requesterEmail": "carroll@example.com",
        "requesterName": "Marisa Obrien",
        "requester": None,
        "project": None,
    }
    assert [(t["number"], t["status"], t["priority"]) for t in others] == [
        (2, "CLOSED", "LOW"),
        (3, "OPEN", "NORMAL"),
        (4, "OPEN", "HIGH"),
    ]


async def test_links_tickets_to_their_customers_whichever_came_first(world: World, admin: Client) -> None:
    await customer(admin, "DAN@example.com")
    found = await imported(world, admin, "importTickets", FILE)
    assert counts(found) == {"created": 4, "unmatched": 3}
    await customer(admin, "carroll@example.com")
    await imported(world, admin, "importCustomers", "Email,Name\nclark@EXAMPLE.com,Jessica Rios\n")
    assert [(t["requester"] or {}).get("email") for t in await tickets(admin)] == [
        "carroll@example.com",
        "clark@example.com",
        "clark@example.com",
        "DAN@example.com",
    ]
    linked = await world.rows("SELECT count(*) FROM change_record WHERE action = 'LINKED'")
    assert linked == [(3,)]
    again = await imported(world, admin, "importTickets", FILE)
    assert counts(again) == {"unchanged": 4}


async def test_numbers_go_on_from_the_workspaces_own(world: World, admin: Client) -> None:
    await imported(world, admin, "importTickets", FILE)
    await imported(world, admin, "importTickets", "Email,Subject\nx@example.com,One more\n")
    assert [t["number"] for t in await tickets(admin)] == [1, 2, 3, 4, 5]
    assert (await tickets(admin))[4]["status"] == "OPEN"


@pytest.mark.parametrize(
    ("policy", "expected", "after"),
    [
        ("UPDATE", {"updated": 1, "created": 1}, ("New subject", "CLOSED", "clark@example.com")),
        ("FILL_EMPTY", {"unchanged": 1, "created": 1}, ("Product setup", "PENDING", None)),
        ("SKIP", {"skipped": 1, "created": 1}, ("Product setup", "PENDING", None)),
        ("FAIL", {"refused": 1, "created": 1}, ("Product setup", "PENDING", None)),
    ],
)
async def test_does_with_existing_tickets_what_was_asked(
    world: World, admin: Client, policy: str, expected: dict[str, int], after: tuple[str, str, str | None]
) -> None:
    await customer(admin, "clark@example.com")
    await imported(world, admin, "importTickets", FILE)
    text = "Ticket ID,Email,Subject,Status,Priority\n1,clark@example.com,New subject,solved,\n9,clark@example.com,x,,\n"
    found = await imported(world, admin, "importTickets", text, onExisting=policy)
    assert {k: v for k, v in counts(found).items() if k != "unmatched"} == expected
    ticket = (await tickets(admin))[0]
    assert (ticket["subject"], ticket["status"], (ticket["requester"] or {}).get("email")) == after
    assert ticket["priority"] == "URGENT"


async def test_says_of_every_row_what_is_wrong(world: World, admin: Client) -> None:
    await project(admin, "Website")
    text = (
        "Email,Subject,Description,Status,Priority,Project,Created,Ticket ID\n"
        ",No address,,,,,,\n"
        "a@example.com,Bad date,,,,,31/31/2026,\n"
        "a@example.com,No project,,,,Shop,,\n"
        'a@example.com,,"First line\nsecond",odd,odd,WEBSITE,2026-01-31T10:00:00+02:00,1\n'
        "a@example.com,Twice,,,,,,1\n"
        f"a@example.com,{'x' * 501},,,,,,\n"
    )
    for dry_run in (True, False):
        found = await imported(world, admin, "importTickets", text, dryRun=dry_run)
        assert counts(found) == {"created": 1, "skipped": 1, "refused": 4, "warnings": 2, "unmatched": 1}
        assert issues(found) == [
            (2, "REQUIRED", "Email", None),
            (3, "INVALID_VALUE", "Created", "31/31/2026"),
            (4, "NOT_FOUND", "Project", "Shop"),
            (8, "TOO_LONG", "Subject", "x" * 199 + "…"),
        ]
        assert issues(found, "warnings") == [
            (5, "UNKNOWN_STATUS", "Status", "odd"),
            (5, "UNKNOWN_PRIORITY", "Priority", "odd"),
            (5, "SUBJECT_MISSING", "Subject", None),
            (7, "DUPLICATE_IN_FILE", "Ticket ID", "1"),
        ]
    (ticket,) = await tickets(admin)
    assert (ticket["subject"], ticket["project"], ticket["createdAt"]) == (
        "First line",
        {"name": "Website"},
        "2026-01-31T08:00:00.000Z",
    )
    assert ticket["number"] == 1


async def test_a_restored_customer_takes_imported_tickets(world: World, admin: Client) -> None:
    dan = await customer(admin, "dan@example.com")
    await well(admin, "archiveCustomers", customerIds=[dan])
    assert counts(await imported(world, admin, "importTickets", FILE)) == {"created": 4, "unmatched": 4}
    await well(admin, "restoreCustomers", customerIds=[dan])
    assert (await tickets(admin))[3]["requester"] == {"email": "dan@example.com"}
