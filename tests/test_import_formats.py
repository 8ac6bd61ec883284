"""Importing workbooks and address cards, and what an import does beside its rows."""

from typing import Any

from tests.conftest import Client, World
from tests.importing import counts, imported, issues, upload
from tests.steps import customer, done, emails, project
from tests.workbooks import rows, xlsx

PREVIEW = """query($id: ID!, $sheet: String, $hasHeader: Boolean, $delimiter: String) {
  importPreview(uploadId: $id, kind: CUSTOMERS, sheet: $sheet, hasHeader: $hasHeader, delimiter: $delimiter) {
    format encoding delimiter quote hasHeader firstLine sheet sheets product rows
    columns { column field basis confidence fillRate } } }"""
PEOPLE = """{ customers(first: 50, orderBy: [{field: EMAIL, direction: ASC}]) { nodes {
  email firstName lastName phone title organization { name } } } }"""
CARDS = """BEGIN:VCARD
VERSION:3.0
N:Lee;Ann;;;
FN:Ann Lee
ORG:Acme;Europe
EMAIL;TYPE=INTERNET,HOME:ann@home.example
EMAIL;TYPE=INTERNET,PREF:ann@acme.example
END:VCARD
BEGIN:VCARD
VERSION:4.0
FN:Bob van Dyk
TEL;VALUE=uri:tel:+31-20-1
EMAIL:bob@acme.example
END:VCARD
BEGIN:VCARD
VERSION:4.0
FN:Nobody
END:VCARD
"""


async def preview(client: Client, upload_id: str, **how: Any) -> dict[str, Any]:
    return (await client.ask(PREVIEW, id=upload_id, **how))["importPreview"]


async def test_imports_a_workbook(world: World, admin: Client) -> None:
    book = xlsx(
        {
            "Notes": rows([("Nothing", "to see"), ("here", "")]),
            "People": rows([("E-mail", "First name"), ("ann@x.example", "Ann"), ("no address", "Bob")]),
        }
    )
    upload_id = await upload(admin, book, "people.csv")
    seen = await preview(admin, upload_id, sheet="People")
    assert (seen["format"], seen["sheet"], seen["sheets"]) == ("WORKBOOK", "People", ["Notes", "People"])
    assert seen["rows"] == [["ann@x.example", "Ann"], ["no address", "Bob"]]
    found = await imported(world, admin, "importCustomers", book, sheet="People")
    assert (found["status"], found["totalRecords"]) == ("SUCCEEDED", 2)
    assert counts(found) == {"created": 1, "refused": 1}
    assert issues(found) == [(3, "INVALID_EMAIL", "E-mail", "no address")]
    assert await emails(admin) == ["ann@x.example"]
    (error,) = (await done(admin, "importCustomers", uploadId=upload_id, sheet="Other"))["errors"]
    assert (error["code"], error["path"]) == ("INVALID_VALUE", ["sheet"])


async def test_imports_address_cards(world: World, admin: Client) -> None:
    upload_id = await upload(admin, CARDS, "contacts.vcf")
    seen = await preview(admin, upload_id)
    assert (seen["format"], seen["product"]) == ("VCARD", "Address cards (vCard)")
    found = await imported(world, admin, "importCustomers", CARDS)
    assert counts(found) == {"created": 2, "refused": 1}
    assert issues(found) == [(15, "REQUIRED", "E-mail", None)]
    assert (await admin.ask(PEOPLE))["customers"]["nodes"] == [
        {
            "email": "ann@acme.example",
            "firstName": "Ann",
            "lastName": "Lee",
            "phone": None,
            "title": None,
            "organization": {"name": "Acme"},
        },
        {
            "email": "bob@acme.example",
            "firstName": "Bob van",
            "lastName": "Dyk",
            "phone": "+31-20-1",
            "title": None,
            "organization": None,
        },
    ]


async def test_a_preview_shows_a_file_as_it_is_said_to_be_read(admin: Client) -> None:
    upload_id = await upload(admin, "Email;Name\nann@x.example;Ann\n")
    seen = await preview(admin, upload_id)
    assert (seen["format"], seen["delimiter"], seen["quote"], seen["hasHeader"]) == ("DELIMITED", ";", '"', True)
    assert (seen["firstLine"], seen["sheet"], seen["sheets"], seen["product"]) == (1, None, [], None)
    assert seen["columns"] == [
        {"column": "Email", "field": "email", "basis": "HEADER_NAME", "confidence": 0.9, "fillRate": 1.0},
        {"column": "Name", "field": "name", "basis": "HEADER_NAME", "confidence": 0.9, "fillRate": 1.0},
    ]
    assert (await preview(admin, upload_id, hasHeader=False))["rows"] == [["Email", "Name"], ["ann@x.example", "Ann"]]
    assert (await preview(admin, upload_id, delimiter=","))["rows"] == [["ann@x.example;Ann"]]


async def test_shares_projects_and_invites_once_the_file_is_read(world: World, admin: Client) -> None:
    site = await project(admin, "Website")
    await customer(admin, "old@x.example")
    text = "Email\nold@x.example\nnew@x.example\n"
    found = await imported(world, admin, "importCustomers", text, projectIds=[site], sendInvitations=True)
    assert counts(found) == {"created": 1, "unchanged": 1, "warnings": 2}
    assert await emails(admin, {"project": site}) == ["new@x.example", "old@x.example"]
    sent = (await admin.ask("{ invitations(first: 5) { nodes { customer { email } } } }"))["invitations"]["nodes"]
    assert [one["customer"]["email"] for one in sent] == ["new@x.example"]


async def test_a_dry_run_and_an_import_that_says_nothing_invite_nobody(world: World, admin: Client) -> None:
    site = await project(admin, "Website")
    await imported(world, admin, "importCustomers", "Email\na@x.example\n")
    text = "Email\nb@x.example\n"
    await imported(world, admin, "importCustomers", text, projectIds=[site], sendInvitations=True, dryRun=True)
    assert (await admin.ask("{ invitations { totalCount } }"))["invitations"]["totalCount"] == 0
    assert await emails(admin, {"project": site}) == []


async def test_what_comes_with_an_import_takes_its_own_permission(world: World, admin: Client) -> None:
    site = await project(admin, "Website")
    upload_id = await upload(admin, "Email\na@x.example\n")
    key = await world.key("IMPORTS_WRITE")
    for given, path in (({"sendInvitations": True}, "sendInvitations"), ({"projectIds": [site]}, "projectIds")):
        (error,) = (await done(key, "importCustomers", uploadId=upload_id, **given))["errors"]
        assert (error["code"], error["path"]) == ("FORBIDDEN", [path])
    (error,) = (await done(admin, "importTickets", uploadId=upload_id, sendInvitations=True))["errors"]
    assert (error["code"], error["path"]) == ("INVALID_VALUE", ["sendInvitations"])
    stranger = await world.key(workspace_id=await world.workspace())
    theirs = await project(stranger, "Theirs")
    (error,) = (await done(admin, "importCustomers", uploadId=upload_id, projectIds=[site, theirs]))["errors"]
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["projectIds", "1"])


TICKETS = "Email,Subject,Created\na@x.example,One,03/04/2026\nb@x.example,Two,{second}\n"


async def created(client: Client) -> list[str]:
    nodes = (await client.ask("{ tickets(first: 9) { nodes { subject createdAt } } }"))["tickets"]["nodes"]
    return sorted(f"{one['subject']} {one['createdAt'][:10]}" for one in nodes)


async def test_a_date_that_could_be_two_is_refused_unless_others_or_the_client_tell(
    world: World, admin: Client
) -> None:
    found = await imported(world, admin, "importTickets", TICKETS.format(second="2026-04-05"))
    assert issues(found) == [(2, "INVALID_VALUE", "Created", "03/04/2026")]
    assert await created(admin) == ["Two 2026-04-05"]
    await imported(world, admin, "importTickets", TICKETS.format(second="04/25/2026"))
    assert await created(admin) == ["One 2026-03-04", "Two 2026-04-05", "Two 2026-04-25"]
    text = TICKETS.format(second="2026-04-05")
    assert counts(await imported(world, admin, "importTickets", text, dateOrder="DAY_FIRST"))["created"] == 2
    assert await created(admin) == [
        "One 2026-03-04",
        "One 2026-04-03",
        "Two 2026-04-05",
        "Two 2026-04-05",
        "Two 2026-04-25",
    ]
