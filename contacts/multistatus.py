"""WebDAV's answers (RFC 4918, section 13): a multistatus with a response for each resource, parsed without entities."""

from collections.abc import Iterable
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from contacts.failures import Unreachable
from contacts.outgoing import Answer

DAV = "{DAV:}"
CARD = "{urn:ietf:params:xml:ns:carddav}"


class Response(NamedTuple):
    """What is said of one resource: its address, its own status (0: none), and the properties that were found."""

    url: str
    status: int
    properties: dict[str, Element]

    def text(self, name: str) -> str | None:
        """The text of a property."""
        element = self.properties.get(name)
        return element.text if element is not None else None

    def address(self, name: str) -> str | None:
        """The address in a property such as `current-user-principal`."""
        return next(iter(self.addresses(name)), None)

    def addresses(self, name: str) -> list[str]:
        element = self.properties.get(name)
        hrefs = element.iter(f"{DAV}href") if element is not None else ()
        return [urljoin(self.url, one.text.strip()) for one in hrefs if one.text]

    def has(self, name: str, child: str) -> bool:
        """Whether a property holds an element, at any depth."""
        element = self.properties.get(name)
        return element is not None and next(element.iter(child), None) is not None


class Multistatus(NamedTuple):
    responses: list[Response]
    sync_token: str | None


def parsed(body: bytes) -> Element | None:
    """A document; None for what is none, or holds what no answer needs (a DTD, entities)."""
    try:
        found: Element = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        return None
    return found


def read(answer: Answer) -> Multistatus:
    root = parsed(answer.body)
    if root is None or root.tag != f"{DAV}multistatus":
        raise Unreachable("The server answers what is no multistatus.")
    token = root.findtext(f"{DAV}sync-token")
    return Multistatus([_response(answer.url, one) for one in root.findall(f"{DAV}response")], token)


def _response(base: str, element: Element) -> Response:
    href = (element.findtext(f"{DAV}href") or "").strip()
    properties = {
        one.tag: one
        for stat in element.findall(f"{DAV}propstat")
        if _code(stat.findtext(f"{DAV}status")) in {0, 200}
        for one in stat.find(f"{DAV}prop") or ()
    }
    return Response(canonical(urljoin(base, href)), _code(element.findtext(f"{DAV}status")), properties)


def canonical(url: str) -> str:
    """An address with one spelling of its path: servers escape alike characters now and then, and not always."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=quote(unquote(parts.path), safe="/@:!$&'()*+,;=~"), query="", fragment=""))


def _code(status: str | None) -> int:
    """The number of a status line, such as `HTTP/1.1 404 Not Found`."""
    parts = (status or "").split()
    return int(parts[1]) if len(parts) > 1 and parts[1].isdecimal() else 0


def document(root: str, *children: str) -> bytes:
    """A request's document; names are written with the prefixes `d` and `c`."""
    spaces = 'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"'
    return f'<?xml version="1.0" encoding="utf-8"?><{root} {spaces}>{"".join(children)}</{root}>'.encode()


def props(names: Iterable[str]) -> str:
    return f"<d:prop>{''.join(f'<{name}/>' for name in names)}</d:prop>"


def says(answer: Answer, name: str) -> bool:
    """Whether an error's body names a condition, such as `{DAV:}valid-sync-token`."""
    root: Any = parsed(answer.body)
    return root is not None and next(root.iter(name), None) is not None
