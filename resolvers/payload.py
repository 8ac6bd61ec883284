"""What a mutation answers: its outcome, with every record in it read by the engine of reads, as the transaction sees it."""

import copy
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from db.engines.dialects import Dialect
from db.errors import Refusal
from db.reads.catalogue import NODES, QUERY, RECORDS
from db.reads.reading import Reader, Reading, at_most
from db.reads.scope import Scope
from db.reads.selection import Constant, Field, Fields, Slot, Variables
from resolvers.selection import snake

Rows = Callable[[str, Sequence[Any]], Awaitable[list[Any]]]


@dataclass(frozen=True, slots=True)
class Reference:
    """A record in an outcome, by its id."""

    id: str | None


@dataclass(frozen=True, slots=True)
class Root:
    """An entry of `db.reads.catalogue.QUERY` in an outcome, such as a list of what was touched."""

    name: str
    values: Variables


EMPTY: Mapping[str, Any] = {
    "errors": [],
    "results": [],
    "count": 0,
    "customer_count": 0,
    "customers": Root("customers_of_change", {"change": 0}),
    "signed_out": False,
    "revoked": False,
}
"""What a payload holds where nothing was done."""

REFERENCES = {"holder", "record", "organization"}
"""The facts of a refusal that are ids of records."""


def own(name: str) -> str:
    """A value of an outcome among a request's variables, by a name that no variable can have."""
    return f"{name} of the outcome"


class Answering:
    """The payload one mutation field asks for. Its statements are built at first use and kept with the document's plan."""

    def __init__(self, dialect: Dialect, field: Field) -> None:
        self.dialect = dialect
        self.field = field
        self.variables: Variables = {}
        self._readers: dict[Any, Reader] = {}

    def given(self, variables: Variables) -> "Answering":
        """The same, for a request with these variables."""
        other = copy.copy(self)
        other.variables = variables
        return other

    async def assemble(self, outcome: Mapping[str, Any], scope: Scope, rows: Rows) -> bytes:
        """The JSON of a payload."""
        wanted: dict[int, tuple[Field, dict[str, Any]]] = {}
        self._collect(self.field, outcome, wanted)
        for field, ids in wanted.values():
            if ids:
                reader, variables = self._by_ids(field, scope), {**self.variables, own("ids"): list(ids)}
                at_most(reader.nodes(variables) * len(ids))
                for record_id, found in await rows(reader.text, reader.parameters(variables, scope)):
                    ids[record_id] = found and orjson.Fragment(found)
        return orjson.dumps(await self._built(self.field, outcome, wanted, scope, rows))

    # What records are in it

    def _collect(self, field: Field, value: Any, wanted: dict[int, tuple[Field, dict[str, Any]]]) -> None:
        if isinstance(value, Reference):
            if value.id is not None:
                wanted.setdefault(id(field), (field, {}))[1][value.id] = None
        elif isinstance(value, list):
            for one in value:
                self._collect(field, one, wanted)
        elif isinstance(value, Refusal):
            self._collect(field, facts(value), wanted)
        elif isinstance(value, Mapping):
            for entry in self._fields(field, value):
                if isinstance(entry, Field):
                    self._collect(entry, value.get(entry.name), wanted)

    def _fields(self, field: Field, value: Mapping[str, Any]) -> Fields:
        return field.fields if field.by_kind is None else field.by_kind.get(value["kind"], ())

    # Its JSON

    async def _built(
        self, field: Field, value: Any, wanted: dict[int, tuple[Field, dict[str, Any]]], scope: Scope, rows: Rows
    ) -> Any:
        if isinstance(value, Reference):
            return wanted[id(field)][1][value.id] if value.id is not None else None
        if isinstance(value, Root):
            reader = self._root(field, value, scope)
            variables = {**self.variables, **{own(name): given for name, given in value.values.items()}}
            reader.nodes(variables)
            found = await rows(reader.text, reader.parameters(variables, scope))
            return orjson.Fragment(found[0][0])
        if isinstance(value, list):
            return [await self._built(field, one, wanted, scope, rows) for one in value]
        if isinstance(value, Refusal):
            value = facts(value)
        if not isinstance(value, Mapping):
            return value
        built: dict[str, Any] = {}
        for entry in self._fields(field, value):
            if isinstance(entry, Constant):
                built[entry.key] = entry.value
            else:
                held = value.get(entry.name, EMPTY.get(entry.name))
                built[entry.key] = await self._built(entry, held, wanted, scope, rows)
        return built

    # Its statements

    def _by_ids(self, field: Field, scope: Scope) -> Reader:
        key = (id(field), scope.customer_id is not None)
        if key not in self._readers:
            reading = Reading(self.dialect, RECORDS, for_customer=key[1])
            by_kind = field.by_kind if field.by_kind is not None else {field.name: field.fields}
            asked = Field(field.key, field.name, by_kind=by_kind)
            self._readers[key] = reading.by_ids([k for k in NODES if k in by_kind], asked, Slot((own("ids"),)))
        return self._readers[key]

    def _root(self, field: Field, root: Root, scope: Scope) -> Reader:
        key = (id(field), scope.customer_id is not None)
        if key not in self._readers:
            reading = Reading(self.dialect, RECORDS, for_customer=key[1])
            arguments = {**field.arguments, **{name: Slot((own(name),)) for name in root.values}}
            asked = Field(field.key, root.name, arguments, field.fields, field.by_kind, field.path)
            self._readers[key] = reading.alone(reading.entry(QUERY, None, asked))
        return self._readers[key]


def facts(refusal: Refusal) -> dict[str, Any]:
    """A refusal as its type in the schema shows it."""
    known = {name: Reference(v) if name in REFERENCES else v for name, v in refusal.facts.items()}
    return {
        "kind": snake(refusal.type_name),
        "code": refusal.code,
        "message": refusal.message,
        "path": list(refusal.path),
        **known,
    }
