"""The statements that this server makes of the benchmark's queries, for the floor to run as they are."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from benchmarks.queries import BY_NAME
from db.engines.dialects import Postgres
from db.permissions import EVERYTHING
from db.reads.reading import Reader
from db.reads.scope import Scope
from resolvers.context import Viewer
from resolvers.engine import Engine
from resolvers.plans import ReadPlan
from schema.build import schema

ROOTS: Final = {"one": "customer", "fifty": "customers", "levels": "organizations", "hundred": "organizations"} | {
    "project": "project"
}
"""The root field that each query asks for."""


@cache
def reader(query: str) -> Reader:
    """The statement of a query, as the server has it for somebody who may see everything."""
    engine = Engine(schema._schema, Postgres(), introspection_for_all=False)  # noqa: SLF001
    viewer = Viewer("key", "", "", EVERYTHING, 0, "")
    operation = engine.documents.operation(BY_NAME[query].document, None, viewer)
    plan = engine.plans.of(operation, dict.fromkeys(_variables(query), ""), viewer)
    assert isinstance(plan, ReadPlan)
    return plan.reader


def _variables(query: str) -> tuple[str, ...]:
    return {"one": ("id",), "project": ("id", "after")}.get(query, ("after",))


def parameters(query: str, variables: Mapping[str, Any], workspace_id: str, now: int) -> list[Any]:
    """The statement's parameters for one request."""
    return reader(query).parameters(variables, Scope(workspace_id, None, "", tuple(sorted(EVERYTHING)), now))
