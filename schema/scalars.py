"""Scalars beyond GraphQL's own."""

from datetime import UTC, datetime, timedelta
from typing import Any, NewType

import strawberry
from graphql import GraphQLError, ValueNode, value_from_ast_untyped
from strawberry.types.scalar import ScalarDefinition

from resolvers.sent_file import SentFile

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _milliseconds(value: Any) -> int:
    """A moment as kept (milliseconds), from RFC 3339 with an offset."""
    try:
        moment = datetime.fromisoformat(value)
        at = moment.astimezone(UTC) if moment.tzinfo else None
    except (TypeError, ValueError, OverflowError):
        at = None
    if at is None:
        raise GraphQLError(f"DateTime must be RFC 3339 with an offset, such as 2026-01-31T09:30:00Z; it is {value!r}.")
    return (at - EPOCH) // timedelta(milliseconds=1)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise GraphQLError(f"A text is expected, not {value!r}.")
    return value


def _literal(node: ValueNode, variables: Any = None) -> Any:
    return value_from_ast_untyped(node, variables)


def _file(value: Any) -> SentFile:
    if not isinstance(value, SentFile):
        raise GraphQLError(
            "A file is expected. Send the request as a GraphQL multipart request, or the file by POST /uploads."
        )
    return value


def _no_file(_node: ValueNode, _variables: Any = None) -> SentFile:
    raise GraphQLError("A file cannot stand in a document. Give it as a variable.")


DateTime = NewType("DateTime", int)
EmailAddress = NewType("EmailAddress", str)
JSON = NewType("JSON", object)
Upload = NewType("Upload", SentFile)

SCALARS: dict[object, ScalarDefinition] = {
    DateTime: strawberry.scalar(
        name="DateTime",
        description=(
            "A moment: RFC 3339 in UTC with milliseconds when answered (2026-01-31T09:30:00.000Z), any offset when given. "
            "What is given beyond milliseconds is dropped."
        ),
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=lambda value: value,
        parse_value=_milliseconds,
    ),
    EmailAddress: strawberry.scalar(
        name="EmailAddress",
        description=(
            "An e-mail address (RFC 5321, non-ASCII allowed by RFC 6531), at most 254 characters. "
            "Two addresses are the same if they agree in NFC without regard to case, the domain in its IDNA form."
        ),
        serialize=lambda value: value,
        parse_value=_text,
    ),
    Upload: strawberry.scalar(
        name="Upload",
        description=(
            "A file that comes with the request (GraphQL multipart request): null among the variables, and a part of the form. "
            "A form has at most 10,000,000 bytes and 10 files; larger files go by `POST /uploads`. It needs IMPORTS_WRITE, "
            "and one of the headers Authorization, Apollo-Require-Preflight and GraphQL-Preflight."
        ),
        specified_by_url="https://github.com/jaydenseric/graphql-multipart-request-spec",
        serialize=lambda value: value,
        parse_value=_file,
        parse_literal=_no_file,
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value. Used for a record's properties in the log, whose names are those of the schema.",
        serialize=lambda value: value,
        parse_value=lambda value: value,
        parse_literal=_literal,
    ),
}
