"""Where requests go: to what settings named, and within limits."""

import pytest
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from contacts import outgoing
from contacts.failures import NotNamed, Refused, Unreachable
from contacts.outgoing import Answer, Outgoing, named, secure
from server.app import application
from server.settings import SettingRefused, Settings
from tests.books.serving import Provider, serving


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://people.googleapis.com/v1", True),
        ("https://PEOPLE.googleapis.com:443/v1", True),
        ("https://p12-contacts.icloud.com/", True),
        ("https://icloud.com/", False),
        ("https://evilicloud.com/", False),
        ("https://people.googleapis.com.evil.example/", False),
        ("https://people.googleapis.com@evil.example/", False),
        ("https://people.googleapis.com:444/", False),
        ("http://people.googleapis.com/", False),
        ("https://evil.example\\@people.googleapis.com/", False),
        ("https://169.254.169.254/", False),
        ("file:///etc/passwd", False),
        ("https://[::1", False),
    ],
)
def test_an_address_is_named_by_its_scheme_host_and_port(url: str, allowed: bool) -> None:
    assert named(url, ["https://people.googleapis.com", "https://*.icloud.com"]) is allowed


def test_plain_http_is_for_this_machine_in_development() -> None:
    assert secure("https://dav.example.com/", loopback=False)
    assert secure("http://127.0.0.1:8001/", loopback=True)
    assert secure("http://localhost:8001/", loopback=True)
    assert not secure("http://127.0.0.1:8001/", loopback=False)
    assert not secure("http://dav.example.com/", loopback=True)


class Redirecting(Provider):
    def routes(self) -> list[Route]:
        async def away(_request: object) -> Response:
            return RedirectResponse("http://127.0.0.1:1/secret", 302)

        async def around(_request: object) -> Response:
            return RedirectResponse("/around", 302)

        async def here(_request: object) -> Response:
            return RedirectResponse("/end", 308)

        async def end(_request: object) -> Response:
            return Response(b"arrived")

        async def large(_request: object) -> Response:
            return Response(b"x" * 2_000)

        return [
            Route("/away", away), Route("/around", around), Route("/here", here), Route("/end", end), Route("/large", large),
        ]  # fmt: skip


async def test_redirects_are_followed_within_what_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(Redirecting()) as server, Outgoing([server.url], loopback=True) as client:
        assert (await client.send("GET", f"{server.url}/here")).body == b"arrived"
        with pytest.raises(NotNamed):
            await client.send("GET", f"{server.url}/away")
        with pytest.raises(Refused, match="without an end"):
            await client.send("GET", f"{server.url}/around")
        monkeypatch.setattr(outgoing, "LARGEST_BYTES", 1_000)
        with pytest.raises(Refused, match="more than 1,000 bytes"):
            await client.send("GET", f"{server.url}/large")


async def test_what_does_not_answer_in_time_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "WHOLE_SECONDS", 0.2)
    async with serving(Redirecting()) as server, Outgoing([server.url], loopback=True) as client:
        server.fail("/end", 0)
        with pytest.raises(Unreachable):
            await client.send("GET", f"{server.url}/end")
    async with Outgoing(["http://127.0.0.1:1"], loopback=True) as client:
        with pytest.raises(Unreachable, match=r"^127\.0\.0\.1 does not answer \(ConnectError\)\.$"):
            await client.send("GET", "http://127.0.0.1:1/?token=secret")


def test_retry_after_is_seconds_or_a_date() -> None:
    def said(value: str) -> int | None:
        return Answer("", 429, {"retry-after": value}, b"").retry_after_seconds

    assert said("120") == 120
    assert said("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert said("soon") is None
    assert said("") is None


@pytest.mark.parametrize(
    "endpoints", ["token=http://oauth.example.com/token", "somewhere=https://a.example", "token", "token=https://"]
)
def test_settings_whose_addresses_cannot_be_are_refused(endpoints: str) -> None:
    with pytest.raises(SettingRefused, match="ROLODESK_GOOGLE_ENDPOINTS"):
        application(Settings(google_endpoints=endpoints))
