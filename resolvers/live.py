"""Subscriptions: reads that are repeated when something changed, by the same engine and within the same rights.

A subscriber is asked for more only when it took what it was sent, so a slow one holds nothing but its place.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

import orjson

from db import customer_states
from db.engines.dialects import Dialect
from db.errors import AccessMoved, NotFound
from db.reads.catalogue import QUERY, RECORDS
from db.reads.reading import Reader, Reading
from db.reads.selection import Field, Slot
from resolvers.context import Context, Viewer
from resolvers.kept import compact
from resolvers.signals import Signals

ENDED = {"SUCCEEDED", "FAILED", "CANCELLED", "UNDONE", "PARTLY_UNDONE"}
AT_ONCE = 50

Events = AsyncGenerator[bytes, None]


@dataclass(slots=True)
class LivePlan:
    """A subscription's root field, with the reads it repeats."""

    key: bytes
    follow: "Follow"
    reader: Reader
    matching: Reader | None = None
    """Tells whether a customer was or is among those who are followed."""


@dataclass(slots=True)
class Live:
    """One running subscription."""

    context: Context
    signals: Signals
    plan: LivePlan
    plan_for: Callable[[Viewer], LivePlan]
    """The plan for a viewer whose rights moved; refused where they no longer suffice."""
    seen: int = 0

    async def read(self, variables: Mapping[str, Any]) -> list[Any]:
        """The columns of one read; notes the change number it saw."""
        process = self.context.process
        while True:
            viewer, now, reader = self.context.asking, process.clock(), self.plan.reader
            rows = await self.signals.read(reader.text, reader.parameters(variables, viewer.scope(now)))
            if rows and rows[0][0] == viewer.access_number and not viewer.expired(now):
                self.seen = rows[0][1]
                return list(rows[0][2:])
            if self.context.look_again is None:
                raise AccessMoved
            self.context = self.context._replace(viewer=await self.context.look_again())
            if self.context.asking.permissions != viewer.permissions:
                self.plan = self.plan_for(self.context.asking)

    async def concerned(self, number: int, variables: Mapping[str, Any]) -> bool:
        """Whether a change is one to be told of."""
        reader = self.plan.matching
        if reader is None:
            return True
        process, scope = self.context.process, self.context.asking.scope(self.context.process.clock())
        key = (reader.text, number, orjson.dumps(variables, default=str), scope.workspace_id, scope.customer_id)
        return await self.signals.once(
            key, lambda: customer_states.matches(process.database, reader, variables, scope, number)
        )

    async def changed(self) -> None:
        """Waits until something changed since the last read."""
        await self.signals.moved(self.context.asking.workspace_id, self.seen)


Follow = Callable[[Live, Mapping[str, Any]], Events]


async def import_progress(live: Live, variables: Mapping[str, Any]) -> Events:
    """The import whenever it looks different, until it ended."""
    last: str | None = None
    while True:
        shown, status = await live.read(variables)
        if shown is None:
            raise NotFound("There is no import with this id in sight.", ("importProgress",))
        if shown != last:
            last = shown
            yield shown.encode()
        if orjson.loads(status)["status"] in ENDED:
            return
        await live.changed()


async def changes(live: Live, variables: Mapping[str, Any]) -> Events:
    """The changes after a position, one by one, in the order of the log."""
    position = variables.get("position")
    if position is None:
        await live.read({**variables, "position": 2**62})
        position = live.seen
    while True:
        page = orjson.loads((await live.read({**variables, "position": position}))[0])["nodes"]
        for node in page:
            position = node["number"]
            if await live.concerned(position, variables):
                yield orjson.dumps(node["shown"])
        if len(page) < AT_ONCE:
            await live.changed()


def planned(dialect: Dialect, asked: Field, *, for_customer: bool) -> LivePlan:
    """The plan of a subscription's root field."""
    reading = Reading(dialect, RECORDS, for_customer=for_customer)
    if asked.name == "import_progress":
        follow: Follow = import_progress
        status = Field("import", "import", asked.arguments, (Field("status", "status"),))
        shown = [reading.entry(QUERY, None, replace(one, name="import")) for one in (asked, status)]
    else:
        follow = changes
        kind = asked.name.removesuffix("s_changed")
        node = (Field("number", "number"), Field("shown", "itself", {}, asked.fields))
        arguments = {"after_number": Slot(("position",)), "kind": kind, "first": AT_ONCE}
        shown = [
            reading.entry(
                QUERY, None, Field("changes", "changes_of_kind", arguments, (Field("nodes", "nodes", {}, node),))
            )
        ]
    given = asked.arguments.get("filter")
    matching = None
    if given is not None:
        path = (*asked.path, "filter")
        matching = customer_states.matching(dialect, RECORDS, given, path, for_customer=for_customer)
    return LivePlan(compact(asked.key), follow, reading.answering(shown), matching)


async def events(live: Live, variables: Mapping[str, Any]) -> Events:
    """Whole answers, one for each event."""
    async with aclosing(live.plan.follow(live, variables)) as followed:
        async for shown in followed:
            yield b'{"data":{' + live.plan.key + b":" + shown + b"}}"
