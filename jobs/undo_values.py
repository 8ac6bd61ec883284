"""What undoing shares: which values still are what the import wrote, and what undoing a slice needs to know."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from db.text import shorten
from db.transaction import Transaction
from db.undoing import Touched, Verdict


@dataclass(slots=True)
class Leaving:
    """How many customers and organizations left each organization: what a dry run takes back, it must not forget."""

    customers: Counter[str] = field(default_factory=Counter)
    children: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Leaving") -> None:
        self.customers.update(other.customers)
        self.children.update(other.children)


@dataclass(frozen=True, slots=True)
class Slice:
    """One attempt at a part of a change: its transaction, the import, and what the change shared projects with."""

    tx: Transaction
    import_id: str
    shares: frozenset[tuple[str, str]]
    created: frozenset[str]
    left_before: Leaving
    left: Leaving


def unlike(
    row: Mapping[str, Any], touched: Touched, names: Mapping[str, str], aside: Collection[str] = ()
) -> list[str]:
    """The properties of a record made by the import that are no longer as it made them."""
    return [
        name
        for column, name in names.items()
        if column not in aside and row[column] != touched.after.get(name) and name != "number"
    ]


def keep_edited(verdict: Verdict, names: list[str]) -> None:
    """A record that was made by the import and edited since is kept."""
    for name in names:
        verdict.keep("EDITED", f"{name} was changed since the import.", name)


def restorable(
    row: Mapping[str, Any],
    touched: Touched,
    columns: Mapping[str, str],
    verdict: Verdict,
    aside: Collection[str] = (),
) -> dict[str, Any]:
    """The columns of a changed record, as they were, that still are as the import wrote them; others are listed."""
    wanted = {}
    for name, wrote in touched.after.items():
        column = columns.get(name)
        if column is None or column in aside:
            continue
        now, was = row[column], touched.before.get(name)
        if now == was:
            continue
        if now == wrote:
            wanted[column] = was
        else:
            message = f"{name} was changed since: the import wrote {_told(wrote)}, and it is {_told(now)} now."
            verdict.keep("CHANGED_SINCE", message, name, state="PARTLY_UNDONE")
    return wanted


def gone(verdict: Verdict, touched: Touched) -> None:
    """What became of a record that is archived: one made by the import is as it should be."""
    if touched.action != "CREATED":
        verdict.keep("ARCHIVED", "The record was archived since; its values stay as they are.")


def settle(verdict: Verdict, *, restored: int) -> None:
    """A record of which nothing was restored is KEPT."""
    if verdict.issues:
        verdict.state = "PARTLY_UNDONE" if restored else "KEPT"


def _told(value: Any) -> str:
    return "empty" if value is None else repr(shorten(str(value), 60))
