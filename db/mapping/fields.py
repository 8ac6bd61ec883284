"""What files can be read into: the properties that a mapping may name, for each kind of import."""

from collections.abc import Mapping
from typing import Final, NamedTuple


class ImportField(NamedTuple):
    """One property: its name in mappings, what is accepted, and values as they may stand in a file."""

    name: str
    description: str
    examples: tuple[str, ...] = ()
    required: bool = False
    type: str = "TEXT"
    joined_by: str | None = None
    """What stands between the values of several columns; None: the first that has a value counts."""


def _id(example: str) -> ImportField:
    return ImportField(
        "id",
        "The record's own id, as exports write it: existing records are found by it with `matchBy: ID`. It is left aside "
        "otherwise.",
        (example,),
        type="IDENTIFIER",
    )


CUSTOMERS: Final = (
    ImportField(
        "email",
        "The e-mail address; existing customers are found by it, unless `matchBy` says otherwise.",
        ("ann.lee@example.com",),
        True,
        type="EMAIL",
    ),
    ImportField(
        "otherEmails",
        "Further addresses of the same person. A customer has one: these are left out, with a warning.",
        ("ann@home.example",),
        type="EMAILS",
        joined_by="; ",
    ),
    ImportField("firstName", "The first name, at most 200 characters.", ("Ann",), joined_by=" "),
    ImportField("lastName", "The last name, at most 200 characters.", ("Lee",), joined_by=" "),
    ImportField(
        "name",
        "The whole name; it is split into first and last name where those have no values of their own.",
        ("Ann Lee", "Lee, Ann"),
        type="PERSON",
        joined_by=" ",
    ),
    ImportField("phone", "The phone number as written, at most 100 characters.", ("+49 30 123456",), type="PHONE"),
    ImportField("title", "The position in the organization, at most 200 characters.", ("Head of Support",)),
    ImportField(
        "externalId",
        "The id in the system it comes from; unique among living customers.",
        ("C-1042",),
        type="IDENTIFIER",
    ),
    ImportField(
        "organization",
        "The organization's name, or its path from the top with ' / ' between (in a name, that is written ' \\/ '). A name alone "
        "is the one at the top level, or else the only one of that name; created where there is none.",
        ("Acme", "Acme / Europe"),
        type="PATH",
        joined_by=" / ",
    ),
    ImportField(
        "organizationWebsite",
        "The website of that organization, where it has none.",
        ("https://acme.example",),
        type="URL",
    ),
    ImportField(
        "organizationExternalId",
        "The external id of that organization; it leads where one is found.",
        ("A-7",),
        type="IDENTIFIER",
    ),
    ImportField(
        "projects",
        "Existing projects to share with the customer: names or external ids with ';' between, at most 20. A row that names "
        "another is refused. Never suggested, since shares show a project to others.",
        ("Website", "Website; P-7"),
        type="LIST",
        joined_by="; ",
    ),
    _id("cus_01k3v0h6f1c9m8t5p2r7x4zqwe"),
)

ORGANIZATIONS: Final = (
    ImportField("name", "The organization's name, at most 200 characters.", ("Acme",), True),
    ImportField(
        "parent",
        "The organization it lies under: its name, or its path from the top with ' / ' between (in a name, that is written "
        "' \\/ '). A row of the file is meant before one that exists, wherever it stands in the file; a name that several have, "
        "none of them at the top level, is refused with AMBIGUOUS_ORGANIZATION. Created where there is none.",
        ("Acme", "Acme / Europe"),
        type="PATH",
        joined_by=" / ",
    ),
    ImportField(
        "externalId",
        "The id in the system it comes from; existing organizations are found by it, unless `matchBy` is ID.",
        ("A-7",),
        type="IDENTIFIER",
    ),
    ImportField("website", "The website, at most 500 characters.", ("https://acme.example",), type="URL"),
    ImportField("description", "A description, at most 5,000 characters.", ("Customer since 2019",), joined_by="\n"),
    _id("org_01k3v0h6f1c9m8t5p2r7x4zqwe"),
)

TICKETS: Final = (
    ImportField(
        "requesterEmail",
        "The requester's address; the ticket belongs to the customer who has it, now or later.",
        ("ann.lee@example.com",),
        True,
        type="EMAIL",
    ),
    ImportField(
        "requesterName", "The requester's name, at most 400 characters.", ("Ann Lee",), type="PERSON", joined_by=" "
    ),
    ImportField("subject", "What it is about, at most 500 characters; made of the description if absent.", ("Refund",)),
    ImportField("description", "The text, at most 100,000 characters.", ("I was charged twice.",), joined_by="\n"),
    ImportField(
        "status",
        "OPEN, PENDING or CLOSED, or a usual word for one of them.",
        ("Open", "Pending Customer Response", "Resolved"),
        type="WORD",
    ),
    ImportField(
        "priority",
        "LOW, NORMAL, HIGH or URGENT, or a usual word for one of them.",
        ("Low", "Medium", "Critical"),
        type="WORD",
    ),
    ImportField(
        "externalId",
        "The id in the system it comes from; existing tickets are found by it, unless `matchBy` is ID.",
        ("1042",),
        type="IDENTIFIER",
    ),
    ImportField("project", "The name of an existing project.", ("Website",)),
    ImportField(
        "createdAt",
        "When it was created, which existing tickets know already: ISO 8601, or as people write it; UTC if no zone is given. Day "
        "and month are not guessed at.",
        ("2026-01-31T10:00:00Z", "2026-01-31", "31.01.2026 10:00", "Jan 31, 2026"),
        type="DATE_TIME",
    ),
    _id("tkt_01k3v0h6f1c9m8t5p2r7x4zqwe"),
)

FIELDS: Final[Mapping[str, tuple[ImportField, ...]]] = {
    "CUSTOMERS": CUSTOMERS,
    "ORGANIZATIONS": ORGANIZATIONS,
    "TICKETS": TICKETS,
}


JOINED: Final[Mapping[str, str]] = {
    field.name: field.joined_by for fields in FIELDS.values() for field in fields if field.joined_by is not None
}
"""What stands between the values of several columns that are read into one property; the first value counts elsewhere."""


def names(kind: str) -> tuple[str, ...]:
    """The properties of a kind, in order."""
    return tuple(field.name for field in FIELDS[kind])


def required(kind: str) -> str:
    """The one property that a mapping of this kind must have."""
    return next(field.name for field in FIELDS[kind] if field.required)
