"""The schema as a page: everything in it is shown and can be reached, and nothing comes from elsewhere."""

import re

from graphql import build_schema

from schema.build import sdl
from tests.conftest import World

SCHEMA = build_schema(sdl())


async def test_shows_every_type_field_and_value_where_links_lead(world: World) -> None:
    answer = await world.http.get("/schema")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    anchors = set(re.findall(r'id="([\w.]+)"', answer.text))
    for name, kind in SCHEMA.type_map.items():
        if name.startswith("__") or name in {"String", "Int", "Boolean", "ID", "Float"}:
            continue
        assert name in anchors
        for part in [*getattr(kind, "fields", {}), *getattr(kind, "values", {})]:
            assert f"{name}.{part}" in anchors
    assert set(re.findall(r'href="#([\w.]+)"', answer.text)) <= anchors
    assert "The address is held by a living customer or by a user of the workspace." in answer.text


async def test_shows_types_arguments_and_defaults(world: World) -> None:
    text = re.sub(r"<[^>]+>", "", (await world.http.get("/schema")).text)
    assert "customers: CustomerConnection!" in text
    assert "orderBy: [CustomerOrder!]" in text
    assert "dryRun: Boolean! = false" in text
    assert "exactly one of" in text


async def test_takes_nothing_from_elsewhere(world: World) -> None:
    page = await world.http.get("/schema")
    assert page.headers["content-security-policy"].startswith("default-src 'self'; ")
    assert "style=" not in page.text
    assert "<script>" not in page.text
    for path in re.findall(r'(?:src|href)="([^"#]+)"', page.text):
        if path.startswith("data:"):
            continue
        assert path.startswith("/")
        assert (await world.http.get(path)).status_code == 200


async def test_shows_no_other_file(world: World) -> None:
    assert (await world.http.get("/schema/reference.html")).status_code == 404
    assert (await world.http.get("/schema/%2e%2e%2fgraphiql.py")).status_code == 404
