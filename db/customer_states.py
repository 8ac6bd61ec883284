"""Customers as they were: before a change and after it, made from what they are now and from what the log says moved since.

Conditions are the ones of lists, run over these rows. What they say of other records (projects, the tree, invitations) counts
as it is now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

import orjson
from sqlalchemy import and_, bindparam, exists, literal_column, or_, select

from db.access import organizations_of
from db.columns import Key
from db.customers import CUSTOMER, NAMES, keys
from db.engines.dialects import Dialect, quoted
from db.ids import PREFIXES
from db.reads.filtering import mentions, where
from db.reads.reading import Reader, Reading
from db.reads.records import Record, Row
from db.reads.scope import Scope
from db.reads.selection import Path, Slot
from db.statements import Statement, columns
from db.tables import Change, ChangeRecord, Customer, ProjectCustomer
from db.text import address_key
from db.tree import downward
from db.writing import ids_of, listed

AT_ONCE = 500
"""Records of one change that are looked at together."""
COLUMNS = {
    name: column.type
    for name, column in columns(Customer).items()
    if name not in {"workspace_id", "version", "archived_by_change"}
}
_PROPERTIES = {shown: column for column, shown in NAMES.items()}

State = dict[str, Any]


def _of_project(reading: Reading, customer: Row, given: Any) -> Any:
    """That a project is shared with the customer, or with the organization it was in then."""
    project_id = reading.value(given)
    direct = reading.rows(ProjectCustomer)
    shared = select(direct.row.customer_id).select_from(direct.clause)
    shared = shared.where(*direct.where, direct.row.project_id == project_id)
    tree = downward(reading, organizations_of(reading, project_id))
    within = customer.organization_id.in_(select(tree.c.id))
    return or_(customer.id.in_(shared), and_(customer.organization_id.is_not(None), within))


FOLLOWED = replace(CUSTOMER, filters={**CUSTOMER.filters, "project": _of_project})
"""Customers as rows of then, with the conditions of lists."""


class Rows(Protocol):
    """What reads statements."""

    @property
    def dialect(self) -> Dialect: ...
    async def read(self, text: str, parameters: Sequence[Any]) -> list[Any]: ...
    async def rows(self, statement: Statement, **values: Any) -> list[Any]: ...


class Entry(NamedTuple):
    """A customer that a change touched."""

    record_id: str
    action: str
    before: Mapping[str, Any]
    at: int
    now: State


def matching(dialect: Dialect, records: Mapping[str, Record], given: Any, path: Path, *, for_customer: bool) -> Reader:
    """The statement that tells whether any of the `states` of a request meets a filter."""
    reading = Reading(dialect, records, for_customer=for_customer)
    name = reading.alias("state")
    row = Row(name, COLUMNS)
    conditions = [where(reading, FOLLOWED, row, given, path)]
    if not mentions(given, "archived"):
        conditions.append(row.archived_at.is_(None))
    values = reading.parameter(lambda variables, _: Slot(("states",)).read(variables))
    states = dialect.entries(values, {column: column for column in COLUMNS}, name)
    return reading.alone(exists(select(literal_column("1")).select_from(states).where(*conditions)))


async def matches(database: Rows, reader: Reader, variables: Mapping[str, Any], scope: Scope, number: int) -> bool:
    """Whether any customer that a change touched met the filter before it or meets it after it."""
    after = ""
    while True:
        entries = await touched(database, scope.workspace_id, number, after)
        if entries:
            states = await states_of(database, scope.workspace_id, number, entries)
            given = {**variables, "states": orjson.dumps(states).decode()}
            if (await database.read(reader.text, reader.parameters(given, scope)))[0][0]:
                return True
        if len(entries) < AT_ONCE:
            return False
        after = entries[-1].record_id


async def touched(database: Rows, workspace_id: str, number: int, after: str) -> list[Entry]:
    found = await database.rows(TOUCHED, workspace=workspace_id, number=number, after=after)
    return [
        Entry(record_id, action, _parsed(before), at, dict(zip(COLUMNS, row, strict=True)))
        for record_id, action, before, at, *row in found
    ]


async def states_of(database: Rows, workspace_id: str, number: int, entries: Sequence[Entry]) -> list[State]:
    """The rows of these customers before a change and after it."""
    later: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
    ids = listed(entry.record_id for entry in entries)
    for record_id, action, before in await database.rows(LATER, workspace=workspace_id, number=number, ids=ids):
        later.setdefault(record_id, []).append((action, _parsed(before)))
    states = []
    for entry in entries:
        state = dict(entry.now)
        for action, before in later.get(entry.record_id, ()):
            _undo(state, action, before)
        joined = entry.now["activated_at"]
        after = _completed(state, entry.at, joined is not None and joined <= entry.at)
        states.append(after)
        if entry.action != "CREATED":
            _undo(state, entry.action, entry.before)
            states.append(_completed(state, entry.at, joined is not None and joined < entry.at))
    return states


def _undo(state: State, action: str, before: Mapping[str, Any]) -> None:
    for name, value in before.items():
        if name in _PROPERTIES:
            state[_PROPERTIES[name]] = value
    if action == "ARCHIVED":
        state["archived_at"] = None
    elif action == "RESTORED":
        state["archived_at"] = state["updated_at"]


def _completed(state: State, at: int, joined: bool) -> State:
    """A row whose sort keys follow from its properties again."""
    row = {**state, "email_key": address_key(state["email"]), "updated_at": at}
    row["activated_at"] = state["activated_at"] if joined else None
    return row | keys(row)


def _parsed(before: Any) -> Mapping[str, Any]:
    parsed: Mapping[str, Any] = orjson.loads(before) if isinstance(before, str) else before or {}
    return parsed


_e, _h, _k = columns(ChangeRecord), columns(Change), columns(Customer)
_low, _high = quoted(f"{PREFIXES['customer']}_"), quoted(f"{PREFIXES['customer']}`")
_mine: Any = bindparam("workspace")
TOUCHED = Statement(
    select(_e.record_id, _e.action, _e.before, _h["at"], *(_k[name] for name in COLUMNS))
    .where(
        _e.workspace_id == _mine,
        _e.number == bindparam("number"),
        _e.record_id > bindparam("after", type_=Key),
        _e.record_id >= _low,
        _e.record_id < _high,
        _h.workspace_id == _mine,
        _h.number == _e.number,
        _k.workspace_id == _mine,
        _k.id == _e.record_id,
    )
    .order_by(_e.record_id)
    .limit(literal_column(str(AT_ONCE)))
)
LATER = Statement(
    lambda dialect: (
        select(_e.record_id, _e.action, _e.before)
        .where(_e.workspace_id == _mine, _e.record_id.in_(ids_of(dialect)), _e.number > bindparam("number"))
        .order_by(_e.record_id, _e.number.desc())
    )
)
