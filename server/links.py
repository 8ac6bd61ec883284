"""Pages that links in mails lead to: joining by an invitation, and choosing a new password.

Opening one changes nothing, since mail scanners open links too; the form's POST uses the link up. They need no scripts.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from db import invitations, password_resets
from db.clock import Clock
from db.database import Database
from db.errors import RateLimited, Refusal, RequestRefusal
from db.ids import TokenKind, workspace_of
from db.links import INVALID_LINK, Link
from db.transaction import Intent, Transaction
from resolvers.context import Process
from resolvers.invitation import accepting
from resolvers.session import resetting
from server.cookies import session_cookie
from server.limits import RateLimit
from server.settings import Settings

LARGEST_FORM_BYTES = 20_000
PAGES_A_SECOND = 2
"""Pages that one client may open; ten times as many at once."""

PAGES = Path(__file__).parent / "pages" / "links"
TEMPLATES = Environment(
    loader=FileSystemLoader(PAGES), autoescape=select_autoescape(["html"]), undefined=StrictUndefined
)
POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}

Form = dict[str, str]


@dataclass(frozen=True, slots=True)
class Act:
    """What a page is for: the links it takes, what its form does, and the form itself."""

    template: str
    kind: TokenKind
    opened: Callable[[Database, str, str], Awaitable[Link | None]]
    carry_out: Callable[[Process, str, Form], Awaitable[str]]


async def _join(process: Process, client: str, form: Form) -> str:
    names = {"first_name": form.get("first_name") or None, "last_name": form.get("last_name") or None}
    ready = await accepting(process, client, form.get("token", ""), form.get("password", ""), names)

    async def work(tx: Transaction) -> str:
        return (await ready.accept(tx))[1]

    return await process.database.write(work, Intent(ready.workspace_id, "acceptInvitation"))


async def _reset(process: Process, client: str, form: Form) -> str:
    ready = await resetting(process, client, form.get("token", ""), form.get("password", ""))

    async def work(tx: Transaction) -> str:
        return (await ready.reset(tx))[1]

    return await process.database.write(work, Intent(ready.workspace_id, "resetPassword"))


JOIN = Act("join", "invitation", invitations.open_link, _join)
RESET = Act("reset", "reset", password_resets.open_link, _reset)


def routes(settings: Settings, clock: Clock) -> list[BaseRoute]:
    """`/join` and `/reset`, and what they are styled with."""
    limit = RateLimit(None if settings.rate_limit == "off" else PAGES_A_SECOND, clock)
    return [
        Route("/join", Page(JOIN, limit), methods=["GET", "POST"]),
        Route("/reset", Page(RESET, limit), methods=["GET", "POST"]),
        Route("/links.css", _style),
    ]


class Page:
    """One page: its form for an open link, one and the same answer for all others."""

    def __init__(self, act: Act, limit: RateLimit) -> None:
        self._act = act
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            self._limit.take(_client(request))
            response = await (self._show(request) if request.method in {"GET", "HEAD"} else self._use(request))
        except RateLimited as refusal:
            retry = {"Retry-After": str(refusal.retry_after_seconds)}
            response = page("message", 429, retry, title="Please wait", text=refusal.message)
        except RequestRefusal as refusal:
            response = page("message", 503, {"Retry-After": "5"}, title="Not now", text=refusal.message)
        await response(scope, receive, send)

    async def _show(self, request: Request) -> Response:
        form = {"token": request.query_params.get("token", "")}
        link = await self._link(request, form["token"])
        return page(self._act.template, 200, link=link, form=form, error=None) if link else _invalid()

    async def _use(self, request: Request) -> Response:
        process: Process = request.app.state.process
        form = await _form(request)
        if form is None or _from_elsewhere(request, process.public_url):
            return page("message", 400, title="Not possible", text="Open the link in your mail, and use its form.")
        try:
            session = await self._act.carry_out(process, _client(request), form)
        except RequestRefusal:
            raise
        except Refusal as refusal:
            if refusal.code == "INVALID_LINK":
                return _invalid()
            link = await self._link(request, form.get("token", ""))
            return page(self._act.template, 422, link=link, form=form, error=refusal.message) if link else _invalid()
        cookie = {"Set-Cookie": session_cookie(process.public_url, session)}
        text = "Your password is set and you are signed in. You can close this page."
        return page("message", 200, cookie, title="Welcome", text=text)

    async def _link(self, request: Request, token: str) -> Link | None:
        workspace_id = workspace_of(token, self._act.kind)
        database = request.app.state.process.database
        return await self._act.opened(database, workspace_id, token) if workspace_id else None


def page(template: str, status: int, headers: dict[str, str] | None = None, **said: Any) -> Response:
    text = TEMPLATES.get_template(f"{template}.html").render(said)
    return HTMLResponse(text, status, {**HEADERS, **(headers or {})})


def _invalid() -> Response:
    return page("message", 404, title="This link is not valid", text=INVALID_LINK)


async def _style(_request: Request) -> Response:
    return Response((PAGES / "links.css").read_bytes(), media_type="text/css")


async def _form(request: Request) -> Form | None:
    """The fields of an HTML form; None for what is none."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        return None
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM_BYTES:
            return None
    try:
        return dict(
            parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=20, errors="strict")
        )
    except ValueError:
        return None


def _from_elsewhere(request: Request, public_url: str) -> bool:
    """Whether a browser says that another site sent the form. Without a referrer, one's own Origin is `null`."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    parts = urlsplit(public_url)
    return request.headers.get("origin", "null") not in {"null", f"{parts.scheme}://{parts.netloc}"}


def _client(request: Request) -> str:
    return request.client.host if request.client else "unknown"
