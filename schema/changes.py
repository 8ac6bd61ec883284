"""What came to the contract since a release, in words: broken, deprecated, added."""

from collections.abc import Iterator
from typing import Any

from graphql import (
    BreakingChange,
    DangerousChange,
    GraphQLEnumType,
    GraphQLSchema,
    SafeChangeType,
    build_schema,
    find_schema_changes,
)

HEADINGS = ("Broken", "Deprecated", "Added, and clients meet it without asking", "Added", "Described anew")
"""The order in which changes are told: what a client must act on comes first."""


def changes(before: str, after: str) -> dict[str, list[str]]:
    """Sentences by heading, for two schemas in SDL; headings without any are left out."""
    old, new = build_schema(before), build_schema(after)
    told: dict[str, list[str]] = {heading: [] for heading in HEADINGS}
    for change in find_schema_changes(old, new):
        if isinstance(change, BreakingChange):
            heading = "Broken"
        elif isinstance(change, DangerousChange):
            heading = "Added, and clients meet it without asking"
        elif change.type is SafeChangeType.DESCRIPTION_CHANGED:
            heading = "Described anew"
        else:
            heading = "Added"
        told[heading].append(change.description)
    stood = dict(_deprecations(old))
    told["Deprecated"] = [f"{name}: {reason}" for name, reason in _deprecations(new) if name not in stood]
    return {heading: sorted(sentences) for heading, sentences in told.items() if sentences}


def _deprecations(schema: GraphQLSchema) -> Iterator[tuple[str, str]]:
    """What is deprecated, by its coordinate, with the reason."""
    for name, kind in schema.type_map.items():
        for part, element in _parts(kind):
            if not name.startswith("__") and element.deprecation_reason is not None:
                yield f"{name}.{part}", element.deprecation_reason


def _parts(kind: Any) -> Iterator[tuple[str, Any]]:
    for name, field in getattr(kind, "fields", {}).items():
        yield name, field
        for argument_name, argument in getattr(field, "args", {}).items():
            yield f"{name}({argument_name}:)", argument
    if isinstance(kind, GraphQLEnumType):
        yield from kind.values.items()
