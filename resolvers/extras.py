"""Root fields whose answer is not stored: they are computed and shaped here. All others are SQL."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson

from db.selection import Constant, Field, read
from resolvers import contact, customer_import, mail
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


def computed(compute: Callable[..., Awaitable[Any]]) -> Answer:
    """The answer of what `compute` makes of a field's arguments."""

    async def answer(context: Context, field: Field, variables: Mapping[str, Any]) -> bytes:
        given = {name: read(value, variables) for name, value in field.arguments.items()}
        return answered(field, await compute(context, **given))

    return answer


ROOTS: dict[str, Answer] = {
    "importable_fields": computed(customer_import.importable_fields),
    "import_preview": computed(customer_import.preview),
    "preview_invitation": computed(mail.preview_invitation),
    "outbox": computed(mail.shown),
    "contact_sources": computed(contact.sources),
}
"""By root field."""
