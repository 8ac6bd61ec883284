"""The part of Google's People API that lists connections, as its reference describes it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tests.books.consenting import Consenting


def error(status: int, name: str, *reasons: str) -> dict[str, Any]:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason} for reason in reasons]
    return {"error": {"code": status, "status": name, "message": "…", "details": details}}


def person(number: int, *emails: str, name: str | None = None, company: str | None = None) -> dict[str, Any]:
    """A person as the API answers it."""
    first, _, last = (name or "").partition(" ")
    found: dict[str, Any] = {"resourceName": f"people/c{number}", "etag": f"e{number}"}
    if name:
        found["names"] = [{"metadata": {"primary": True}, "displayName": name, "givenName": first, "familyName": last}]
    if emails:
        found["emailAddresses"] = [
            {"metadata": {"primary": i == 0}, "value": address} for i, address in enumerate(emails)
        ]
    if company:
        found["organizations"] = [{"metadata": {"primary": True}, "name": company, "title": "Buyer"}]
    return found


@dataclass
class GoogleServer(Consenting):
    """An account's contacts. Each change gets a number; a sync token is a number, a page token a number and an offset."""

    needs_for_refresh: dict[str, str] = field(default_factory=lambda: {"access_type": "offline", "prompt": "consent"})
    people: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    number: int = 0
    largest_page: int = 1_000
    oldest: int = 0
    forgets_pages: bool = False

    def put(self, *people: dict[str, Any]) -> None:
        self.number += 1
        for one in people:
            self.people[one["resourceName"]] = (self.number, one)

    def delete(self, number: int) -> None:
        self.number += 1
        name = f"people/c{number}"
        self.people[name] = (self.number, {"resourceName": name, "metadata": {"deleted": True}})

    def routes(self) -> Sequence[BaseRoute]:
        return [*super().routes(), Route("/v1/people/me/connections", self._connections)]

    async def _connections(self, request: Request) -> Response:
        given = request.query_params
        if not self.lets_in(request):
            return JSONResponse(error(401, "UNAUTHENTICATED", "ACCESS_TOKEN_EXPIRED"), 401)
        if not given.get("personFields") or given.get("requestSyncToken") != "true":
            return JSONResponse(error(400, "INVALID_ARGUMENT"), 400)
        since = int(given.get("syncToken", 0))
        if since and since < self.oldest:
            return JSONResponse(error(400, "FAILED_PRECONDITION", "EXPIRED_SYNC_TOKEN"), 400)
        known, _, offset = given.get("pageToken", f"{self.number}-0").partition("-")
        if "pageToken" in given and self.forgets_pages:
            self.forgets_pages = False
            return JSONResponse(error(400, "INVALID_ARGUMENT"), 400)
        size = min(int(given.get("pageSize", 100)), self.largest_page)
        listed = [
            one
            for number, one in self.people.values()
            if number > since and (since or not one.get("metadata", {}).get("deleted"))
        ]
        page, end = listed[int(offset) : int(offset) + size], int(offset) + size
        answer: dict[str, Any] = {"connections": page, "totalItems": len(listed)}
        if end < len(listed):
            answer["nextPageToken"] = f"{known}-{end}"
        else:
            answer["nextSyncToken"] = known
        return JSONResponse(answer)
