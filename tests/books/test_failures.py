"""What the errors of each provider mean: to come again, to begin anew, to ask the user, or to leave it."""

import json

import pytest

from contacts import carddav, google, microsoft
from contacts.failures import Failure, Refused, Revoked, StartOver, Throttled, Unauthorized, Unreachable
from contacts.outgoing import Answer
from tests.books.google import error as google_error
from tests.books.microsoft import error as graph_error


def answer(status: int, body: object = None, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer("https://example.com/", status, named, json.dumps(body or {}).encode())


@pytest.mark.parametrize(
    ("status", "body", "goes_on", "kind"),
    [
        (400, google_error(400, "FAILED_PRECONDITION", "EXPIRED_SYNC_TOKEN"), False, StartOver),
        (410, None, False, StartOver),
        (400, google_error(400, "INVALID_ARGUMENT"), True, StartOver),
        (400, google_error(400, "INVALID_ARGUMENT"), False, Refused),
        (401, google_error(401, "UNAUTHENTICATED", "ACCESS_TOKEN_EXPIRED"), False, Unauthorized),
        (403, google_error(403, "PERMISSION_DENIED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"), False, Revoked),
        (403, google_error(403, "PERMISSION_DENIED", "SERVICE_DISABLED"), False, Refused),
        (403, google_error(403, "RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED"), False, Throttled),
        (403, {"error": {"errors": [{"reason": "userRateLimitExceeded"}]}}, False, Throttled),
        (429, google_error(429, "RESOURCE_EXHAUSTED"), False, Throttled),
        (500, None, False, Unreachable),
        (404, None, False, Refused),
        (502, "not an object", False, Unreachable),
    ],
)
def test_google(status: int, body: object, goes_on: bool, kind: type[Failure]) -> None:
    assert type(google.failure(answer(status, body), goes_on=goes_on)) is kind


@pytest.mark.parametrize(
    ("status", "body", "goes_on", "kind"),
    [
        (410, graph_error("SyncStateNotFound"), False, StartOver),
        (400, graph_error("syncStateNotFound"), False, StartOver),
        (410, graph_error("resyncRequired"), False, StartOver),
        (404, graph_error("ErrorItemNotFound"), True, StartOver),
        (404, graph_error("ErrorItemNotFound"), False, Refused),
        (401, graph_error("InvalidAuthenticationToken"), False, Unauthorized),
        (403, graph_error("ErrorAccessDenied"), False, Revoked),
        (429, graph_error("TooManyRequests"), False, Throttled),
        (503, graph_error("serviceNotAvailable"), False, Unreachable),
    ],
)
def test_microsoft(status: int, body: object, goes_on: bool, kind: type[Failure]) -> None:
    assert type(microsoft.failure(answer(status, body), goes_on=goes_on)) is kind


@pytest.mark.parametrize(
    ("status", "body", "goes_on", "kind"),
    [
        (403, b'<d:error xmlns:d="DAV:"><d:valid-sync-token/></d:error>', False, StartOver),
        (409, b'<error xmlns="DAV:"><valid-sync-token/></error>', False, StartOver),
        (410, b"", True, StartOver),
        (401, b"", False, Unauthorized),
        (403, b"<no xml", False, Revoked),
        (429, b"", False, Throttled),
        (507, b"", False, Unreachable),
        (200, b"<html/>", False, Refused),
    ],
)
def test_carddav(status: int, body: bytes, goes_on: bool, kind: type[Failure]) -> None:
    assert type(carddav.failure(Answer("https://example.com/", status, {}, body), goes_on=goes_on)) is kind


def test_a_pause_that_is_wished_for_is_told() -> None:
    for module in (google, microsoft, carddav):
        failed = module.failure(answer(429, None, retry_after="17"), goes_on=False)
        assert isinstance(failed, Throttled)
        assert failed.retry_after_seconds == 17
