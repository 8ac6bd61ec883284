"""Microsoft's address book: Graph, the delta of the default folder of contacts."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from contacts.book import Asked, Contact, Page
from contacts.failures import Failure, Refused, Revoked, StartOver, Throttled, Unauthorized, Unreachable
from contacts.oauth import Endpoints
from contacts.outgoing import Answer, Outgoing

SCOPE: Final = "https://graph.microsoft.com/Contacts.Read"
SCOPES: Final = ("openid", "email", "profile", "offline_access", SCOPE)
ASKS: Final[Mapping[str, str]] = {"response_mode": "query", "prompt": "select_account"}

PAGE = 200
FIELDS = "displayName,givenName,surname,companyName,jobTitle,emailAddresses,businessPhones,mobilePhone,homePhones"
PREFER = f'odata.maxpagesize={PAGE}, IdType="ImmutableId"'
"""Ids stay the same when a contact is moved to another folder and back."""

GONE: Final = frozenset({"syncstatenotfound", "syncstateinvalid", "resyncrequired", "errorsyncstatenotfound"})


def endpoints(tenant: str) -> Endpoints:
    """The addresses for accounts of a tenant: `common`, `organizations`, `consumers`, or one tenant's id."""
    base = f"https://login.microsoftonline.com/{quote(tenant, safe='')}/oauth2/v2.0"
    return Endpoints(f"{base}/authorize", f"{base}/token", "", "https://graph.microsoft.com")


class Microsoft:
    """Reads the default folder of contacts of a Microsoft account."""

    batch = 0

    def __init__(self, base: str) -> None:
        self._base = base.rstrip("/")

    def origins(self, _server: str) -> Sequence[str]:
        return (self._base,)

    async def page(self, outgoing: Outgoing, asked: Asked) -> Page:
        url = asked.position or asked.sync_token
        if url is None:
            folder = await self._folder(outgoing, asked)
            if folder is None:
                return Page()
            url = f"{self._base}/v1.0/me/contactFolders/{quote(folder, safe='')}/contacts/delta?$select={FIELDS}"
        said = await self._get(outgoing, asked, url)
        if not said.get("@odata.nextLink") and not said.get("@odata.deltaLink"):
            raise Unreachable("Microsoft answers no list of contacts.")
        entries = [one for one in said.get("value") or () if isinstance(one, dict)]
        return Page(
            contacts=[contact(one) for one in entries if "@removed" not in one],
            removed=[str(one.get("id")) for one in entries if "@removed" in one],
            position=said.get("@odata.nextLink"),
            sync_token=said.get("@odata.deltaLink"),
        )

    async def _folder(self, outgoing: Outgoing, asked: Asked) -> str | None:
        """The id of the default folder, which its contacts name; None where it has none."""
        said = await self._get(outgoing, asked, f"{self._base}/v1.0/me/contacts?$top=1&$select=parentFolderId")
        return next((one.get("parentFolderId") for one in said.get("value") or ()), None)

    async def _get(self, outgoing: Outgoing, asked: Asked, url: str) -> dict[str, Any]:
        headers = {"Authorization": asked.authorization, "Accept": "application/json", "Prefer": PREFER}
        answer = await outgoing.send("GET", url, headers)
        if answer.status != 200:  # noqa: PLR2004  anything else is an error
            raise failure(answer, goes_on=asked.position is not None)
        return answer.json()


def contact(entry: Mapping[str, Any]) -> Contact:
    """A contact of what Graph calls by the same name."""
    phones = [*(entry.get("businessPhones") or ()), entry.get("mobilePhone"), *(entry.get("homePhones") or ())]
    return Contact(
        id=str(entry.get("id")),
        emails=tuple(str(one["address"]) for one in entry.get("emailAddresses") or () if one.get("address")),
        name=entry.get("displayName"),
        first_name=entry.get("givenName"),
        last_name=entry.get("surname"),
        company=entry.get("companyName"),
        title=entry.get("jobTitle"),
        phone=next((phone for phone in phones if phone), None),
        tag=entry.get("@odata.etag"),
    )


def failure(answer: Answer, *, goes_on: bool) -> Failure:  # noqa: PLR0911  one way out a failure
    """What an error of Graph means."""
    error = answer.json().get("error")
    code = str(error.get("code") if isinstance(error, dict) else "").lower()
    if answer.status == 410 or code in GONE:  # noqa: PLR2004  Gone
        return StartOver("Microsoft no longer knows the delta link.")
    if answer.status == 401:  # noqa: PLR2004
        return Unauthorized("Microsoft does not take the access token.")
    if answer.status == 429:  # noqa: PLR2004
        return Throttled("Microsoft wants fewer requests.", answer.retry_after_seconds)
    if answer.status == 403:  # noqa: PLR2004
        return Revoked("Microsoft does not allow to read the contacts.")
    if answer.status >= 500:  # noqa: PLR2004
        return Unreachable(f"Microsoft answers {answer.status}.", answer.retry_after_seconds)
    if answer.status in {400, 404} and goes_on:
        return StartOver("Microsoft no longer knows the page.")
    return Refused(f"Microsoft answers {answer.status}.")
