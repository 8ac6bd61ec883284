"""Importing contacts: an ordinary import of a file that was written from the chosen ones."""

from typing import Any

import pytest

from db.uploads import Space
from tests import steps
from tests.books.google import GoogleServer, person
from tests.books.microsoft import MicrosoftServer, entry
from tests.books.steps import connected, contacts, fetched
from tests.conftest import Client, World
from tests.importing import counts, issues, report
from tests.mailing import Caught, worker
from tests.steps import problems, well

ANN = person(1, "ann@example.com", "ann@home.example", name="Ann Lee", company="Acme")
BOB = person(2, "bob@example.com", name="Bob Moss", company="Mill / North")
NOBODY = person(3, name="No Address", company="Acme")


async def imported(world: World, client: Client, mailer: Caught | None = None, **given: Any) -> dict[str, Any]:
    """Imports contacts to the end; the report."""
    chosen = {"contacts": {"all": True}, **given}
    answer = await well(client, "importContacts", "import { id status kind }", **chosen)
    await fetched(world) if mailer is None else await drained(world, mailer)
    return await report(client, answer["import"]["id"])


async def drained(world: World, mailer: Caught) -> None:
    from jobs.runner import drain  # noqa: PLC0415  beside its only use

    await drain(worker(world, mailer))


async def connected_google(world: World, client: Client, google: GoogleServer, *people: dict[str, Any]) -> str:
    google.put(*people)
    source_id = await connected(world, client, "GOOGLE")
    await fetched(world)
    return source_id


async def customers(client: Client) -> list[tuple[str, str, str | None]]:
    text = "{ customers(first: 250) { nodes { email name organization { name } } } }"
    nodes = (await client.ask(text))["customers"]["nodes"]
    return [(one["email"], one["name"], (one["organization"] or {}).get("name")) for one in nodes]


async def test_contacts_are_imported_only_where_their_file_has_room(
    books: World, agent: Client, google: GoogleServer
) -> None:
    await connected_google(books, agent, google, ANN, BOB)
    object.__setattr__(books.app.state.process, "upload_space", Space(size_bytes=10))
    assert await problems(agent, "importContacts", contacts={"all": True}) == [("LIMIT", [])]
    assert list((books.directory / "uploads").glob("*")) == []
    object.__setattr__(books.app.state.process, "upload_space", Space(files=1))
    assert counts(await imported(books, agent))["created"] == 2


async def test_contacts_become_customers_in_the_organizations_of_their_companies(
    books: World, agent: Client, google: GoogleServer
) -> None:
    await connected_google(books, agent, google, ANN, BOB, NOBODY)
    found = await imported(books, agent)
    assert (found["status"], found["filename"]) == ("SUCCEEDED", "contacts.csv")
    assert counts(found) == {"created": 2, "refused": 1, "warnings": 1}
    assert issues(found) == [(4, "REQUIRED", "E-mail", None)]
    assert issues(found, "warnings") == [(2, "OTHER_ADDRESSES", "Other addresses", "ann@home.example")]
    assert await customers(agent) == [
        ("ann@example.com", "Ann Lee", "Acme"), ("bob@example.com", "Bob Moss", "Mill / North"),
    ]  # fmt: skip


async def test_the_same_person_in_two_books_is_one_customer(
    books: World, agent: Client, google: GoogleServer, microsoft: MicrosoftServer
) -> None:
    microsoft.put(
        entry(1, "ANN@home.example", name="Ann Lee-Work", company="Acme"), entry(2, "cyd@example.com", name="Cyd")
    )
    await connected(books, agent, "MICROSOFT")
    await connected_google(books, agent, google, person(1, "ann@example.com", "ann@home.example", name="Ann Lee"))
    found = await imported(books, agent)
    assert counts(found) == {"created": 2, "warnings": 1}
    assert await customers(agent) == [("ann@example.com", "Ann Lee", "Acme"), ("cyd@example.com", "Cyd", None)]


async def test_a_contact_who_is_a_customer_by_another_address_stays_one(
    books: World, agent: Client, google: GoogleServer
) -> None:
    await steps.customer(agent, "ann@home.example", firstName="Annie")
    await connected_google(books, agent, google, ANN)
    assert counts(await imported(books, agent)) == {"skipped": 1, "warnings": 1}
    assert counts(await imported(books, agent, onExisting="FILL_EMPTY")) == {"updated": 1, "warnings": 1}
    assert await customers(agent) == [("ann@home.example", "Annie Lee", "Acme")]


async def test_some_are_chosen_by_id_or_by_their_book(
    books: World, agent: Client, google: GoogleServer, microsoft: MicrosoftServer
) -> None:
    microsoft.put(entry(1, "cyd@example.com", name="Cyd"))
    theirs = await connected(books, agent, "MICROSOFT")
    await connected_google(books, agent, google, ANN, BOB)
    bob = next(one["id"] for one in await contacts(agent) if one["name"] == "Bob Moss")
    await imported(books, agent, contacts={"ids": [bob]}, organization={"unassigned": True})
    assert await customers(agent) == [("bob@example.com", "Bob Moss", None)]
    await imported(books, agent, contacts={"sourceId": theirs})
    assert [email for email, *_ in await customers(agent)] == ["bob@example.com", "cyd@example.com"]
    assert [one["customer"] for one in await contacts(agent)] == [
        None, {"email": "bob@example.com"}, {"email": "cyd@example.com"},
    ]  # fmt: skip


async def test_into_an_organization_with_projects_and_invitations(
    books: World, agent: Client, google: GoogleServer
) -> None:
    acme, wiki = await steps.organization(agent, "Desk"), await steps.project(agent, "Wiki")
    await steps.customer(agent, "bob@example.com")
    await connected_google(books, agent, google, ANN, BOB)
    mailer = Caught()
    given = {"organization": {"organizationId": acme}, "projectIds": [wiki], "sendInvitations": True}
    found = await imported(books, agent, mailer, onExisting="UPDATE", **given)
    assert counts(found) == {"created": 1, "updated": 1, "warnings": 1}
    text = """{ project(by: {name: "Wiki"}) { customers { nodes { email organization { name } invitation { status } } } } }"""
    text = text.replace('by: {name: "Wiki"}', f'by: {{id: "{wiki}"}}')
    assert (await agent.ask(text))["project"]["customers"]["nodes"] == [
        {"email": "ann@example.com", "organization": {"name": "Desk"}, "invitation": {"status": "PENDING"}},
        {"email": "bob@example.com", "organization": {"name": "Desk"}, "invitation": None},
    ]
    assert [envelope.recipient for _, envelope in mailer.mails] == ["ann@example.com"]


async def test_nobody_is_invited_unless_that_is_asked_for(books: World, agent: Client, google: GoogleServer) -> None:
    await connected_google(books, agent, google, ANN)
    mailer = Caught()
    await imported(books, agent, mailer)
    assert mailer.mails == []


async def test_a_dry_run_reports_and_keeps_nothing(books: World, agent: Client, google: GoogleServer) -> None:
    wiki = await steps.project(agent, "Wiki")
    await connected_google(books, agent, google, ANN, NOBODY)
    mailer = Caught()
    found = await imported(books, agent, mailer, dryRun=True, projectIds=[wiki], sendInvitations=True)
    assert (found["dryRun"], counts(found)) == (True, {"created": 1, "refused": 1, "warnings": 1})
    assert await customers(agent) == []
    assert mailer.mails == []


async def test_an_import_that_was_taken_up_again_invites_nobody_twice(
    books: World, agent: Client, google: GoogleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from db import imports  # noqa: PLC0415  patched here

    await connected_google(books, agent, google, *(person(i, f"p{i}@example.com", name=f"P {i}") for i in range(150)))
    answer = await well(agent, "importContacts", "import { id }", contacts={"all": True}, sendInvitations=True)
    ends, mailer = imports.end, Caught()

    async def dies(*_: Any, **__: Any) -> None:
        raise RuntimeError("the disk went away")

    monkeypatch.setattr(imports, "end", dies)
    await drained(books, mailer)
    monkeypatch.setattr(imports, "end", ends)
    books.clock.advance(60_000)
    await drained(books, mailer)
    found = await report(agent, answer["import"]["id"])
    assert (found["status"], counts(found)) == ("SUCCEEDED", {"created": 150})
    assert sorted(e.recipient for _, e in mailer.mails) == sorted(f"p{i}@example.com" for i in range(150))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"contacts": {"all": False}}, [("INVALID_VALUE", ["contacts", "all"])]),
        ({"contacts": {"ids": ["ctc_x"]}}, [("NOT_FOUND", ["contacts", "ids", "0"])]),
        ({"contacts": {"sourceId": "src_x"}}, [("NOT_FOUND", ["contacts", "sourceId"])]),
        ({"contacts": {"ids": ["x"] * 1_001}}, [("LIMIT", ["contacts", "ids"])]),
        ({"projectIds": ["prj_x"]}, [("NOT_FOUND", ["projectIds", "0"])]),
        ({"organization": {"organizationId": "org_x"}}, [("NOT_FOUND", ["organization", "organizationId"])]),
        ({"organization": {"unassigned": False}}, [("INVALID_VALUE", ["organization", "unassigned"])]),
    ],
)
async def test_refuses_what_names_nothing(
    books: World, agent: Client, google: GoogleServer, given: dict[str, Any], expected: list[Any]
) -> None:
    await connected_google(books, agent, google, ANN)
    assert await problems(agent, "importContacts", **{"contacts": {"all": True}, **given}) == expected
    assert await books.rows("SELECT * FROM upload") == []


async def test_refuses_to_import_nothing(agent: Client) -> None:
    assert await problems(agent, "importContacts", contacts={"all": True}) == [("NOT_POSSIBLE", ["contacts"])]


async def test_ten_thousand_contacts_are_imported(books: World, agent: Client, google: GoogleServer) -> None:
    people = (person(i, f"p{i}@example.com", name=f"Person {i:05}", company=f"Company {i % 50}") for i in range(10_000))
    await connected_google(books, agent, google, *people)
    assert counts(await imported(books, agent)) == {"created": 10_000}


UNDO = """query($id: ID!) { import(id: $id) { status undo { undone kept
  keptRecords { nodes { issues { code } record { ... on Customer { email } } } } } } }"""


@pytest.mark.parametrize("invited", [False, True])
async def test_it_is_undone_like_any_import_and_keeps_who_was_invited(
    books: World, agent: Client, google: GoogleServer, invited: bool
) -> None:
    wiki = await steps.project(agent, "Wiki")
    await connected_google(books, agent, google, ANN)
    found = await imported(books, agent, Caught(), projectIds=[wiki], sendInvitations=invited)
    await well(agent, "undoImport", "import { status }", importId=found["id"])
    await drained(books, Caught())
    after = (await agent.ask(UNDO, id=found["id"]))["import"]
    people = [row[0] for row in await customers(agent)]
    if invited:
        assert (after["status"], people) == ("PARTLY_UNDONE", ["ann@example.com"])
    else:
        assert (after["status"], people, after["undo"]["kept"]) == ("UNDONE", [], 0)
