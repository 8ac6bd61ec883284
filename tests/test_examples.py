"""Every example that GraphiQL opens with runs against the demo workspace as it stands."""

import csv
import io
from typing import Any

import orjson
import pytest
from graphql import build_schema, parse, validate

from db.text import fold
from schema.build import sdl
from server.demo.loading import find
from server.pages.examples import Example, examples, filled
from server.settings import Settings
from tests.conftest import World

EVERY = list(examples())
EXAMPLES = [example for example in EVERY if "subscription " not in example.query]
"""Those that are answered over HTTP; `tests/server/test_in_a_browser.py` runs the others."""


async def run(demo: World, example: Example) -> dict[str, Any]:
    found = await find(demo.database, Settings().secrets)
    assert found is not None
    ready = await filled(example, demo.database, found.workspace_id)
    return await demo.client(found.key).ask(ready.query, **orjson.loads(ready.variables))


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.title.partition(":")[0] for example in EXAMPLES])
async def test_runs(demo: World, example: Example) -> None:
    answer = await run(demo, example)
    assert answer
    for payload in answer.values():
        assert payload, example.title
        assert payload.get("errors", []) == []


def test_what_is_told_as_it_happens_fits_the_schema() -> None:
    (example,) = [example for example in EVERY if example not in EXAMPLES]
    assert validate(build_schema(sdl()), parse(example.query)) == []


def named(name: str) -> Example:
    return next(example for example in EXAMPLES if name in example.query)


async def test_the_tree_holds_the_whole_demo(demo: World) -> None:
    answer = await run(demo, named("OrganizationTree"))
    organizations = answer["organizations"]
    assert organizations["totalCount"] == 13
    assert (
        sum(one["customerCount"] for one in organizations["nodes"]) + answer["withoutOrganization"]["totalCount"] == 600
    )


async def test_the_move_is_a_dry_run_and_says_which_projects_are_gained(demo: World) -> None:
    before = await run(demo, named("OrganizationTree"))
    answer = (await run(demo, named("MoveCustomers")))["moveCustomers"]
    assert answer["count"] == before["withoutOrganization"]["totalCount"]
    assert [gain["project"]["name"] for gain in answer["access"]["gained"]] == ["Weather Station Pro"]
    assert await run(demo, named("OrganizationTree")) == before


async def test_a_mapping_that_is_saved_is_offered_for_the_file(demo: World) -> None:
    assert (await run(demo, named("MappingsOffered")))["upload"]["preview"]["importMappings"] == []
    saved = (await run(demo, named("SaveMapping")))["createImportMapping"]["importMapping"]
    offered = await run(demo, named("MappingsOffered"))
    assert [one["id"] for one in offered["upload"]["preview"]["importMappings"]] == [saved["id"]]
    assert {one["basis"] for one in offered["upload"]["preview"]["columns"]} == {"SAVED_MAPPING"}


async def test_the_export_is_as_long_as_it_says_and_in_its_order(demo: World) -> None:
    answer = (await run(demo, named("Export(")))["export"]
    found = await find(demo.database, Settings().secrets)
    assert found is not None
    path = answer["url"].partition("/exports")[2]
    fetched = await demo.http.get(f"/exports{path}", headers={"authorization": f"Bearer {found.key}"})
    header, *rows = list(csv.reader(io.StringIO(fetched.text.removeprefix("\ufeff"), newline="")))
    assert (header, len(rows)) == (answer["columns"], answer["count"])
    keys = [fold(row[header.index("lastName")]) for row in rows]
    assert keys == sorted(keys)
    assert len(set(keys)) == 98
