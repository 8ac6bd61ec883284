"""How a session reaches who signed in: by its token in the answer, or by a cookie that no script can read."""

from dataclasses import dataclass
from typing import Final

from db.errors import NotPossible
from resolvers.context import Context, Outcome, SessionCookie

COOKIE: Final = "COOKIE"


@dataclass(frozen=True, slots=True)
class Handing:
    """What is to become of the token that an outcome holds."""

    cookie: SessionCookie | None

    def shown(self, outcome: Outcome) -> Outcome:
        """The outcome as it is answered."""
        return outcome if self.cookie is None else {**outcome, "token": None, "kept": outcome["token"]}

    def keep(self, outcome: Outcome) -> None:
        """Sets the cookie, once the session is there for good."""
        if self.cookie is not None:
            self.cookie.set(outcome["kept"])


def handing(context: Context, session: str) -> Handing:
    """Refuses a cookie that cannot be set, before anything is tried."""
    if session != COOKIE:
        return Handing(None)
    if context.session_cookie is None:
        message = "Only a plain answer over HTTP can set a cookie. Send this by POST to /graphql, as application/json."
        raise NotPossible(message, ("session",))
    context.session_cookie.check()
    return Handing(context.session_cookie)
