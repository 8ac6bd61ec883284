"""OAuth 2.0 as a client: the authorization code grant with PKCE (RFC 6749, RFC 7636), refreshing and revoking (RFC 7009)."""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlencode

import orjson
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from contacts.failures import Refused, Revoked, Throttled, Unreachable
from contacts.outgoing import Answer, Outgoing

SERVER_ERRORS = 500
TOO_MANY = 429
DEAD = frozenset({"invalid_grant", "interaction_required", "consent_required", "login_required", "unauthorized_client"})
"""Errors of a token endpoint after which only the user's consent helps."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The addresses of a provider; `revoke` is empty where it has none."""

    authorize: str
    token: str
    revoke: str
    contacts: str


@dataclass(frozen=True, slots=True)
class Client:
    """What a provider knows this server by."""

    id: str
    endpoints: Endpoints
    scopes: tuple[str, ...]
    needed: str
    """The scope without which contacts cannot be read; users may leave it out."""
    secret: str = field(default="", repr=False)
    asks: Mapping[str, str] = field(default_factory=dict)
    """What else the authorization request says."""


class Tokens(NamedTuple):
    """What a provider gave. `expires_at` is in milliseconds; `account` names whose consent it is."""

    access: str
    refresh: str | None
    expires_at: int
    account: str | None
    scopes: frozenset[str] | None


def verifier() -> str:
    """A fresh secret of PKCE, of 43 characters."""
    return secrets.token_urlsafe(32)


def authorization_url(client: Client, redirect_uri: str, state: str, code_verifier: str) -> str:
    """Where the browser goes to be asked for consent."""
    url: str = prepare_grant_uri(
        client.endpoints.authorize,
        client.id,
        "code",
        redirect_uri,
        list(client.scopes),
        state,
        code_challenge=create_s256_code_challenge(code_verifier),
        code_challenge_method="S256",
        **client.asks,
    )
    return url


async def exchange(
    outgoing: Outgoing, client: Client, redirect_uri: str, code: str, code_verifier: str, now: int
) -> Tokens:
    """The tokens that a code stands for."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": code_verifier,
    }
    return await _tokens(outgoing, client, form, now)


async def refresh(outgoing: Outgoing, client: Client, refresh_token: str, now: int) -> Tokens:
    """A fresh access token; the provider may give another refresh token with it."""
    return await _tokens(outgoing, client, {"grant_type": "refresh_token", "refresh_token": refresh_token}, now)


async def revoke(outgoing: Outgoing, client: Client, token: str) -> bool:
    """Ends a consent at its provider; tells whether that was done."""
    if not client.endpoints.revoke:
        return False
    answer = await _post(outgoing, client, client.endpoints.revoke, {"token": token})
    return answer.status < 300 or answer.json().get("error") == "invalid_token"  # noqa: PLR2004  any success


async def _tokens(outgoing: Outgoing, client: Client, form: Mapping[str, str], now: int) -> Tokens:
    answer = await _post(outgoing, client, client.endpoints.token, form)
    said = answer.json()
    if answer.status >= SERVER_ERRORS or answer.status == TOO_MANY:
        kind = Throttled if answer.status == TOO_MANY else Unreachable
        raise kind(f"The sign-in of the provider answers {answer.status}.", answer.retry_after_seconds)
    error = said.get("error")
    if isinstance(error, str):
        if error in DEAD:
            raise Revoked("The provider no longer takes the consent that was given.")
        raise Refused(
            f"The provider refuses to sign in: {_word(error)}. Check the client id and secret in the settings."
        )
    access = said.get("access_token")
    if not isinstance(access, str) or not access:
        raise Refused("The provider answers no access token.")
    lasts = said.get("expires_in")
    seconds = int(lasts) if isinstance(lasts, (int, float, str)) and str(lasts).isdecimal() else 3600
    refreshed, granted = said.get("refresh_token"), said.get("scope")
    return Tokens(
        access,
        refreshed if isinstance(refreshed, str) else None,
        now + seconds * 1000,
        _account(said.get("id_token"), client.id),
        frozenset(granted.split()) if isinstance(granted, str) else None,
    )


async def _post(outgoing: Outgoing, client: Client, url: str, form: Mapping[str, str]) -> Answer:
    whole = {**form, "client_id": client.id}
    if client.secret:
        whole["client_secret"] = client.secret
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    return await outgoing.send("POST", url, headers, urlencode(whole).encode())


def _account(id_token: Any, client_id: str) -> str | None:
    """Whose consent it is, by the ID token.

    It came from the token endpoint over TLS, which stands for its signature (OpenID Connect Core 1.0, section 3.1.3.7,
    number 6). It is shown, and never signs anybody in.
    """
    if not isinstance(id_token, str) or id_token.count(".") != 2:  # noqa: PLR2004  header, claims, signature
        return None
    claims = id_token.split(".")[1]
    try:
        found = orjson.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    except ValueError:
        return None
    if not isinstance(found, dict) or client_id not in _listed(found.get("aud")):
        return None
    known = [found.get(name) for name in ("email", "preferred_username", "sub")]
    return next((one for one in known if isinstance(one, str) and one), None)


def _listed(audience: Any) -> list[Any]:
    return audience if isinstance(audience, list) else [audience]


def _word(error: str) -> str:
    """An error code of a provider as it can be shown."""
    return "".join(c for c in error if c.isalnum() or c in "_-. ")[:60]
