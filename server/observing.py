"""What is known of a request when it was answered, and who is told: the log, the metrics, the traces."""

import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from typing import Any, Protocol

from graphql import GraphQLError, StringValueNode, Visitor, parse, print_ast, visit

from resolvers.context import Viewer
from server.requests import Asked

log = logging.getLogger("rolodesk.requests")

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""Names the directory in which several processes keep their figures. The client's library reads it when it is loaded."""
LONGEST_SHOWN = 4_000
"""Characters of a document in the log."""


@dataclass(slots=True)
class Observation:
    """A request over HTTP. It holds no token; the values in its document are left out before that is shown."""

    request_id: str
    headers: Mapping[bytes, bytes]
    received: int = 0
    """Nanoseconds since 1970, UTC; known when it was answered."""
    started: float = field(default_factory=time.perf_counter)
    asked: Asked | None = None
    viewer: Viewer | None = None
    kind: str = "none"
    """query, mutation, or none for what was refused before it was known."""
    operation: str = ""
    status: int = 0
    milliseconds: float = 0.0

    def read(self, asked: Asked) -> None:
        """The request is here whole. Its time counts from now: how slowly it was sent is not the server's doing."""
        self.asked, self.started = asked, time.perf_counter()

    def end(self, status: int) -> None:
        self.status, self.milliseconds = status, (time.perf_counter() - self.started) * 1_000
        self.received = time.time_ns() - int(self.milliseconds * 1_000_000)


def share(directory: Path) -> None:
    """Lets the processes that are started from here keep their figures in one place, beginning at nothing."""
    rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    os.environ[SHARED] = str(directory)


class Observer(Protocol):
    """Told of each request that was answered, and of subscriptions that begin (1) and end (-1)."""

    def answered(self, observation: Observation) -> None: ...

    def subscribed(self, more: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Observers:
    """Several observers as one. Where all of them leave out quick requests, `from_milliseconds` says which are."""

    members: tuple[Observer, ...]
    from_milliseconds: int = 0

    def answered(self, observation: Observation) -> None:
        for member in self.members:
            member.answered(observation)

    def subscribed(self, more: int) -> None:
        for member in self.members:
            member.subscribed(more)


@dataclass(frozen=True, slots=True)
class Logging:
    """A line for each request, or for those alone that took long. Those that took long show their document."""

    every: bool
    slow_milliseconds: int | None

    def answered(self, observation: Observation) -> None:
        slow = self.slow_milliseconds is not None and observation.milliseconds >= self.slow_milliseconds
        if not (slow or self.every):
            return
        facts: dict[str, Any] = {
            "request_id": observation.request_id,
            "operation_type": observation.kind,
            "operation": observation.operation,
            "status": observation.status,
            "milliseconds": round(observation.milliseconds, 1),
        }
        if observation.viewer is not None:
            facts["workspace"] = observation.viewer.workspace_id
            facts["viewer"] = observation.viewer.id
        if slow and observation.asked is not None:
            facts["document"] = shown(observation.asked.document)
        told = " ".join(f"{name}={value}" for name, value in facts.items() if value != "")
        log.log(logging.WARNING if slow else logging.INFO, "%s %s", "slow" if slow else "answered", told, extra=facts)

    def subscribed(self, more: int) -> None:
        """Nothing is told of subscriptions."""


class _Silenced(Visitor):
    def enter_string_value(self, _node: StringValueNode, *_: Any) -> StringValueNode:
        return StringValueNode(value="…", block=False)


def shown(document: str) -> str:
    """A document without the texts in it, on one line: they may be addresses or passwords."""
    try:
        text = print_ast(visit(parse(document, max_tokens=10_000), _Silenced()))
    except GraphQLError:
        return "(not a document)"
    return " ".join(text.split())[:LONGEST_SHOWN]
