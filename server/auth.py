"""Who is asking: from a request's Authorization header, or a browser's cookie, to a viewer remembered while rights stand."""

from collections.abc import Mapping
from typing import Final

from db import viewers
from db.database import Database
from db.errors import Unauthenticated
from db.ids import hashed
from resolvers.context import Viewer
from server.cookies import Pages, session_token

REMEMBERED: Final = 10_000
WRONG = (
    "The credentials are not valid: unknown, expired or revoked. Send `Authorization: Bearer …` with others, or none."
)


class Authentication:
    """Looks up tokens. What it remembers holds as long as the access number it was found at; every answer checks that."""

    def __init__(self, database: Database, pages: Pages) -> None:
        self._database = database
        self.pages = pages
        self._remembered: dict[str, Viewer] = {}

    def remembered(self, headers: Mapping[bytes, bytes]) -> Viewer | None:
        """The viewer of a request whose token was seen before; None where `of` has to look."""
        scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
        if scheme != b"Bearer":
            return None
        return self._known(hashed(token.decode("latin-1")))

    def _known(self, key: str) -> Viewer | None:
        viewer = self._remembered.get(key)
        return None if viewer is None or viewer.expired(self._database.clock()) else viewer

    async def of(self, headers: Mapping[bytes, bytes], *, afresh: bool = False) -> Viewer | None:
        """The viewer of a request. A cookie whose session is over counts as none, so that one can sign in again."""
        authorization = headers.get(b"authorization")
        if authorization is not None:
            return await self.viewer(authorization.decode("latin-1"), afresh=afresh)
        try:
            return await self.viewer(self.by_cookie(headers), afresh=afresh)
        except Unauthenticated:
            return None

    def by_cookie(self, headers: Mapping[bytes, bytes]) -> str | None:
        """What a session's cookie stands for as an Authorization header; refused from a page of another site."""
        token = session_token(headers, self.pages.public_url)
        if token is None:
            return None
        self.pages.check(headers)
        return f"Bearer {token}"

    async def viewer(self, authorization: str | None, *, afresh: bool = False) -> Viewer | None:
        """The viewer, None where no credentials were sent; refused where they are not valid, whatever is wrong."""
        if authorization is None:
            return None
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated(WRONG)
        key = hashed(token)
        viewer = None if afresh else self._known(key)
        if viewer is None:
            self._remembered.pop(key, None)
            found = await viewers.find(self._database, token)
            if found is None:
                raise Unauthenticated(WRONG)
            viewer = Viewer(*found)
            if len(self._remembered) >= REMEMBERED:
                self._remembered.clear()
            self._remembered[key] = viewer
        return viewer
