# ruff: noqa: RUF001  the texts of other scripts are meant
"""What a file holds: encodings, delimiters, headers, and what is refused."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from db.errors import Refusal
from db.files import reading
from db.files.reading import count, look, records
from db.files.table import FileRefused, How

LATIN = "Name;E-Mail;Ort\nJürgen Groß;j@x.example;Köln\nRenée Dupré;r@x.example;Orléans\n"
TEXTS = {
    "cp1252": LATIN,
    "mac_roman": LATIN,
    "cp850": LATIN,
    "utf-8": LATIN,
    "utf-8-sig": LATIN,
    "utf-16": LATIN,
    "utf-16-le": LATIN,
    "utf-16-be": LATIN,
    "utf-32": LATIN,
    "cp1250": "Jméno;E-mail;Město\nJiří Dvořák;j@x.example;Plzeň\nŁukasz Żółć;l@x.example;Łódź\n",
    "cp1251": "Имя;Email;Город\nИван Петров;i@x.example;Москва\nОльга Сидорова;o@x.example;Казань\n",
    "koi8_r": "Имя;Email;Город\nИван Петров;i@x.example;Москва\nОльга Сидорова;o@x.example;Казань\n",
    "cp1253": "Όνομα;Email\nΓιώργος Παπαδόπουλος;g@x.example\nΜαρία;m@x.example\n",
    "cp932": "名前;メール;会社\n山田太郎;y@x.example;株式会社テスト\n鈴木花子;s@x.example;東京商事\n",
    "euc_jp": "名前;メール;会社\n山田太郎;y@x.example;株式会社テスト\n鈴木花子;s@x.example;東京商事\n",
    "gb18030": "姓名;邮箱;公司\n张伟;z@x.example;北京公司\n王芳;w@x.example;上海贸易\n",
    "big5": "姓名;郵箱;公司\n張偉;z@x.example;台北公司\n王芳;w@x.example;高雄貿易\n",
    "iso8859_15": "Prénom;E-mail;Société\nÉloïse Lefèvre;e@x.example;Cœur à l'œuvre\n",
    "cp874": "ชื่อ;อีเมล;บริษัท\nสมชาย ใจดี;s@x.example;กรุงเทพการค้า\nมาลี ศรีสุข;m@x.example;เชียงใหม่พาณิชย์\n",
    "cp949": "이름;이메일;회사\n김철수;k@x.example;서울상사\n이영희;l@x.example;부산무역\n",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.csv"


def read(path: Path, content: bytes | str, **how: Any) -> list[tuple[int, int, list[str]]]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return [tuple(record) for record in records(path, look(path, How(**how)).layout)]


def refusal(path: Path, content: bytes | str) -> str:
    with pytest.raises(FileRefused) as refused:
        read(path, content)
    assert refused.value.code == "FILE_REFUSED"
    return refused.value.message


@pytest.mark.parametrize("encoding", sorted(TEXTS))
def test_reads_a_file_in_the_encoding_it_is_in(path: Path, encoding: str) -> None:
    text = TEXTS[encoding]
    header, *rows = [line.split(";") for line in text.splitlines()]
    assert [cells for _, _, cells in read(path, text.encode(encoding))] == rows
    assert look(path).layout.columns == tuple(header)


def test_one_umlaut_is_enough(path: Path) -> None:
    assert read(path, "Name,Email\nKöln,a@x.example\n".encode("cp1252")) == [(1, 2, ["Köln", "a@x.example"])]


def test_an_encoding_can_be_said(path: Path) -> None:
    assert read(path, "N;E\nŁódź;a@x.example\n".encode("iso8859_2"), encoding="ISO-8859-2") == [
        (1, 2, ["Łódź", "a@x.example"])
    ]
    for wrong in ("utf-9", "punycode", "base64", "unicode_escape"):
        with pytest.raises(Refusal, match="no encoding of files") as refused:
            look(path, How(wrong))
        assert refused.value.path == ("encoding",)
    with pytest.raises(FileRefused, match="not utf-8: line 2"):
        look(path, How("utf-8"))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_tells_delimiters_and_line_ends(path: Path, delimiter: str, end: str) -> None:
    rows = [["Email", "Note, or; so", "Last"], ["a@x.example", "1,5; 2|3", "x"], ["b@x.example", "4,5\t6", ""]]
    text = end.join(delimiter.join(f'"{c}"' if c != "Email" else c for c in row) for row in rows)
    assert [cells for _, _, cells in read(path, text)] == rows[1:]


def test_a_line_of_excel_names_the_delimiter(path: Path) -> None:
    assert read(path, "sep=|\nEmail|Name\na@x.example|Ann, Bob\n") == [(1, 3, ["a@x.example", "Ann, Bob"])]


def test_records_know_their_lines(path: Path) -> None:
    text = 'Email,Note\n\na@x.example,"one\ntwo"\n , \nb@x.example,"say ""hi""\u2028"\n'
    assert read(path, text) == [(1, 3, ["a@x.example", "one\ntwo"]), (2, 6, ["b@x.example", 'say "hi"\u2028'])]


def test_columns_without_a_name_or_with_the_same_can_be_told_apart(path: Path) -> None:
    path.write_text("Email, Phone ,Phone,,Phone\na@x.example,1,2,3,4\n")
    assert look(path).layout.columns == ("Email", "Phone", "Phone (2)", "Column 4", "Phone (3)")


def test_a_file_without_a_header_has_numbered_columns(path: Path) -> None:
    assert read(path, "Ann,a@x.example\nBob,b@x.example\n") == [
        (1, 1, ["Ann", "a@x.example"]),
        (2, 2, ["Bob", "b@x.example"]),
    ]
    assert look(path).layout.columns == ("Column 1", "Column 2")


def test_a_header_alone_is_a_file_without_records(path: Path) -> None:
    assert read(path, "Email,Name\n") == []


def test_cells_may_be_long_and_columns_many(path: Path) -> None:
    assert read(path, f"Email,Note\na@x.example,{'x' * 200_000}\n") == [(1, 2, ["a@x.example", "x" * 200_000])]
    many = ",".join(f"c{i}" for i in range(10_000))
    read(path, f"{many}\n{many}\n")
    assert len(look(path).layout.columns) == 10_000
    assert "17,000 columns" in refusal(path, ",".join(f"c{i}" for i in range(17_000)))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b",,\n,,\n", "blank lines"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (gzip.compress(b"Email\n"), "gzip"),
        (b"PK\x03\x04...", "no workbook that can be read"),
        (b"\xd0\xcf\x11\xe0...", "no workbook that can be read"),
        (b"\n<!DOCTYPE html><html>", "web page"),
        (b"<?xml version='1.0'?>", "XML"),
        (b"\xef\xbb\xbf", "empty"),
        (b"\xef\xbb\xbf \r\n", "empty"),
        (b"\xff\xfe", "empty"),
        (b"<!-- saved -->\n<!-- twice --><html>", "web page"),
        (b'[{"email": "a@x.example"}]', "JSON"),
        (b'[\n  {"email": "a@x.example"}\n]', "JSON"),
        (b'{\n  "email": "a@x.example"\n}', "JSON"),
        (bytes(range(1, 32)) * 100, "binary"),
        (b'Email,Note\na@x.example,"one" two\n', "line 2 has text behind a closing quote"),
        (b'Email,Note\na@x.example,"open\nb@x.example,x\n', "line 2 opens a quote"),
        (b'Email,Note\na@x.example,"' + b"x" * 5_000_000 + b"\n", "line 2 opens a quote"),
    ],
)
def test_refuses_what_is_no_table_of_text(path: Path, content: bytes, said: str) -> None:
    assert said in refusal(path, content)


def test_a_few_control_characters_make_no_binary_of_a_small_file(path: Path) -> None:
    assert read(path, b"Email,Name\na@x.example,A\x00nn\x07\n") == [(1, 2, ["a@x.example", "A\x00nn\x07"])]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("big5", "名,姓,電子郵件\n偉,王,w@x.example\n"),
        ("big5", "姓名,郵箱,公司\n張偉,z@x.example,ABC 科技\n"),
        ("cp932", "名,姓,メール\n太郎,山田,t@x.example\nケーキー,ソ能,k@x.example\n"),
        ("cp850", "Nombre;Correo\nÁngel Muñoz;a@x.example\nBegoña Núñez;b@x.example\n"),
        ("cp1250", "Imię;E-mail\nPaweł;p@x.example\nMichał Łoś;m@x.example\n"),
        ("mac_roman", "Nom;E-mail\nRené;r@x.example\nÉmile Zöe;z@x.example\n"),
        ("cp1252", "Name;E-Mail\nMüller – Söhne;m@x.example\n“Café”;c@x.example\n"),
    ],
)
def test_a_few_characters_tell_an_encoding(path: Path, encoding: str, text: str) -> None:
    path.write_bytes(text.encode(encoding))
    seen = look(path)
    assert [list(seen.layout.columns), *seen.records] == [
        line.split(seen.layout.delimiter) for line in text.splitlines()
    ]


def test_an_encoding_that_is_told_from_the_head_alone_is_corrected_by_the_rest(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "HEAD_BYTES", 1_000)
    plain = "a@x.example,Ann\n" * 100
    path.write_bytes(b"Email,Name\n" + plain.encode() + "j@x.example,Jürgen\n".encode("cp1252"))
    seen = look(path)
    assert seen.layout.assumed
    found = count(path, seen.layout)
    assert found.records == 101
    assert [r.cells for r in records(path, found.layout)][-1] == ["j@x.example", "Jürgen"]
    path.write_bytes("Email,Name\nz@x.example,Zoë\n".encode() + plain.encode() + b"j@x.example,J\xfcrgen\n")
    with pytest.raises(FileRefused, match="line 103 has"):
        count(path, look(path).layout)


def test_looks_at_the_first_mebibyte_alone(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"Email,Name\n" + "j@x.example,Jürgen\n".encode() * 60_000)
        file.seek(500_000_000)
        file.write(b"x")
    assert look(path).layout.encoding == "utf-8"


def test_what_was_said_goes_before_what_is_recognised(path: Path) -> None:
    text = "a report\nEmail;Name,First\na@x.example;Ann,A\n"
    assert read(path, text, delimiter=",", first_line=2) == [(1, 3, ["a@x.example;Ann", "A"])]
    assert read(path, text, delimiter=";", first_line=2, has_header=False) == [
        (1, 2, ["Email", "Name,First"]),
        (2, 3, ["a@x.example", "Ann,A"]),
    ]
    assert read(path, 'Email,Note\na@x.example,"5" pipe\n', quote="") == [(1, 2, ["a@x.example", '"5" pipe'])]
    for how in ({"delimiter": "::"}, {"delimiter": "\n"}, {"delimiter": "\0"}, {"quote": "x"}, {"first_line": 0}):
        with pytest.raises(Refusal) as refused:
            read(path, text, **how)
        assert refused.value.code == "INVALID_VALUE"


def test_says_that_nothing_is_there_from_a_line_on(path: Path) -> None:
    with pytest.raises(FileRefused, match=r"^The file holds nothing from line 9 on\."):
        read(path, "Email\na@x.example\n", first_line=9)


def test_tells_single_quotes(path: Path) -> None:
    assert read(path, "'Email','Note'\n'a@x.example','one, two'\n") == [(1, 2, ["a@x.example", "one, two"])]
    assert read(path, "Email,Note\na@x.example,it's\n") == [(1, 2, ["a@x.example", "it's"])]


def test_a_title_above_the_table_is_left_out_and_lines_still_count(path: Path) -> None:
    text = "Notes:\n\nFirst Name,Last Name,Email\nAnn,Lee,a@x.example\n"
    assert read(path, text) == [(1, 4, ["Ann", "Lee", "a@x.example"])]
    assert look(path).layout.columns == ("First Name", "Last Name", "Email")
    assert look(path).layout.skipped_lines == 2


def test_a_first_row_like_the_others_is_no_header(path: Path) -> None:
    assert read(path, "Acme,https://acme.example\nBolt,https://bolt.example\n") == [
        (1, 1, ["Acme", "https://acme.example"]),
        (2, 2, ["Bolt", "https://bolt.example"]),
    ]
