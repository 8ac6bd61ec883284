"""By what an import finds existing records: by address, by external id, or by our own id."""

from typing import Any

import pytest

from jobs import imports as jobs
from jobs.runner import drain
from tests.conftest import Client, World
from tests.importing import counts, imported, issues, report, start, upload
from tests.mailing import Caught, worker
from tests.steps import customer, done, emails, organization, read, well
from tests.test_undo_import import living

PARTS = "... on Customer { email firstName phone externalId organization { name } }"


def mapping(**fields: str) -> list[dict[str, str]]:
    return [{"column": column, "field": field} for column, field in fields.items()]


def statuses(found: dict[str, Any]) -> list[str]:
    return [row["status"] for row in found["rows"]["nodes"]]


async def test_customers_found_by_external_id_take_the_files_address(world: World, admin: Client) -> None:
    ann = await customer(admin, "ann@example.com", firstName="Ann", externalId="E-1")
    bob = await customer(admin, "bob@example.com")
    text = (
        "Email,First Name,Customer Id\nann@new.example,Anna,E-1\nbob@example.com,Bob,\ncy@example.com,Cy,E-3\n"
        "bob@example.com,Other,E-4\nno@example.com,,\n,Nobody,E-5\n"
    )
    for dry_run in (True, False):
        found = await imported(world, admin, "importCustomers", text, matchBy="EXTERNAL_ID", dryRun=dry_run)
        assert statuses(found) == ["UPDATED", "UPDATED", "CREATED", "REFUSED", "CREATED", "REFUSED"]
        assert issues(found) == [(5, "EMAIL_TAKEN", "Email", "bob@example.com"), (7, "REQUIRED", "Email", None)]
    assert (await read(admin, ann, PARTS))["email"] == "ann@new.example"
    assert (await read(admin, bob, PARTS))["firstName"] == "Bob"
    assert await emails(admin) == [
        "ann@new.example", "bob@example.com", "cy@example.com", "no@example.com"
    ]  # fmt: skip
    assert await emails(admin, {"email": {"eq": "ann@example.com"}}) == []


async def test_customers_found_by_id_change_whatever_the_file_has(world: World, admin: Client) -> None:
    ann = await customer(admin, "ann@example.com", firstName="Ann", phone="1", externalId="E-1")
    text = f"Id,Phone\n{ann},2\n"
    found = await imported(world, admin, "importCustomers", text, matchBy="ID", mapping=mapping(Id="id", Phone="phone"))
    assert counts(found) == {"updated": 1}
    text = f"Rolodesk id,Email,Customer Id\n{ann},ann@new.example,E-2\n"
    found = await imported(world, admin, "importCustomers", text, matchBy="ID")
    assert counts(found) == {"updated": 1}
    assert await read(admin, ann, PARTS) == {
        "email": "ann@new.example", "firstName": "Ann", "phone": "2", "externalId": "E-2", "organization": None
    }  # fmt: skip
    left = await imported(world, admin, "importCustomers", text.replace("new", "other"))
    assert issues(left) == [(2, "EXTERNAL_ID_TAKEN", "Customer Id", "E-2")]  # by the address, as ever


@pytest.mark.parametrize(
    ("kind", "columns"),
    [("importCustomers", "Email"), ("importOrganizations", "Name"), ("importTickets", "Requester Email")],
)
async def test_an_id_that_is_no_living_records_of_the_kind_is_refused_alike(
    world: World, admin: Client, kind: str, columns: str
) -> None:
    other = await world.workspace()
    theirs = await world.key(workspace_id=other)
    foreign = [await customer(theirs, "x@example.com"), await organization(theirs, "X")]
    gone = await customer(admin, "gone@example.com")
    await well(admin, "archiveCustomers", customerIds=[gone])
    user = (await admin.ask("{ workspace { id } }"))["workspace"]["id"]
    ids = [*foreign, gone, user, "cus_00000000000000000000000000", "tkt_1", "7", "x" * 300]
    text = f"Rolodesk id,{columns}\n" + "".join(f"{one},p@example.com\n" for one in ids)
    found = await imported(world, admin, kind, text, matchBy="ID")
    assert counts(found) == {"refused": len(ids)}
    errors = [row["errors"] for row in found["rows"]["nodes"]]
    noun = kind.removeprefix("import").removesuffix("s").lower()
    for one, (error,) in zip(ids, errors, strict=True):
        shown = one if len(one) < 100 else error["message"].split("'")[1]
        assert (error["code"], error["column"]) == ("NOT_FOUND", "Rolodesk id")
        assert error["message"] == f"No {noun} has the id '{shown}'."
        assert error["hint"] == "Create it first, or correct the cell."
    assert [row["record"] for row in found["rows"]["nodes"]] == [None] * len(ids)


@pytest.mark.parametrize("chunk", [1, 2, 100])
async def test_of_two_rows_that_find_one_record_the_first_stands(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    for name in ("FIRST_CHUNK", "LARGEST_CHUNK", "SMALLEST_CHUNK"):
        monkeypatch.setattr(jobs, name, chunk)
    ann = await customer(admin, "ann@example.com", externalId="E-1")
    by_id = (
        f"Rolodesk id,Email,Phone\n{ann},ann@example.com,1\n{ann},other@example.com,2\n,ann@example.com,3\n"
        ",new@example.com,4\n,new@example.com,5\n"
    )
    by_external_id = (
        "Customer Id,Email,Phone\nE-1,ann@example.com,6\nE-1,other@example.com,7\n,ann@example.com,8\n"
        "E-9,fresh@example.com,9\nE-9,fresher@example.com,10\n,fresh@example.com,11\nE-8,fresh@example.com,12\n"
    )
    cases: tuple[tuple[str, str, list[tuple[int, str, str | None]], list[str]], ...] = (
        ("ID", by_id, [(3, "Rolodesk id", ann), (4, "Email", None), (6, "Email", None)],
         ["UPDATED", "SKIPPED", "SKIPPED", "CREATED", "SKIPPED"]),
        ("EXTERNAL_ID", by_external_id, [(3, "Customer Id", None), (4, "Email", None), (6, "Customer Id", None),
         (7, "Email", None)], ["UPDATED", "SKIPPED", "SKIPPED", "CREATED", "SKIPPED", "SKIPPED", "REFUSED"]),
    )  # fmt: skip
    for match_by, text, expected, became in cases:
        for dry_run in (True, False):
            found = await imported(world, admin, "importCustomers", text, matchBy=match_by, dryRun=dry_run)
            assert statuses(found) == became
            again = [
                (line, column)
                for line, code, column, _ in issues(found, "warnings")
                if code == "DUPLICATE_IN_FILE"
            ]  # fmt: skip
            assert again == [(line, column) for line, column, _ in expected]
        failed = await imported(world, admin, "importCustomers", text, matchBy=match_by, onExisting="FAIL", dryRun=True)
        assert "UPDATED" not in statuses(failed)
    assert (await read(admin, ann, PARTS))["phone"] == "6"
    assert issues(found) == [(8, "EMAIL_TAKEN", "Email", "fresh@example.com")]


@pytest.mark.parametrize("chunk", [1, 2, 100])
async def test_what_one_row_gives_up_another_may_take(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    for name in ("FIRST_CHUNK", "LARGEST_CHUNK", "SMALLEST_CHUNK"):
        monkeypatch.setattr(jobs, name, chunk)
    ann = await customer(admin, "a@example.com", externalId="1")
    bob = await customer(admin, "b@example.com", externalId="2")
    cy = await customer(admin, "c@example.com", externalId="3")
    await imported(world, admin, "importTickets", "Requester Email,Subject\nd@example.com,Waits\na@example.com,Has\n")
    before = await living(world)
    text = (
        f"Rolodesk id,Email,Customer Id\n{ann},b@example.com,2\n{cy},d@example.com,4\n{bob},c@example.com,3\n"
        f",b@example.com,2\n,x@example.com,9\n"
    )
    for dry_run in (True, False):
        found = await imported(world, admin, "importCustomers", text, matchBy="ID", dryRun=dry_run)
        assert statuses(found) == ["REFUSED", "UPDATED", "UPDATED", "CREATED", "CREATED"]
        assert issues(found) == [(2, "EXTERNAL_ID_TAKEN", "Customer Id", "2")]
    told = [(await read(admin, one, PARTS)) for one in (ann, bob, cy)]
    assert [(one["email"], one["externalId"]) for one in told] == [
        ("a@example.com", "1"), ("c@example.com", "3"), ("d@example.com", "4")
    ]  # fmt: skip
    tickets = (await admin.ask("{ tickets(first: 9) { nodes { subject requester { id } } } }"))["tickets"]["nodes"]
    assert {one["subject"]: one["requester"]["id"] for one in tickets} == {"Waits": cy, "Has": ann}
    await well(admin, "undoImport", "import { status }", importId=found["id"])
    await drain(worker(world, Caught()))
    assert (await report(admin, found["id"]))["status"] == "UNDONE"
    assert await living(world) == before


async def test_organizations_found_by_id_take_name_and_place_at_once(world: World, admin: Client) -> None:
    acme, globex = await organization(admin, "Acme", externalId="A"), await organization(admin, "Globex")
    europe = await organization(admin, "Europe", acme, externalId="E")
    await organization(admin, "Europe", globex)
    before = await living(world)
    text = f"Rolodesk id,Name,Parent,External ID\n{europe},EMEA,Globex,E\n{acme},Globex,,\n,Acme / x,,A\n"
    rows = [{"column": c, "field": f} for c, f in (
        ("Rolodesk id", "id"), ("Name", "name"), ("Parent", "parent"), ("External ID", "externalId"))]  # fmt: skip
    for dry_run in (True, False):
        found = await imported(world, admin, "importOrganizations", text, matchBy="ID", mapping=rows, dryRun=dry_run)
        assert statuses(found) == ["UPDATED", "REFUSED", "UPDATED"]
        assert issues(found) == [(3, "NAME_TAKEN", "Name", "Globex")]
    told = await read(admin, europe, "... on Organization { name parent { name } }")
    assert told == {"name": "EMEA", "parent": {"name": "Globex"}}
    await well(admin, "undoImport", "import { status }", importId=found["id"])
    await drain(worker(world, Caught()))
    assert (await report(admin, found["id"]))["status"] == "UNDONE"
    assert await living(world) == before


async def test_a_name_that_one_beside_has_refuses_the_row_whatever_finds_it(world: World, admin: Client) -> None:
    """The organization lies below one that the file does not name."""
    acme = await organization(admin, "Acme")
    await organization(admin, "East", acme, externalId="E")
    await organization(admin, "West", acme)
    for match_by in (None, "EXTERNAL_ID"):
        found = await imported(world, admin, "importOrganizations", "Name,External ID\nWest,E\n", matchBy=match_by)
        assert issues(found) == [(2, "NAME_TAKEN", "Name", "West")]
    text = "Name,External ID\nAcme,New\n,Newer\nWest,\n"
    found = await imported(world, admin, "importOrganizations", text, matchBy="EXTERNAL_ID")
    assert issues(found) == [(2, "NAME_TAKEN", "Name", "Acme"), (3, "REQUIRED", "Name", None)]
    assert statuses(found) == ["REFUSED", "REFUSED", "CREATED"]


async def test_tickets_found_by_id_need_no_external_id(world: World, admin: Client) -> None:
    made = await imported(
        world, admin, "importTickets",
        "Requester Email,Subject,External ID\na@example.com,One,\nb@example.com,Two,2\nc@example.com,Three,3\n",
    )  # fmt: skip
    one, two, three = (row["record"]["id"] for row in made["rows"]["nodes"])
    before = await living(world)
    text = (
        f"Rolodesk id,Subject,External ID,Requester Email\n{one},First,3,\n{three},,4,\n{two},Two,3,\n"
        f"{two},Again,,\n,New,9,n@example.com\n,Bare,8,\n"
    )
    for dry_run in (True, False):
        found = await imported(world, admin, "importTickets", text, matchBy="ID", dryRun=dry_run)
        assert statuses(found) == ["REFUSED", "UPDATED", "UPDATED", "SKIPPED", "CREATED", "REFUSED"]
        assert issues(found) == [
            (2, "EXTERNAL_ID_TAKEN", "External ID", "3"), (7, "REQUIRED", "Requester Email", None)
        ]  # fmt: skip
    await well(admin, "undoImport", "import { status }", importId=found["id"])
    await drain(worker(world, Caught()))
    assert (await report(admin, found["id"]))["status"] == "UNDONE"
    assert await living(world) == before


async def test_an_address_may_have_a_policy_where_it_does_not_find_the_record(world: World, admin: Client) -> None:
    ann = await customer(admin, "ann@example.com", firstName="Ann")
    text = f"Rolodesk id,Email,First Name\n{ann},new@example.com,Anna\n"
    own = [{"field": "email", "onExisting": "FAIL"}]
    found = await imported(world, admin, "importCustomers", text, matchBy="ID", fieldPolicies=own)
    assert issues(found) == [(2, "VALUE_DIFFERS", "Email", "new@example.com")]
    own = [{"field": "email", "onExisting": "SKIP"}]
    await imported(world, admin, "importCustomers", text, matchBy="ID", fieldPolicies=own)
    assert await emails(admin) == ["ann@example.com"]
    own = [{"field": "email", "onExisting": "UPDATE"}]
    await imported(world, admin, "importCustomers", text, matchBy="ID", onExisting="FILL_EMPTY", fieldPolicies=own)
    assert await emails(admin) == ["new@example.com"]
    found = await imported(world, admin, "importCustomers", text, matchBy="ID", onExisting="FAIL")
    assert [(row["status"], row["errors"][0]["code"]) for row in found["rows"]["nodes"]] == [
        ("REFUSED", "RECORD_EXISTS")
    ]
    assert found["rows"]["nodes"][0]["record"]["id"] == ann


@pytest.mark.parametrize(
    ("field", "header", "given", "code", "path", "said"),
    [
        ("importTickets", "Requester Email", {"matchBy": "EMAIL"}, "INVALID_VALUE", ["matchBy"], "EXTERNAL_ID or ID"),
        ("importOrganizations", "Name", {"matchBy": "EMAIL"}, "INVALID_VALUE", ["matchBy"], "EXTERNAL_ID or ID"),
        ("importCustomers", "Email", {"matchBy": "ID"}, "FILE_REFUSED", ["uploadId"], "records' own ids"),
        (
            "importCustomers", "Email", {"matchBy": "EXTERNAL_ID", "mapping": mapping(Email="email")}, "MAPPING",
            ["mapping"], "externalId is required",
        ),
    ],
)  # fmt: skip
async def test_refuses_what_records_cannot_be_found_by(
    world: World,
    admin: Client,
    field: str,
    header: str,
    given: dict[str, Any],
    code: str,
    path: list[str],
    said: str,
) -> None:
    upload_id = await upload(admin, f"{header}\np@example.com\n")
    (error,) = (await done(admin, field, uploadId=upload_id, **given))["errors"]
    assert (error["code"], error["path"]) == (code, path)
    assert said in error["message"]
    assert await world.rows("SELECT count(*) FROM import") == [(0,)]


async def test_a_retry_finds_records_as_the_first_import_did(world: World, admin: Client) -> None:
    ann = await customer(admin, "ann@example.com")
    first = await start(admin, "importCustomers", f"Rolodesk id,Email\n{ann},wrong\n", matchBy="ID")
    await drain(worker(world, Caught()))
    corrected = await upload(admin, f"Rolodesk id,Email,Rolodesk line\n{ann},new@example.com,2\n")
    again = (await well(admin, "retryImport", "import { id }", importId=first, uploadId=corrected))["import"]["id"]
    await drain(worker(world, Caught()))
    assert counts(await report(admin, again)) == {"updated": 1}
    assert await emails(admin) == ["new@example.com"]
