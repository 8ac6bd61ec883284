"""GraphiQL at `/`: its bundle where one was built, else the page without dependencies."""

import os
from pathlib import Path

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from resolvers.context import Process
from server.demo import loading
from server.pages.examples import examples, filled
from server.settings import Settings

BUNDLE = Path(__file__).parent / "graphiql"
PLAIN = Path(__file__).parents[2] / "web"
MARKER = "<!-- rolodesk:configuration -->"

POLICY = (
    "default-src 'self'",
    "style-src 'self' 'unsafe-inline'",  # the editor writes its styles into the page
    "worker-src 'self' blob:",
    "img-src 'self' data:",
    "font-src 'self' data:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
)
HEADERS = {
    "Content-Security-Policy": "; ".join(POLICY),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def routes(settings: Settings) -> list[BaseRoute]:
    """`/` and, in development, the files that the page there consists of."""
    if not settings.development:
        return [Route("/", _signpost)]
    bundled = BUNDLE / "index.html"
    files = Files(directory=BUNDLE) if bundled.exists() else Plain(directory=PLAIN, check_dir=False)
    page = bundled if bundled.exists() else PLAIN / "plain.html"
    shown = Page(page) if page.exists() else _signpost
    return [Route("/", shown, methods=["GET"]), Mount("/graphiql", files)]


async def _signpost(_request: Request) -> Response:
    return JSONResponse({"graphql": "/graphql", "schema": "/schema.graphql"}, headers=HEADERS)


class Page:
    """The page, with the demo's key and the examples filled in. Nothing of it is kept by a browser."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        process: Process = scope["app"].state.process
        text = self._path.read_text("utf-8").replace(MARKER, await configuration(process))
        await HTMLResponse(text, headers={**HEADERS, "Cache-Control": "no-store"})(scope, receive, send)


async def configuration(process: Process) -> str:
    """What the page is told, as an element of JSON."""
    demo = await loading.find(process.database, process.secrets)
    tabs = [await filled(one, process.database, demo.workspace_id) for one in examples()] if demo else []
    told = {
        "endpoint": "/graphql",
        "headers": {"Authorization": f"Bearer {demo.key}"} if demo else {},
        "tabs": [tab._asdict() for tab in tabs],
        "workspace": loading.SLUG if demo else "",
    }
    text = orjson.dumps(told).decode().replace("<", "\\u003c")
    return f'<script type="application/json" id="rolodesk">{text}</script>'


class Files(StaticFiles):
    """The bundle's files; those under `assets` are named by what is in them and never change."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        kept = "public, max-age=31536000, immutable" if path.startswith("assets/") else "no-cache"
        response.headers.update({**HEADERS, "Cache-Control": kept})
        return response


class Plain(Files):
    """The page without dependencies; of the directory it lies in, nothing else is shown."""

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        return super().lookup_path(path) if path in {"plain.js", "plain.css"} else ("", None)
