"""Google's address book: the People API, `people/me/connections`, with pages and sync tokens."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from contacts.book import Asked, Contact, Page
from contacts.failures import Failure, Refused, Revoked, StartOver, Throttled, Unauthorized, Unreachable
from contacts.oauth import Endpoints
from contacts.outgoing import Answer, Outgoing

ENDPOINTS: Final = Endpoints(
    "https://accounts.google.com/o/oauth2/v2/auth",
    "https://oauth2.googleapis.com/token",
    "https://oauth2.googleapis.com/revoke",
    "https://people.googleapis.com",
)
SCOPE: Final = "https://www.googleapis.com/auth/contacts.readonly"
SCOPES: Final = ("openid", "email", SCOPE)
ASKS: Final[Mapping[str, str]] = {"access_type": "offline", "prompt": "consent"}
"""A refresh token is given with these only."""

PAGE = 500
FIELDS = "names,emailAddresses,organizations,phoneNumbers,metadata"
TOO_OFTEN: Final = frozenset(
    {"RATE_LIMIT_EXCEEDED", "rateLimitExceeded", "userRateLimitExceeded", "RESOURCE_EXHAUSTED"}
)


class Google:
    """Reads a Google account's contacts."""

    batch = 0

    def __init__(self, endpoints: Endpoints) -> None:
        self._base = endpoints.contacts.rstrip("/")

    def origins(self, _server: str) -> Sequence[str]:
        return (self._base,)

    async def page(self, outgoing: Outgoing, asked: Asked) -> Page:
        # All parameters but the tokens must be those of the first request, or the tokens are refused.
        given = {"personFields": FIELDS, "pageSize": str(PAGE), "requestSyncToken": "true"}
        if asked.sync_token is not None:
            given["syncToken"] = asked.sync_token
        if asked.position is not None:
            given["pageToken"] = asked.position
        url = f"{self._base}/v1/people/me/connections?{urlencode(given)}"
        answer = await outgoing.send("GET", url, {"Authorization": asked.authorization, "Accept": "application/json"})
        if answer.status != 200:  # noqa: PLR2004  anything else is an error
            raise failure(answer, goes_on=asked.position is not None)
        said = answer.json()
        if not said.get("nextPageToken") and not said.get("nextSyncToken"):
            raise Unreachable("Google answers no list of contacts.")
        people = [person for person in said.get("connections") or () if isinstance(person, dict)]
        gone = [one for one in people if (one.get("metadata") or {}).get("deleted")]
        following = said.get("nextPageToken")
        return Page(
            contacts=[contact(one) for one in people if one not in gone],
            removed=[str(one.get("resourceName")) for one in gone],
            position=following,
            sync_token=None if following else said.get("nextSyncToken"),
        )


def contact(person: Mapping[str, Any]) -> Contact:
    """A contact of what the People API calls a person: of each list the primary entry, and all addresses."""
    name, job = _primary(person, "names"), _primary(person, "organizations")
    emails = sorted(person.get("emailAddresses") or (), key=lambda one: not _is_primary(one))
    return Contact(
        id=str(person.get("resourceName")),
        emails=tuple(str(one["value"]) for one in emails if one.get("value")),
        name=name.get("displayName"),
        first_name=name.get("givenName"),
        last_name=name.get("familyName"),
        company=job.get("name"),
        title=job.get("title"),
        phone=_primary(person, "phoneNumbers").get("value"),
        tag=person.get("etag"),
    )


def _is_primary(entry: Mapping[str, Any]) -> bool:
    return bool((entry.get("metadata") or {}).get("primary"))


def _primary(person: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    entries: list[Mapping[str, Any]] = person.get(name) or [{}]
    return next((one for one in entries if _is_primary(one)), entries[0])


def failure(answer: Answer, *, goes_on: bool) -> Failure:  # noqa: PLR0911  one way out a failure
    """What an error of a Google API means (google.rpc.Status, with its reasons in google.rpc.ErrorInfo)."""
    error = answer.json().get("error")
    error = error if isinstance(error, dict) else {}
    reasons = {str(one.get("reason")) for one in (*error.get("details", ()), *error.get("errors", ()))}
    reasons.add(str(error.get("status")))
    if "EXPIRED_SYNC_TOKEN" in reasons or answer.status == 410:  # noqa: PLR2004  Gone
        return StartOver("Google no longer knows the sync token.")
    if answer.status == 401:  # noqa: PLR2004
        return Unauthorized("Google does not take the access token.")
    if answer.status == 429 or reasons & TOO_OFTEN:  # noqa: PLR2004
        return Throttled("Google wants fewer requests.", answer.retry_after_seconds)
    if "SERVICE_DISABLED" in reasons or "accessNotConfigured" in reasons:
        return Refused("The People API is not enabled for this server's Google project. Its operator can enable it.")
    if answer.status == 403:  # noqa: PLR2004
        return Revoked("Google does not allow to read the contacts.")
    if answer.status >= 500:  # noqa: PLR2004
        return Unreachable(f"Google answers {answer.status}.", answer.retry_after_seconds)
    if answer.status == 400 and goes_on:  # noqa: PLR2004
        return StartOver("Google no longer knows the page.")
    return Refused(f"Google answers {answer.status}.")
