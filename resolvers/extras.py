"""What is not stored but computed, and shaped here: root fields, and fields within what a statement answers."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import orjson

from db.errors import LimitExceeded, Refusal
from db.reads.selection import Constant, Field, Path, concrete
from resolvers import contact, costs, customer_import, export, mail
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
        given = concrete(dict(field.arguments), variables)
        return answered(field, await compute(context, **given))

    return answer


ROOTS: dict[str, Answer] = {
    "importable_fields": computed(customer_import.importable_fields),
    "import_preview": computed(customer_import.preview),
    "preview_invitation": computed(mail.preview_invitation),
    "export": computed(export.offered),
    "outbox": computed(mail.shown),
    "contact_sources": computed(contact.sources),
}
"""By root field."""

FIELDS: dict[str, Callable[..., Awaitable[Any]]] = {"preview": customer_import.preview}
"""By the name of a field in `resolvers.selection.COMPUTED`: what makes its answer, from what the statement put in its place."""

MOST_COMPUTED: Final = 10


Where = tuple[str | int, ...]
Wrong = tuple[Refusal, Where]
"""What was refused of an answer that stands all the same, and where in it."""


def places(value: Any, path: Path, where: Where = ()) -> list[tuple[dict[str, Any], Where]]:
    """The objects that hold what a path leads to, each member of a list by itself, and where they are."""
    if isinstance(value, list):
        return [found for i, one in enumerate(value) for found in places(one, path, (*where, i))]
    if not isinstance(value, dict) or path[0] not in value:
        return []
    here = (*where, path[0])
    return [(value, here)] if len(path) == 1 else places(value[path[0]], path[1:], here)


def at_most(count: int) -> None:
    """Refuses an operation that would look at too many files."""
    if count > MOST_COMPUTED:
        message = f"{count} files would be looked at; at most {MOST_COMPUTED} are in an operation. Ask for fewer."
        raise LimitExceeded(message)


async def completed(
    context: Context, shown: bytes, computed: Sequence[Field], variables: Mapping[str, Any], above: Path = ()
) -> tuple[bytes, list[Wrong]]:
    """An answer with its computed fields; what is refused of them is null.

    `shown` is what the paths of these fields lead through, below their first steps `above`.
    """
    value = orjson.loads(shown)
    wrong: list[Wrong] = []
    todo = [
        (field, held, where)
        for field in computed
        for held, where in places(value, field.path[len(above) :], above)
        if isinstance(held[field.key], str)
    ]
    at_most(len(todo))
    if context.rate is not None and len(todo) > len(computed):
        context.rate.debit(costs.COMPUTED * (len(todo) - len(computed)))
    for field, held, where in todo:
        given = concrete(dict(field.arguments), variables)
        try:
            held[field.key] = shaped(field, await FIELDS[field.name](context, held[field.key], **given))
        except Refusal as refusal:
            held[field.key] = None
            wrong.append((refusal, where))
    return orjson.dumps(value), wrong
