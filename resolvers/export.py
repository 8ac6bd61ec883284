"""Files of records: who may have one, how many records it would hold, and where it is fetched."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import orjson

from db import exporting
from db.clock import printed
from db.errors import Forbidden, LimitExceeded
from db.export_workbook import MOST_ROWS
from db.exporting import Choice
from resolvers.context import Context, Viewer

PERMISSIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "customers": ("CUSTOMERS_READ", "ORGANIZATIONS_READ"),
    "organizations": ("ORGANIZATIONS_READ",),
    "tickets": ("TICKETS_READ", "PROJECTS_READ"),
}
"""What an export takes: the permissions of the reads that would answer the same."""
LONGEST_PATH: Final = 6_000
"""Characters; what lies between clients and servers seldom takes 8,000."""
BOUNDS: Final = {"gte", "gt", "lte", "lt"}


def check(viewer: Viewer, kind: str) -> None:
    """Refuses who may not read all that a file would hold."""
    missing = [one for one in PERMISSIONS[kind] if one not in viewer.permissions]
    if viewer.customer_id is not None or missing:
        needed = " and ".join(PERMISSIONS[kind])
        raise Forbidden(f"An export of {kind} is outside your role or scopes: {needed} are needed.", ("export",))


async def offered(context: Context, records: Mapping[str, Any], format: str) -> dict[str, Any]:  # noqa: A002  the argument's name
    """What a file would hold, and where it is fetched; nothing is made before that."""
    ((kind, chosen),) = records.items()
    form, viewer = format.lower(), context.asking
    check(viewer, kind)
    given, search, order_by = chosen.get("filter") or {}, chosen.get("search"), chosen.get("order_by") or ()
    database = context.process.database
    choice = Choice(given, search, order_by)
    exporting.order_asked(kind, choice, ("export",))
    count = await exporting.count(database, viewer.workspace_id, kind, choice)
    if form == "xlsx" and count > MOST_ROWS:
        message = f"A workbook holds {MOST_ROWS:,} records; {count:,} were found. Filter them, or take CSV or JSONL."
        raise LimitExceeded(message, ("export",))
    path = f"/exports/{kind}.{form}"
    asked = {
        "filter": orjson.dumps(written(given)).decode() if given else None,
        "search": search,
        "orderBy": orjson.dumps(written(order_by)).decode() if order_by else None,
    }
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in asked.items() if value is not None)
    if len(query) > LONGEST_PATH:
        message = (
            f"The filter is too long for an address ({len(query):,} characters, at most {LONGEST_PATH:,}). "
            f'Send it by POST {path} as JSON: {{"filter": …, "search": …, "orderBy": …}}.'
        )
        raise LimitExceeded(message, ("export",))
    path = f"{path}?{query}" if query else path
    return {
        "kind": kind.upper(),
        "format": format,
        "count": count,
        "path": path,
        "url": context.process.public_url.rstrip("/") + path,
        "filename": f"{kind}.{form}",
        "media_type": exporting.FORMATS[form],
        "columns": exporting.header(kind, form),
    }


def written(value: Any, name: str = "") -> Any:
    """A filter as a document of JSON has it: names in the schema's spelling, moments as texts."""
    if isinstance(value, Mapping):
        return {_camel(inner): written(one, inner) for inner, one in value.items()}
    if isinstance(value, list):
        return [written(one, name) for one in value]
    if name in BOUNDS and isinstance(value, int):
        return printed(value)
    return value


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(one.title() for one in others)
