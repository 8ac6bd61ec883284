"""What an import may change and when it gives up: policies of single properties, and of refused rows."""

from typing import Any

import pytest

from jobs import imports as jobs
from jobs.runner import drain
from tests.conftest import Client, World
from tests.importing import counts, imported, issues, report, upload
from tests.mailing import Caught, worker
from tests.steps import customer, done, emails, organization, read, well

PARTS = "... on Customer { firstName phone title externalId organization { name } }"


def policies(**given: str) -> list[dict[str, str]]:
    return [{"field": field, "onExisting": policy} for field, policy in given.items()]


async def test_a_property_may_have_a_policy_of_its_own(world: World, admin: Client) -> None:
    acme = await organization(admin, "Acme")
    ann = await customer(admin, "ann@example.com", firstName="Ann", phone="1", externalId="E-1", organizationId=acme)
    text = "Email,First Name,Phone,Job Title,Id,Company\nann@example.com,Anna,2,Boss,E-2,Globex\n"
    own = policies(phone="FILL_EMPTY", title="SKIP", organization="SKIP", externalId="SKIP")
    for dry_run in (True, False):
        found = await imported(world, admin, "importCustomers", text, fieldPolicies=own, dryRun=dry_run)
        assert counts(found) == {"updated": 1}
    assert await read(admin, ann, PARTS) == {
        "firstName": "Anna",
        "phone": "1",
        "title": None,
        "externalId": "E-1",
        "organization": {"name": "Acme"},
    }
    own = policies(organization="UPDATE", title="UPDATE")
    await imported(world, admin, "importCustomers", text, onExisting="FILL_EMPTY", fieldPolicies=own)
    assert await read(admin, ann, PARTS) == {
        "firstName": "Anna",
        "phone": "1",
        "title": "Boss",
        "externalId": "E-1",
        "organization": {"name": "Globex"},
    }


async def test_a_value_that_is_to_stand_refuses_rows_with_another(world: World, admin: Client) -> None:
    acme = await organization(admin, "Acme")
    for name in ("ann", "bob", "cy"):
        await customer(admin, f"{name}@example.com", phone="1", organizationId=acme)
    await customer(admin, "dan@example.com")
    text = (
        "Email,Phone,Company\nann@example.com,2,Acme\nbob@example.com,1,Globex\ncy@example.com,1,Acme\n"
        "dan@example.com,3,Acme\n"
    )
    own = policies(phone="FAIL", organization="FAIL")
    found = await imported(world, admin, "importCustomers", text, fieldPolicies=own)
    assert counts(found) == {"updated": 1, "unchanged": 1, "refused": 2, "warnings": 2}
    assert issues(found) == [(2, "VALUE_DIFFERS", "Phone", "2"), (3, "VALUE_DIFFERS", "Company", "Globex")]
    assert (await admin.ask("{ organizations { totalCount } }"))["organizations"]["totalCount"] == 1


async def test_organizations_and_tickets_have_such_policies_too(world: World, admin: Client) -> None:
    await imported(world, admin, "importOrganizations", "Name,Website,Description\nAcme,acme.example,Old\n")
    text = "Name,Website,Description\nAcme,other.example,New\n"
    found = await imported(world, admin, "importOrganizations", text, fieldPolicies=policies(website="SKIP"))
    assert counts(found) == {"updated": 1}
    told = (await admin.ask("{ organizations { nodes { website description } } }"))["organizations"]["nodes"]
    assert told == [{"website": "acme.example", "description": "New"}]
    refused = await imported(world, admin, "importOrganizations", text, fieldPolicies=policies(website="FAIL"))
    assert issues(refused) == [(2, "VALUE_DIFFERS", "Website", "other.example")]
    tickets = "Requester Email,Ticket Id,Subject,Status\nann@example.com,7,{},{}\n"
    await imported(world, admin, "importTickets", tickets.format("Old", "open"))
    mapping = [
        {"column": "Requester Email", "field": "requesterEmail"},
        {"column": "Ticket Id", "field": "externalId"},
        {"column": "Subject", "field": "subject"},
        {"column": "Status", "field": "status"},
    ]
    given: dict[str, Any] = {"mapping": mapping, "fieldPolicies": policies(subject="SKIP")}
    found = await imported(world, admin, "importTickets", tickets.format("New", "closed"), **given)
    assert counts(found) == {"updated": 1, "unmatched": 1}
    assert (await admin.ask("{ tickets { nodes { subject status } } }"))["tickets"]["nodes"] == [
        {"subject": "Old", "status": "CLOSED"}
    ]


@pytest.mark.parametrize(
    ("given", "path", "said"),
    [
        ({"fieldPolicies": policies(email="SKIP")}, ["fieldPolicies", "0", "field"], "Those that can: firstName,"),
        ({"fieldPolicies": policies(phone="SKIP") * 2}, ["fieldPolicies", "1", "field"], "two policies"),
        ({"fieldPolicies": policies(phone="SKIP"), "onExisting": "FAIL"}, ["fieldPolicies"], "no existing record"),
        ({"mostRefused": -1}, ["mostRefused"], "0 or more"),
        ({"mostRefused": 1, "errorPolicy": "STOP_AT_FIRST"}, ["mostRefused"], "Leave mostRefused out"),
    ],
)
async def test_refuses_policies_that_cannot_be_kept(
    world: World, admin: Client, given: dict[str, Any], path: list[str], said: str
) -> None:
    upload_id = await upload(admin, "Email\nann@example.com\n")
    (error,) = (await done(admin, "importCustomers", uploadId=upload_id, **given))["errors"]
    assert error["path"] == path
    assert said in error["message"]
    assert await world.rows("SELECT count(*) FROM import") == [(0,)]


ROWS = "Email\na@example.com\nwrong\nb@example.com\nwrong too\nc@example.com\n"


@pytest.mark.parametrize("chunk", [1, 2, 100])
@pytest.mark.parametrize(
    ("given", "taken", "line"),
    [({"errorPolicy": "STOP_AT_FIRST"}, 2, 3), ({"mostRefused": 0}, 2, 3), ({"mostRefused": 1}, 4, 5)],
)
async def test_stops_once_more_rows_are_refused_than_may_be(
    world: World,
    admin: Client,
    monkeypatch: pytest.MonkeyPatch,
    chunk: int,
    given: dict[str, Any],
    taken: int,
    line: int,
) -> None:
    for name in ("FIRST_CHUNK", "LARGEST_CHUNK", "SMALLEST_CHUNK"):
        monkeypatch.setattr(jobs, name, chunk)
    for dry_run in (True, False):
        found = await imported(world, admin, "importCustomers", ROWS, dryRun=dry_run, **given)
        assert (found["status"], found["errorCode"], found["counts"]["records"]) == ("FAILED", "LIMIT", taken)
        assert f"It stopped at line {line}:" in found["errorMessage"]
        assert [row["line"] for row in found["rows"]["nodes"]] == list(range(2, line + 1))
        assert await world.rows("SELECT count(*) FROM job WHERE status <> 'DONE'") == [(0,)]
    assert await emails(admin) == (["a@example.com"] if taken == 2 else ["a@example.com", "b@example.com"])
    await well(admin, "retryImport", "import { id }", importId=found["id"])
    await drain(worker(world, Caught()))
    again = await report(admin, found["id"])
    assert (again["status"], again["counts"]["records"]) == (("FAILED", 4) if taken == 2 else ("SUCCEEDED", 5))
    await well(admin, "undoImport", "import { id }", importId=found["id"])
    await drain(worker(world, Caught()))
    assert (await report(admin, found["id"]))["status"] == "UNDONE"
    assert await emails(admin) == []


async def test_as_many_refused_rows_as_may_be_stop_nothing(world: World, admin: Client) -> None:
    found = await imported(world, admin, "importCustomers", ROWS, mostRefused=2)
    assert (found["status"], counts(found)) == ("SUCCEEDED", {"created": 3, "refused": 2, "warnings": 3})
