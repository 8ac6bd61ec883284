"""Importing customers from a file."""

import asyncio
from typing import Any

import pytest

from db import users
from db.clock import DAY, HOUR
from jobs import imports as jobs
from jobs.runner import drain
from tests.conftest import Client, World
from tests.importing import counts, imported, issues, report, start, upload
from tests.mailing import Caught, worker
from tests.steps import customer, done, emails, organization, read, well, written

PEOPLE = """Index,Customer Id,First Name,Last Name,Company,City,Phone 1,Phone 2,Email,Website
1,dE0,Andrew,Goodman,Stewart-Flynn,Macao,846-790,(422),marie@spencer.example,http://www.shea.example/
2,2B5,Alvin,Lane,"Terry, Proctor and Lawrence",Bethside,124-597,321.4,alex@mccoy.example,http://pena.example
3,d79,Jenna,Harding,Bailey Group,Monique,(335)987,001-680,justin@pierce.example,http://booth.example/
4,3b3,Fernando,Ford,Bailey Group,Singh,(047)752,048-779,adel@hubbard.example,http://hebert.example/
5,D60,Kara,Woods,Bailey Group,Smith,(360)693,001-737,jesus@lowe.example,https://www.booth.example
"""
CUSTOMERS = """{ customers(first: 50, orderBy: [{field: EMAIL, direction: ASC}]) { nodes {
  email firstName lastName phone externalId organization { name website parent { name } } } } }"""


async def people(client: Client) -> list[dict[str, Any]]:
    return (await client.ask(CUSTOMERS))["customers"]["nodes"]


async def test_reads_what_the_columns_seem_to_hold(world: World, admin: Client) -> None:
    found = await imported(world, admin, "importCustomers", PEOPLE)
    assert (found["status"], found["totalRecords"], found["filename"]) == ("SUCCEEDED", 5, "file.csv")
    assert counts(found) == {"created": 5, "warnings": 1}
    assert issues(found, "warnings") == [(5, "WEBSITE_DIFFERS", "Website", "http://hebert.example/")]
    assert {c["column"]: c["field"] for c in found["columns"]} == {
        "Index": None,
        "Customer Id": "externalId",
        "First Name": "firstName",
        "Last Name": "lastName",
        "Company": "organization",
        "City": None,
        "Phone 1": "phone",
        "Phone 2": None,
        "Email": "email",
        "Website": "organizationWebsite",
    }
    alex = (await people(admin))[1]
    assert alex == {
        "email": "alex@mccoy.example",
        "firstName": "Alvin",
        "lastName": "Lane",
        "phone": "124-597",
        "externalId": "2B5",
        "organization": {"name": "Terry, Proctor and Lawrence", "website": "http://pena.example", "parent": None},
    }
    assert (await admin.ask("{ organizations { totalCount } }"))["organizations"]["totalCount"] == 3
    assert await emails(admin, {"firstName": {"eq": "kara"}}) == ["jesus@lowe.example"]
    by_word = await admin.ask('{ customers(search: "hard jen") { nodes { email } } }')
    assert by_word["customers"]["nodes"] == [{"email": "justin@pierce.example"}]


async def test_the_same_file_again_changes_nothing(world: World, admin: Client) -> None:
    await imported(world, admin, "importCustomers", PEOPLE)
    before = await world.rows("SELECT id, version, updated_at FROM customer ORDER BY id")
    changes = await world.rows("SELECT count(*) FROM change_record")
    found = await imported(world, admin, "importCustomers", PEOPLE)
    assert counts(found) == {"unchanged": 5, "warnings": 1}
    assert await world.rows("SELECT id, version, updated_at FROM customer ORDER BY id") == before
    assert await world.rows("SELECT count(*) FROM change_record") == changes


async def test_reads_a_mapping_that_is_given(world: World, admin: Client) -> None:
    text = "who;mail;where;site\nLee, Ann;ann@example.com;Acme / Europe;acme.example\nBob van Dyk;bob@example.com;Europe;\n"
    mapping = [
        {"column": "who", "field": "name"},
        {"column": "MAIL", "field": "email"},
        {"column": "where", "field": "organization"},
    ]
    found = await imported(world, admin, "importCustomers", text, mapping=mapping)
    assert counts(found) == {"created": 2}
    assert [c["field"] for c in found["columns"]] == ["name", "email", "organization", None]
    ann, bob = await people(admin)
    assert (ann["firstName"], ann["lastName"]) == ("Ann", "Lee")
    assert (bob["firstName"], bob["lastName"]) == ("Bob van", "Dyk")
    europe = {"name": "Europe", "website": None, "parent": {"name": "Acme"}}
    assert (ann["organization"], bob["organization"]) == (europe, europe)


@pytest.mark.parametrize(
    ("mapping", "code", "path", "said"),
    [
        ([{"column": "Mail", "field": "shoes"}], "MAPPING", ["mapping", "0", "field"], "The properties are: email,"),
        ([{"column": "Name", "field": "name"}], "MAPPING", ["mapping"], "email is required"),
        ([], "MAPPING", ["mapping"], "email is required"),
        ([{"column": "E-Mail", "field": "email"}], "MAPPING", ["mapping", "0", "column"], "'Mail', 'Name'"),
    ],
)
async def test_refuses_a_mapping_that_does_not_fit(
    world: World, admin: Client, mapping: list[dict[str, str]], code: str, path: list[str], said: str
) -> None:
    upload_id = await upload(admin, "Mail,Name\nann@example.com,Ann\n")
    (error,) = (await done(admin, "importCustomers", uploadId=upload_id, mapping=mapping))["errors"]
    assert (error["code"], error["path"]) == (code, path)
    assert said in error["message"]
    assert await world.rows("SELECT (SELECT count(*) FROM import) + (SELECT count(*) FROM job)") == [(0,)]


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"Name,City\nAnn,Bonn\n", "No column of the file seems to hold e-mail addresses"), (b"%PDF-1.4", "PDF")],
)
async def test_refuses_a_file_without_addresses(admin: Client, content: bytes, said: str) -> None:
    upload_id = await upload(admin, content)
    (error,) = (await done(admin, "importCustomers", uploadId=upload_id))["errors"]
    assert (error["code"], error["path"]) == ("FILE_REFUSED", ["uploadId"])
    assert said in error["message"]


async def test_refuses_an_encoding_or_an_upload_there_is_not(world: World, admin: Client) -> None:
    upload_id = await upload(admin, "Email\nann@example.com\n")
    (error,) = (await done(admin, "importCustomers", uploadId=upload_id, encoding="latin-99"))["errors"]
    assert (error["code"], error["path"]) == ("INVALID_VALUE", ["encoding"])
    world.clock.advance(3 * DAY + HOUR)
    for gone in (upload_id, "upl_00000000000000000000000000", "x"):
        (error,) = (await done(admin, "importCustomers", uploadId=gone))["errors"]
        assert (error["__typename"], error["code"], error["path"]) == ("NotFound", "NOT_FOUND", ["uploadId"])


async def test_says_of_every_row_why_it_is_refused(world: World, admin: Client) -> None:
    await world.write(lambda tx: users.create(tx, "staff@example.com", "Staff", "AGENT"))
    await customer(admin, "old@example.com", externalId="E-1")
    text = (
        "Email,Name,Id,Company\n"
        "no address,Ann,,\n"
        ",Bob,,\n"
        "STAFF@example.com,Cy,,\n"
        "dan@example.com,Dan,E-1,Danish\n"
        f"eve@example.com,{'x' * 201},,\n"
        "fay@example.com,Fay,,,extra\n"
        'gus@example.com,"Gus\x00",,\n'
        "a@example.com; b@example.com,Two,,\n"
        "hal@example.com\n"
    )
    found = await imported(world, admin, "importCustomers", text)
    assert counts(found) == {"created": 2, "refused": 7, "warnings": 2}
    assert issues(found) == [
        (2, "INVALID_EMAIL", "Email", "no address"),
        (3, "REQUIRED", "Email", None),
        (4, "EMAIL_TAKEN", "Email", "STAFF@example.com"),
        (5, "EXTERNAL_ID_TAKEN", "Id", "E-1"),
        (6, "TOO_LONG", "Name", "x" * 199 + "…"),
        (7, "TOO_MANY_CELLS", None, None),
        (8, "INVALID_VALUE", "Name", "Gus\ufffd"),
    ]
    assert (10, "NAME_MISSING", None, None) in issues(found, "warnings")
    assert (10, "TOO_FEW_CELLS", None, None) in issues(found, "warnings")
    assert (9, "OTHER_ADDRESSES", "Email", "a@example.com; b@example.com") in issues(found, "warnings")
    assert sorted(await emails(admin)) == ["a@example.com", "hal@example.com", "old@example.com"]
    assert (await admin.ask("{ organizations { totalCount } }"))["organizations"]["totalCount"] == 0


async def test_of_two_rows_with_one_address_the_first_stands(world: World, admin: Client) -> None:
    text = "Email,Name\nann@example.com,Ann One\nANN@EXAMPLE.COM,Ann Two\njo@b\u00fccher.example,Jo\njo@xn--bcher-kva.example,Jo\n"
    found = await imported(world, admin, "importCustomers", text)
    assert counts(found) == {"created": 2, "skipped": 2, "warnings": 2}
    rows = found["rows"]["nodes"]
    assert rows[1]["record"] == rows[0]["record"]
    assert "Line 2 has the same address" in rows[1]["warnings"][0]["message"]
    assert [p["lastName"] for p in await people(admin) if p["firstName"] == "Ann"] == ["One"]
    refused = await imported(
        world, admin, "importCustomers", "Email\nx@example.com\nX@example.com\n", onExisting="FAIL"
    )
    assert counts(refused) == {"created": 1, "refused": 1, "warnings": 1}
    assert issues(refused) == [(3, "DUPLICATE_IN_FILE", "Email", "X@example.com")]


async def test_knows_a_row_of_an_earlier_chunk(world: World, admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "FIRST_CHUNK", 2)
    monkeypatch.setattr(jobs, "LARGEST_CHUNK", 2)
    monkeypatch.setattr(jobs, "SMALLEST_CHUNK", 2)
    text = "Email,Name,Id,Company,Website\n" + "".join(
        f"p{n % 5}@example.com,P {n},id-{n % 5},Acme / Branch,https://{n}.example\n" for n in range(12)
    )
    for dry_run in (True, False):
        found = await imported(world, admin, "importCustomers", text, dryRun=dry_run)
        assert counts(found) == {"created": 5, "skipped": 7, "warnings": 11}
        assert [i for i in issues(found, "warnings") if i[1] == "DUPLICATE_IN_FILE"][:2] == [
            (7, "DUPLICATE_IN_FILE", "Email", "p0@example.com"),
            (8, "DUPLICATE_IN_FILE", "Email", "p1@example.com"),
        ]
        assert [i[0] for i in issues(found, "warnings") if i[1] == "WEBSITE_DIFFERS"] == [3, 4, 5, 6]
    assert len(await people(admin)) == 5
    text = "Email,Id\nq@example.com,id-9\nr@example.com,id-10\ns@example.com,id-9\n"
    for dry_run in (True, False):
        found = await imported(world, admin, "importCustomers", text, dryRun=dry_run)
        assert issues(found) == [(4, "EXTERNAL_ID_TAKEN", "Id", "id-9")]


@pytest.mark.parametrize(
    ("policy", "status", "after"),
    [
        ("UPDATE", "UPDATED", ("Anna", "Lee", "2", "New")),
        ("FILL_EMPTY", "UPDATED", ("Ann", "Lee", "2", "Old")),
        ("SKIP", "SKIPPED", ("Ann", None, "2", "Old")),
        ("FAIL", "REFUSED", ("Ann", None, "2", "Old")),
    ],
)
async def test_does_with_existing_customers_what_was_asked(
    world: World, admin: Client, policy: str, status: str, after: tuple[Any, ...]
) -> None:
    old = await organization(admin, "Old")
    ann = await customer(admin, "ann@example.com", firstName="Ann", phone="2", organizationId=old)
    text = "Email,First name,Last name,Phone,Company\nAnn@example.com,Anna,Lee,,New\n"
    found = await imported(world, admin, "importCustomers", text, onExisting=policy)
    (row,) = found["rows"]["nodes"]
    assert row["status"] == status
    assert row["record"] == {"id": ann, "email": "ann@example.com"}
    one = await read(admin, ann, "... on Customer { firstName lastName phone organization { name } version }")
    assert (one["firstName"], one["lastName"], one["phone"], one["organization"]["name"]) == after
    assert one["version"] == (2 if status == "UPDATED" else 1)
    found_by = await admin.ask('{ customers(search: "lee") { totalCount } }')
    assert found_by["customers"]["totalCount"] == (1 if status == "UPDATED" else 0)


async def test_writes_history_under_the_import(world: World, admin: Client) -> None:
    await customer(admin, "ann@example.com", firstName="Ann")
    found = await imported(
        world, admin, "importCustomers", "Email,First Name\nann@example.com,Anna\nbob@example.com,Bob\n"
    )
    rows = await world.rows(
        "SELECT c.operation, c.import_id, c.count, r.action, r.before, r.after FROM change c JOIN change_record r"
        " USING (workspace_id, number) WHERE c.import_id IS NOT NULL ORDER BY r.action"
    )
    assert [tuple(row) for row in rows] == [
        ("importCustomers", found["id"], 2, "CREATED", "{}", '{"email":"bob@example.com","firstName":"Bob"}'),
        ("importCustomers", found["id"], 2, "UPDATED", '{"firstName":"Ann"}', '{"firstName":"Anna"}'),
    ]


async def test_a_dry_run_reports_and_keeps_nothing(world: World, admin: Client) -> None:
    await customer(admin, "old@example.com")
    upload_id = await upload(admin, PEOPLE + "6,x,Old,Known,Acme,,,,old@example.com,\n7,y,,,,,,,wrong,\n")
    before = await written(world)
    answer = await well(admin, "importCustomers", "import { id dryRun }", uploadId=upload_id, dryRun=True)
    await drain(worker(world, Caught()))
    found = await report(admin, answer["import"]["id"])
    assert found["dryRun"] is True
    assert counts(found) == {"created": 5, "updated": 1, "refused": 1, "warnings": 1}
    assert [row["record"] and row["record"]["email"] for row in found["rows"]["nodes"]] == [None] * 5 + [
        "old@example.com",
        None,
    ]
    after = await written(world)
    assert [name for name in before if before[name] != after[name] and name not in REPORTS] == []


@pytest.mark.parametrize("size", [100, 2])
@pytest.mark.parametrize("match_by", ["EMAIL", "EXTERNAL_ID"])
async def test_a_dry_run_names_no_customer_that_it_would_have_made(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch, size: int, match_by: str
) -> None:
    for name in ("FIRST_CHUNK", "LARGEST_CHUNK", "SMALLEST_CHUNK"):
        monkeypatch.setattr(jobs, name, size)
    ann = await customer(admin, "ann@example.com", externalId="E-1")
    text = (
        "Email,Name,Customer Id\nann@example.com,Ann,E-1\nbob@example.com,Bob,E-2\nbob@example.com,Bob,E-2\n"
        "cy@example.com,Cy,E-2\ndee@example.com,Dee,E-4\nbob@example.com,Bob,E-5\nann@example.com,Ann,E-1\n"
    )
    found = await imported(world, admin, "importCustomers", text, dryRun=True, matchBy=match_by)
    assert {row["line"]: (row["record"] or {}).get("id") for row in found["rows"]["nodes"]} == {
        2: ann, 3: None, 4: None, 5: None, 6: None, 7: None, 8: ann
    }  # fmt: skip
    assert set(await world.rows("SELECT record_id FROM import_row WHERE record_id IS NOT NULL")) == {(ann,)}


REPORTS = {"number", "import", "import_row", "job", "upload", "workspace", "api_key"}


async def test_organizations_are_found_by_name_path_or_external_id(world: World, admin: Client) -> None:
    acme = await organization(admin, "Acme", externalId="A-1")
    await organization(admin, "Europe", acme)
    await organization(admin, "Twin", acme)
    globex = await organization(admin, "Globex")
    await organization(admin, "Twin", globex)
    text = (
        "Email,Company,Company ID\n"
        "a@example.com,ACME,\n"
        "b@example.com,Europe,\n"
        "c@example.com,Acme / Europe / France,\n"
        "d@example.com,Whatever,A-1\n"
        "e@example.com,Twin,\n"
        "f@example.com,Globex / Twin,\n"
        "g@example.com,,nobody\n"
        "h@example.com,Initech,I-1\n"
        "i@example.com,Initech,I-2\n"
    )
    found = await imported(world, admin, "importCustomers", text)
    assert issues(found) == [
        (6, "AMBIGUOUS_ORGANIZATION", "Company", "Twin"),
        (8, "NOT_FOUND", "Company ID", "nobody"),
    ]
    assert [one for one in issues(found, "warnings") if one[1] != "NAME_MISSING"] == [
        (10, "EXTERNAL_ID_DIFFERS", "Company ID", "I-2")
    ]
    assert [
        (p["email"][0], p["organization"]["name"], (p["organization"]["parent"] or {}).get("name"))
        for p in await people(admin)
    ] == [
        ("a", "Acme", None),
        ("b", "Europe", "Acme"),
        ("c", "France", "Europe"),
        ("d", "Acme", None),
        ("f", "Twin", "Globex"),
        ("h", "Initech", None),
        ("i", "Initech", None),
    ]
    assert (await admin.ask('{ organization(by: {externalId: "I-1"}) { name } }'))["organization"] == {
        "name": "Initech"
    }


async def test_an_archived_customers_address_is_free(world: World, admin: Client) -> None:
    ann = await customer(admin, "ann@example.com", externalId="X")
    await well(admin, "archiveCustomers", customerIds=[ann])
    found = await imported(world, admin, "importCustomers", "Email,Id\nann@example.com,X\n")
    assert counts(found) == {"created": 1, "warnings": 1}


async def test_a_file_that_cannot_be_read_to_its_end_fails_before_anything_is_written(
    world: World, admin: Client
) -> None:
    found = await imported(world, admin, "importCustomers", 'Email,Name\na@example.com,Ann\nb@example.com,"Bob\n')
    assert (found["status"], found["errorCode"], counts(found)) == ("FAILED", "FILE_REFUSED", {})
    assert "line 3" in found["errorMessage"]
    assert await emails(admin) == []
    import_id = await start(admin, "importCustomers", "Email\na@example.com\n")
    for path in (world.directory / "uploads").iterdir():
        path.unlink()
    for _ in range(jobs.MOST_LOOKS):
        assert await drain(worker(world, Caught())) == 1
        world.clock.advance(jobs.LOOKS_APART)
    assert (await report(admin, import_id))["errorCode"] == "NOT_FOUND"


async def test_a_header_alone_succeeds_with_nothing(world: World, admin: Client) -> None:
    found = await imported(world, admin, "importCustomers", "Email,Name\n")
    assert (found["status"], found["totalRecords"], counts(found)) == ("SUCCEEDED", 0, {})


async def test_is_cancelled_between_two_chunks(world: World, admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "FIRST_CHUNK", 10)
    monkeypatch.setattr(jobs, "LARGEST_CHUNK", 10)
    import_id = await start(
        admin, "importCustomers", "Email,Name\n" + "".join(f"p{n}@example.com,P\n" for n in range(100))
    )
    whole = jobs.Run.chunk

    async def then_cancel(run: jobs.Run, entries: Any, at: int) -> float:
        held = await whole(run, entries, at)
        if at == 20:
            await well(admin, "cancelImport", "import { status }", importId=import_id)
        return held

    monkeypatch.setattr(jobs.Run, "chunk", then_cancel)
    await drain(worker(world, Caught()))
    found = await report(admin, import_id)
    assert (found["status"], counts(found)) == ("CANCELLED", {"created": 30})
    assert len(await emails(admin)) == 30
    assert await world.rows("SELECT status FROM job") == [("DONE",)]
    again = await well(admin, "cancelImport", "import { status }", importId=import_id)
    assert again["import"]["status"] == "CANCELLED"


async def test_one_that_waits_is_cancelled_and_one_that_ended_is_not(world: World, admin: Client) -> None:
    waiting = await start(admin, "importCustomers", "Email\nann@example.com\n")
    await well(admin, "cancelImport", "import { status }", importId=waiting)
    await drain(worker(world, Caught()))
    assert counts(await report(admin, waiting)) == {}
    ended = (await imported(world, admin, "importCustomers", "Email\nann@example.com\n"))["id"]
    (error,) = (await done(admin, "cancelImport", importId=ended))["errors"]
    assert (error["code"], error["path"]) == ("NOT_POSSIBLE", ["importId"])
    (error,) = (await done(admin, "cancelImport", importId="imp_00000000000000000000000000"))["errors"]
    assert error["code"] == "NOT_FOUND"


async def test_two_imports_of_one_file_at_once_make_no_duplicates(world: World, admin: Client) -> None:
    text = "Email,Name,Company\n" + "".join(f"p{n}@example.com,P {n},Acme {n % 7}\n" for n in range(300))
    ids = [await start(admin, "importCustomers", text) for _ in range(2)]
    await asyncio.gather(*(drain(worker(world, Caught(), name=f"worker {n}")) for n in range(2)))
    both = [counts(await report(admin, one)) for one in ids]
    assert sum(c.get("created", 0) for c in both) == 300
    assert sum(c.get("unchanged", 0) for c in both) == 300
    assert await world.rows("SELECT count(*) FROM customer") == [(300,)]
    assert await world.rows("SELECT count(*) FROM organization") == [(7,)]


TRAP = {
    "sqlite": "CREATE TRIGGER trap BEFORE INSERT ON customer WHEN new.email = 'p7@example.com'"
    " BEGIN SELECT raise(ABORT, 'trapped'); END",
    "postgresql": "ALTER TABLE customer ADD CONSTRAINT trap CHECK (email <> 'p7@example.com')",
}


async def test_a_record_that_nobody_foresaw_is_refused_and_the_others_are_taken(world: World, admin: Client) -> None:
    import_id = await start(
        admin, "importCustomers", "Email,Name\n" + "".join(f"p{n}@example.com,P {n}\n" for n in range(20))
    )
    await world.run(TRAP[world.database.dialect.name])
    await drain(worker(world, Caught()))
    found = await report(admin, import_id)
    assert counts(found) == {"created": 19, "refused": 1}
    assert issues(found) == [(9, "INTERNAL", None, None)]


async def test_lists_the_properties_that_files_are_read_into(admin: Client) -> None:
    text = "query($k: ImportKind!) { importableFields(kind: $k) { n: name required examples } }"
    for kind, needed in (("CUSTOMERS", "email"), ("ORGANIZATIONS", "name"), ("TICKETS", "requesterEmail")):
        fields = (await admin.ask(text, k=kind))["importableFields"]
        assert [f["n"] for f in fields if f["required"]] == [needed]
        assert all(f["examples"] for f in fields)
