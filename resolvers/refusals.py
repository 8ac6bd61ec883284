"""A request that is refused as a whole, as it is answered."""

from collections.abc import Mapping, Sequence
from typing import Any

from graphql import GraphQLError

from db.errors import Refusal, RequestRefusal

INCREMENTAL = ("Unknown directive '@defer'", "Unknown directive '@stream'")


class RequestErrors(Exception):  # noqa: N818  the request as a whole is refused
    """The request cannot be executed; `errors` are in the form of the specification, section 7.1.2."""

    def __init__(self, errors: Sequence[Mapping[str, Any]], retry_after_seconds: int | None = None) -> None:
        super().__init__(errors[0]["message"])
        self.errors = errors
        self.code: str = errors[0]["extensions"]["code"]
        self.retry_after_seconds = retry_after_seconds


def refused(refusal: Refusal) -> RequestErrors:
    """A refusal as the error of a whole request."""
    shown: dict[str, Any] = {"message": refusal.message, "extensions": {"code": refusal.code}}
    if refusal.path:
        shown["path"] = list(refusal.path)
    retry = refusal.retry_after_seconds if isinstance(refusal, RequestRefusal) else None
    if retry is not None:
        shown["extensions"]["retryAfterSeconds"] = retry
    return RequestErrors([shown], retry)


def located(error: GraphQLError, code: str) -> dict[str, Any]:
    """What graphql-core found, with its code and where it stands."""
    message = error.message
    if message.startswith(INCREMENTAL):
        message += " Answers come whole: ask in two operations, or page through with first and after."
    shown: dict[str, Any] = {"message": message, "extensions": {"code": code}}
    if error.locations:
        shown["locations"] = [{"line": one.line, "column": one.column} for one in error.locations[:5]]
    return shown
