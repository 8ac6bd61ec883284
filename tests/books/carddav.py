"""A CardDAV server as RFC 6352, RFC 6578 and RFC 6764 describe it, strict about what it is sent."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, unquote
from xml.etree.ElementTree import Element, fromstring
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from tests.books.consenting import Consenting

D, C = "{DAV:}", "{urn:ietf:params:xml:ns:carddav}"
USER, PASSWORD = "ann", "an app password"
PRINCIPAL, HOME = "/principals/ann/", "/books/ann/"
METHODS = ["PROPFIND", "REPORT"]


def card(name: str, *emails: str, company: str = "", version: str = "3.0", more: str = "") -> str:
    first, _, last = name.partition(" ")
    lines = ["BEGIN:VCARD", f"VERSION:{version}", f"N:{last};{first};;;", f"FN:{name}"]
    lines += [f"EMAIL;TYPE=INTERNET:{address}" for address in emails]
    lines += [f"ORG:{company};Sales"] if company else []
    return "\r\n".join([*lines, *([more] if more else []), "END:VCARD", ""])


@dataclass
class Kept:
    number: int
    text: str | None

    @property
    def tag(self) -> str:
        return f'"{self.number}"'


@dataclass
class CardDavServer(Consenting):
    """One account with address books; a sync token is the number of a change."""

    books: dict[str, dict[str, Kept]] = field(default_factory=lambda: {"contacts": {}})
    number: int = 0
    oldest: int = 0
    by_token: bool = True
    most_listed: int = 10_000
    well_known: str = "/"
    bodies: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)

    def put(self, name: str, text: str | None, book: str = "contacts") -> None:
        """Adds a card, changes it, or takes it away (None)."""
        self.number += 1
        self.books[book][name] = Kept(self.number, text)

    def routes(self) -> Sequence[BaseRoute]:
        return [
            *super().routes(),
            Route("/.well-known/carddav", self._moved, methods=METHODS),
            Route("/", self._root, methods=METHODS),
            Route(PRINCIPAL, self._principal, methods=METHODS),
            Route(HOME, self._home, methods=METHODS),
            Route(HOME + "{book}/", self._book, methods=METHODS),
        ]

    def lets_in(self, request: Request) -> bool:
        basic = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return request.headers.get("authorization") == basic or super().lets_in(request)

    def _refused(self, request: Request, method: str, depth: str) -> Response | None:
        if not self.lets_in(request):
            return Response(status_code=401, headers={"WWW-Authenticate": 'Basic realm="books"'})
        if request.method != method:
            return Response(status_code=405)
        return None if request.headers.get("depth") == depth else Response(status_code=400)

    async def _moved(self, _request: Request) -> Response:
        return RedirectResponse(self.well_known, 301)

    async def _root(self, request: Request) -> Response:
        principal = f"<d:current-user-principal><d:href>{PRINCIPAL}</d:href></d:current-user-principal>"
        return self._refused(request, "PROPFIND", "0") or multistatus(found("/", principal))

    async def _principal(self, request: Request) -> Response:
        home = f"<c:addressbook-home-set><d:href>{HOME}</d:href></c:addressbook-home-set>"
        return self._refused(request, "PROPFIND", "0") or multistatus(found(PRINCIPAL, home))

    async def _home(self, request: Request) -> Response:
        collection = "<d:resourcetype><d:collection/></d:resourcetype>"
        book = "<d:resourcetype><d:collection/><c:addressbook/></d:resourcetype>"
        sync = "<d:supported-report><d:report><d:sync-collection/></d:report></d:supported-report>"
        reports = f"<d:supported-report-set>{sync if self.by_token else ''}</d:supported-report-set>"
        return self._refused(request, "PROPFIND", "1") or multistatus(
            found(HOME, collection), *(found(f"{HOME}{name}/", book + reports) for name in self.books)
        )

    async def _book(self, request: Request) -> Response:
        here, cards = f"{HOME}{request.path_params['book']}/", self.books.get(request.path_params["book"])
        if not self.lets_in(request):
            return Response(status_code=401)
        if cards is None:
            return Response(status_code=404)
        body = (await request.body()).decode()
        self.bodies.append(body)
        asked = fromstring(body)
        living = {name: kept for name, kept in cards.items() if kept.text is not None}
        if request.method == "PROPFIND":
            return self._refused(request, "PROPFIND", "1") or multistatus(
                found(here, "<d:getetag/>"), *(found(here + quote(n), tagged(k)) for n, k in living.items())
            )
        if asked.tag == f"{D}sync-collection":
            return self._refused(request, "REPORT", "0") or self._changes(here, cards, asked)
        assert asked.tag == f"{C}addressbook-multiget"
        return multistatus(*(self._card(one.text or "", living) for one in asked.findall(f"{D}href")))

    def _card(self, href: str, living: dict[str, Kept]) -> str:
        name = unquote(href.rpartition("/")[2])
        if name not in living:
            return missing(href)
        self.fetched.append(name)
        data = f"<c:address-data>{escape(living[name].text or '')}</c:address-data>"
        return found(href, tagged(living[name]) + data)

    def _changes(self, here: str, cards: dict[str, Kept], asked: Element) -> Response:
        token = asked.findtext(f"{D}sync-token") or ""
        since = int(token.rpartition("/")[2] or 0)
        if not self.by_token or (token and since < self.oldest):
            return Response('<d:error xmlns:d="DAV:"><d:valid-sync-token/></d:error>', 403)
        changed = sorted(
            ((n, k) for n, k in cards.items() if k.number > since and (token or k.text is not None)),
            key=lambda one: one[1].number,
        )
        listed, cut_off = changed[: self.most_listed], len(changed) > self.most_listed
        until = listed[-1][1].number if cut_off else self.number
        parts = [
            missing(here + quote(name)) if kept.text is None else found(here + quote(name), tagged(kept))
            for name, kept in listed
        ]
        if cut_off:
            parts.append(
                f"<d:response><d:href>{here}</d:href><d:status>HTTP/1.1 507 Insufficient Storage</d:status></d:response>"
            )
        return multistatus(*parts, f"<d:sync-token>http://example.com/sync/{until}</d:sync-token>")


def tagged(kept: Kept) -> str:
    return f"<d:getetag>{escape(kept.tag)}</d:getetag>"


def found(href: str, properties: str) -> str:
    prop = f"<d:propstat><d:prop>{properties}</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>"
    other = "<d:propstat><d:prop><d:owner/></d:prop><d:status>HTTP/1.1 404 Not Found</d:status></d:propstat>"
    return f"<d:response><d:href>{escape(href)}</d:href>{prop}{other}</d:response>"


def missing(href: str) -> str:
    return f"<d:response><d:href>{escape(href)}</d:href><d:status>HTTP/1.1 404 Not Found</d:status></d:response>"


def multistatus(*parts: str) -> Response:
    spaces = 'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"'
    body = f'<?xml version="1.0"?><d:multistatus {spaces}>{"".join(parts)}</d:multistatus>'
    return Response(body, 207, media_type="application/xml")
