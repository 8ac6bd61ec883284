"""An OAuth 2.0 provider as RFC 6749, RFC 7636 and RFC 7009 describe it, with ID tokens: strict about what it is sent."""

import base64
import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from tests.books.serving import Provider

CLIENT_ID, CLIENT_SECRET = "client-1", "a secret of the client"


@dataclass
class Consenting(Provider):
    """Its user says yes to every scope, unless `denies` or `leaves_out` says otherwise."""

    account: str = "ann@example.com"
    redirect_uri: str = "http://127.0.0.1:8000/contacts/callback"
    denies: bool = False
    leaves_out: frozenset[str] = frozenset()
    lasts_seconds: int = 3600
    rotates: bool = False
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    access_tokens: set[str] = field(default_factory=set)
    refresh_tokens: dict[str, str] = field(default_factory=dict)
    revoked: list[str] = field(default_factory=list)
    needs_for_refresh: dict[str, str] = field(default_factory=dict)

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/authorize", self._authorize),
            Route("/token", self._token, methods=["POST"]),
            Route("/revoke", self._revoke, methods=["POST"]),
        ]

    @property
    def endpoints(self) -> str:
        """The setting that leads here."""
        parts = {"authorize": "/authorize", "token": "/token", "revoke": "/revoke", "contacts": ""}
        return " ".join(f"{part}={self.url}{path}" for part, path in parts.items())

    async def _authorize(self, request: Request) -> Response:
        given = dict(request.query_params)
        if given.get("client_id") != CLIENT_ID or given.get("redirect_uri") != self.redirect_uri:
            return JSONResponse({"error": "invalid_request"}, 400)
        if given.get("response_type") != "code" or given.get("code_challenge_method") != "S256":
            return JSONResponse({"error": "invalid_request"}, 400)
        if self.denies:
            return self._back(given, {"error": "access_denied"})
        code = secrets.token_urlsafe(16)
        self.codes[code] = given
        return self._back(given, {"code": code})

    @staticmethod
    def _back(given: dict[str, str], answer: dict[str, str]) -> Response:
        return RedirectResponse(f"{given['redirect_uri']}?{urlencode({**answer, 'state': given['state']})}", 302)

    async def _token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return JSONResponse({"error": "invalid_client"}, 401)
        if form.get("grant_type") == "refresh_token":
            scope = self.refresh_tokens.get(form["refresh_token"])
            if scope is None:
                return JSONResponse({"error": "invalid_grant"}, 400)
            if self.rotates:
                del self.refresh_tokens[form["refresh_token"]]
                return JSONResponse(self._given(scope))
            return JSONResponse(self._given(scope, again=True))
        asked = self.codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (
            asked is None
            or form.get("redirect_uri") != asked["redirect_uri"]
            or challenge.rstrip(b"=").decode() != asked["code_challenge"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        scope = " ".join(one for one in asked["scope"].split() if one not in self.leaves_out)
        again = any(asked.get(name) != value for name, value in self.needs_for_refresh.items())
        return JSONResponse(self._given(scope, again=again))

    def _given(self, scope: str, *, again: bool = False) -> dict[str, object]:
        access = secrets.token_urlsafe(16)
        self.access_tokens.add(access)
        given: dict[str, object] = {"access_token": access, "token_type": "Bearer", "scope": scope}
        given["expires_in"] = self.lasts_seconds
        if not again:
            refresh = secrets.token_urlsafe(16)
            self.refresh_tokens[refresh] = scope
            given["refresh_token"] = refresh
        if "openid" in scope.split():
            claims = {"aud": CLIENT_ID, "sub": "1", "email": self.account}
            part = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
            given["id_token"] = f"e30.{part}.signature"
        return given

    async def _revoke(self, request: Request) -> Response:
        token = parse_qs((await request.body()).decode())["token"][0]
        self.revoked.append(token)
        self.end_consent()
        return Response(b"{}", 200)

    def end_consent(self) -> None:
        """The user takes the consent back at the provider."""
        self.refresh_tokens.clear()
        self.access_tokens.clear()

    def lets_in(self, request: Request) -> bool:
        return request.headers.get("authorization", "").removeprefix("Bearer ") in self.access_tokens


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
