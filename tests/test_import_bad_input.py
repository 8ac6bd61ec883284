"""What people and programs put into the cells of files: taken as it stands, or refused with the reason."""

import pytest

from tests.conftest import Client, World
from tests.importing import counts, imported, issues
from tests.steps import emails


@pytest.mark.parametrize(
    "cell",
    ["n/a", "-", "none", "none@none", "NULL", "#N/A", "@", "a@", "@example.com", "a@@example.com", "a b@example.com"],
)
async def test_what_stands_for_no_address_is_refused(world: World, admin: Client, cell: str) -> None:
    found = await imported(world, admin, "importCustomers", f"Email,Name\n{cell},Ann\n")
    assert issues(found) == [(2, "INVALID_EMAIL", "Email", cell)]
    (error,) = found["rows"]["nodes"][0]["errors"]
    assert error["message"].startswith(f"{cell!r} is not an e-mail address")
    assert error["hint"] == "Correct the address and import the row again."
    assert await emails(admin) == []


@pytest.mark.parametrize(
    "cell",
    [
        "ann@example.com; bob@example.com",
        "ann@example.com ::: bob@example.com",
        "ann@example.com,bob@example.com",
        "ann@example.com|bob@example.com",
        "ann@example.com bob@example.com",
        "ann@example.com\nbob@example.com",
    ],
)
async def test_of_several_addresses_in_a_cell_the_first_is_taken(world: World, admin: Client, cell: str) -> None:
    found = await imported(world, admin, "importCustomers", f'Email,Name\n"{cell}",Ann\n')
    assert counts(found) == {"created": 1, "warnings": 1}
    assert issues(found, "warnings") == [(2, "OTHER_ADDRESSES", "Email", cell)]
    assert await emails(admin) == ["ann@example.com"]
    tickets = await imported(world, admin, "importTickets", f'Requester Email,Subject\n"{cell}",Hello\n')
    assert counts(tickets) == {"created": 1, "warnings": 1}
    told = (await admin.ask("{ tickets { nodes { requesterEmail } } }"))["tickets"]["nodes"]
    assert told == [{"requesterEmail": "ann@example.com"}]


async def test_one_of_several_that_is_no_address_is_refused_whole(world: World, admin: Client) -> None:
    cell = "ann@example.com; see notes @ home; x@y"
    found = await imported(world, admin, "importCustomers", f'Email,Name\n"{cell}",Ann\n')
    assert issues(found) == [(2, "INVALID_EMAIL", "Email", cell)]


async def test_variants_of_one_address_are_one_customer(world: World, admin: Client) -> None:
    variants = [
        "jos\u00e9@b\u00fccher.example",
        "JOSE\u0301@BU\u0308CHER.example",
        "jos\u00e9@xn--bcher-kva.example",
    ]
    found = await imported(world, admin, "importCustomers", "Email,Name\n" + "".join(f"{v},Jo\n" for v in variants))
    assert counts(found) == {"created": 1, "skipped": 2, "warnings": 2}
    assert [(line, code) for line, code, _, _ in issues(found, "warnings")] == [
        (3, "DUPLICATE_IN_FILE"),
        (4, "DUPLICATE_IN_FILE"),
    ]
    assert await emails(admin) == ["jos\u00e9@b\u00fccher.example"]


@pytest.mark.parametrize(
    "text",
    ["=HYPERLINK(1)", "+1+1", "-2", "@SUM(A1)", "<script>alert(1)</script>", "{{7*7}}", "'; DROP TABLE customer; --"],
)
async def test_formulas_and_markup_are_kept_as_typed(world: World, admin: Client, text: str) -> None:
    found = await imported(world, admin, "importCustomers", f'Email,First Name\nann@example.com,"{text}"\n')
    assert counts(found) == {"created": 1}
    told = (await admin.ask("{ customers { nodes { firstName } } }"))["customers"]["nodes"]
    assert told == [{"firstName": text}]


async def test_a_line_break_in_an_address_is_no_header(world: World, admin: Client) -> None:
    cell = "ann@example.com\r\nBcc: all@example.com"
    found = await imported(world, admin, "importCustomers", f'Email,Name\n"{cell}",Ann\n')
    assert [(line, code) for line, code, _, _ in issues(found)] == [(2, "INVALID_EMAIL")]
    assert await emails(admin) == []
