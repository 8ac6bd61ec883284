"""The documents are complete and true: what can be set, called, permitted and refused is in them, and examples run."""

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from graphql import build_schema, parse, validate
from typer.main import get_command

from db.errors import MEANINGS
from db.permissions import PERMISSIONS
from server.__main__ import command
from server.demo.loading import demo_key
from server.settings import Settings, variable
from tests.conftest import World

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
REFERENCE = (ROOT / "docs" / "reference.md").read_text("utf-8")
ERRORS = (ROOT / "docs" / "errors.md").read_text("utf-8")
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted(ROOT.glob("docs/**/*.md"))]
LIMITS = [
    "db.reads.filtering",
    "db.reads.paging",
    "db.reads.reading",
    "db.writing",
    "resolvers.guards",
    "server.requests",
]
SCHEMA = build_schema((ROOT / "schema.graphql").read_text("utf-8"))
ID = re.compile(r"\b[a-z]{3}_[0-9a-z]{26}\b")


def rows(text: str) -> list[list[str]]:
    """The cells of all tables, without the marks of code."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip().strip("`") for cell in line.strip("|").split(" | ")] for line in lines]


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def example(operation: str) -> tuple[str, list[Any]]:
    """An operation of the README, and the JSON that follows it up to the next operation."""
    found = re.search(rf"^```graphql\n((?:query|mutation) {operation}\b.*?)^```", README, re.DOTALL | re.MULTILINE)
    assert found is not None, f"README.md has no operation named {operation}"
    following = README[found.end() :].partition("```graphql")[0]
    return found[1], [json.loads(block) for block in blocks(following, "json")]


def without_ids(value: Any) -> Any:
    """A value as JSON in which every id is the same."""
    return ID.sub("id", json.dumps(value, sort_keys=True))


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every command that is shown, with the names of its options and arguments."""

    def walk(group: Any, name: str) -> Iterator[tuple[str, list[str]]]:
        for part, inner in group.commands.items():
            if inner.hidden:
                continue
            if hasattr(inner, "commands"):
                yield from walk(inner, f"{name} {part}")
            else:
                options = [
                    o
                    for p in inner.params
                    if not getattr(p, "hidden", False)
                    for o in p.opts
                    if o.startswith("--") and o != "--help"
                ]
                yield f"{name} {part}", options

    yield from walk(get_command(command([])), "rolodesk")


def limits(module: str) -> set[str]:
    """The limits that a module sets."""
    text = (ROOT / f"{module.replace('.', '/')}.py").read_text("utf-8")
    return set(re.findall(r"^([A-Z_]+) = [\d_]+$", text, re.MULTILINE))


def test_every_setting_is_in_the_reference_with_its_default() -> None:
    shown = {cells[0]: cells[1] for cells in rows(REFERENCE) if cells[0] == "PORT" or cells[0].startswith("ROLODESK_")}
    assert shown == {variable(f.name): str(f.default) or "none" for f in fields(Settings)}


def test_every_command_is_in_the_reference_with_its_options() -> None:
    shown = {re.sub(r" [A-Z]+$", "", cells[0]): cells[-1] for cells in rows(REFERENCE)}
    for name, options in commands():
        assert name in shown, f"{name} is not in docs/reference.md"
        assert [option for option in options if f"`{option}" not in shown[name]] == [], name


def test_the_reference_shows_no_command_that_does_not_exist() -> None:
    shown = {cells[0] for cells in rows(REFERENCE) if cells[0].startswith("rolodesk ")}
    known = {name for name, _ in commands()}
    assert {name for name in shown if re.sub(r" [A-Z]+$", "", name) not in known} == set()


def test_every_error_code_is_in_the_errors_with_its_meaning() -> None:
    shown = {cells[0]: cells[1] for cells in rows(ERRORS.partition("\n## ")[0]) if cells[0].isupper()}
    assert shown == MEANINGS


def test_every_code_of_an_imported_row_is_in_the_errors() -> None:
    shown = {cells[0] for cells in rows(ERRORS)}
    used = set()
    for path in ROOT.glob("jobs/import*.py"):
        used |= set(re.findall(r"\b(?:refuse|warn|issue)\(\s*\"([A-Z_]+)\"", path.read_text("utf-8")))
    assert used - shown == set()


def test_every_permission_is_in_the_readme_with_its_meaning() -> None:
    assert {cells[0]: cells[1] for cells in rows(README) if cells[0] in PERMISSIONS} == PERMISSIONS


@pytest.mark.parametrize("cells", [cells for cells in rows(REFERENCE) if re.search(r"\.py` `", cells[-1])])
def test_the_limits_shown_are_those_in_force(cells: list[str]) -> None:
    path, name = cells[-1].split("` `")
    module = import_module(path.removesuffix(".py").replace("/", "."))
    assert cells[1] == f"{getattr(module, name):,}"


@pytest.mark.parametrize("name", LIMITS)
def test_every_limit_is_in_the_reference(name: str) -> None:
    shown = {cells[-1] for cells in rows(REFERENCE)}
    path = f"{name.replace('.', '/')}.py"
    assert {limit for limit in limits(name) if f"{path}` `{limit}" not in shown} == set()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_example_is_valid(path: Path) -> None:
    text = path.read_text("utf-8")
    for block in blocks(text, "graphql"):
        assert validate(SCHEMA, parse(block)) == []
    for block in blocks(text, "json"):
        json.loads(block)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_and_every_file_named_exists(path: Path) -> None:
    text = path.read_text("utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]
    files = re.findall(r"`((?:db|docs|jobs|resolvers|schema|server|tests|web)/[\w/.-]+?)/?`", text)
    assert [link for link in links if not (path.parent / link).exists()] == []
    assert [name for name in files if not (ROOT / name).exists()] == []


async def test_the_answers_shown_are_those_of_the_demo(demo: World) -> None:
    client = demo.client(demo_key(Settings().secrets[0], demo.workspace_id))

    tree, (answer,) = example("Tree")
    assert {"data": await client.ask(tree)} == answer

    find = """{ customer(by: {email: "adwoa.ofori@halden-shipping.example"}) { id }
                organizations(filter: {name: {eq: "Ghat Division"}}) { nodes { id } } }"""
    found = await client.ask(find)
    preview, (answer,) = example("Preview")
    moving, to = [found["customer"]["id"]], found["organizations"]["nodes"][0]["id"]
    assert {"data": await client.ask(preview, customers=moving, to=to)} == answer

    create, (answer,) = example("Create")
    refused = await client.ask(create, input={"email": "Adwoa.Ofori@Halden-Shipping.example"})
    assert without_ids({"data": refused}) == without_ids(answer)

    upsert, (variables, answer) = example("Upsert")
    assert without_ids({"data": await client.ask(upsert, **variables)}) == without_ids(answer)

    sign_in, _ = example("SignIn")
    signed_in = await client.ask(sign_in, email="agent@fernleaf.example", password="a leaf in the wind gauge")
    assert signed_in["signIn"]["errors"] == []


def test_the_container_has_every_package() -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"][
        "wheel"
    ]["packages"]
    lines = (ROOT / "Containerfile").read_text("utf-8").splitlines()
    assert [name for name in packages if f"COPY {name} {name}" not in lines] == []
