"""Yahoo's address book: CardDAV, by a consent or by an app password. It has no contacts API any more."""

from collections.abc import Mapping
from typing import Final

from contacts.oauth import Endpoints

ENDPOINTS: Final = Endpoints(
    "https://api.login.yahoo.com/oauth2/request_auth",
    "https://api.login.yahoo.com/oauth2/get_token",
    "https://api.login.yahoo.com/oauth2/revoke",
    "https://carddav.address.yahoo.com",
)
SCOPE: Final = "sdct-r"
SCOPES: Final = ("openid", "email", SCOPE)
ASKS: Final[Mapping[str, str]] = {}
