"""Root fields whose answer is not stored: they are computed and shaped here. All others are SQL."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson

from db.selection import Constant, Field
from resolvers.context import Context

Answer = Callable[[Context, Field, Mapping[str, Any]], Awaitable[bytes]]


def shaped(field: Field, value: Any) -> Any:
    """A value of this code's making, as its selection wants it."""
    if isinstance(value, list):
        return [shaped(field, one) for one in value]
    if not isinstance(value, Mapping):
        return value
    return {
        one.key: one.value if isinstance(one, Constant) else shaped(one, value.get(one.name)) for one in field.fields
    }


def answered(field: Field, value: Any) -> bytes:
    return orjson.dumps(shaped(field, value))


ROOTS: dict[str, Answer] = {}
"""By root field: `importable_fields` and `import_preview` join from their noun."""
