"""Everything that can be refused, as one closed family: a code, a message that says what to do, and where."""

from typing import Any, Final, Literal, get_args

ErrorCode = Literal[
    "BAD_CURSOR",
    "BAD_REQUEST",
    "CANNOT_ARCHIVE",
    "CONFLICT",
    "CONSTRAINT",
    "EMAIL_TAKEN",
    "EXTERNAL_ID_TAKEN",
    "FILE_REFUSED",
    "FORBIDDEN",
    "IDEMPOTENCY_KEY_IN_FLIGHT",
    "IDEMPOTENCY_KEY_USED",
    "INTERNAL",
    "INVALID_EMAIL",
    "INVALID_LINK",
    "INVALID_PASSWORD",
    "INVALID_VALUE",
    "LAST_OWNER",
    "LIMIT",
    "MAPPING",
    "NAME_TAKEN",
    "NOT_FOUND",
    "NOT_POSSIBLE",
    "ORGANIZATION_CYCLE",
    "PERSISTED_QUERY_NOT_FOUND",
    "RATE_LIMITED",
    "REQUIRED",
    "SIGN_IN_FAILED",
    "STORAGE_BUSY",
    "STORAGE_FULL",
    "SYNTAX",
    "TIMEOUT",
    "TOO_DEEP",
    "TOO_LONG",
    "UNAUTHENTICATED",
]
"""Every code an answer can carry. Clients may rely on a code never changing what it means."""

MEANINGS: Final[dict[ErrorCode, str]] = {
    "BAD_CURSOR": "The cursor is malformed or belongs to another order. Start again without it.",
    "BAD_REQUEST": "The request is not a GraphQL request over HTTP. The message says which part.",
    "CANNOT_ARCHIVE": "The record still holds others. Say what is to happen to its contents.",
    "CONFLICT": "The record changed since the version that was expected. Read it again and repeat the change.",
    "CONSTRAINT": "Another record stands in the way, and no more specific code exists.",
    "EMAIL_TAKEN": "The address is held by a living customer or by a user of the workspace.",
    "EXTERNAL_ID_TAKEN": "The external id is held by another living record of this kind.",
    "FILE_REFUSED": "The uploaded file cannot be read as what it was said to be.",
    "FORBIDDEN": "The operation is outside the role or the scopes of who asks.",
    "IDEMPOTENCY_KEY_IN_FLIGHT": "The request with this Idempotency-Key is being carried out. Ask again for its answer.",
    "IDEMPOTENCY_KEY_USED": "The Idempotency-Key stood for another request, or its answer was not kept. Nothing was done.",
    "INTERNAL": "Something failed here, not on your side. Quote the request id when you report it.",
    "INVALID_EMAIL": "The text is not an e-mail address.",
    "INVALID_LINK": "The link is unknown, spent, revoked or expired. Ask for a new one.",
    "INVALID_PASSWORD": "The password does not satisfy the policy.",
    "INVALID_VALUE": "A value does not fit its property.",
    "LAST_OWNER": "The workspace would be left without an owner who can sign in.",
    "LIMIT": "A stated limit is exceeded: page size, nodes, depth, aliases, tokens, items or bytes.",
    "MAPPING": "The mapping names a column or a property that does not exist, or leaves out a required one.",
    "NAME_TAKEN": "The name is held by a living record beside this one.",
    "NOT_FOUND": "No record of this workspace has this id, address or external id.",
    "NOT_POSSIBLE": "The record is not in a state in which this can be done.",
    "ORGANIZATION_CYCLE": "The organization would come to lie under itself.",
    "PERSISTED_QUERY_NOT_FOUND": "No document is known by this hash. Send the document with it.",
    "RATE_LIMITED": "Too many requests. Wait as long as Retry-After says.",
    "REQUIRED": "A required value is missing or blank.",
    "SIGN_IN_FAILED": "The workspace, the address or the password is wrong.",
    "STORAGE_BUSY": "The database is held by another process. Nothing was written; try again.",
    "STORAGE_FULL": "The disk is full. Nothing was written; reads go on.",
    "SYNTAX": "The document is not GraphQL, or does not fit the schema.",
    "TIMEOUT": "The operation took too long and was cancelled. Nothing was written.",
    "TOO_DEEP": "Organizations nest at most 50 deep.",
    "TOO_LONG": "A text is longer than its property keeps.",
    "UNAUTHENTICATED": "No valid credentials were sent.",
}
assert set(MEANINGS) == set(get_args(ErrorCode))  # noqa: S101  the two lists are one

Path = tuple[str, ...]


class Refusal(Exception):  # noqa: N818  a refusal is an answer, not a defect
    """Something that was asked and is not done, with the reason a client can act on.

    `path` points into the input. `facts` are further fields of the error's type in the schema (`type_name`).
    """

    type_name = "InvalidInput"
    code: ErrorCode = "INVALID_VALUE"

    def __init__(self, message: str, path: Path = (), *, code: ErrorCode | None = None, **facts: Any) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.code = code or type(self).code
        self.facts = facts

    def under(self, *prefix: str) -> "Refusal":
        """The same refusal, its path continued towards the root."""
        self.path = (*prefix, *self.path)
        return self


class InvalidValue(Refusal):
    """A value that does not fit; `value` is the value as sent."""


class NotFound(Refusal):
    """An id, address or external id that names nothing in sight."""

    type_name = "NotFound"
    code: ErrorCode = "NOT_FOUND"


class EmailTaken(Refusal):
    """`holder` is the id of the customer or user who holds the address."""

    type_name = "EmailTaken"
    code: ErrorCode = "EMAIL_TAKEN"


class ExternalIdTaken(Refusal):
    """`holder` is the id of the record that holds the external id."""

    type_name = "ExternalIdTaken"
    code: ErrorCode = "EXTERNAL_ID_TAKEN"


class NameTaken(Refusal):
    """`holder` is the id of the record that holds the name."""

    type_name = "NameTaken"
    code: ErrorCode = "NAME_TAKEN"


class Conflict(Refusal):
    """`current_version` is the version the record has now, `record` its id."""

    type_name = "VersionConflict"
    code: ErrorCode = "CONFLICT"


class OrganizationCycle(Refusal):
    type_name = "OrganizationCycle"
    code: ErrorCode = "ORGANIZATION_CYCLE"


class NotEmpty(Refusal):
    """`customer_count` and `organization_count` say what a record that should be archived still holds."""

    type_name = "NotEmpty"
    code: ErrorCode = "CANNOT_ARCHIVE"


class NotPossible(Refusal):
    code: ErrorCode = "NOT_POSSIBLE"


class LimitExceeded(Refusal):
    code: ErrorCode = "LIMIT"


class BadCursor(Refusal):
    code: ErrorCode = "BAD_CURSOR"


class RequestRefusal(Refusal):
    """A refusal of the whole request; it is answered among the top-level errors, not in a payload."""

    retry_after_seconds: int | None = None


class Forbidden(RequestRefusal):
    code: ErrorCode = "FORBIDDEN"


class Unauthenticated(RequestRefusal):
    code: ErrorCode = "UNAUTHENTICATED"


class RateLimited(RequestRefusal):
    code: ErrorCode = "RATE_LIMITED"

    def __init__(self, message: str, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class KeyInFlight(RequestRefusal):
    code: ErrorCode = "IDEMPOTENCY_KEY_IN_FLIGHT"
    retry_after_seconds = 1


class KeyUsed(RequestRefusal):
    code: ErrorCode = "IDEMPOTENCY_KEY_USED"


class TimedOut(RequestRefusal):
    code: ErrorCode = "TIMEOUT"


class StorageBusy(RequestRefusal):
    code: ErrorCode = "STORAGE_BUSY"
    retry_after_seconds = 1


class StorageFull(RequestRefusal):
    code: ErrorCode = "STORAGE_FULL"
    retry_after_seconds = 30


class AccessMoved(Exception):  # noqa: N818  not an error: the caller looks again who is asking
    """Rights changed since the viewer was looked up; look again and repeat."""


class Unique(Exception):  # noqa: N818  named for what was violated
    """A uniqueness that a write would break; the noun whose table it is names the refusal.

    `what` names the columns or the index.
    """

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what
