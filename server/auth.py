"""Who is asking: from a request's Authorization header, or a browser's cookie, to a viewer remembered while rights stand."""

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import urlsplit

from db import viewers
from db.database import Database
from db.errors import Forbidden, Unauthenticated
from db.ids import hashed
from resolvers.context import Viewer

REMEMBERED: Final = 10_000
WRONG = (
    "The credentials are not valid: unknown, expired or revoked. Send `Authorization: Bearer …` with others, or none."
)


class Authentication:
    """Looks up tokens. What it remembers holds as long as the access number it was found at; every answer checks that."""

    def __init__(self, database: Database, public_url: str = "") -> None:
        self._database = database
        self._public_url = public_url
        self._remembered: dict[str, Viewer] = {}

    async def of(self, headers: Mapping[bytes, bytes], *, afresh: bool = False) -> Viewer | None:
        """The viewer of a request. A cookie whose session is over counts as none, so that one can sign in again."""
        authorization = headers.get(b"authorization")
        if authorization is not None:
            return await self.viewer(authorization.decode("latin-1"), afresh=afresh)
        token = session_token(headers, self._public_url)
        if token is None:
            return None
        if not from_own_page(headers, self._public_url):
            raise Forbidden(
                "A session's cookie is taken from this server's own pages only. Send an Authorization header."
            )
        try:
            return await self.viewer(f"Bearer {token}", afresh=afresh)
        except Unauthenticated:
            return None

    async def viewer(self, authorization: str | None, *, afresh: bool = False) -> Viewer | None:
        """The viewer, None where no credentials were sent; refused where they are not valid, whatever is wrong."""
        if authorization is None:
            return None
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated(WRONG)
        key = hashed(token)
        viewer = None if afresh else self._remembered.get(key)
        if viewer is None or viewer.expired(self._database.clock()):
            self._remembered.pop(key, None)
            found = await viewers.find(self._database, token)
            if found is None:
                raise Unauthenticated(WRONG)
            viewer = Viewer(*found)
            if len(self._remembered) >= REMEMBERED:
                self._remembered.clear()
            self._remembered[key] = viewer
        return viewer


# Cookies


def cookie_name(public_url: str) -> str:
    """`__Host-` binds the cookie to this host and to TLS (RFC 6265bis, section 4.1.3.2); plain HTTP cannot have it."""
    return "__Host-rolodesk" if public_url.startswith("https://") else "rolodesk"


def session_token(headers: Mapping[bytes, bytes], public_url: str) -> str | None:
    """The token in the cookie of a session, None where there is none."""
    return _cookie(headers.get(b"cookie", b""), cookie_name(public_url))


def session_cookie(public_url: str, token: str) -> str:
    """The Set-Cookie header field of a session; it ends with the browser's, or when the session does."""
    secure = "; Secure" if public_url.startswith("https://") else ""
    return f"{cookie_name(public_url)}={token}; Path=/; HttpOnly; SameSite=Lax{secure}"


def from_own_page(headers: Mapping[bytes, bytes], public_url: str) -> bool:
    """Whether a browser says that a request came from a page of this server: no other site can make it say so."""
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site == b"same-origin"
    parts = urlsplit(public_url)
    return headers.get(b"origin", b"").decode("latin-1") == f"{parts.scheme}://{parts.netloc}"


def _cookie(header: bytes, name: str) -> str | None:
    try:
        found = SimpleCookie(header.decode("latin-1")).get(name)
    except CookieError:
        return None
    return found.value if found is not None else None
