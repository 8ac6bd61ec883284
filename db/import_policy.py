"""What an import does beside reading: what it may make and change on the way, and when it gives up."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from db.errors import InvalidValue
from db.mapping.columns import refused
from db.mapping.fields import required

PLACES: Final[Mapping[str, Mapping[str, str]]] = {
    "CUSTOMERS": {
        "firstName": "first_name",
        "lastName": "last_name",
        "phone": "phone",
        "title": "title",
        "externalId": "external_id",
        "organization": "organization_id",
    },
    "ORGANIZATIONS": {"externalId": "external_id", "website": "website", "description": "description"},
    "TICKETS": {
        "requesterName": "requester_name",
        "subject": "subject",
        "description": "description",
        "status": "status",
        "priority": "priority",
        "project": "project_id",
    },
}
"""The properties that may have a policy of their own, and the columns of the record that they become."""

FOUND_BY: Final[Mapping[str, Mapping[str, str]]] = {
    "CUSTOMERS": {"EMAIL": "email", "EXTERNAL_ID": "externalId", "ID": "id"},
    "ORGANIZATIONS": {"EXTERNAL_ID": "externalId", "ID": "id"},
    "TICKETS": {"EXTERNAL_ID": "externalId", "ID": "id"},
}
"""By what existing records can be found, and the property that says it."""


class Policy(NamedTuple):
    """The choices of an import, as it keeps them."""

    creates_organizations: bool = True
    """Whether an organization that a row names is made where there is none."""
    most_refused: int | None = None
    """How many rows may be refused before it stops; None: any number."""
    fields: Mapping[str, str] = {}
    """What becomes of single columns of existing records: UPDATE, FILL_EMPTY, SKIP or FAIL."""
    match_by: str | None = None
    """EMAIL, EXTERNAL_ID or ID: by what existing records are found; None: as is usual for the kind."""


AS_USUAL: Final = Policy()


def check_match_by(kind: str, match_by: str | None) -> None:
    """Refuses what records of a kind cannot be found by."""
    if match_by is not None and match_by not in FOUND_BY[kind]:
        message = f"Records of {kind.lower()} are not found by {match_by}, but by {' or '.join(FOUND_BY[kind])}."
        raise InvalidValue(message, ("matchBy",), value=match_by)


def needed(kind: str, match_by: str | None) -> str:
    """The one property that a mapping must have: what records are found by, or else what each new one needs."""
    return FOUND_BY[kind][match_by] if match_by is not None else required(kind)


def places_of(kind: str, match_by: str | None) -> Mapping[str, str]:
    """The properties that may have a policy of their own; a customer's address, where customers are found otherwise."""
    return PLACES[kind] if kind != "CUSTOMERS" or match_by in {None, "EMAIL"} else {**PLACES[kind], "email": "email"}


def fields_of(
    kind: str, on_existing: str, given: Sequence[Mapping[str, Any]], match_by: str | None = None
) -> dict[str, str]:
    """The policies of single properties, by the columns they become."""
    if given and on_existing not in {"UPDATE", "FILL_EMPTY"}:
        message = f"With onExisting {on_existing} no existing record is changed. Leave fieldPolicies out."
        raise InvalidValue(message, ("fieldPolicies",))
    found: dict[str, str] = {}
    for i, one in enumerate(given):
        path, name, places = ("fieldPolicies", str(i), "field"), one["field"], places_of(kind, match_by)
        if name not in places:
            message = f"{name[:80]!r} cannot have a policy of its own. Those that can: {', '.join(places)}."
            raise refused(message, path, name[:80])
        if places[name] in found:
            raise refused(f"{name} has two policies. Leave one of them out.", path, name)
        found[places[name]] = one["on_existing"]
    return found


def most_refused_of(error_policy: str, most_refused: int | None) -> int | None:
    """How many rows may be refused: none where an import is to stop at the first."""
    if most_refused is None:
        return 0 if error_policy == "STOP_AT_FIRST" else None
    if error_policy == "STOP_AT_FIRST":
        raise InvalidValue("STOP_AT_FIRST allows no refused row. Leave mostRefused out.", ("mostRefused",))
    if most_refused < 0:
        raise InvalidValue("mostRefused is 0 or more.", ("mostRefused",))
    return most_refused
