"""Asking for the schema itself, also beside data and with variables."""

from graphql import build_client_schema, get_introspection_query, print_schema

from tests.conftest import Client


async def test_the_whole_schema_can_be_built_from_introspection(admin: Client) -> None:
    answer = await admin.ask(get_introspection_query(descriptions=True))
    assert "type Customer implements Node" in print_schema(build_client_schema(answer))


async def test_stands_beside_data_in_the_order_of_the_document(admin: Client) -> None:
    text = "query($name: String!) { a: __type(name: $name) { name kind } workspace { slug } __typename }"
    for name, kind in (("Customer", "OBJECT"), ("Node", "INTERFACE")):
        answer = await admin.ask(text, name=name)
        assert answer == {"a": {"name": name, "kind": kind}, "workspace": {"slug": "test"}, "__typename": "Query"}
        assert list(answer) == ["a", "workspace", "__typename"]
