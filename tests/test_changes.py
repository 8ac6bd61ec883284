"""The log: one change for each mutation, what moved, in order, and a cursor to go on from."""

from typing import Any

from tests import steps
from tests.conftest import Client, World

ALL = """query($after: String, $first: Int, $filter: ChangeFilter) {
  changes(after: $after, first: $first, filter: $filter) {
    nodes { number operation count actor { __typename } records { nodes { recordId action before after } } }
    pageInfo { hasNextPage endCursor }
  }
}"""


async def changes(client: Client, **arguments: Any) -> list[dict[str, Any]]:
    return (await client.ask(ALL, **arguments))["changes"]["nodes"]


async def last(client: Client) -> dict[str, Any]:
    return (await changes(client))[-1]


async def test_each_mutation_writes_one_change_in_order(world: World, admin: Client) -> None:
    acme = await steps.organization(admin, "Acme")
    ann = await steps.customer(admin, "ann@example.com", organizationId=acme)
    wiki = await steps.project(admin, "Wiki", [ann])
    await steps.well(admin, "unshareProject", projectId=wiki, customerIds=[ann])
    await steps.well(admin, "updateCustomer", customer={"id": ann}, title="Boss")
    await steps.well(admin, "updateOrganization", organization={"id": acme}, name="ACME")
    await steps.well(admin, "updateProject", project={"id": wiki}, name="Book")
    await steps.well(admin, "moveCustomers", customerIds=[ann], to={"unassigned": True})
    await steps.well(
        admin, "moveOrganization", organizationId=acme, to={"parentId": await steps.organization(admin, "T")}
    )
    await steps.well(admin, "archiveCustomers", customerIds=[ann])
    await steps.well(admin, "restoreCustomers", customerIds=[ann])
    await steps.well(admin, "archiveOrganization", organizationId=acme)
    await steps.well(admin, "restoreOrganization", organizationId=acme)
    await steps.well(admin, "archiveProject", projectId=wiki)
    await steps.well(admin, "restoreProject", projectId=wiki)
    found = await changes(admin)
    assert [(c["operation"], [r["action"] for r in c["records"]["nodes"]]) for c in found] == [
        ("createOrganization", ["CREATED"]),
        ("createCustomer", ["CREATED"]),
        ("createProject", ["CREATED"]),
        ("shareProject", ["SHARED"]),
        ("unshareProject", ["UNSHARED"]),
        ("updateCustomer", ["UPDATED"]),
        ("updateOrganization", ["UPDATED"]),
        ("updateProject", ["UPDATED"]),
        ("moveCustomers", ["MOVED"]),
        ("createOrganization", ["CREATED"]),
        ("moveOrganization", ["MOVED"]),
        ("archiveCustomers", ["ARCHIVED"]),
        ("restoreCustomers", ["RESTORED"]),
        ("archiveOrganization", ["ARCHIVED"]),
        ("restoreOrganization", ["RESTORED"]),
        ("archiveProject", ["ARCHIVED"]),
        ("restoreProject", ["RESTORED"]),
    ]
    assert all(c["count"] == 1 and c["actor"] == {"__typename": "ApiKey"} for c in found)
    numbers = [c["number"] for c in found]
    assert numbers == sorted(set(numbers))
    assert (await steps.written(world))["number"] == numbers[-1]


async def test_says_what_moved_before_and_after(admin: Client) -> None:
    acme = await steps.organization(admin, "Acme")
    ann = await steps.customer(admin, "ann@example.com", firstName="Ann", title="Boss")
    await steps.well(admin, "updateCustomer", customer={"id": ann}, firstName="Anna", title=None, phone="1")
    assert (await last(admin))["records"]["nodes"] == [
        {
            "recordId": ann,
            "action": "UPDATED",
            "before": {"firstName": "Ann", "title": "Boss", "phone": None},
            "after": {"firstName": "Anna", "title": None, "phone": "1"},
        }
    ]
    await steps.well(admin, "moveCustomers", customerIds=[ann], to={"organizationId": acme})
    (moved,) = (await last(admin))["records"]["nodes"]
    assert (moved["before"], moved["after"]) == ({"organizationId": None}, {"organizationId": acme})
    wiki = await steps.project(admin, "Wiki", [ann])
    (shared,) = (await last(admin))["records"]["nodes"]
    assert shared == {"recordId": wiki, "action": "SHARED", "before": {}, "after": {"customerIds": [ann]}}


async def test_a_move_of_many_is_one_change_that_counts_them(admin: Client) -> None:
    acme = await steps.organization(admin, "Acme")
    await steps.well(admin, "upsertCustomers", customers=[{"email": f"c{i:03}@example.com"} for i in range(300)])
    await steps.well(admin, "moveCustomers", filter={"unassigned": True}, to={"organizationId": acme})
    text = """{ changes(last: 1) { nodes { operation count
      records(first: 250) { totalCount nodes { action before after } pageInfo { hasNextPage } } } } }"""
    (change,) = (await admin.ask(text))["changes"]["nodes"]
    assert (change["operation"], change["count"], change["records"]["totalCount"]) == ("moveCustomers", 300, 300)
    assert change["records"]["pageInfo"]["hasNextPage"] is True
    moved = {"action": "MOVED", "before": {"organizationId": None}, "after": {"organizationId": acme}}
    assert change["records"]["nodes"] == [moved] * 250


async def test_archiving_a_tree_is_one_change_of_all_it_touched(admin: Client) -> None:
    acme = await steps.organization(admin, "Acme")
    leaf = await steps.organization(admin, "Leaf", acme)
    ann = await steps.customer(admin, "ann@example.com", organizationId=leaf)
    await steps.well(admin, "archiveOrganization", organizationId=acme, contents="ARCHIVE")
    change = await last(admin)
    assert change["count"] == 3
    assert {r["recordId"] for r in change["records"]["nodes"]} == {acme, leaf, ann}
    await steps.well(admin, "restoreOrganization", organizationId=acme)
    change = await last(admin)
    assert (change["count"], {r["action"] for r in change["records"]["nodes"]}) == (3, {"RESTORED"})


async def test_contents_that_move_up_are_in_the_same_change(admin: Client) -> None:
    acme = await steps.organization(admin, "Acme")
    leaf = await steps.organization(admin, "Leaf", acme)
    ann = await steps.customer(admin, "ann@example.com", organizationId=acme)
    await steps.well(admin, "archiveOrganization", organizationId=acme, contents="MOVE_UP")
    change = await last(admin)
    told = {r["recordId"]: (r["action"], r["before"], r["after"]) for r in change["records"]["nodes"]}
    assert told == {
        acme: ("ARCHIVED", {}, {}),
        leaf: ("MOVED", {"parentId": acme}, {"parentId": None}),
        ann: ("MOVED", {"organizationId": acme}, {"organizationId": None}),
    }
    assert change["count"] == 3


async def test_a_cursor_goes_on_from_where_one_was(admin: Client) -> None:
    for i in range(5):
        await steps.customer(admin, f"c{i}@example.com")
    page = (await admin.ask(ALL, first=2))["changes"]
    seen = [c["number"] for c in page["nodes"]]
    while page["pageInfo"]["hasNextPage"]:
        page = (await admin.ask(ALL, first=2, after=page["pageInfo"]["endCursor"]))["changes"]
        seen += [c["number"] for c in page["nodes"]]
    assert seen == [c["number"] for c in await changes(admin)]
    assert len(seen) == 5
    end = page["pageInfo"]["endCursor"]
    assert await changes(admin, after=end) == []
    await steps.customer(admin, "new@example.com")
    (news,) = await changes(admin, after=end)
    assert news["records"]["nodes"][0]["after"] == {"email": "new@example.com"}


async def test_history_is_the_latest_first_and_of_one_record(admin: Client) -> None:
    acme = await steps.organization(admin, "Acme")
    ann = await steps.customer(admin, "ann@example.com")
    await steps.customer(admin, "bob@example.com")
    await steps.well(admin, "updateCustomer", customer={"id": ann}, title="Boss")
    await steps.well(admin, "moveCustomers", customerIds=[ann], to={"organizationId": acme})
    await steps.well(admin, "updateOrganization", organization={"id": acme}, name="ACME")
    history = "history { totalCount nodes { action change { operation } } }"
    of_ann = await steps.read(admin, ann, f"... on Customer {{ {history} }}")
    assert of_ann["history"] == {
        "totalCount": 3,
        "nodes": [
            {"action": "MOVED", "change": {"operation": "moveCustomers"}},
            {"action": "UPDATED", "change": {"operation": "updateCustomer"}},
            {"action": "CREATED", "change": {"operation": "createCustomer"}},
        ],
    }
    of_acme = await steps.read(admin, acme, f"... on Organization {{ {history} }}")
    assert [e["action"] for e in of_acme["history"]["nodes"]] == ["UPDATED", "CREATED"]
    only = await changes(admin, filter={"record": ann})
    assert [c["operation"] for c in only] == ["createCustomer", "updateCustomer", "moveCustomers"]


async def test_what_is_refused_and_what_is_dry_writes_no_change(world: World, admin: Client) -> None:
    await steps.customer(admin, "ann@example.com")
    before = await steps.written(world)
    await steps.done(admin, "createCustomer", email="ann@example.com")
    await steps.done(admin, "createCustomer", email="bob@example.com", dryRun=True)
    await steps.done(admin, "archiveCustomers", customerIds=["cus_" + "0" * 26])
    assert await steps.written(world) == before


async def test_several_mutations_of_one_document_are_changes_of_their_own(admin: Client) -> None:
    text = """mutation {
      a: createCustomer(input: {email: "a@example.com"}) { errors { code } }
      b: createCustomer(input: {email: "a@example.com"}) { errors { code } }
      c: createCustomer(input: {email: "c@example.com"}) { errors { code } }
    }"""
    assert await admin.ask(text) == {
        "a": {"errors": []},
        "b": {"errors": [{"code": "EMAIL_TAKEN"}]},
        "c": {"errors": []},
    }
    assert [c["count"] for c in await changes(admin)] == [1, 1]


async def test_names_who_did_it(world: World) -> None:
    agent = await world.user("AGENT", "sue@example.com")
    await steps.customer(agent, "ann@example.com")
    text = "{ changes(last: 1) { nodes { actor { ... on User { email } } } } }"
    assert (await agent.ask(text))["changes"]["nodes"] == [{"actor": {"email": "sue@example.com"}}]


async def test_time_in_the_log_never_goes_back(world: World, admin: Client) -> None:
    await steps.customer(admin, "ann@example.com")
    world.clock.advance(-3_600_000)
    await steps.customer(admin, "bob@example.com")
    moments = [c["at"] for c in (await admin.ask("{ changes { nodes { at } } }"))["changes"]["nodes"]]
    assert moments == sorted(moments)


async def test_the_log_of_another_workspace_is_not_in_sight(world: World, admin: Client) -> None:
    other = await world.key("ADMIN", workspace_id=await world.workspace())
    ann = await steps.customer(other, "ann@example.com")
    assert await changes(admin) == []
    assert await changes(admin, filter={"record": ann}) == []
