"""Who is asking: from a request's Authorization header to a viewer, remembered while rights stand."""

from typing import Final

from db import viewers
from db.errors import Unauthenticated
from db.ids import hashed
from db.sqlite import SqliteDatabase
from resolvers.context import Viewer

REMEMBERED: Final = 10_000
WRONG = (
    "The credentials are not valid: unknown, expired or revoked. Send `Authorization: Bearer …` with others, or none."
)


class Authentication:
    """Looks up tokens. What it remembers holds as long as the access number it was found at; every answer checks that."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database
        self._remembered: dict[str, Viewer] = {}

    async def viewer(self, authorization: str | None, *, afresh: bool = False) -> Viewer | None:
        """The viewer, None where no credentials were sent; refused where they are not valid, whatever is wrong."""
        if authorization is None:
            return None
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated(WRONG)
        key = hashed(token)
        viewer = None if afresh else self._remembered.get(key)
        now = self._database.clock()
        if viewer is None or (viewer.expires_at is not None and viewer.expires_at <= now):
            self._remembered.pop(key, None)
            found = await viewers.find(self._database, token)
            if found is None:
                raise Unauthenticated(WRONG)
            viewer = Viewer(*found)
            if len(self._remembered) >= REMEMBERED:
                self._remembered.clear()
            self._remembered[key] = viewer
        return viewer
