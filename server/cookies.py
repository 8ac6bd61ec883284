"""The cookie of a browser's session: its name, how it is set and ended, and from which pages' requests it is taken."""

from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from db.errors import Forbidden

Headers = Mapping[bytes, bytes]


def cookie_name(public_url: str) -> str:
    """`__Host-` binds the cookie to this host and to TLS (RFC 6265bis, section 4.1.3.2); plain HTTP cannot have it."""
    return "__Host-rolodesk" if public_url.startswith("https://") else "rolodesk"


def session_token(headers: Headers, public_url: str) -> str | None:
    """The token in the cookie of a session, None where there is none."""
    try:
        found = SimpleCookie(headers.get(b"cookie", b"").decode("latin-1")).get(cookie_name(public_url))
    except CookieError:
        return None
    return found.value if found is not None else None


def session_cookie(public_url: str, token: str) -> str:
    """The Set-Cookie header field of a session; it ends with the browser's, or when the session does."""
    secure = "; Secure" if public_url.startswith("https://") else ""
    return f"{cookie_name(public_url)}={token}; Path=/; HttpOnly; SameSite=Lax{secure}"


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages whose requests a session's cookie is taken from: the server's own, and those of listed front ends."""

    public_url: str = ""
    origins: frozenset[str] = frozenset()

    def check(self, headers: Headers) -> None:
        """Refuses what does not come from one of them: no other site can make a browser say that it does."""
        origin = headers.get(b"origin", b"").decode("latin-1")
        if origin in self.origins:
            return
        site = headers.get(b"sec-fetch-site")
        if site is not None:
            known = site == b"same-origin"
        else:
            parts = urlsplit(self.public_url)
            known = origin == f"{parts.scheme}://{parts.netloc}"
        if not known:
            raise Forbidden(
                "A session's cookie is for this server's own pages and the front ends listed in ROLODESK_CORS_ORIGINS. "
                "Send an Authorization header instead."
            )


@dataclass(slots=True)
class SessionCookie:
    """The cookie of one request's session, as its answer may set or end it."""

    pages: Pages
    headers: Headers
    fields: list[tuple[bytes, bytes]]
    """The header fields of the answer."""

    def check(self) -> None:
        """Refuses to set one for a page of another site."""
        self.pages.check(self.headers)

    def set(self, token: str) -> None:
        self.fields.append((b"set-cookie", session_cookie(self.pages.public_url, token).encode()))

    def end(self) -> None:
        """Has the browser forget it, where it is what the request was taken by."""
        if b"authorization" not in self.headers and session_token(self.headers, self.pages.public_url) is not None:
            ended = session_cookie(self.pages.public_url, "") + "; Max-Age=0"
            self.fields.append((b"set-cookie", ended.encode()))
