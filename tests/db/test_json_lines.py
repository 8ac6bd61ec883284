"""Files of JSON lines: a record on each line, and what is refused."""

from pathlib import Path

import pytest

from db.files.reading import count, look, records
from db.files.table import FileRecord, FileRefused


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.jsonl"


def read(path: Path, text: str | bytes) -> list[FileRecord]:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    layout = look(path).layout
    found = list(records(path, layout))
    assert count(path, layout).records == len(found)
    return found


def test_properties_are_columns_in_the_order_they_come_in(path: Path) -> None:
    text = '{"email": "a@x.example", "name": "=Ann"}\n\n{"name": null, "phone": 49, "email": "b@x.example"}\r\n{"phone": null}\n'
    assert read(path, text) == [
        (1, 1, ["a@x.example", "=Ann", ""]),
        (2, 3, ["b@x.example", "", "49"]),
    ]
    seen = look(path)
    assert (seen.layout.format, seen.layout.columns) == ("JSON_LINES", ("email", "name", "phone"))
    assert seen.records == [["a@x.example", "=Ann", ""], ["b@x.example", "", "49"]]


def test_values_are_kept_as_they_are_written(path: Path) -> None:
    text = '{"a": "line\\nbreak", "b": 1.10, "c": true, "d": ["x", {"y": null}], "e": "\\ud83d\\ude00", "f": 12345678901234567890}'
    assert read(path, text)[0].cells == [
        "line\nbreak", "1.10", "true", '["x", {"y": null}]', "\U0001f600", "12345678901234567890",
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_is_read_in_the_encoding_it_is_in(path: Path, encoding: str) -> None:
    assert read(path, '{"name": "Jürgen Groß"}\n'.encode(encoding))[0].cells == ["Jürgen Groß"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": "1"}\n{"a": ', "Line 2 is no JSON object: Expecting value at its character 7."),
        ('{"a": "1"}\n["1"]\n', "Line 2 is no JSON object. Write one record"),
        ('{"a": "1", "a": "2"}\n', "Line 1 has the property 'a' twice."),
        ('{"a": NaN}\n', "Line 1 is no JSON object: NaN is no value."),
        ('{"a": "\\ud800"}\n', "Line 1 holds half of a surrogate pair"),
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}\n", "Line 1 is nested too deep to be a record."),
        (
            '{"a": "1"}\n' * 100_000 + '{"a": "1", "b": "2"}\n',
            "Line 100,001 has the property 'b', which no record at the",
        ),
    ],
)
def test_says_which_line_is_no_record(path: Path, text: str, said: str) -> None:
    with pytest.raises(FileRefused) as refused:
        read(path, text)
    assert refused.value.message.startswith(said)
