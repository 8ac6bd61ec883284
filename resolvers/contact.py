"""What is done to address books: connecting, fetching again, disconnecting. They belong to the user who connected them."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from contacts import oauth
from contacts.book import Asked
from contacts.credentials import Credentials
from contacts.failures import Failure, Refused, Revoked, Unauthorized
from contacts.oauth import Client, Tokens
from contacts.providers import Provider, Server
from contacts.sealing import Broken
from db import contact_sources as stored
from db import guessing
from db.clock import printed
from db.contact_sources import Consent, Held, Shown
from db.errors import Forbidden, InvalidValue, NotPossible, Refusal, RequestRefusal
from db.ids import link_token, new_id, workspace_of
from db.links import INVALID_LINK
from db.text import required, shorten
from db.transaction import Intent, Transaction
from resolvers.context import Context, Outcome, Process, Viewer

LONGEST_NAME, LONGEST_PASSWORD = 200, 200

HINTS: Final[Mapping[str, str]] = {
    "REVOKED": "Connect it again.",
    "FAILED": "Fetch it again with syncContactSource; if it fails again, ask who runs this server.",
}
"""What to do about a source's status."""

OUTCOMES: Final[Mapping[str, str]] = {
    "DENIED": "Consent was not given. Connect it again, and allow to read the contacts.",
    "FAILED": "The last attempt to connect it failed. Try again; if it fails again, ask who runs this server.",
}
"""What to do after a consent that led to nothing."""


def user_of(context: Context) -> Viewer:
    """The user who asks: nobody else has address books."""
    viewer = context.asking
    if viewer.kind != "user":
        raise Forbidden("Address books belong to users: sign in as one. A key has none.")
    return viewer


# Reading


async def sources(context: Context) -> list[dict[str, Any]]:
    """Every provider with the sources that who asks connected there; one entry for a provider without any."""
    viewer, process = context.asking, context.process
    own = await stored.of_user(process.database, viewer.workspace_id, viewer.id)
    outcomes = await stored.last_outcomes(process.database, viewer.workspace_id, viewer.id)
    found: list[dict[str, Any]] = []
    for provider in process.books.providers.values():
        here = [told(provider, one) for one in own if one.provider == provider.name]
        found += here or [absent(provider, outcomes.get(provider.name))]
    return found


def told(provider: Provider, source: Shown) -> dict[str, Any]:
    """A source that is connected."""
    hint = " ".join(part for part in (source.message, HINTS.get(source.status)) if part)
    return {
        **about(provider),
        "connected": True,
        "source_id": source.source_id,
        "account": source.account,
        "server": source.server or None,
        "status": source.status,
        "hint": hint or None,
        "retry_at": _moment(source.retry_at),
        "last_synced_at": _moment(source.last_synced_at),
        "contact_count": source.contact_count,
    }


def absent(provider: Provider, outcome: str | None) -> dict[str, Any]:
    """A provider where nothing is connected."""
    status = "NOT_CONNECTED" if provider.configured else "NOT_CONFIGURED"
    hint = OUTCOMES.get(outcome or "") if provider.configured else provider.missing
    return {**about(provider), "connected": False, "status": status, "hint": hint, "contact_count": 0}


def about(provider: Provider) -> dict[str, Any]:
    return {
        "provider": provider.name,
        "configured": provider.configured,
        "servers": [server.url for server in provider.servers],
    }


def _moment(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else printed(milliseconds)


async def shown(process: Process, tx: Transaction, viewer: Viewer, source_id: str) -> dict[str, Any]:
    """A source as its user sees it in a transaction."""
    own = {one.source_id: one for one in await stored.own(tx, viewer.id)}
    source = own[source_id]
    return told(process.books.providers[source.provider], source)


# Connecting by consent


def configured(process: Process, name: str) -> Provider:
    """A provider that settings name."""
    provider = process.books.providers[name]
    if not provider.configured:
        raise NotPossible(provider.missing, ("provider",), value=name)
    return provider


async def connect(
    context: Context,
    *,
    provider: str,
    return_to: str | None = None,
    server: str | None = None,
    username: str | None = None,
    password: str | None = None,
) -> bytes:
    """By consent: answers where the browser is to go. With a password: asks the server at once, and connects."""
    viewer, process = user_of(context), context.process
    try:
        found = configured(process, provider)
        if username is not None or password is not None or found.client is None:
            return await _by_password(context, viewer, found, server, username, password)
        check_return(process, return_to)
    except RequestRefusal:
        raise
    except Refusal as refusal:
        return await context.refuse(refusal)
    consent_id, verifier = new_id("contact_consent"), oauth.verifier()
    state = link_token(process.secrets[0], viewer.workspace_id, consent_id, 1, "consent")
    sealed = process.books.seal.close({"verifier": verifier}, stored.place(viewer.workspace_id, consent_id))
    url = oauth.authorization_url(found.client, process.books.redirect_uri, state, verifier)

    async def work(tx: Transaction) -> Outcome:
        await stored.ask(
            tx,
            consent_id,
            user_id=viewer.id,
            asking_session=viewer.credential_id,
            provider=provider,
            state=state,
            verifier=sealed,
            return_to=return_to,
        )
        return {"authorization_url": url}

    return await context.write(work)


async def _by_password(
    context: Context,
    viewer: Viewer,
    provider: Provider,
    server: str | None,
    username: str | None,
    password: str | None,
) -> bytes:
    """Connects where the server takes the password, which is tried before anything is kept."""
    process = context.process
    there = _server(provider, server)
    name, secret = required(username, LONGEST_NAME, ("username",)), required(password, LONGEST_PASSWORD, ("password",))
    if ":" in name:  # RFC 7617, section 2: it would end there
        raise InvalidValue("The name holds a colon.", ("username",), value=shorten(name))
    await guessing.attempt(process.database, viewer.workspace_id, [guessing.account("contacts", viewer.id)])
    credentials = Credentials(username=name, password=secret)
    try:
        async with process.books.reading(provider, there.url) as outgoing:
            await provider.book.page(outgoing, Asked(credentials.authorization, there.url))
    except Unauthorized:
        raise InvalidValue("The server does not take the name and the password.", ("password",)) from None
    except Failure as failure:
        raise NotPossible(failure.message, ("server",), value=there.url) from None

    def seal(place: str) -> str:
        return process.books.seal.close(credentials.kept(), place)

    async def work(tx: Transaction) -> Outcome:
        source_id = await stored.connect(tx, viewer.id, provider.name, there.url, name, seal)
        return {"contact_source": await shown(process, tx, viewer, source_id)}

    return await context.write(work)


def _server(provider: Provider, given: str | None) -> Server:
    """The server that is meant, among those that settings name."""
    if not provider.servers:
        raise NotPossible("Passwords are not taken for this provider. Leave username and password out.", ("password",))
    if given is None and len(provider.servers) == 1:
        return provider.servers[0]
    for one in provider.servers:
        if given is not None and one.url.rstrip("/") == given.strip().rstrip("/"):
            return one
    listed = ", ".join(one.url for one in provider.servers)
    raise InvalidValue(
        f"server must be one of those that settings name: {listed}.", ("server",), value=shorten(given or "")
    )


def check_return(process: Process, return_to: str | None) -> None:
    """Refuses to send a browser to a page that settings do not name."""
    if return_to is None or (process.books.may_return_to(return_to) and not urlsplit(return_to).fragment):
        return
    message = (
        "The browser may be sent back to pages of this server and of the origins in ROLODESK_CORS_ORIGINS only, "
        "by an address without a fragment."
    )
    raise InvalidValue(message, ("returnTo",), value=shorten(return_to))


class Completed(NamedTuple):
    """A consent that became a source."""

    source_id: str
    provider: str
    account: str


async def consent_of(process: Process, state: str) -> tuple[str, Consent] | None:
    """The workspace and the open consent that a state belongs to."""
    workspace_id = workspace_of(state, "consent")
    consent = await stored.asked(process.database, workspace_id, state) if workspace_id else None
    if workspace_id is None or consent is None or consent.outcome is not None:
        return None
    return (workspace_id, consent) if consent.expires_at > process.clock() else None


def is_theirs(viewer: Viewer | None, workspace_id: str, consent: Consent) -> bool:
    """Whether a consent was asked for by this very session."""
    return (
        viewer is not None
        and viewer.workspace_id == workspace_id
        and viewer.id == consent.user_id
        and viewer.credential_id == consent.asking_session
    )


async def completing(process: Process, viewer: Viewer, state: str, code: str | None, error: str | None) -> Completed:
    """Takes the provider's answer, once, from the session that asked; keeps what it was given."""
    found = await consent_of(process, state)
    if found is None or not is_theirs(viewer, *found):
        raise NotPossible(INVALID_LINK, ("state",), code="INVALID_LINK")
    workspace_id, consent = found
    intent = Intent(workspace_id, "completeContactSource", viewer.id)
    if not await process.database.write(lambda tx: stored.take(tx, consent.id), intent):
        raise NotPossible(INVALID_LINK, ("state",), code="INVALID_LINK")
    outcome = stored.FAILED
    try:
        if error is not None or not code:
            outcome = stored.DENIED if error == "access_denied" else outcome
            raise NotPossible(OUTCOMES[outcome], ("error",))
        provider = configured(process, consent.provider)
        tokens = await _exchanged(process, provider, workspace_id, consent, code)
        account = tokens.account or provider.name.title()

        def seal(place: str) -> str:
            return process.books.seal.close(Credentials.given(tokens).kept(), place)

        async def work(tx: Transaction) -> str:
            await stored.settle(tx, consent.id, stored.CONNECTED)
            return await stored.connect(tx, viewer.id, provider.name, "", account, seal)

        source_id = await process.database.write(work, intent)
        outcome = stored.CONNECTED
        return Completed(source_id, provider.name, account)
    finally:
        if outcome != stored.CONNECTED:
            await process.database.write(lambda tx: stored.settle(tx, consent.id, outcome), intent)


async def _exchanged(process: Process, provider: Provider, workspace_id: str, consent: Consent, code: str) -> Tokens:
    client = provider.client
    assert client is not None  # noqa: S101  its consent was asked for
    try:
        verifier = process.books.seal.open(consent.verifier, stored.place(workspace_id, consent.id))["verifier"]
        async with process.books.signing_in(client) as outgoing:
            tokens = await oauth.exchange(outgoing, client, process.books.redirect_uri, code, verifier, process.clock())
        if not granted(client, tokens):
            raise Refused("The permission to read contacts was left out. Connect again, and allow it.")
    except Broken:
        raise NotPossible("The server's secret was replaced meanwhile. Connect again.", ("state",)) from None
    except Revoked:
        raise NotPossible(
            "The provider does not take the code: it is spent or too old. Connect again.", ("code",)
        ) from None
    except Failure as failure:
        raise NotPossible(failure.message, ("code",)) from None
    return tokens


def granted(client: Client, tokens: Tokens) -> bool:
    """Whether contacts may be read: users can leave that out. A provider that does not say gave what was asked for."""
    short = client.needed.rpartition("/")[2]
    return tokens.scopes is None or any(scope.rpartition("/")[2] == short for scope in tokens.scopes)


async def complete(context: Context, *, state: str, code: str | None = None, error: str | None = None) -> bytes:
    """For front ends that the browser was sent back to."""
    viewer = user_of(context)
    try:
        completed = await completing(context.process, viewer, state, code, error)
    except RequestRefusal:
        raise
    except Refusal as refusal:
        return await context.refuse(refusal)

    async def work(tx: Transaction) -> Outcome:
        return {"contact_source": await shown(context.process, tx, viewer, completed.source_id)}

    return await context.write(work)


# What is connected


async def sync(context: Context, *, source_id: str) -> bytes:
    """Has a source fetched again."""
    viewer = user_of(context)

    async def work(tx: Transaction) -> Outcome:
        await stored.need(tx, viewer.id, source_id)
        await stored.fetch(tx, source_id)
        return {"contact_source": await shown(context.process, tx, viewer, source_id)}

    return await context.write(work)


async def disconnect(context: Context, *, source_id: str) -> bytes:
    """Takes the consent back at the provider, and forgets the source whatever the provider says."""
    viewer, process = user_of(context), context.process
    held = await stored.held(process.database, viewer.workspace_id, viewer.id, source_id)
    revoked = await _revoked(process, viewer.workspace_id, held) if held else False

    async def work(tx: Transaction) -> Outcome:
        source = await stored.need(tx, viewer.id, source_id)
        await stored.disconnect(tx, source_id)
        provider = process.books.providers.get(source.provider)
        by_hand = None if revoked or provider is None else provider.consents_url or None
        return {"provider": source.provider, "revoked": revoked, "consents_url": by_hand}

    return await context.write(work)


async def _revoked(process: Process, workspace_id: str, held: Held) -> bool:
    provider = process.books.providers.get(held.provider)
    if provider is None or provider.client is None:
        return False
    try:
        kept = process.books.seal.open(held.credentials, stored.place(workspace_id, held.id))
        credentials = Credentials.of(kept)
        token = credentials.refresh or credentials.access
        if token is None:
            return False
        async with process.books.signing_in(provider.client) as outgoing:
            return await oauth.revoke(outgoing, provider.client, token)
    except (Broken, Failure):
        return False
