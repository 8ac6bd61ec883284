"""What `rolodesk import` is told by its options: how the file is read, into what, and what happens to records that exist."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, TypeVar

import typer

from db.errors import Refusal
from db.files.table import How, Look
from db.import_policy import Policy, check_match_by, fields_of, most_refused_of
from db.mapping import fields as import_fields
from db.mapping.columns import check

Entry = dict[str, str | None]
"""An entry of a mapping: a column or a constant, and its property."""


class Kind(StrEnum):
    customers = "customers"
    organizations = "organizations"
    tickets = "tickets"


class OnExisting(StrEnum):
    update = "update"
    fill_empty = "fill-empty"
    skip = "skip"
    fail = "fail"


class MatchBy(StrEnum):
    email = "email"
    external_id = "external-id"
    id = "id"


class DateOrder(StrEnum):
    day_first = "day-first"
    month_first = "month-first"


Choice = TypeVar("Choice", bound=StrEnum)


def spelled(choice: Choice) -> str:
    """An option's value as the API spells it."""
    return choice.value.upper().replace("-", "_")


class Choices(NamedTuple):
    """Everything that was chosen."""

    kind: str
    how: How
    own: Mapping[str, str]
    """Columns that were mapped by hand, '' to ignore one."""
    constants: Mapping[str, str]
    saved: str | None
    save_as: str | None
    on_existing: str
    policy: Policy
    date_order: str | None
    projects: Sequence[str]
    send_invitations: bool
    dry_run: bool
    refused_file: Path | None = None
    """Where the refused rows are written."""


def pairs(texts: Sequence[str], option: str, form: str) -> dict[str, str]:
    """Texts such as `Column=property`, by what is before the last equals sign."""
    found: dict[str, str] = {}
    for text in texts:
        before, equals, after = text.rpartition("=")
        if not equals or not before.strip():
            raise typer.BadParameter(f"{text!r} is not {form}.", param_hint=option)
        found[before.strip()] = after.strip()
    return found


def constants_of(kind: str, texts: Sequence[str]) -> dict[str, str]:
    """Properties and their constants, the first equals sign between them."""
    found: dict[str, str] = {}
    for text in texts:
        field, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not value:
            raise typer.BadParameter(f"{text!r} is not property=constant.", param_hint="--set")
        known(kind, field, "--set")
        found[field] = value
    return found


def known(kind: str, field: str, option: str) -> None:
    """Refuses a property that there is not."""
    names = import_fields.names(kind)
    if field not in names:
        raise typer.BadParameter(f"{field!r} is no property; they are: {', '.join(names)}.", param_hint=option)


def policy_of(
    kind: str,
    on_existing: OnExisting,
    policies: Sequence[str],
    match_by: MatchBy | None,
    most_refused: int | None,
    *,
    creates_organizations: bool,
) -> Policy:
    """The policy of an import."""
    by = spelled(match_by) if match_by else None
    check_match_by(kind, by)
    given = []
    for field, choice in pairs(policies, "--field-policy", "property=policy").items():
        if choice not in set(OnExisting):
            allowed = ", ".join(OnExisting)
            raise typer.BadParameter(f"{choice!r} is no policy; they are: {allowed}.", param_hint="--field-policy")
        given.append({"field": field, "on_existing": spelled(OnExisting(choice))})
    return Policy(
        creates_organizations,
        most_refused_of("CONTINUE", most_refused),
        fields_of(kind, spelled(on_existing), given, by),
        by,
    )


def mapped(choices: Choices, look: Look, entries: Sequence[Mapping[str, str | None]], needed: str) -> list[Entry]:
    """The mapping: as given by hand, otherwise as suggested or saved where nothing given takes the column or the property."""
    columns, own = look.layout.columns, choices.own
    listed = ", ".join(columns[:30])
    unknown = [column for column in own if column not in columns]
    if unknown:
        raise typer.BadParameter(f"The file has no column {unknown[0]!r}; it has: {listed}.", param_hint="--map")
    for field in filter(None, own.values()):
        known(choices.kind, field, "--map")
    taken = set(own.values())
    mapping: list[Entry] = [
        {"column": one["column"] or None, "field": one["field"], "constant": one.get("constant")}
        for one in entries
        if one["field"] is not None
        and one["column"] not in own
        and one["field"] not in taken
        and (one["column"] or one["field"] not in choices.constants)
    ]
    mapping += [{"column": column, "field": field, "constant": None} for column, field in own.items() if field]
    mapping += [{"column": None, "field": f, "constant": value} for f, value in choices.constants.items()]
    if all(one["field"] != needed for one in mapping):
        raise Refusal(f"No column is {needed}; say which one with --map. Columns: {listed}.")
    check(choices.kind, mapping, needed)
    return mapping
