"""Address cards: versions, foldings, encodings, and what is refused."""

from pathlib import Path

import pytest

from db.files.reading import count, look, records
from db.files.table import FileRefused

APPLE = """BEGIN:VCARD\r
VERSION:3.0\r
N:Dupré;Renée;Marie;;\r
FN:Renée Marie Dupré\r
ORG:Acme\\, Inc.;Europe;Support\r
TITLE:Head of\\nSupport\r
item1.EMAIL;type=INTERNET:renee@home.example\r
item1.X-ABLabel:_$!<HomePage>!$_\r
EMAIL;type=INTERNET;type=WORK;type=pref:renee@acme.example\r
EMAIL:third@x.example\r
EMAIL:fourth@x.example\r
EMAIL:fifth@x.example\r
TEL;type=CELL:+33 6 12 34\r
NOTE:a long n\r
 ote\\; with a fold\r
PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQSkZJRgABAQ\r
 AAAQABAAD/2wBDAAEB:;\r
END:VCARD\r
"""
OUTLOOK = (
    b"BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=windows-1252:Gro\xdf;J\xfcrgen\r\n"
    b"FN;CHARSET=windows-1252;ENCODING=QUOTED-PRINTABLE:J=FCrgen =\r\nGro=DF\r\n"
    b"TEL;WORK;VOICE:030 1234\r\nEMAIL;PREF;INTERNET:juergen@x.example\r\n"
    b"PHOTO;JPEG;ENCODING=BASE64:\r\n /9j/4AAQ\r\n\r\nNOTE;ENCODING=QUOTED-PRINTABLE:one=0D=0Atwo\r\nEND:VCARD\r\n"
)
GOOGLE_4 = """BEGIN:VCARD
VERSION:4.0
FN:Łukasz Żółć
EMAIL;PREF=2:second@x.example
EMAIL;PREF=1:mailto:first@x.example
TEL;VALUE=uri;TYPE="voice,home":tel:+48-22-123
ORG:Firma
UID:urn:uuid:4fbe8971
END:VCARD
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "contacts.vcf"


def cards(path: Path, content: bytes | str) -> list[dict[str, str]]:
    """Each card's filled columns."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    layout = look(path).layout
    assert layout.format == "VCARD"
    return [
        {name: cell for name, cell in zip(layout.columns, record.cells, strict=True) if cell}
        for record in records(path, layout)
    ]


def test_reads_version_3_as_apple_writes_it(path: Path) -> None:
    assert cards(path, APPLE) == [
        {
            "Full name": "Renée Marie Dupré",
            "First name": "Renée",
            "Middle name": "Marie",
            "Last name": "Dupré",
            "E-mail": "renee@acme.example",
            "E-mail 2": "renee@home.example",
            "E-mail 3": "third@x.example",
            "Further e-mails": "fourth@x.example, fifth@x.example",
            "Phone": "+33 6 12 34",
            "Organization": "Acme, Inc.",
            "Department": "Europe, Support",
            "Job title": "Head of\nSupport",
            "Note": "a long note; with a fold",
        }
    ]


def test_reads_version_2_1_as_outlook_writes_it(path: Path) -> None:
    assert cards(path, OUTLOOK) == [
        {
            "Full name": "Jürgen Groß",
            "First name": "Jürgen",
            "Last name": "Groß",
            "E-mail": "juergen@x.example",
            "Phone": "030 1234",
            "Note": "one\ntwo",
        }
    ]


def test_reads_version_4_and_several_cards_with_their_lines(path: Path) -> None:
    found = cards(path, GOOGLE_4 + "\n" + GOOGLE_4.replace("Łukasz", "Jan"))
    assert [one["Full name"] for one in found] == ["Łukasz Żółć", "Jan Żółć"]
    assert found[0] == {
        "Full name": "Łukasz Żółć",
        "E-mail": "first@x.example",
        "E-mail 2": "second@x.example",
        "Phone": "+48-22-123",
        "Organization": "Firma",
        "UID": "urn:uuid:4fbe8971",
    }
    assert [(r.number, r.line) for r in records(path, look(path).layout)] == [(1, 1), (2, 11)]
    assert count(path, look(path).layout).records == 2


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "cp1250"])
def test_reads_cards_in_the_encoding_they_are_in(path: Path, encoding: str) -> None:
    assert cards(path, (GOOGLE_4 * 3).encode(encoding))[2]["Full name"] == "Łukasz Żółć"


def test_a_card_within_a_card_and_foreign_lines_are_passed_over(path: Path) -> None:
    text = "begin:vcard\nFN:Ann\nAGENT:\nBEGIN:VCARD\nFN:Bob\nEND:VCARD\nnonsense\nX-THING;A=B:c\nEMAIL:a@x.example\nend:vcard\n"
    assert cards(path, text) == [{"Full name": "Ann", "E-mail": "a@x.example"}]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("BEGIN:VCARD\nFN:Ann\n", "The card that begins on line 1 has no END:VCARD"),
        ("BEGIN:VCARD\nFN;CHARSET=klingon:Ann\nEND:VCARD\n", "Line 2 says it is in 'KLINGON'"),
        ("BEGIN:VCARD\nFN;CHARSET=utf-8;ENCODING=QUOTED-PRINTABLE:J=FCrgen\nEND:VCARD\n", "Line 2 holds bytes"),
    ],
)
def test_refuses_cards_that_are_cut_off_or_garbled(path: Path, content: str, said: str) -> None:
    with pytest.raises(FileRefused) as refused:
        cards(path, content)
    assert said in refused.value.message
