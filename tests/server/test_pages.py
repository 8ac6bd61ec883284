"""The page at `/`: GraphiQL with its examples and the demo's key in development, a signpost in production."""

import re
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
import orjson
import pytest

from server.pages import graphiql
from server.pages.examples import Example
from tests.conftest import World, opened

SECRET = "a secret that is only used in tests of production"


def configuration(page: str) -> dict[str, object]:
    element = re.search(r'<script type="application/json" id="rolodesk">(.*?)</script>', page)
    assert element is not None
    return orjson.loads(element[1])


@pytest.fixture
def no_bundle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(graphiql, "BUNDLE", tmp_path / "no-bundle")


@pytest.fixture
def bundle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A bundle as Vite makes it, in small."""
    (tmp_path / "bundle/assets").mkdir(parents=True)
    (tmp_path / "bundle/index.html").write_text(
        f'<html>{graphiql.MARKER}<script src="/graphiql/assets/a.js"></script></html>'
    )
    (tmp_path / "bundle/assets/a.js").write_text("1")
    monkeypatch.setattr(graphiql, "BUNDLE", tmp_path / "bundle")


@pytest.mark.usefixtures("no_bundle")
async def test_opens_with_the_examples_and_the_demo_key(demo: World) -> None:
    page = await demo.http.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    told = configuration(page.text)
    assert told["endpoint"] == "/graphql"
    assert [tab["title"].partition(":")[0] for tab in told["tabs"]][:3] == [
        "The organization tree with its customers",
        "A new customer",
        "What a move would change",
    ]
    assert "<organization:" not in page.text
    headers = told["headers"]
    answer = await demo.http.post("/graphql", json={"query": "{ workspace { slug } }"}, headers=headers)
    assert answer.json() == {"data": {"workspace": {"slug": "demo"}}}


@pytest.mark.usefixtures("no_bundle")
async def test_opens_without_a_key_where_there_is_no_demo(world: World) -> None:
    told = configuration((await world.http.get("/")).text)
    assert told == {"endpoint": "/graphql", "headers": {}, "tabs": [], "workspace": ""}


@pytest.mark.usefixtures("no_bundle")
async def test_takes_nothing_from_elsewhere_and_is_framed_by_nobody(demo: World) -> None:
    page = await demo.http.get("/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    for path in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        if path.startswith("data:"):
            continue
        assert path.startswith("/")
        part = await demo.http.get(path)
        assert part.status_code == 200
        assert part.headers["x-content-type-options"] == "nosniff"


@pytest.mark.usefixtures("no_bundle")
@pytest.mark.parametrize("path", ["package.json", "main.jsx", "../pyproject.toml", "%2e%2e/pyproject.toml", ""])
async def test_shows_no_other_file(world: World, path: str) -> None:
    assert (await world.http.get(f"/graphiql/{path}")).status_code == 404


@pytest.mark.usefixtures("bundle")
async def test_serves_the_bundle_where_one_was_built(demo: World) -> None:
    page = await demo.http.get("/")
    assert configuration(page.text)["endpoint"] == "/graphql"
    asset = await demo.http.get("/graphiql/assets/a.js")
    assert asset.text == "1"
    assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert (await demo.http.get("/graphiql/assets/missing.js")).status_code == 404


async def test_no_text_can_end_the_element(demo: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ill = Example("</script><script>alert(1)</script>", "{ viewer { permissions } }", "{}")
    monkeypatch.setattr(graphiql, "examples", lambda: [ill])
    text = await graphiql.configuration(demo.app.state.process)
    assert text.count("</script>") == 1
    assert configuration(text)["tabs"][0]["title"] == ill.title


async def test_points_to_the_endpoint_in_production(migrated: Path, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        world = await opened(stack, migrated, tmp_path, mode="production", secret=SECRET)
        page: httpx2.Response = await world.http.get("/")
        assert page.json() == {"graphql": "/graphql", "schema": "/schema.graphql"}
        assert (await world.http.get("/graphiql/plain.js")).status_code == 404
