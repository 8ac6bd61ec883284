"""Requests that go out: only to the addresses that settings name, within limits of size and time.

A redirect is followed by hand, so that each step of it is held to the same rule.
"""

import asyncio
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urljoin, urlsplit

import httpx2
import orjson

from contacts.failures import NotNamed, Refused, Unreachable

LARGEST_BYTES = 20 * 1024 * 1024
WHOLE_SECONDS = 60
SILENT_SECONDS = 20
MOST_REDIRECTS = 5
REDIRECTS: Final = frozenset({301, 302, 307, 308})
WILD = "*."


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of an address; an empty scheme where it is none."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return "", "", None
    if parts.username is not None or parts.password is not None or "\\" in url:
        return "", "", None
    return parts.scheme, (parts.hostname or "").lower().rstrip("."), port


def named(url: str, allowed: Sequence[str]) -> bool:
    """Whether an address lies at one of these origins; a host `*.example.com` stands for all below it."""
    scheme, host, port = origin(url)
    for one in allowed:
        known_scheme, known_host, known_port = origin(one)
        if (scheme, port) != (known_scheme, known_port) or not host:
            continue
        if host == known_host or (known_host.startswith(WILD) and host.endswith(known_host[1:])):
            return True
    return False


def secure(url: str, *, loopback: bool) -> bool:
    """Whether an address is one of HTTPS, or of this machine where that is allowed."""
    scheme, host, _ = origin(url)
    return bool(host) and (scheme == "https" or (scheme == "http" and loopback and is_loopback(host)))


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and from where after redirects."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def retry_after_seconds(self) -> int | None:
        """What `Retry-After` says, as seconds or as a date (RFC 9110, section 10.2.3)."""
        given = self.headers.get("retry-after", "").strip()
        if given.isdecimal():
            return int(given[:9])
        try:
            at = parsedate_to_datetime(given)
        except ValueError:
            return None
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return max(0, round((at - datetime.now(UTC)).total_seconds()))

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; empty where it is none."""
        try:
            found = orjson.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


class Outgoing:
    """A client for the addresses at some origins."""

    def __init__(self, allowed: Sequence[str], *, loopback: bool) -> None:
        """`loopback`: whether addresses of this machine may be reached without TLS, for development."""
        self._allowed = allowed
        self._loopback = loopback
        self._client = httpx2.AsyncClient(
            follow_redirects=False, trust_env=False, timeout=httpx2.Timeout(SILENT_SECONDS, connect=10)
        )

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    def check(self, url: str) -> None:
        """Refuses an address that settings did not name."""
        host = origin(url)[1] or "nowhere"
        if not named(url, self._allowed):
            raise NotNamed(f"The provider points to {host}, which this server's settings do not name.")
        if not secure(url, loopback=self._loopback):
            raise NotNamed(f"The address at {host} is not one of HTTPS.")

    async def send(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> Answer:
        """The answer of an address, redirects followed within what is allowed."""
        for _ in range(MOST_REDIRECTS + 1):
            answer = await self._once(method, url, headers or {}, content)
            if answer.status not in REDIRECTS or "location" not in answer.headers:
                return answer
            url = urljoin(url, answer.headers["location"])
        raise Refused(f"{origin(url)[1]} redirects without an end.")

    async def _once(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> Answer:
        self.check(url)
        host = origin(url)[1]
        try:
            async with asyncio.timeout(WHOLE_SECONDS):
                async with self._client.stream(method, url, headers=dict(headers), content=content) as response:
                    body = await _read(response, host)
        except (httpx2.TransportError, TimeoutError) as fault:
            raise Unreachable(f"{host} does not answer ({type(fault).__name__}).") from None
        except (httpx2.InvalidURL, httpx2.DecodingError) as fault:
            raise Refused(f"{host} answers what cannot be read ({type(fault).__name__}).") from None
        return Answer(url, response.status_code, response.headers, body)


async def _read(response: httpx2.Response, host: str) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > LARGEST_BYTES:
            raise Refused(f"{host} answers more than {LARGEST_BYTES:,} bytes.")
    return bytes(body)
