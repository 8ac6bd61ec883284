"""CardDAV (RFC 6352) with synchronisation by token (RFC 6578): Yahoo, iCloud, Fastmail, Nextcloud and others.

A fetch looks for the address books (RFC 6764), lists what is in each of them or changed since, and then asks for the
cards that were listed, a hundred at a time. A server without sync tokens is listed whole each time; cards whose tags
stayed the same are not asked for again.
"""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

import orjson

from contacts import cards
from contacts.book import Asked, Listed, Page
from contacts.failures import Failure, NotNamed, Refused, Revoked, StartOver, Throttled, Unauthorized, Unreachable
from contacts.multistatus import CARD, DAV, Multistatus, document, props, read, says
from contacts.outgoing import Answer, Outgoing
from contacts.providers import Server

WELL_KNOWN: Final = "/.well-known/carddav"
MULTISTATUS, TOO_MUCH, MISSING = 207, 507, 404
MOST_BOOKS = 50


class CardDav:
    """Reads the address books of an account at one of these servers."""

    batch = 100

    def __init__(self, servers: Sequence[Server]) -> None:
        self._servers = {server.url: server for server in servers}

    def origins(self, server: str) -> Sequence[str]:
        """A server's own; without a name, the first one's. None where settings no longer name it."""
        found = self._servers.get(server) if server else next(iter(self._servers.values()), None)
        return found.origins if found is not None else ()

    async def page(self, outgoing: Outgoing, asked: Asked) -> Page:
        if asked.position is None:
            return await self._begin(outgoing, asked)
        state = orjson.loads(asked.position)
        if state["at"] < len(state["books"]):
            return await self._list(outgoing, asked, state)
        return await self._fetch(outgoing, asked, state)

    # The address books

    async def _begin(self, outgoing: Outgoing, asked: Asked) -> Page:
        books = await self._books(outgoing, asked)
        tokens = orjson.loads(asked.sync_token) if asked.sync_token is not None else {}
        if asked.sync_token is not None and set(tokens) != {url for url, _ in books}:
            raise StartOver("There are other address books than before.")
        return Page(position=_kept({"books": books, "at": 0, "tokens": tokens}))

    async def _books(self, outgoing: Outgoing, asked: Asked) -> list[tuple[str, bool]]:
        """The address books of the account, each with whether it can be synchronised by token."""
        server = asked.server or next(iter(self._servers))
        homes = await self._homes(outgoing, asked, server)
        wanted = document("d:propfind", props(("d:resourcetype", "d:supported-report-set")))
        found: list[tuple[str, bool]] = []
        for home in homes:
            answer = await _ask(outgoing, asked, "PROPFIND", home, wanted, depth="1")
            found += [
                (one.url, one.has(f"{DAV}supported-report-set", f"{DAV}sync-collection"))
                for one in answer.responses
                if one.has(f"{DAV}resourcetype", f"{CARD}addressbook")
            ]
        if not found:
            raise Refused("The server has no address book for this account.")
        return sorted(set(found))[:MOST_BOOKS]

    async def _homes(self, outgoing: Outgoing, asked: Asked, server: str) -> list[str]:
        """Where the account's address books are: by the well-known address, the principal, and its home."""
        wanted = document("d:propfind", props(("d:current-user-principal", "c:addressbook-home-set", "d:resourcetype")))
        starts = [server]
        if urlsplit(server).path in {"", "/"}:
            starts.insert(0, server.rstrip("/") + WELL_KNOWN)
        for start in starts:
            try:
                first = (await _ask(outgoing, asked, "PROPFIND", start, wanted, depth="0")).responses[0]
            except NotNamed:
                raise
            except (Refused, IndexError):
                if start == starts[-1]:
                    raise Refused("There is no CardDAV at this server.") from None
                continue
            if first.has(f"{DAV}resourcetype", f"{CARD}addressbook"):
                return [first.url]
            homes = first.addresses(f"{CARD}addressbook-home-set")
            principal = first.address(f"{DAV}current-user-principal")
            if not homes and principal is not None:
                answer = await _ask(outgoing, asked, "PROPFIND", principal, wanted, depth="0")
                homes = [url for one in answer.responses for url in one.addresses(f"{CARD}addressbook-home-set")]
            if homes:
                return homes
        raise Refused("The server names no address books for this account.")

    # What is in them

    async def _list(self, outgoing: Outgoing, asked: Asked, state: dict[str, Any]) -> Page:
        url, by_token = state["books"][state["at"]]
        if not by_token:
            answer = await _ask(
                outgoing, asked, "PROPFIND", url, document("d:propfind", props(("d:getetag",))), depth="1"
            )
            return Page(listed=_members(answer, url), position=_kept({**state, "at": state["at"] + 1}))
        before = state["tokens"].get(url, "")
        wanted = document(
            "d:sync-collection",
            f"<d:sync-token>{escape(before)}</d:sync-token><d:sync-level>1</d:sync-level>",
            props(("d:getetag",)),
        )
        answer = await _ask(outgoing, asked, "REPORT", url, wanted, depth="0", goes_on=bool(before))
        token = answer.sync_token
        if not token:
            raise Unreachable("The server answers no sync token.")
        cut_off = any(one.status == TOO_MUCH for one in answer.responses)
        if cut_off and token == before:
            raise Unreachable("The server lists the same again and again.")
        following = {**state, "tokens": {**state["tokens"], url: token}, "at": state["at"] + (not cut_off)}
        gone = [one.url for one in answer.responses if one.status == MISSING]
        return Page(listed=_members(answer, url), removed=gone, position=_kept(following))

    async def _fetch(self, outgoing: Outgoing, asked: Asked, state: dict[str, Any]) -> Page:
        if not asked.wanted:
            by_token = all(known for _, known in state["books"])
            return Page(sync_token=_kept(state["tokens"]) if by_token else None)
        by_book: dict[str, list[str]] = {}
        for url in asked.wanted:
            by_book.setdefault(url.rpartition("/")[0] + "/", []).append(url)
        found = {}
        for book, urls in by_book.items():
            hrefs = "".join(f"<d:href>{escape(urlsplit(url).path)}</d:href>" for url in urls)
            wanted = document("c:addressbook-multiget", props(("d:getetag", "c:address-data")), hrefs)
            for one in (await _ask(outgoing, asked, "REPORT", book, wanted, depth="1", goes_on=True)).responses:
                text = one.text(f"{CARD}address-data")
                card = cards.contact(text, one.url, one.text(f"{DAV}getetag")) if text else None
                if card is not None:
                    found[one.url] = card
        return Page(
            contacts=[found[url] for url in asked.wanted if url in found],
            removed=[url for url in asked.wanted if url not in found],
            position=asked.position,
        )


def _members(answer: Multistatus, book: str) -> list[Listed]:
    """The cards that an answer lists."""
    return [
        Listed(one.url, one.text(f"{DAV}getetag"))
        for one in answer.responses
        if one.status not in {MISSING, TOO_MUCH} and not one.url.endswith("/") and one.url != book
    ]


def _kept(value: Any) -> str:
    return orjson.dumps(value).decode()


async def _ask(
    outgoing: Outgoing, asked: Asked, method: str, url: str, content: bytes, *, depth: str, goes_on: bool = False
) -> Multistatus:
    headers = {
        "Authorization": asked.authorization,
        "Content-Type": "application/xml; charset=utf-8",
        "Depth": depth,
    }
    answer = await outgoing.send(method, url, headers, content)
    if answer.status != MULTISTATUS:
        raise failure(answer, goes_on=goes_on)
    return read(answer)


def failure(answer: Answer, *, goes_on: bool) -> Failure:
    """What an error of a CardDAV server means."""
    if says(answer, f"{DAV}valid-sync-token") or (goes_on and answer.status in {404, 410}):
        return StartOver("The server no longer knows the sync token.")
    if answer.status == 401:  # noqa: PLR2004
        return Unauthorized("The server does not take the credentials.")
    if answer.status == 403:  # noqa: PLR2004
        return Revoked("The server does not allow to read the contacts.")
    if answer.status == 429:  # noqa: PLR2004
        return Throttled("The server wants fewer requests.", answer.retry_after_seconds)
    if answer.status >= 500:  # noqa: PLR2004
        return Unreachable(f"The server answers {answer.status}.", answer.retry_after_seconds)
    return Refused(f"The server answers {answer.status}.")
