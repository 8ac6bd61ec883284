"""Mappings that are saved, and offered again for files with the same header."""

from typing import Any

import pytest

from jobs.runner import drain
from tests.conftest import Client, World
from tests.importing import imported, start, upload
from tests.mailing import Caught, worker
from tests.steps import done, problems, well

PEOPLE = "Contact,Firm,Given\nann@example.com,Acme,Ann\n"
HEADER = ["Contact", "Firm", "Given"]
MAPPING = [
    {"column": "Contact", "field": "email"},
    {"column": "Firm", "field": "organization"},
    {"column": "Given", "field": "firstName"},
    {"constant": "Buyer", "field": "title"},
]
SAVED = "importMapping { id kind name header columns { column field constant } createdAt updatedAt }"
PREVIEW = """query($id: ID!, $kind: ImportKind!) { upload(id: $id) { preview(kind: $kind) {
  columns { column field reason basis confidence } mapping { column field constant } importMappings { id name } } } }"""


async def save(client: Client, name: str = "Weekly", **given: Any) -> str:
    asked = {"kind": "CUSTOMERS", "header": HEADER, "mapping": MAPPING, **given}
    return (await well(client, "createImportMapping", SAVED, name=name, **asked))["importMapping"]["id"]


async def preview(client: Client, content: str, kind: str = "CUSTOMERS") -> dict[str, Any]:
    upload_id = await upload(client, content)
    return (await client.ask(PREVIEW, id=upload_id, kind=kind))["upload"]["preview"]


def told(shown: dict[str, Any]) -> list[tuple[str, str | None, str | None, float]]:
    return [(c["column"], c["field"], c["basis"], c["confidence"]) for c in shown["columns"]]


async def test_a_mapping_is_saved_listed_and_found_by_its_id(admin: Client) -> None:
    answer = await well(
        admin, "createImportMapping", SAVED, kind="CUSTOMERS", name=" Weekly ", header=HEADER, mapping=MAPPING
    )
    saved = answer["importMapping"]
    assert saved.pop("createdAt") == saved.pop("updatedAt")
    assert saved == {
        "id": saved["id"],
        "kind": "CUSTOMERS",
        "name": "Weekly",
        "header": HEADER,
        "columns": [
            {"column": "Contact", "field": "email", "constant": None},
            {"column": "Firm", "field": "organization", "constant": None},
            {"column": "Given", "field": "firstName", "constant": None},
            {"column": "", "field": "title", "constant": "Buyer"},
        ],
    }
    await save(
        admin, "Tickets", kind="TICKETS", header=["From"], mapping=[{"column": "from", "field": "requesterEmail"}]
    )
    text = "query($kind: ImportKind) { importMappings(kind: $kind) { totalCount nodes { name header } } }"
    assert (await admin.ask(text))["importMappings"]["nodes"] == [
        {"name": "Tickets", "header": ["From"]},
        {"name": "Weekly", "header": HEADER},
    ]
    assert (await admin.ask(text, kind="TICKETS"))["importMappings"]["totalCount"] == 1
    node = "query($id: ID!) { node(id: $id) { ... on ImportMapping { name } } }"
    assert (await admin.ask(node, id=saved["id"]))["node"] == {"name": "Weekly"}


async def test_it_is_offered_for_files_with_the_same_header(admin: Client) -> None:
    await save(admin, "Older", mapping=[{"column": "Contact", "field": "email"}])
    saved = await save(admin)
    shown = await preview(admin, "GIVEN;Firm;contact\nAnn;Acme;ann@example.com\n")
    assert told(shown) == [
        ("GIVEN", "firstName", "SAVED_MAPPING", 1.0),
        ("Firm", "organization", "SAVED_MAPPING", 1.0),
        ("contact", "email", "SAVED_MAPPING", 1.0),
    ]
    assert shown["columns"][0]["reason"] == "It is read so by the saved mapping 'Weekly'."
    assert [one["name"] for one in shown["importMappings"]] == ["Weekly", "Older"]
    assert shown["importMappings"][0]["id"] == saved
    assert shown["mapping"] == [
        {"column": "contact", "field": "email", "constant": None},
        {"column": "Firm", "field": "organization", "constant": None},
        {"column": "GIVEN", "field": "firstName", "constant": None},
        {"column": "", "field": "title", "constant": "Buyer"},
    ]
    other = "query($id: ID!) { importPreview(uploadId: $id, kind: CUSTOMERS) { importMappings { name } } }"
    upload_id = await upload(admin, PEOPLE)
    assert len((await admin.ask(other, id=upload_id))["importPreview"]["importMappings"]) == 2


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("Contact,Firm,Given,More\nann@example.com,Acme,Ann,x\n", "CUSTOMERS"),
        ("Contact,Firm\nann@example.com,Acme\n", "CUSTOMERS"),
        ("ann@example.com,Acme,Ann\nbob@example.com,Acme,Bob\n", "CUSTOMERS"),
        (PEOPLE, "TICKETS"),
    ],
)
async def test_it_is_not_offered_for_other_files(admin: Client, content: str, kind: str) -> None:
    await save(admin)
    shown = await preview(admin, content, kind)
    assert shown["importMappings"] == []
    assert {c["basis"] for c in shown["columns"]} <= {"HEADER_NAME", "VALUES", None}


async def test_an_ignored_column_is_told_as_ignored(admin: Client) -> None:
    await save(admin, mapping=[{"column": "Contact", "field": "email"}])
    shown = await preview(admin, PEOPLE)
    assert told(shown)[1:] == [("Firm", None, "SAVED_MAPPING", 1.0), ("Given", None, "SAVED_MAPPING", 1.0)]
    assert shown["columns"][1]["reason"] == "It is ignored by the saved mapping 'Weekly'."


async def test_the_last_import_with_the_header_is_offered_where_nothing_is_saved(world: World, admin: Client) -> None:
    mapping = [{"column": "Contact", "field": "email"}, {"column": "Given", "field": "lastName"}]
    constant = {"constant": "Acme", "field": "organization"}
    first = await imported(world, admin, "importCustomers", PEOPLE, mapping=[*mapping, constant])
    await imported(world, admin, "importCustomers", PEOPLE, mapping=MAPPING, dryRun=True)
    shown = await preview(admin, "given,contact,firm\nBo,bob@example.com,Acme\n")
    assert told(shown) == [
        ("given", "lastName", "EARLIER_IMPORT", 0.95),
        ("contact", "email", "EARLIER_IMPORT", 0.95),
        ("firm", None, "EARLIER_IMPORT", 0.95),
    ]
    assert shown["columns"][0]["reason"].startswith("It is read so by the import of 'file.csv' on 20")
    assert shown["mapping"] == [
        {"column": "contact", "field": "email", "constant": None},
        {"column": "given", "field": "lastName", "constant": None},
        {"column": "", "field": "organization", "constant": "Acme"},
    ]
    await save(admin)
    assert told(await preview(admin, PEOPLE))[0] == ("Contact", "email", "SAVED_MAPPING", 1.0)
    mine = (await admin.ask("{ importMappings { nodes { id } } }"))["importMappings"]["nodes"][0]["id"]
    await well(admin, "removeImportMapping", importMappingId=mine)
    await well(admin, "undoImport", importId=first["id"])
    await drain(worker(world, Caught()))
    assert {c["basis"] for c in (await preview(admin, PEOPLE))["columns"]} <= {"HEADER_NAME", "VALUES", None}


async def test_another_workspace_is_offered_nothing(world: World, admin: Client) -> None:
    await save(admin)
    stranger = await world.key(workspace_id=await world.workspace())
    assert (await preview(stranger, PEOPLE))["importMappings"] == []
    assert (await stranger.ask("{ importMappings { totalCount } }"))["importMappings"]["totalCount"] == 0


async def test_a_file_is_imported_by_a_saved_mapping(world: World, admin: Client) -> None:
    saved = await save(admin)
    found = await imported(
        world, admin, "importCustomers", "FIRM,given,Contact\nAcme,Ann,ann@example.com\n", mappingId=saved
    )
    assert found["counts"]["created"] == 1
    text = '{ customer(by: {email: "ann@example.com"}) { firstName title organization { name } } }'
    assert (await admin.ask(text))["customer"] == {
        "firstName": "Ann",
        "title": "Buyer",
        "organization": {"name": "Acme"},
    }


async def test_a_mapping_without_addresses_is_for_records_found_otherwise(world: World, admin: Client) -> None:
    ids = [{"column": "Key", "field": "externalId"}, {"column": "Email", "field": "email"}]
    await imported(world, admin, "importCustomers", "Key,Email\nc-1,ann@example.com\n", mapping=ids)
    titles = [{"column": "Key", "field": "externalId"}, {"column": "Job", "field": "title"}]
    saved = await save(admin, header=["Key", "Job"], mapping=titles)
    asked = {"mappingId": saved, "matchBy": "EXTERNAL_ID"}
    found = await imported(world, admin, "importCustomers", "Key,Job\nc-1,Boss\n", **asked)
    assert (found["counts"]["updated"], found["counts"]["records"]) == (1, 1)


async def test_without_a_mapping_an_import_goes_by_the_file_alone(world: World, admin: Client) -> None:
    """What others saved or did changes nothing for who leaves the mapping out."""
    await save(admin, header=["Email", "Name"], mapping=[{"column": "Email", "field": "email"}])
    await imported(world, admin, "importCustomers", "Email,Name\nann@example.com,Ann Lee\n")
    text = '{ customer(by: {email: "ann@example.com"}) { name } }'
    assert (await admin.ask(text))["customer"] == {"name": "Ann Lee"}


async def test_refuses_a_saved_mapping_that_does_not_fit(world: World, admin: Client) -> None:
    saved = await save(admin)
    tickets = await upload(admin, "Contact,Given\nann@example.com,Ann\n")
    answer = await done(admin, "importCustomers", uploadId=tickets, mappingId=saved)
    assert (
        answer["errors"][0]["message"] == "The mapping 'Weekly' reads the column 'Firm', which the file does not have."
    )
    assert [(e["code"], e["path"]) for e in answer["errors"]] == [("MAPPING", ["mappingId"])]
    assert await problems(admin, "importTickets", uploadId=tickets, mappingId=saved) == [("MAPPING", ["mappingId"])]
    both = {"mappingId": saved, "mapping": [{"column": "Contact", "field": "email"}]}
    assert await problems(admin, "importCustomers", uploadId=tickets, **both) == [("INVALID_VALUE", ["mappingId"])]
    await well(admin, "updateImportMapping", importMappingId=saved, header=["P"], mapping=[
        {"column": "P", "field": "email"}, {"column": "P", "field": "projects"}])  # fmt: skip
    answer = await done(admin, "importCustomers", uploadId=tickets, mappingId=saved, matchBy="EXTERNAL_ID")
    assert [(e["code"], e["path"]) for e in answer["errors"]] == [("MAPPING", ["mappingId"])]
    key = await world.key("IMPORTS_WRITE", "IMPORTS_READ")
    people = await upload(key, "P\nann@example.com\n")
    assert await problems(key, "importCustomers", uploadId=people, mappingId=saved) == [("FORBIDDEN", ["mappingId"])]


async def test_a_name_is_unique_within_its_kind(admin: Client) -> None:
    first, second = await save(admin), await save(admin, "Monthly")
    text = """mutation($i: CreateImportMappingInput!) { createImportMapping(input: $i) { importMapping { id }
      errors { code path ... on NameTaken { holder { id } } } } }"""
    given = {"kind": "CUSTOMERS", "name": "WEEKLY", "header": HEADER, "mapping": MAPPING}
    refused = [{"code": "NAME_TAKEN", "path": ["name"], "holder": {"id": first}}]
    assert (await admin.ask(text, i=given))["createImportMapping"] == {"importMapping": None, "errors": refused}
    assert await problems(admin, "updateImportMapping", importMappingId=second, name="weekly") == [
        ("NAME_TAKEN", ["name"])
    ]
    answer = await well(admin, "updateImportMapping", SAVED, importMappingId=first, name="WEEKLY")
    assert answer["importMapping"]["name"] == "WEEKLY"
    await save(admin, kind="TICKETS", header=["From"], mapping=[{"column": "From", "field": "requesterEmail"}])


async def test_what_is_left_out_of_a_change_stays(admin: Client) -> None:
    saved = await save(admin)
    changed = {"importMappingId": saved, "mapping": [{"column": "Given", "field": "email"}]}
    answer = await well(admin, "updateImportMapping", SAVED, **changed)
    assert answer["importMapping"]["columns"] == [{"column": "Given", "field": "email", "constant": None}]
    assert (answer["importMapping"]["name"], answer["importMapping"]["header"]) == ("Weekly", HEADER)
    answer = await well(admin, "updateImportMapping", SAVED, importMappingId=saved, header=["Given", "Other"])
    assert answer["importMapping"]["columns"] == [{"column": "Given", "field": "email", "constant": None}]
    assert told(await preview(admin, "other,given\nx,ann@example.com\n"))[1] == ("given", "email", "SAVED_MAPPING", 1.0)
    answer = await done(admin, "removeImportMapping", "removedId", importMappingId=saved)
    assert answer == {"removedId": saved, "errors": []}
    assert await problems(admin, "removeImportMapping", importMappingId=saved) == [("NOT_FOUND", ["importMappingId"])]
    constants = [{"column": "E", "field": "email"}, {"constant": "Boss", "field": "title"}]
    saved = await save(admin, header=["E"], mapping=constants)
    answer = await well(admin, "updateImportMapping", SAVED, importMappingId=saved, header=["E", "F"])
    assert answer["importMapping"]["columns"][1] == {"column": "", "field": "title", "constant": "Boss"}


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"name": " "}, ("REQUIRED", ["name"])),
        ({"name": "x" * 201}, ("TOO_LONG", ["name"])),
        ({"header": ["Contact", "Firm", "Firm"]}, ("MAPPING", ["header", "2"])),
        ({"header": ["Contact", " "]}, ("REQUIRED", ["header", "1"])),
        ({"header": [f"c{i}" for i in range(501)]}, ("LIMIT", ["header"])),
        ({"mapping": MAPPING * 200}, ("LIMIT", ["mapping"])),
        ({"mapping": []}, ("MAPPING", ["mapping"])),
        ({"mapping": [{"column": "Contact", "field": "shoe"}]}, ("MAPPING", ["mapping", "0", "field"])),
        ({"mapping": [{"column": "Elsewhere", "field": "email"}]}, ("MAPPING", ["mapping", "0", "column"])),
        ({"mapping": [MAPPING[0], MAPPING[0]]}, ("MAPPING", ["mapping", "1", "column"])),
        ({"mapping": [{"column": "Firm", "field": "organization"}]}, ("MAPPING", ["mapping"])),
    ],
)
async def test_refuses_a_mapping_that_no_file_could_make_good(
    admin: Client, given: dict[str, Any], problem: tuple[str, list[str]]
) -> None:
    asked = {"kind": "CUSTOMERS", "name": "Weekly", "header": HEADER, "mapping": MAPPING, **given}
    assert await problems(admin, "createImportMapping", **asked) == [problem]
    assert (await admin.ask("{ importMappings { totalCount } }"))["importMappings"]["totalCount"] == 0


async def test_an_import_without_a_header_is_no_example(world: World, admin: Client) -> None:
    await start(admin, "importCustomers", "ann@example.com,Acme\n", mapping=[{"column": "Column 1", "field": "email"}])
    await drain(worker(world, Caught()))
    assert told(await preview(admin, "bob@example.com,Beta\n"))[0] == ("Column 1", "email", "VALUES", 1.0)
