"""Workbooks: their sheets, what their cells show, and what is refused."""

from pathlib import Path

import pytest

from db.errors import Refusal
from db.files.reading import count, look, records
from db.files.table import FileRefused, How
from tests.workbooks import DATE, MOMENT, number, ods, packed, row, rows, text, xlsx

PEOPLE = (("Email", "Name"), ("a@x.example", "Ann"), ("b@x.example", "Bob"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.csv"


def read(path: Path, content: bytes, how: How | None = None) -> list[tuple[int, int, list[str]]]:
    path.write_bytes(content)
    return [tuple(record) for record in records(path, look(path, how or How()).layout)]


def test_reads_the_first_sheet_that_holds_anything_whatever_the_file_is_called(path: Path) -> None:
    book = xlsx({"Notes": "", "People": rows(PEOPLE), "Old": rows(PEOPLE)}, hidden=["Old"])
    assert read(path, book) == [(1, 2, ["a@x.example", "Ann"]), (2, 3, ["b@x.example", "Bob"])]
    found = look(path)
    assert (found.layout.format, found.layout.sheet, found.sheets) == ("WORKBOOK", "People", ("Notes", "People"))
    assert found.layout.columns == ("Email", "Name")
    assert found.records == [["a@x.example", "Ann"], ["b@x.example", "Bob"]]
    assert count(path, found.layout).records == 2


def test_reads_the_sheet_that_is_named(path: Path) -> None:
    book = xlsx({"One": rows(PEOPLE), "Two": rows([("Email",), ("c@x.example",)])})
    assert read(path, book, How(sheet="Two")) == [(1, 2, ["c@x.example"])]
    with pytest.raises(Refusal, match=r"No sheet in sight is named 'Three'. There are: 'One', 'Two'") as refused:
        look(path, How(sheet="Three"))
    assert refused.value.path == ("sheet",)


def test_cells_are_what_a_person_reads(path: Path) -> None:
    cells = [
        number("A2", 1042),
        number("B2", 4915112345678),
        number("C2", 0.5),
        number("D2", 46053, DATE),
        number("E2", 46053.4375, MOMENT),
        '<c r="F2" t="b"><v>1</v></c>',
        number("G2", 7, formula="3+4"),
        text("H2", "=1+1"),
        text("I2", "two\nlines, <b>"),
    ]
    header = row(1, *(text(f"{chr(65 + i)}1", f"c{i}") for i in range(9)))
    assert read(path, xlsx({"S": header + row(2, *cells)})) == [
        (
            1,
            2,
            [
                "1042",
                "4915112345678",
                "0.5",
                "2026-01-31",
                "2026-01-31 10:30:00",
                "TRUE",
                "7",
                "=1+1",
                "two\nlines, <b>",
            ],
        )
    ]


def test_a_table_may_begin_anywhere_below_a_title_and_keeps_the_sheets_row_numbers(path: Path) -> None:
    sheet = (
        row(1, text("A1", "Our customers"))
        + row(3, text("B3", "Email"), text("C3", "Name"), text("D3", "City"))
        + row(5, text("B5", "a@x.example"), text("D5", "Bonn"))
    )
    assert read(path, xlsx({"S": sheet})) == [(1, 5, ["", "a@x.example", "", "Bonn"])]
    assert look(path).layout.columns == ("Column 1", "Email", "Name", "City")


def test_a_merged_cell_of_several_rows_is_the_value_of_each(path: Path) -> None:
    sheet = (
        row(1, text("A1", "Company"), text("B1", "Email"))
        + row(2, text("A2", "Acme"), text("B2", "a@x.example"))
        + row(3, text("B3", "b@x.example"))
        + row(4, text("B4", "c@x.example"))
    )
    assert [cells for _, _, cells in read(path, xlsx({"S": sheet}, merged=["A2:A3"]))] == [
        ["Acme", "a@x.example"],
        ["Acme", "b@x.example"],
        ["", "c@x.example"],
    ]


def test_reads_open_document_spreadsheets(path: Path) -> None:
    def cell(value: str) -> str:
        return f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>'

    date = (
        '<table:table-cell office:value-type="date" office:date-value="2026-01-31"><text:p>31.01.26</text:p>'
        "</table:table-cell>"
    )
    content = (
        f"<table:table-row>{cell('Email')}{cell('Since')}</table:table-row>"
        f"<table:table-row>{cell('j&#252;rgen@x.example')}{date}</table:table-row>"
        '<table:table-row table:number-rows-repeated="1048573"><table:table-cell/></table:table-row>'
    )
    assert read(path, ods(content)) == [(1, 2, ["jürgen@x.example", "2026-01-31"])]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (packed({"file.csv": "Email\n"}), "a ZIP archive, and no workbook"),
        (xlsx({"S": ""}), "is empty"),
        (xlsx({"S": rows(PEOPLE)})[:-300], "damaged"),
        (xlsx({"S": row(1, text("A1", "Email")) + row(1048576, text("XFD1048576", "x"))}), "too large"),
        (
            ods(
                '<table:table-row table:number-rows-repeated="1000000"><table:table-cell office:value-type="string" '
                'table:number-columns-repeated="16000"><text:p>x</text:p></table:table-cell></table:table-row>'
            ),
            "no workbook that can be read",
        ),
    ],
)
def test_refuses_what_is_no_workbook_or_asks_for_too_much(path: Path, content: bytes, said: str) -> None:
    with pytest.raises(FileRefused) as refused:
        read(path, content)
    assert said in refused.value.message
    assert refused.value.code == "FILE_REFUSED"


def test_refuses_zeros_that_are_packed(path: Path) -> None:
    bomb = xlsx({"S": " " * 320_000_000})
    assert len(bomb) < 1_000_000
    with pytest.raises(FileRefused, match="unpacked it holds more than 300 MB"):
        read(path, bomb)
