"""The part of Microsoft Graph that lists contacts, as its reference describes it: a folder's delta by links."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tests.books.consenting import Consenting

FOLDER = "AAMkAGI2="


def error(code: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": "…", "innerError": {"request-id": "1"}}}


def entry(number: int, *emails: str, name: str = "", company: str | None = None) -> dict[str, Any]:
    """A contact as Graph answers it."""
    first, _, last = name.partition(" ")
    return {
        "@odata.etag": f'W/"{number}"',
        "id": f"AAMk{number}",
        "displayName": name,
        "givenName": first or None,
        "surname": last or None,
        "companyName": company,
        "jobTitle": None,
        "emailAddresses": [{"name": name, "address": address} for address in emails],
        "businessPhones": ["+49 30 1"],
        "mobilePhone": None,
        "homePhones": [],
        "parentFolderId": FOLDER,
    }


@dataclass
class MicrosoftServer(Consenting):
    """An account's contacts; a delta token is the number of a change."""

    entries: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    number: int = 0
    largest_page: int = 50
    oldest: int = 0
    next_link_host: str | None = None

    @property
    def endpoints(self) -> str:
        """Microsoft has no address at which one consent is taken back."""
        return super().endpoints.replace(f"revoke={self.url}/revoke ", "")

    def put(self, *entries: dict[str, Any]) -> None:
        self.number += 1
        for one in entries:
            self.entries[one["id"]] = (self.number, one)

    def delete(self, number: int) -> None:
        self.number += 1
        found = f"AAMk{number}"
        self.entries[found] = (self.number, {"id": found, "@removed": {"reason": "deleted"}})

    def routes(self) -> Sequence[BaseRoute]:
        return [
            *super().routes(),
            Route("/v1.0/me/contacts", self._contacts),
            Route("/v1.0/me/contactFolders/{folder}/contacts/delta", self._delta),
        ]

    async def _contacts(self, request: Request) -> Response:
        if not self.lets_in(request):
            return JSONResponse(error("InvalidAuthenticationToken"), 401)
        living = [one for _, one in self.entries.values() if "@removed" not in one]
        return JSONResponse({"value": [{"id": one["id"], "parentFolderId": FOLDER} for one in living[:1]]})

    async def _delta(self, request: Request) -> Response:
        if not self.lets_in(request):
            return JSONResponse(error("InvalidAuthenticationToken"), 401)
        if request.path_params["folder"] != FOLDER:
            return JSONResponse(error("ErrorItemNotFound"), 404)
        since, offset, until = 0, 0, self.number
        if (token := request.query_params.get("$deltatoken")) is not None:
            since = int(token)
            if since < self.oldest:
                return JSONResponse(error("SyncStateNotFound"), 410)
        if (token := request.query_params.get("$skiptoken")) is not None:
            since, offset, until = map(int, token.split("-"))
        listed = [
            one for number, one in self.entries.values() if since < number <= until and (since or "@removed" not in one)
        ]
        end = offset + self.largest_page
        here = f"{self.next_link_host or self.url}/v1.0/me/contactFolders/{FOLDER}/contacts/delta"
        answer: dict[str, Any] = {"value": listed[offset:end]}
        if end < len(listed):
            answer["@odata.nextLink"] = f"{here}?$skiptoken={since}-{end}-{until}"
        else:
            answer["@odata.deltaLink"] = f"{here}?$deltatoken={until}"
        return JSONResponse(answer)
