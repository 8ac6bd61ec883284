"""What is read into which property: several columns, constants, what is ignored, and what may be created on the way."""

from typing import Any

import pytest

from jobs.runner import drain
from tests.conftest import Client, World
from tests.importing import counts, imported, issues, report, upload
from tests.mailing import Caught, worker
from tests.steps import customer, done, emails, organization, project, well

PEOPLE = """{ customers(first: 50, orderBy: [{field: EMAIL, direction: ASC}]) { nodes {
  email firstName lastName title phone organization { name parent { name } } projects(first: 5) { nodes { name } } } } }"""
SHARED = "{ projects(first: 5) { nodes { name customers(first: 5) { nodes { email } } } } }"


def columns(**given: str) -> list[dict[str, str]]:
    return [{"column": column, "field": field} for column, field in given.items()]


async def people(client: Client) -> list[dict[str, Any]]:
    return (await client.ask(PEOPLE))["customers"]["nodes"]


async def test_reads_several_columns_into_one_property(world: World, admin: Client) -> None:
    text = (
        "Home,Work,First,Middle,Last,Company,Branch,Mobile,Office\n"
        ",ann@example.com,Ann,Bo,Lee,Acme,Europe,,2\n"
        "cy@home.example,cy@example.com,Cy,,Ray,Acme,,1,2\n"
        "not one,,Dan,,,,,,\n"
    )
    mapping = [
        {"column": "Work", "field": "email"},
        {"column": "Home", "field": "email"},
        *columns(First="firstName", Middle="firstName", Last="lastName", Company="organization", Branch="organization"),
        *columns(Mobile="phone", Office="phone"),
    ]
    found = await imported(world, admin, "importCustomers", text, mapping=mapping)
    assert counts(found) == {"created": 2, "refused": 1, "warnings": 1}
    assert issues(found) == [(4, "INVALID_EMAIL", "Home", "not one")]
    assert issues(found, "warnings")[:1] == [(3, "OTHER_ADDRESSES", "Home", "cy@home.example")]
    assert await people(admin) == [
        {
            "email": "ann@example.com",
            "firstName": "Ann Bo",
            "lastName": "Lee",
            "title": None,
            "phone": "2",
            "organization": {"name": "Europe", "parent": {"name": "Acme"}},
            "projects": {"nodes": []},
        },
        {
            "email": "cy@example.com",
            "firstName": "Cy",
            "lastName": "Ray",
            "title": None,
            "phone": "1",
            "organization": {"name": "Acme", "parent": None},
            "projects": {"nodes": []},
        },
    ]
    assert [(c["column"], c["field"]) for c in found["columns"]][:3] == [
        ("Home", "email"),
        ("Work", "email"),
        ("First", "firstName"),
    ]


async def test_a_constant_stands_where_no_column_has_a_value(world: World, admin: Client) -> None:
    mapping = [
        {"column": "Mail", "field": "email"},
        {"column": "Company", "field": "organization"},
        {"constant": "Acme", "field": "organization"},
        {"constant": "Guest", "field": "title"},
        {"column": "Note"},
    ]
    text = "Mail,Company,Note\nann@example.com,Globex,x\nbob@example.com,,y\nwrong,,\n"
    found = await imported(world, admin, "importCustomers", text, mapping=mapping)
    assert counts(found) == {"created": 2, "refused": 1, "warnings": 2}
    told = [(p["title"], p["organization"]["name"]) for p in await people(admin)]
    assert told == [("Guest", "Globex"), ("Guest", "Acme")]
    asked = "query($id: ID!) { import(id: $id) { columns { column field constant } } }"
    assert (await admin.ask(asked, id=found["id"]))["import"]["columns"] == [
        {"column": "Mail", "field": "email", "constant": None},
        {"column": "Company", "field": "organization", "constant": None},
        {"column": "Note", "field": None, "constant": None},
        {"column": "", "field": "organization", "constant": "Acme"},
        {"column": "", "field": "title", "constant": "Guest"},
    ]
    corrected = await upload(admin, "Mail,Company,Note\ncy@example.com,,\n")
    again = await well(admin, "retryImport", "import { id }", importId=found["id"], uploadId=corrected)
    await drain(worker(world, Caught()))
    assert counts(await report(admin, again["import"]["id"])) == {"created": 1, "warnings": 1}
    assert [(p["title"], p["organization"]["name"]) for p in await people(admin)][2] == ("Guest", "Acme")


async def test_parents_may_be_joined_or_constant(world: World, admin: Client) -> None:
    mapping = [*columns(Name="name", Group="parent", Region="parent"), {"constant": "World", "field": "parent"}]
    text = "Name,Group,Region\nParis,Acme,Europe\nAcme,,\nEurope,Acme,\n"
    found = await imported(world, admin, "importOrganizations", text, mapping=mapping)
    assert counts(found) == {"created": 3}
    told = (await admin.ask("{ organizations(first: 9) { nodes { name parent { name } } } }"))["organizations"]["nodes"]
    above = {one["name"]: one["parent"] and one["parent"]["name"] for one in told}
    assert above == {"Acme": "World", "Europe": "Acme", "Paris": "Europe", "World": None}


MAIL = {"column": "Mail", "field": "email"}


@pytest.mark.parametrize(
    ("mapping", "path", "said"),
    [
        ([MAIL, MAIL], ["mapping", "1", "column"], "'Mail' is mapped to email twice"),
        ([MAIL, {"column": "MAIL"}], ["mapping", "1", "column"], "mapped, and ignored"),
        ([MAIL, {"field": "title"}], ["mapping", "1"], "either a column or a constant"),
        (
            [MAIL, {"column": "Name", "constant": "x", "field": "title"}],
            ["mapping", "1"],
            "either a column or a constant",
        ),
        ([MAIL, {"constant": "x"}], ["mapping", "1", "field"], "needs the property"),
        ([MAIL, {"constant": " ", "field": "title"}], ["mapping", "1", "constant"], "may not be blank"),
        ([MAIL, {"constant": "x" * 5_001, "field": "title"}], ["mapping", "1", "constant"], "at most 5,000"),
        (
            [MAIL, {"constant": "x", "field": "title"}, {"constant": "y", "field": "title"}],
            ["mapping", "2", "field"],
            "two constants",
        ),
        ([MAIL] * 1_001, ["mapping"], "at most 1,000 entries"),
    ],
)
async def test_refuses_a_mapping_that_says_nothing_or_two_things(
    world: World, admin: Client, mapping: list[dict[str, str]], path: list[str], said: str
) -> None:
    upload_id = await upload(admin, "Mail,Name\nann@example.com,Ann\n")
    (error,) = (await done(admin, "importCustomers", uploadId=upload_id, mapping=mapping))["errors"]
    assert error["path"] == path
    assert said in error["message"]
    assert await world.rows("SELECT count(*) FROM import") == [(0,)]


@pytest.mark.parametrize("dry_run", [True, False])
async def test_creates_no_organizations_unless_it_may(world: World, admin: Client, *, dry_run: bool) -> None:
    await organization(admin, "Acme")
    text = (
        "Email,Company\nann@example.com,acme\nbob@example.com,Globex\ncy@example.com,Acme / Europe\ndan@example.com,\n"
    )
    given: dict[str, Any] = {"createOrganizations": False, "dryRun": dry_run}
    found = await imported(world, admin, "importCustomers", text, **given)
    assert counts(found) == {"created": 2, "refused": 2, "warnings": 2}
    assert issues(found) == [(3, "NOT_FOUND", "Company", "Globex"), (4, "NOT_FOUND", "Company", "Acme / Europe")]
    (error,) = found["rows"]["nodes"][2]["errors"]
    assert error["message"] == "No organization is named 'Europe' below 'Acme', and none are to be made."
    assert error["hint"] == "Create it first, or correct the cell."
    text = "Name,Parent\nParis,Nowhere\nBerlin,Acme\nMitte,Berlin\n"
    found = await imported(world, admin, "importOrganizations", text, **given)
    assert counts(found) == {"created": 2, "refused": 1}
    assert issues(found) == [(2, "NOT_FOUND", "Parent", "Nowhere")]
    total = (await admin.ask("{ organizations { totalCount } }"))["organizations"]["totalCount"]
    assert total == (1 if dry_run else 3)


async def test_shares_the_projects_that_rows_name(world: World, admin: Client) -> None:
    await project(admin, "Website")
    await project(admin, "Shop", externalId="P-7")
    await customer(admin, "ann@example.com")
    text = (
        "Mail,Projects\nann@example.com,website\nbob@example.com,P-7; Website;\n"
        "cy@example.com,Website;Nothing\ndan@example.com,\n"
    )
    mapping = columns(Mail="email", Projects="projects")
    for dry_run in (True, False):
        found = await imported(world, admin, "importCustomers", text, mapping=mapping, dryRun=dry_run)
        assert counts(found) == {"created": 2, "unchanged": 1, "refused": 1, "warnings": 3}
        assert issues(found) == [(4, "NOT_FOUND", "Projects", "Website;Nothing")]
        told = {
            p["name"]: [c["email"] for c in p["customers"]["nodes"]]
            for p in (await admin.ask(SHARED))["projects"]["nodes"]
        }
        shared = {"Shop": ["bob@example.com"], "Website": ["ann@example.com", "bob@example.com"]}
        assert {name: sorted(who) for name, who in told.items()} == ({"Shop": [], "Website": []} if dry_run else shared)
    await well(admin, "undoImport", "import { id }", importId=found["id"])
    await drain(worker(world, Caught()))
    assert (await report(admin, found["id"]))["status"] == "UNDONE"
    assert await emails(admin) == ["ann@example.com"]
    assert [p["customers"]["nodes"] for p in (await admin.ask(SHARED))["projects"]["nodes"]] == [[], []]


async def test_who_may_not_share_projects_names_none(world: World, admin: Client) -> None:
    clerk = await world.key("IMPORTS_WRITE", "IMPORTS_READ", "CUSTOMERS_WRITE")
    upload_id = await upload(admin, "Mail,Projects\nann@example.com,Website\n")
    mapping = columns(Mail="email", Projects="projects")
    (error,) = (await done(clerk, "importCustomers", uploadId=upload_id, mapping=mapping))["errors"]
    assert (error["code"], error["path"]) == ("FORBIDDEN", ["mapping", "1", "field"])


async def test_columns_of_projects_are_never_mapped_unasked(admin: Client) -> None:
    upload_id = await upload(admin, "Email,Projects\nann@example.com,Website\n")
    text = "query($id: ID!) { importPreview(uploadId: $id, kind: CUSTOMERS) { columns { column field } } }"
    told = (await admin.ask(text, id=upload_id))["importPreview"]["columns"]
    assert told == [{"column": "Email", "field": "email"}, {"column": "Projects", "field": None}]


async def test_says_what_the_values_of_a_property_are(admin: Client) -> None:
    fields = (await admin.ask("{ importableFields(kind: TICKETS) { name type joinedBy } }"))["importableFields"]
    assert {"name": "createdAt", "type": "DATE_TIME", "joinedBy": None} in fields
    assert {"name": "requesterName", "type": "PERSON", "joinedBy": " "} in fields
