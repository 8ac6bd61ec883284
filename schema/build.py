"""The schema, made of its parts."""

import strawberry
from graphql import GraphQLInputObjectType, build_schema, lexicographic_sort_schema, print_schema
from strawberry.printer import print_schema as print_strawberry_schema
from strawberry.schema.config import StrawberryConfig

from schema.errors import ERRORS
from schema.mutation import Mutation
from schema.query import Query
from schema.scalars import SCALARS
from schema.subscription import Subscription


def build() -> strawberry.Schema:
    """The schema as Strawberry sees it, its `@oneOf` inputs known to graphql-core as well, which checks values."""
    built = strawberry.Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=ERRORS,
        config=StrawberryConfig(scalar_map=SCALARS),
    )
    for kind in built._schema.type_map.values():  # noqa: SLF001
        if isinstance(kind, GraphQLInputObjectType):
            kind.is_one_of = kind.extensions["strawberry-definition"].is_one_of
    return built


schema = build()


def sdl() -> str:
    """The schema in SDL, sorted by name, as committed in `schema.graphql`."""
    return print_schema(lexicographic_sort_schema(build_schema(print_strawberry_schema(schema)))) + "\n"
