"""From settings to the address books that this server can read."""

from contacts import google, microsoft, yahoo
from contacts.carddav import CardDav
from contacts.google import Google
from contacts.microsoft import Microsoft
from contacts.oauth import Client, Endpoints
from contacts.outgoing import WILD, named, origin, secure
from contacts.providers import Books, Provider, Server
from contacts.sealing import Seal
from server.settings import SettingRefused, Settings, variable

CALLBACK = "/contacts/callback"
PARTS = ("authorize", "token", "revoke", "contacts")


def books(settings: Settings) -> Books:
    """All providers, configured or not; refused where an address cannot be."""
    known = servers(settings)
    providers = (_google(settings), _microsoft(settings), _yahoo(settings, known), _carddav(known))
    origins = (settings.url, *settings.origins)
    return Books(
        {provider.name: provider for provider in providers},
        Seal(settings.secrets),
        settings.url + CALLBACK,
        tuple(one for one in origins if origin(one)[1]),
        settings.development,
    )


def _google(settings: Settings) -> Provider:
    ends = endpoints(settings, "google_endpoints", google.ENDPOINTS)
    client = Client(
        settings.google_client_id, ends, google.SCOPES, google.SCOPE, settings.google_client_secret, google.ASKS
    )
    return Provider(
        "GOOGLE",
        Google(ends),
        client if client.id else None,
        missing=_missing("google_client_id", "google_client_secret"),
        consents_url="https://myaccount.google.com/connections",
    )


def _microsoft(settings: Settings) -> Provider:
    ends = endpoints(settings, "microsoft_endpoints", microsoft.endpoints(settings.microsoft_tenant))
    client = Client(
        settings.microsoft_client_id,
        ends,
        microsoft.SCOPES,
        microsoft.SCOPE,
        settings.microsoft_client_secret,
        microsoft.ASKS,
    )
    return Provider(
        "MICROSOFT",
        Microsoft(ends.contacts),
        client if client.id else None,
        missing=_missing("microsoft_client_id", "microsoft_client_secret"),
        consents_url="https://myapps.microsoft.com",
    )


def _yahoo(settings: Settings, known: tuple[Server, ...]) -> Provider:
    """By consent where there is a client id; by app password where the servers that settings name hold Yahoo's."""
    ends = endpoints(settings, "yahoo_endpoints", yahoo.ENDPOINTS)
    client = Client(settings.yahoo_client_id, ends, yahoo.SCOPES, yahoo.SCOPE, settings.yahoo_client_secret, yahoo.ASKS)
    theirs = tuple(server for server in known if named(server.url, [ends.contacts]))
    missing = _missing("yahoo_client_id", "yahoo_client_secret")
    return Provider(
        "YAHOO",
        CardDav(theirs or (Server(ends.contacts, (ends.contacts,)),)),
        client if client.id else None,
        theirs,
        f"{missing} Or, for app passwords, name {ends.contacts} in {variable('carddav_servers')}.",
        "https://login.yahoo.com/account/security",
    )


def _carddav(known: tuple[Server, ...]) -> Provider:
    missing = (
        f"Who runs this server has to name servers in {variable('carddav_servers')}; docs/address-books.md says how."
    )
    return Provider("CARDDAV", CardDav(known), servers=known, missing=missing)


def servers(settings: Settings) -> tuple[Server, ...]:
    """The CardDAV servers that settings name."""
    found = []
    for given in settings.carddav_servers.split(","):
        urls = given.split()
        for url in urls:
            if not secure(url, loopback=settings.development) or (WILD in url and url == urls[0]):
                raise SettingRefused(f"{variable('carddav_servers')} must name https:// addresses; it has {url!r}.")
        if urls:
            found.append(Server(urls[0], tuple(urls)))
    return tuple(found)


def _missing(*names: str) -> str:
    listed = " and ".join(variable(name) for name in names)
    return f"Who runs this server has to set {listed}; docs/address-books.md says where they come from."


def endpoints(settings: Settings, name: str, usual: Endpoints) -> Endpoints:
    """A provider's addresses: the usual ones, and those that the setting puts in their place (`token=https://…`)."""
    found = {part: getattr(usual, part) for part in PARTS}
    for given in getattr(settings, name).split():
        part, _, url = given.partition("=")
        if part not in PARTS:
            raise SettingRefused(
                f"{variable(name)} must be a list of {', '.join(PARTS)}, each as token=https://…; it has {given!r}."
            )
        if not secure(url, loopback=settings.development):
            raise SettingRefused(f"{variable(name)}: {part} must be an https:// address; it is {url!r}.")
        found[part] = url
    return Endpoints(**found)
