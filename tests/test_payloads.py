"""What a mutation answers: any selection over what it touched, with variables, within the same limits as a query."""

from tests import steps
from tests.conftest import Client, World


async def test_variables_reach_into_the_payload(admin: Client) -> None:
    ann = await steps.customer(admin, "ann@example.com")
    for name in ("A", "B", "C"):
        await steps.project(admin, name, [ann])
    text = """mutation($i: UpdateCustomerInput!, $ids: Int, $more: Boolean!) {
      updateCustomer(input: $i) { customer { title projects(first: $ids) { nodes { name } } phone @include(if: $more) } }
    }"""
    for count, names in ((1, ["A"]), (2, ["A", "B"])):
        answer = await admin.ask(text, i={"customer": {"id": ann}, "title": f"{count}"}, ids=count, more=count > 1)
        shown = answer["updateCustomer"]["customer"]
        assert [p["name"] for p in shown["projects"]["nodes"]] == names
        assert ("phone" in shown) == (count > 1)


async def test_variables_reach_into_the_list_of_what_was_moved(admin: Client) -> None:
    ids = [await steps.customer(admin, f"{name}@example.com") for name in ("ann", "bob", "cyd")]
    acme = await steps.organization(admin, "Acme")
    text = """mutation($i: MoveCustomersInput!, $change: Int, $after: String) { moveCustomers(input: $i) {
      customers(first: $change, after: $after) { totalCount nodes { email } pageInfo { hasNextPage } } } }"""
    answer = await admin.ask(text, i={"customerIds": ids, "to": {"organizationId": acme}}, change=2)
    assert answer["moveCustomers"]["customers"] == {
        "totalCount": 3,
        "nodes": [{"email": "ann@example.com"}, {"email": "bob@example.com"}],
        "pageInfo": {"hasNextPage": True},
    }


async def test_aliases_and_fragments_reach_into_the_payload(admin: Client) -> None:
    text = """mutation { one: createCustomer(input: {email: "ann@example.com"}) { ...P who: customer { id ...C } } }
      fragment P on Payload { errors { code } }
      fragment C on Customer { mail: email ... on Node { __typename } }"""
    answer = (await admin.ask(text))["one"]
    assert answer["errors"] == []
    assert answer["who"]["mail"] == "ann@example.com"
    assert answer["who"]["__typename"] == "Customer"


async def test_a_payload_that_would_be_too_large_is_refused_and_nothing_is_written(world: World, admin: Client) -> None:
    before = await steps.written(world)
    text = """mutation($i: UpsertCustomersInput!) { upsertCustomers(input: $i) {
      results { customer { email projects(first: 250) { nodes { name } } } } errors { code message } } }"""
    answer = await admin.ask(text, i={"customers": [{"email": f"c{i}@example.com"} for i in range(1_000)]})
    assert [e["code"] for e in answer["upsertCustomers"]["errors"]] == ["LIMIT"]
    assert await steps.written(world) == before


async def test_a_wrong_page_in_the_payload_is_refused_and_nothing_is_written(world: World, admin: Client) -> None:
    ann = await steps.customer(admin, "ann@example.com")
    before = await steps.written(world)
    text = """mutation($i: UpdateCustomerInput!, $n: Int, $a: String) { updateCustomer(input: $i) {
      customer { projects(first: $n, after: $a) { nodes { name } } } errors { code } } }"""
    for more, code in (({"n": 0}, "LIMIT"), ({"n": 251}, "LIMIT"), ({"a": "no cursor"}, "BAD_CURSOR")):
        answer = (await admin.post(text, {"i": {"customer": {"id": ann}, "title": "Boss"}, **more})).json()
        told = [e["extensions"]["code"] for e in answer.get("errors", ())] or [
            e["code"] for e in answer["data"]["updateCustomer"]["errors"]
        ]
        assert told == [code]
        assert await steps.written(world) == before


async def test_shares_and_mails_that_come_with_a_creation_take_their_own_permission(world: World) -> None:
    admin = await world.key()
    wiki = await steps.project(admin, "Wiki")
    key = await world.key("CUSTOMERS_WRITE", "CUSTOMERS_READ")
    before = await steps.written(world)
    for more, where in (({"sendInvitation": True}, "sendInvitation"), ({"projectIds": [wiki]}, "projectIds")):
        assert await steps.problems(key, "createCustomer", email="a@example.com", **more) == [("FORBIDDEN", [where])]
    assert await steps.written(world) == before
    await steps.customer(key, "a@example.com", projectIds=[], sendInvitation=False)
