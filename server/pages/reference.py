"""The schema to read: a page at `/schema`, with links, a search, and nothing from elsewhere; in SDL at `/schema.graphql`.

Like introspection it is for everybody in development, and in production for those with credentials.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    get_named_type,
    introspection_types,
    print_type,
    specified_scalar_types,
)
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from db.errors import Refusal, Unauthenticated
from schema.build import sdl
from server.settings import Settings
from server.uploads import refusal_response

DIRECTORY = Path(__file__).parent / "schema"
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src data:; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
KINDS: Mapping[type[GraphQLNamedType], str] = {
    GraphQLObjectType: "type",
    GraphQLInterfaceType: "interface",
    GraphQLUnionType: "union",
    GraphQLEnumType: "enum",
    GraphQLInputObjectType: "input",
    GraphQLScalarType: "scalar",
}
SDL = "application/graphql; charset=utf-8"
ROOTS = ("Query", "Mutation", "Subscription")


class Entry(NamedTuple):
    """A field, an argument, an input's field or a value, as it is shown."""

    name: str
    anchor: str
    described: Any
    type: Markup
    default: str
    arguments: "list[Entry]"


class Shown(NamedTuple):
    """A type, as it is shown."""

    name: str
    kind: str
    described: Any
    entries: list[Entry]
    related: list[tuple[str, list[str]]]


def routes(settings: Settings) -> list[BaseRoute]:
    """The page with its two files, and the SDL."""

    async def read(request: Request) -> Response:
        return await refused(request) or HTMLResponse(page(), headers=HEADERS)

    async def fetch(request: Request) -> Response:
        return await refused(request) or PlainTextResponse(sdl(), media_type=SDL)

    async def refused(request: Request) -> Response | None:
        try:
            if settings.development or await request.app.state.authentication.of(dict(request.scope["headers"])):
                return None
        except Refusal as refusal:
            return refusal_response(refusal)
        return refusal_response(Unauthenticated("The schema is shown to those with credentials. Send some."))

    return [
        Route("/schema", read, methods=["GET"]),
        Route("/schema/{name}", _file, methods=["GET"]),
        Route("/schema.graphql", fetch, methods=["GET"]),
    ]


async def _file(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in {"reference.css", "reference.js"}:
        return Response(status_code=404)
    return FileResponse(DIRECTORY / name, headers=HEADERS)


@cache
def page() -> str:
    """The page's HTML; the schema is the same as long as the process."""
    templates = Environment(
        loader=FileSystemLoader(DIRECTORY),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    types = list(shown(build_schema(sdl())))
    groups = [("Operations", [one for one in types if one.name in ROOTS])]
    groups += [
        (f"{kind.title()}s", [one for one in types if one.kind == kind and one.name not in ROOTS])
        for kind in KINDS.values()
    ]
    return templates.get_template("reference.html").render(groups=groups)


def shown(schema: GraphQLSchema) -> Iterator[Shown]:
    """Every type of the schema that is its own."""
    for name, kind in sorted(schema.type_map.items()):
        if name in specified_scalar_types or name in introspection_types:
            continue
        yield Shown(name, KINDS[type(kind)], kind, list(_entries(kind)), list(_related(schema, kind)))


def _entries(kind: GraphQLNamedType) -> Iterator[Entry]:
    if isinstance(kind, GraphQLEnumType):
        for name, value in kind.values.items():
            yield Entry(name, f"{kind.name}.{name}", value, Markup(), "", [])
        return
    defaults = _defaults(kind) if isinstance(kind, GraphQLInputObjectType) else {}
    for name, field in getattr(kind, "fields", {}).items():
        anchor = f"{kind.name}.{name}"
        given = [
            Entry(argument, f"{anchor}.{argument}", one, _linked(one.type), "", [])
            for argument, one in getattr(field, "args", {}).items()
        ]
        yield Entry(name, anchor, field, _linked(field.type), defaults.get(name, ""), given)


def _defaults(kind: GraphQLInputObjectType) -> dict[str, str]:
    """The defaults of an input's fields, as SDL writes them."""
    lines = (line.strip() for line in print_type(kind).splitlines())
    found = (line.partition(" = ") for line in lines if line.split(":")[0] in kind.fields)
    return {left.split(":")[0]: value for left, equals, value in found if equals}


def _linked(type_: Any) -> Markup:
    """A type as SDL writes it, its name a link where the page shows it."""
    name = get_named_type(type_).name
    if name in specified_scalar_types:
        return escape(str(type_))
    before, _, after = str(type_).partition(name)
    return Markup('{}<a href="#{}">{}</a>{}').format(before, name, name, after)


def _related(schema: GraphQLSchema, kind: GraphQLNamedType) -> Iterator[tuple[str, list[str]]]:
    if isinstance(kind, GraphQLObjectType) and kind.interfaces:
        yield "Implements", [one.name for one in kind.interfaces]
    if isinstance(kind, (GraphQLInterfaceType, GraphQLUnionType)):
        yield "Is one of", sorted(one.name for one in schema.get_possible_types(kind))
    users = sorted(
        {name for name, other in schema.type_map.items() if not name.startswith("__") and kind in _used(other)}
    )
    if users:
        yield "Used by", users


def _used(kind: GraphQLNamedType) -> Iterator[GraphQLNamedType]:
    for field in getattr(kind, "fields", {}).values():
        yield get_named_type(field.type)
        for argument in getattr(field, "args", {}).values():
            yield get_named_type(argument.type)
