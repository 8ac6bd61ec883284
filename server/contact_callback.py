"""Where a provider sends the browser after it asked for consent.

A front end that named a page of its own gets the answer there, and completes the connection with its session. Without
one, the browser's own session must be the one that asked: a link with somebody else's state connects nothing.
"""

from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from db.clock import Clock
from db.errors import RateLimited, Refusal, RequestRefusal, Unauthenticated
from resolvers.contact import completing, consent_of, is_theirs
from resolvers.context import Process, Viewer
from server.address_books import CALLBACK
from server.cookies import session_token
from server.limits import RateLimit
from server.links import HEADERS, PAGES_A_SECOND, page
from server.settings import Settings

LONGEST_PARAMETER = 4_000
NOT_HERE = (
    "Your answer belongs to a session that is not this browser's. Start again from the page on which you asked to "
    "connect the address book, and stay signed in there."
)


def routes(settings: Settings, clock: Clock) -> list[BaseRoute]:
    limit = RateLimit(None if settings.rate_limit == "off" else PAGES_A_SECOND, clock)

    async def callback(request: Request) -> Response:
        try:
            limit.take(request.client.host if request.client else "unknown")
            return await _answered(request)
        except RateLimited as refusal:
            retry = {"Retry-After": str(refusal.retry_after_seconds)}
            return page("message", 429, retry, title="Please wait", text=refusal.message)
        except RequestRefusal as refusal:
            return page("message", 503, {"Retry-After": "5"}, title="Not now", text=refusal.message)

    return [Route(CALLBACK, callback, methods=["GET"])]


async def _answered(request: Request) -> Response:
    process: Process = request.app.state.process
    given = {name: request.query_params.get(name, "")[:LONGEST_PARAMETER] for name in ("state", "code", "error")}
    found = await consent_of(process, given["state"])
    if found is None:
        text = "It was used already, or its time is over. Start again from where you asked to connect the address book."
        return page("message", 404, title="This link is not valid", text=text)
    workspace_id, consent = found
    if consent.return_to is not None:
        there = consent.return_to + ("&" if urlsplit(consent.return_to).query else "?")
        answer = urlencode({name: value for name, value in given.items() if value})
        return RedirectResponse(there + answer, 303, {**HEADERS})
    viewer = await _viewer(request, process)
    if viewer is None or not is_theirs(viewer, workspace_id, consent):
        return page("message", 403, title="Not in this browser", text=NOT_HERE)
    try:
        completed = await completing(process, viewer, given["state"], given["code"] or None, given["error"] or None)
    except RequestRefusal:
        raise
    except Refusal as refusal:
        return page("message", 422, title="The address book is not connected", text=refusal.message)
    text = f"The contacts of {completed.account} are being fetched. You can close this page."
    return page("message", 200, title="The address book is connected", text=text)


async def _viewer(request: Request, process: Process) -> Viewer | None:
    """Who is signed in in this browser. It came from the provider's site, so that the state stands in for the origin."""
    token = session_token(dict(request.scope["headers"]), process.public_url)
    if token is None:
        return None
    try:
        viewer: Viewer | None = await request.app.state.authentication.viewer(f"Bearer {token}", afresh=True)
    except Unauthenticated:
        return None
    return viewer
