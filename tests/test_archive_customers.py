"""Archiving customers and bringing them back."""

from typing import Any

from tests import steps
from tests.conftest import Client, World

BULK = """count results { outcome customer { id status organization { name } }
  errors { code path ... on EmailTaken { holder { ... on Customer { id } ... on User { email } } } } }"""


async def archive(client: Client, *ids: str, **more: Any) -> dict[str, Any]:
    return await steps.done(client, "archiveCustomers", BULK, customerIds=list(ids), **more)


async def restore(client: Client, *ids: str, **more: Any) -> dict[str, Any]:
    return await steps.done(client, "restoreCustomers", BULK, customerIds=list(ids), **more)


async def test_archived_customers_leave_lists_counts_and_search(admin: Client) -> None:
    acme = await steps.organization(admin, "Acme")
    ann = await steps.customer(admin, "ann@example.com", organizationId=acme)
    await steps.customer(admin, "bob@example.com", organizationId=acme)
    wiki = await steps.project(admin, "Wiki", [ann])
    answer = await archive(admin, ann)
    assert (answer["count"], answer["errors"]) == (1, [])
    assert answer["results"][0]["customer"]["status"] == "ARCHIVED"
    text = """query($org: ID!, $project: ID!) {
      customers { totalCount nodes { email } }
      found: customers(search: "ann") { totalCount }
      organization(by: {id: $org}) { customerCount customers { nodes { email } } }
      project(by: {id: $project}) { customerCount customers { nodes { email } } }
    }"""
    assert await admin.ask(text, org=acme, project=wiki) == {
        "customers": {"totalCount": 1, "nodes": [{"email": "bob@example.com"}]},
        "found": {"totalCount": 0},
        "organization": {"customerCount": 1, "customers": {"nodes": [{"email": "bob@example.com"}]}},
        "project": {"customerCount": 0, "customers": {"nodes": []}},
    }
    assert await steps.emails(admin, {"archived": True}) == ["ann@example.com"]


async def test_archived_customers_resolve_by_id_but_not_by_address(admin: Client) -> None:
    ann = await steps.customer(admin, "ann@example.com", externalId="c-1")
    await archive(admin, ann)
    assert (await steps.read(admin, ann, "... on Customer { email status }")) == {
        "email": "ann@example.com",
        "status": "ARCHIVED",
    }
    text = "query($by: CustomerRef!) { customer(by: $by) { id } }"
    found = [(await admin.ask(text, by=by))["customer"] for by in ({"email": "ann@example.com"}, {"externalId": "c-1"})]
    assert found == [None, None]


async def test_their_address_and_external_id_are_free_again(admin: Client) -> None:
    ann = await steps.customer(admin, "ann@example.com", externalId="c-1")
    await archive(admin, ann)
    assert await steps.customer(admin, "ann@example.com", externalId="c-1") != ann


async def test_archiving_ends_their_sessions_and_open_invitations(world: World, admin: Client) -> None:
    ann = await steps.customer(admin, "ann@example.com", sendInvitation=True)
    session = await world.customer_session(ann)
    assert (await session.ask("{ viewer { customer { email } } }"))["viewer"]["customer"]["email"] == "ann@example.com"
    await archive(admin, ann)
    assert (await session.refused("{ viewer { customer { email } } }"))["extensions"]["code"] == "UNAUTHENTICATED"
    found = await steps.read(admin, ann, "... on Customer { invitation { status } }")
    assert found["invitation"]["status"] == "REVOKED"


async def test_restored_customers_are_as_they_were(admin: Client) -> None:
    acme = await steps.organization(admin, "Acme")
    ann = await steps.customer(admin, "ann@example.com", organizationId=acme, externalId="c-1")
    await steps.project(admin, "Wiki", [ann])
    await archive(admin, ann)
    answer = await restore(admin, ann)
    assert (answer["count"], answer["errors"]) == (1, [])
    assert answer["results"] == [
        {
            "outcome": "UPDATED",
            "customer": {"id": ann, "status": "CREATED", "organization": {"name": "Acme"}},
            "errors": [],
        }
    ]
    assert await steps.emails(admin) == ["ann@example.com"]
    text = '{ customers(search: "ann", filter: {externalId: {eq: "c-1"}}) { nodes { projects { nodes { name } } } } }'
    assert (await admin.ask(text))["customers"]["nodes"] == [{"projects": {"nodes": [{"name": "Wiki"}]}}]
    assert await steps.problems(admin, "createCustomer", email="ann@example.com") == [("EMAIL_TAKEN", ["email"])]


async def test_a_restore_is_refused_where_the_address_was_taken_and_names_the_holder(
    world: World, admin: Client
) -> None:
    ann = await steps.customer(admin, "ann@example.com")
    sue = await steps.customer(admin, "sue@example.com")
    await archive(admin, ann, sue)
    heir = await steps.customer(admin, "ann@example.com")
    await world.user("AGENT", "sue@example.com")
    before = await steps.written(world)
    answer = await restore(admin, ann, sue)
    assert [r["errors"] for r in answer["results"]] == [
        [{"code": "EMAIL_TAKEN", "path": ["customerIds", "0", "email"], "holder": {"id": heir}}],
        [{"code": "EMAIL_TAKEN", "path": ["customerIds", "1", "email"], "holder": {"email": "sue@example.com"}}],
    ]
    assert await steps.written(world) == before


async def test_a_restore_is_refused_where_the_external_id_was_taken(admin: Client) -> None:
    ann = await steps.customer(admin, "ann@example.com", externalId="c-1")
    await archive(admin, ann)
    await steps.customer(admin, "bob@example.com", externalId="c-1")
    answer = await restore(admin, ann)
    assert [(e["code"], e["path"]) for e in answer["errors"]] == [
        ("EXTERNAL_ID_TAKEN", ["customerIds", "0", "externalId"])
    ]
    assert await steps.customer(admin, "ann@example.com") != ann


async def test_a_customer_whose_organization_is_gone_comes_back_in_none(admin: Client) -> None:
    acme = await steps.organization(admin, "Acme")
    ann = await steps.customer(admin, "ann@example.com", organizationId=acme)
    await archive(admin, ann)
    await steps.well(admin, "archiveOrganization", organizationId=acme)
    answer = await restore(admin, ann)
    assert answer["results"][0]["customer"]["organization"] is None


async def test_two_of_the_same_address_only_the_first_comes_back(admin: Client) -> None:
    ann = await steps.customer(admin, "ann@example.com")
    await archive(admin, ann)
    twin = await steps.customer(admin, "ann@example.com")
    await archive(admin, twin)
    answer = await restore(admin, ann, twin, errorPolicy="SKIP_FAILED")
    assert [r["outcome"] for r in answer["results"]] == ["UPDATED", "REFUSED"]
    assert await steps.emails(admin) == ["ann@example.com"]


async def test_answers_in_the_order_of_the_input_and_skips_what_it_cannot_do(world: World, admin: Client) -> None:
    ann, bob = await steps.customer(admin, "ann@example.com"), await steps.customer(admin, "bob@example.com")
    absent = "cus_" + "0" * 26
    before = await steps.written(world)
    answer = await archive(admin, bob, absent, ann)
    assert [r["outcome"] for r in answer["results"]] == ["NOT_DONE", "REFUSED", "NOT_DONE"]
    assert await steps.written(world) == before
    answer = await archive(admin, bob, absent, ann, errorPolicy="SKIP_FAILED")
    assert [r["outcome"] for r in answer["results"]] == ["UPDATED", "REFUSED", "UPDATED"]
    assert answer["count"] == 2
    answer = await archive(admin, bob)
    assert [(e["code"], e["path"]) for e in answer["errors"]] == [("NOT_FOUND", ["customerIds", "0"])]


async def test_restoring_who_is_not_archived_changes_nothing(world: World, admin: Client) -> None:
    ann = await steps.customer(admin, "ann@example.com")
    before = await steps.written(world)
    answer = await restore(admin, ann)
    assert (answer["count"], answer["results"][0]["outcome"]) == (0, "UNCHANGED")
    assert await steps.written(world) == before


async def test_a_dry_run_keeps_nothing(world: World, admin: Client) -> None:
    ann, bob = await steps.customer(admin, "ann@example.com"), await steps.customer(admin, "bob@example.com")
    await archive(admin, bob)
    before = await steps.written(world)
    assert (await archive(admin, ann, dryRun=True))["results"][0]["customer"]["status"] == "ARCHIVED"
    assert (await restore(admin, bob, dryRun=True))["results"][0]["customer"]["status"] == "CREATED"
    assert await steps.written(world) == before


async def test_refuses_more_than_a_thousand(admin: Client) -> None:
    for call in (archive, restore):
        answer = await call(admin, *["x"] * 1_001)
        assert [(e["code"], e["path"]) for e in answer["errors"]] == [("LIMIT", ["customerIds"])]
