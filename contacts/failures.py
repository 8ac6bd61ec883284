"""How a request to a provider can fail, told apart by what is to be done about it. No message holds a token or a query."""


class Failure(Exception):  # noqa: N818  what a provider answered
    """A request that failed. The message is for the user who connected the address book."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Unreachable(Failure):
    """No answer, or one that says to come again. `retry_after_seconds` is the provider's wish, None where it has none."""

    def __init__(self, message: str, retry_after_seconds: int | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Throttled(Unreachable):
    """Too many requests: the provider wants a pause."""


class Unauthorized(Failure):
    """The access token, or the password, is not taken. With another access token it may be."""


class Revoked(Failure):
    """The consent is gone: only the user can give it again."""


class StartOver(Failure):
    """The provider no longer knows the position or the sync token: everything is to be fetched anew."""


class Refused(Failure):
    """An answer that more requests will not change."""


class NotNamed(Refused):
    """An address that the settings do not name; no request was made to it."""
