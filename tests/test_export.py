"""Exports: what lists show as a file, and the same file read again changes nothing."""

import csv
import io
import json
import zipfile
from typing import Any

import pytest

from db import export_workbook, exporting
from tests.conftest import Client, World
from tests.importing import counts, imported
from tests.steps import customer, done, organization, project, written


async def exported(client: Client, path: str, **query: str) -> bytes:
    headers = {"authorization": f"Bearer {client.token}"} if client.token else {}
    answer = await client.http.get(f"/exports/{path}", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.content


def table(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


async def some(world: World, admin: Client) -> None:
    acme = await organization(admin, "Acme, Inc.", website="https://acme.example", externalId="=A")
    europe = await organization(admin, "Europe", acme, description='two\nlines and "quotes"')
    top = await organization(admin, "Europe")
    await organization(admin, "-Minus", europe)
    deep = await organization(admin, "X", await organization(admin, "Europe", top))
    await customer(admin, "ann@example.com", firstName="=Ann", lastName="'=Lee", phone="+49 30", organizationId=europe)
    await customer(admin, "bob@b\u00fccher.example", title="@home", externalId="-1", organizationId=deep)
    await customer(admin, "cy@example.com", organizationId=acme)
    await customer(admin, "dee@example.com")
    await project(admin, "Site")
    text = (
        "Requester Email,Subject,Description,External ID,Project,Status,Created\n"
        'ann@example.com,=Help,"a\n\nb",1,Site,closed,2026-01-31T10:00:00Z\nnew@example.com,Two,,2,,open,\n'
    )
    assert counts(await imported(world, admin, "importTickets", text))["created"] == 2


@pytest.mark.parametrize("given", [{}, {"matchBy": "ID"}, {"matchBy": "EXTERNAL_ID"}])
@pytest.mark.parametrize(
    ("kind", "field", "many"), [("customers", "importCustomers", 4), ("organizations", "importOrganizations", 6),
                                ("tickets", "importTickets", 2)]
)  # fmt: skip
async def test_the_same_file_again_changes_nothing(
    world: World,
    admin: Client,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    field: str,
    many: int,
    given: dict[str, str],
) -> None:
    monkeypatch.setattr(exporting, "PAGE", 2)
    await some(world, admin)
    if given == {"matchBy": "ID"} and kind == "tickets":
        await imported(world, admin, "importTickets", "Requester Email,Subject\nbob@b\u00fccher.example,None\n")
        many += 1
    content = await exported(admin, f"{kind}.csv")
    for row in table(content)[1:]:
        assert all(cell[:1] not in {"=", "+", "-", "@", "\t", "\r"} for cell in row)
    before = await written(world)
    found = await imported(world, admin, field, content, **given)
    assert {name: n for name, n in counts(found).items() if name in {"created", "updated", "unchanged", "refused"}} == {
        "unchanged": many
    }
    after = await written(world)
    assert after["change_record"] == before["change_record"]


@pytest.mark.parametrize(
    ("kind", "field", "many"), [("customers", "importCustomers", 4), ("organizations", "importOrganizations", 6),
                                ("tickets", "importTickets", 2)]
)  # fmt: skip
async def test_a_workbook_holds_texts_and_changes_nothing_when_it_is_read_again(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch, kind: str, field: str, many: int
) -> None:
    monkeypatch.setattr(exporting, "PAGE", 2)
    await some(world, admin)
    content = await exported(admin, f"{kind}.xlsx")
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert sheet.count("<row ") == many + 1
    before = await written(world)
    found = await imported(world, admin, field, content)
    assert {name: n for name, n in counts(found).items() if name in {"created", "updated", "unchanged", "refused"}} == {
        "unchanged": many
    }
    after = await written(world)
    assert after["change_record"] == before["change_record"]


async def test_a_workbook_is_refused_where_it_would_leave_something_out(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await some(world, admin)
    headers = {"authorization": f"Bearer {admin.token}"}
    monkeypatch.setattr(export_workbook, "LONGEST_CELL", 20)
    answer = await admin.http.get("/exports/organizations.xlsx", headers=headers)
    assert "is longer than a workbook's cell holds (20 characters). Take CSV" in answer.text
    monkeypatch.undo()
    for i, text in enumerate(("\uffff", "_x005F_x000D_")):
        odd = await customer(admin, f"odd{i}@example.com", lastName=text)
        answer = await admin.http.get("/exports/customers.xlsx", headers=headers)
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (413, "LIMIT")
        assert "which none reads back. Take CSV or JSON lines." in answer.text
        assert (await done(admin, "archiveCustomers", customerIds=[odd]))["errors"] == []
    monkeypatch.setattr(export_workbook, "MOST_ROWS", 5)
    answer = await admin.http.get("/exports/organizations.xlsx", headers=headers)
    assert "A workbook holds 5 records." in answer.text
    assert answer.status_code == 413
    assert len(await exported(admin, "customers.xlsx")) > 1_000


ODD_TEXTS = (
    "=1+1", "+49 30", "-x", "@cmd", "\tx", "'quoted", "'=x", "''=y", "a;b", "a,b", "a\tb", 'say "hi"', '"', "'one'", "a|b",
    "line\nbreak", "line\r\nbreak", "return\rbreak", "A / B", "/ B", "A /", "\\/", "C:\\", "\U0001f600", "\u202eRTL",
    "שלום", "مرحبا",
    "a\u2028b", "a\x0cb", "\ufeffbom", "\u200bzero", "a\xa0b", "\x01", "e\u0301", "007", "1e5", "1.0", "2026-01-31", "TRUE",
    "NULL", "#N/A", "_x000D_", "sep=;", "email", "Rolodesk id", "begin:vcard", '{"a": 1}', "<!-- x",
)  # fmt: skip


@pytest.mark.parametrize("form", ["csv", "xlsx", "jsonl"])
async def test_whatever_a_text_holds_it_is_read_back_as_it_was(world: World, admin: Client, form: str) -> None:
    rows: list[list[str]] = []
    for i, text in enumerate(ODD_TEXTS):
        place = await organization(admin, f"Top {i}")
        below = await organization(admin, text, place, website=text, description=text, externalId=f"{i}{text}")
        texts = dict.fromkeys(("firstName", "lastName", "phone", "title"), text)
        await customer(admin, f"c{i}@example.com", externalId=f"{i}{text}", organizationId=below, **texts)
        rows.append([f"r{i}@example.com", text, text, text, f"{i}{text}"])
    made = io.StringIO()
    csv.writer(made).writerows([["Requester Email", "Requester Name", "Subject", "Description", "External ID"], *rows])
    assert counts(await imported(world, admin, "importTickets", made.getvalue()))["created"] == len(ODD_TEXTS)
    before = await written(world)
    for kind, many in (("customers", 1), ("organizations", 2), ("tickets", 1)):
        content = await exported(admin, f"{kind}.{form}")
        found = await imported(world, admin, f"import{kind.capitalize()}", content)
        told = counts(found)
        told.pop("unmatched", None)
        assert told == {"unchanged": many * len(ODD_TEXTS)}, kind
        by_id = counts(await imported(world, admin, f"import{kind.capitalize()}", content, matchBy="ID"))
        assert by_id["unchanged"] == many * len(ODD_TEXTS), kind
    after = await written(world)
    assert after["change_record"] == before["change_record"]


ODD_NAMES = ("AC / DC", "A/B", "/", "A /", "/ B", " \\/ ", "x\\", "a\\\\/b / / c", "Acme")


@pytest.mark.parametrize("given", [{}, {"matchBy": "ID"}])
async def test_names_that_look_like_paths_are_read_back_as_they_were(
    world: World, admin: Client, given: dict[str, str]
) -> None:
    acme = await organization(admin, "Acme")
    for i, name in enumerate(ODD_NAMES):
        top = acme if name == "Acme" else await organization(admin, name)
        below = await organization(admin, name, top)
        deeper = await organization(admin, ODD_NAMES[i - 1], below)
        for n, place in enumerate((top, below, deeper)):
            await customer(admin, f"p{i}.{n}@example.com", organizationId=place)
    before = await written(world)
    for kind, many in (("organizations", 27), ("customers", 27)):
        content = await exported(admin, f"{kind}.csv")
        found = await imported(world, admin, f"import{kind.capitalize()}", content, **given)
        assert counts(found) == {"unchanged": many, **({"warnings": many} if kind == "customers" and not given else {})}
    after = await written(world)
    assert (after["change_record"], after["organization"]) == (before["change_record"], before["organization"])
    rows = {row[0]: row[6] for row in table(content)[1:]}
    assert rows["p0.1@example.com"] == "AC \\/ DC / AC \\/ DC"
    assert rows["p1.1@example.com"] == "A/B / A/B"


async def test_takes_the_filter_and_the_search_of_lists(world: World, admin: Client) -> None:
    await some(world, admin)
    only = await exported(admin, "customers.csv", filter=json.dumps({"email": {"startsWith": "ANN"}}))
    assert table(only)[1][:8] == ["ann@example.com", "'=Ann", "''=Lee", "'+49 30", "", "", "Acme, Inc. / Europe", ""]
    assert len(table(only)) == 2
    assert len(table(await exported(admin, "customers.csv", search="lee"))) == 2
    assert len(table(await exported(admin, "customers.csv", filter='{"unassigned": true}'))) == 2
    closed = await exported(admin, "tickets.jsonl", filter='{"status": ["CLOSED"]}')
    (one,) = [json.loads(line) for line in closed.decode().splitlines()]
    assert {name: one[name] for name in ("subject", "project", "createdAt", "requesterName")} == {
        "subject": "=Help",
        "project": "Site",
        "createdAt": "2026-01-31T10:00:00.000Z",
        "requesterName": None,
    }


ORDERS: list[tuple[str, list[dict[str, str]]]] = [
    ("customers", []),
    ("customers", [{"field": "NAME"}]),
    ("customers", [{"field": "LAST_NAME", "direction": "DESC"}, {"field": "EMAIL"}]),
    ("customers", [{"field": "CREATED_AT", "direction": "DESC"}]),
    ("organizations", [{"field": "NAME", "direction": "DESC"}]),
    ("organizations", [{"field": "UPDATED_AT"}, {"field": "NAME", "direction": "DESC"}]),
    ("tickets", [{"field": "NUMBER", "direction": "DESC"}]),
    ("tickets", [{"field": "CREATED_AT"}]),
]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize(("kind", "order"), ORDERS)
async def test_records_are_in_the_order_of_the_list(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch, kind: str, order: list[dict[str, str]], form: str
) -> None:
    monkeypatch.setattr(exporting, "PAGE", 2)
    for i in range(5):
        world.clock.advance(i % 2 * 1_000)
        await organization(admin, "Acme \u00e9"[: 4 + i % 3], await organization(admin, f"{i % 2} {i}"))
        await customer(admin, f"{'bac'[i % 3]}{i}@example.com", lastName=("Lee", "Moss", None)[i % 3])
        text = f"Requester Email,Subject,Created\nx@example.com,S{i},2026-0{1 + i % 3}-01\n"
        await imported(world, admin, "importTickets", text)
    name = {"customers": "Customer", "organizations": "Organization", "tickets": "Ticket"}[kind]
    asked = order or [{"field": "CREATED_AT"}]
    text = f"query($by: [{name}Order!]) {{ {kind}(first: 250, orderBy: $by) {{ nodes {{ id }} }} }}"
    expected = [one["id"] for one in (await admin.ask(text, by=asked))[kind]["nodes"]]
    records = {kind: {"orderBy": order} if order else {}}
    text = f"query($records: ExportSelection!) {{ export(records: $records, format: {form.upper()}) {{ path count }} }}"
    offered = (await admin.ask(text, records=records))["export"]
    assert offered["count"] == len(expected) == (10 if kind == "organizations" else 5)
    content = (await admin.http.get(offered["path"], headers={"authorization": f"Bearer {admin.token}"})).content
    if form == "csv":
        assert [row[-1] for row in table(content)[1:]] == expected
    headers = {"authorization": f"Bearer {admin.token}"}
    by_post = await admin.http.post(f"/exports/{kind}.jsonl", json={"orderBy": order}, headers=headers)
    assert [json.loads(line)["id"] for line in by_post.content.splitlines()] == expected


async def test_an_order_that_no_list_has_is_refused(admin: Client) -> None:
    headers = {"authorization": f"Bearer {admin.token}"}
    for order, said in (
        ('[{"field": "SHOES"}]', "orderBy is no [CustomerOrder!], written as JSON: at 0.field:"),
        ('[{"field": "NAME"}, {"field": "NAME"}]', "A sort key may be given once only."),
        ("{", "orderBy is no [CustomerOrder!], written as JSON:"),
    ):
        answer = await admin.http.get("/exports/customers.csv", params={"orderBy": order}, headers=headers)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["message"].startswith(said)
    answer = await admin.http.get(
        "/exports/customers.csv", params={"filter": '{"email": {"is": "x"}}'}, headers=headers
    )
    assert answer.json()["errors"][0]["message"].startswith("filter is no CustomerFilter, written as JSON: at email")
    four = [{"field": name} for name in ("NAME", "LAST_NAME", "EMAIL", "CREATED_AT")]
    refused = await admin.refused(EXPORT, records={"customers": {"orderBy": four}}, format="CSV")
    assert refused["extensions"]["code"] == "LIMIT"


async def test_whoever_may_not_read_gets_no_file(world: World, admin: Client) -> None:
    ann = await customer(admin, "ann@example.com")
    cases: list[tuple[Client, str, int]] = [
        (world.client(None), "customers.csv", 401),
        (await world.customer_session(ann), "customers.csv", 403),
        (await world.customer_session(ann), "tickets.csv", 403),
        (await world.key("CUSTOMERS_READ"), "customers.csv", 403),
        (await world.key("CUSTOMERS_READ", "ORGANIZATIONS_READ"), "customers.csv", 200),
        (await world.key("IMPORTS_WRITE"), "organizations.csv", 403),
        (admin, "users.csv", 404),
        (admin, "customers.pdf", 404),
        (admin, "customers.csv?filter=x", 400),
        (admin, 'customers.csv?filter={"shoes":1}', 400),
        (admin, "customers.csv?filter=3", 400),
    ]
    for client, path, status in cases:
        headers = {"authorization": f"Bearer {client.token}"} if client.token else {}
        answer: Any = await client.http.get(f"/exports/{path}", headers=headers)
        assert answer.status_code == status, path
    other = await world.workspace()
    theirs = await world.key("CUSTOMERS_READ", "ORGANIZATIONS_READ", workspace_id=other)
    assert len(table(await exported(theirs, "customers.csv"))) == 1
    assert (await done(admin, "archiveCustomers", customerIds=[ann]))["errors"] == []
    assert len(table(await exported(admin, "customers.csv"))) == 1


EXPORT = """query($records: ExportSelection!, $format: ExportFormat!) { export(records: $records, format: $format) {
  kind format count path url filename mediaType columns } }"""
ANY_CUSTOMER = {
    "or": [
        {"email": {"startsWith": "ann", "in": ["ann@example.com"], "isNull": False}},
        {
            "status": ["CREATED", "ACTIVE"],
            "createdAt": {"gte": "2020-01-31T09:30:00.125Z", "lt": "2199-01-01T00:00:00Z"},
        },
    ],
    "not": {"externalId": {"eq": "x&y=1 #+%/ü"}},
    "unassigned": False,
}


async def test_says_over_graphql_how_many_records_and_where_they_are_fetched(world: World, admin: Client) -> None:
    await some(world, admin)
    records = {"customers": {"filter": ANY_CUSTOMER, "search": "a & b"}}
    assert (await admin.ask(EXPORT, records=records, format="CSV"))["export"]["count"] == 0
    records["customers"].pop("search")
    shown = (await admin.ask(EXPORT, records=records, format="CSV"))["export"]
    assert shown["path"].startswith("/exports/customers.csv?filter=%7B%22")
    assert shown == {
        "kind": "CUSTOMERS",
        "format": "CSV",
        "count": 3,
        "path": shown["path"],
        "url": f"http://127.0.0.1:8000{shown['path']}",
        "filename": "customers.csv",
        "mediaType": "text/csv; charset=utf-8",
        "columns": table(await exported(admin, "customers.csv"))[0],
    }
    fetched = await admin.http.get(shown["path"], headers={"authorization": f"Bearer {admin.token}"})
    assert [row[0] for row in table(fetched.content)[1:]] == [
        "ann@example.com",
        "bob@b\u00fccher.example",
        "cy@example.com",
    ]
    assert (await admin.http.get(shown["path"])).status_code == 401


@pytest.mark.parametrize(
    ("records", "form", "count", "path"),
    [
        ("{customers: {}}", "JSONL", 4, "/exports/customers.jsonl"),
        ('{customers: {search: "lee"}}', "CSV", 1, "/exports/customers.csv?search=lee"),
        ("{organizations: {filter: {root: true}}}", "XLSX", 2, "/exports/organizations.xlsx?filter=%7B%22root%22%3Atrue%7D"),
        ("{tickets: {filter: {unmatched: true}}}", "CSV", 1, "/exports/tickets.csv?filter=%7B%22unmatched%22%3Atrue%7D"),
    ],
)  # fmt: skip
async def test_the_file_holds_what_the_list_would_show(
    world: World, admin: Client, records: str, form: str, count: int, path: str
) -> None:
    await some(world, admin)
    text = f"{{ export(records: {records}, format: {form}) {{ count path }} }}"
    assert (await admin.ask(text))["export"] == {"count": count, "path": path}
    content = (await admin.http.get(path, headers={"authorization": f"Bearer {admin.token}"})).content
    if form == "CSV":
        assert len(table(content)) == count + 1
    elif form == "JSONL":
        columns = await admin.ask(f"{{ export(records: {records}, format: JSONL) {{ columns }} }}")
        assert [list(json.loads(line)) for line in content.splitlines()] == [columns["export"]["columns"]] * count


async def test_an_export_takes_the_permissions_of_all_it_holds(world: World, admin: Client) -> None:
    text = "query($records: ExportSelection!) { export(records: $records) { count } }"
    cases: list[tuple[Client, str]] = [
        (await world.key("CUSTOMERS_READ"), "customers"),
        (await world.key("TICKETS_READ"), "tickets"),
        (await world.customer_session(await customer(admin, "ann@example.com")), "organizations"),
    ]
    for client, kind in cases:
        assert (await client.refused(text, records={kind: {}}))["extensions"]["code"] == "FORBIDDEN"
    key = await world.key("ORGANIZATIONS_READ")
    assert (await key.ask(text, records={"organizations": {}}))["export"] == {"count": 0}
    both = {"customers": {}, "tickets": {}}
    assert (await admin.refused(text, records=both))["extensions"]["code"] == "INVALID_VALUE"


async def test_a_filter_too_long_for_an_address_is_sent_by_post(world: World, admin: Client) -> None:
    await some(world, admin)
    found = (await admin.ask("{ customers { nodes { id } } }"))["customers"]["nodes"]
    given = {"ids": [found[0]["id"], *(f"cus_{i:026d}" for i in range(300))]}
    refused = await admin.refused(EXPORT, records={"customers": {"filter": given}}, format="CSV")
    assert refused["extensions"]["code"] == "LIMIT"
    assert "POST /exports/customers.csv" in refused["message"]
    headers = {"authorization": f"Bearer {admin.token}"}
    answer = await admin.http.post("/exports/customers.csv", json={"filter": given}, headers=headers)
    assert len(table(answer.content)) == 2
    whole = await admin.http.post("/exports/customers.csv", headers=headers)
    assert len(table(whole.content)) == 5
    found_by_search = await admin.http.post("/exports/customers.csv", json={"search": "lee"}, headers=headers)
    assert len(table(found_by_search.content)) == 2


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 415),
        (b"[]", 415),
        (b"null", 415),
        (b'{"filters": {}}', 415),
        (b'{"search": 1}', 400),
        (b'{"filter": [1]}', 400),
        (b'{"filter": {"nothing": 1}}', 400),
        (b'"' + b"x" * 1_000_001, 413),
    ],
)
async def test_a_post_that_asks_for_nothing_known_is_refused(admin: Client, body: bytes, status: int) -> None:
    headers = {"authorization": f"Bearer {admin.token}"}
    answer = await admin.http.post("/exports/customers.csv", content=body, headers=headers)
    assert answer.status_code == status
    assert answer.json()["errors"][0]["message"]


async def test_an_export_of_another_workspace_holds_nothing_of_this(world: World, admin: Client) -> None:
    await some(world, admin)
    stranger = await world.key(workspace_id=await world.workspace())
    shown = (await stranger.ask(EXPORT, records={"customers": {"filter": ANY_CUSTOMER}}, format="CSV"))["export"]
    assert shown["count"] == 0
    answer = await stranger.http.get(shown["path"], headers={"authorization": f"Bearer {stranger.token}"})
    assert len(table(answer.content)) == 1
