"""Creating or updating many customers in one call."""

from typing import Any

from tests import steps
from tests.conftest import Client, World

RESULTS = "count results { outcome customer { email title version } errors { code path } }"


async def upsert(client: Client, *items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return await steps.done(client, "upsertCustomers", RESULTS, customers=list(items), **more)


def outcomes(answer: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(r["outcome"], r["customer"] and r["customer"]["email"]) for r in answer["results"]]


async def test_answers_each_item_in_the_order_of_the_input(admin: Client) -> None:
    await steps.customer(admin, "ann@example.com", title="Boss")
    await steps.customer(admin, "bob@example.com", title="Boss")
    answer = await upsert(
        admin,
        {"email": "cyd@example.com", "title": "New"},
        {"email": "ANN@example.com", "title": "Chief"},
        {"email": "bob@example.com", "title": "Boss"},
    )
    assert answer["errors"] == []
    assert answer["count"] == 2
    assert outcomes(answer) == [
        ("CREATED", "cyd@example.com"),
        ("UPDATED", "ANN@example.com"),
        ("UNCHANGED", "bob@example.com"),
    ]
    assert [r["customer"]["version"] for r in answer["results"]] == [1, 2, 1]


async def test_what_an_item_leaves_out_stays_and_null_clears(admin: Client) -> None:
    acme = await steps.organization(admin, "Acme")
    ann = await steps.customer(admin, "ann@example.com", firstName="Ann", title="Boss", organizationId=acme)
    await upsert(admin, {"email": "ann@example.com", "title": None})
    shown = await steps.read(admin, ann, "... on Customer { firstName title organization { name } }")
    assert shown == {"firstName": "Ann", "title": None, "organization": {"name": "Acme"}}
    await upsert(admin, {"email": "ann@example.com", "organizationId": None})
    assert (await steps.read(admin, ann, "... on Customer { organization { name } }")) == {"organization": None}


async def test_matches_by_external_id_and_may_then_change_the_address(admin: Client) -> None:
    await steps.customer(admin, "ann@example.com", externalId="c-1")
    answer = await upsert(
        admin,
        {"externalId": "c-1", "email": "anna@example.com"},
        {"externalId": "c-2", "email": "bob@example.com"},
        {"externalId": "c-1", "title": "Boss"},
        matchBy="EXTERNAL_ID",
    )
    assert outcomes(answer) == [
        ("UPDATED", "anna@example.com"),
        ("CREATED", "bob@example.com"),
        ("UPDATED", "anna@example.com"),
    ]


async def test_one_refused_item_rejects_all_unless_told_otherwise(world: World, admin: Client) -> None:
    await steps.customer(admin, "zoe@example.com")
    before = await steps.written(world)
    answer = await upsert(
        admin,
        {"email": "ann@example.com"},
        {"email": "no address"},
        {"email": "zoe@example.com", "title": "x" * 201},
        {"email": "zoe@example.com", "title": "Boss"},
    )
    assert answer["count"] == 0
    assert outcomes(answer) == [("NOT_DONE", None), ("REFUSED", None), ("REFUSED", None), ("NOT_DONE", None)]
    assert [(e["code"], e["path"]) for e in answer["errors"]] == [
        ("INVALID_EMAIL", ["customers", "1", "email"]),
        ("TOO_LONG", ["customers", "2", "title"]),
    ]
    assert await steps.written(world) == before


async def test_skip_failed_writes_the_others(admin: Client) -> None:
    answer = await upsert(
        admin,
        {"email": "ann@example.com"},
        {"email": "no address"},
        {"title": "nobody"},
        {"email": "bob@example.com", "organizationId": "org_" + "0" * 26},
        {"email": "cyd@example.com"},
        errorPolicy="SKIP_FAILED",
    )
    assert answer["count"] == 2
    assert outcomes(answer) == [
        ("CREATED", "ann@example.com"),
        ("REFUSED", None),
        ("REFUSED", None),
        ("REFUSED", None),
        ("CREATED", "cyd@example.com"),
    ]
    assert [r["errors"] for r in answer["results"]] == [
        [],
        [{"code": "INVALID_EMAIL", "path": ["customers", "1", "email"]}],
        [{"code": "REQUIRED", "path": ["customers", "2", "email"]}],
        [{"code": "NOT_FOUND", "path": ["customers", "3", "organizationId"]}],
        [],
    ]
    assert await steps.emails(admin) == ["ann@example.com", "cyd@example.com"]


async def test_a_refused_item_leaves_nothing_behind_in_the_log(admin: Client) -> None:
    await steps.customer(admin, "zoe@example.com", externalId="c-1")
    await upsert(
        admin,
        {"email": "ann@example.com", "externalId": "c-1"},
        {"email": "bob@example.com"},
        errorPolicy="SKIP_FAILED",
    )
    text = "{ changes(last: 1) { nodes { count records { nodes { action after } } } } }"
    (change,) = (await admin.ask(text))["changes"]["nodes"]
    assert change["count"] == 1
    assert change["records"]["nodes"] == [{"action": "CREATED", "after": {"email": "bob@example.com"}}]


async def test_an_address_that_comes_twice_is_created_and_then_updated(admin: Client) -> None:
    answer = await upsert(admin, {"email": "ann@example.com"}, {"email": "Ann@Example.com", "title": "Boss"})
    assert [r["outcome"] for r in answer["results"]] == ["CREATED", "UPDATED"]
    assert len(await steps.emails(admin)) == 1


async def test_an_address_of_a_user_is_refused(world: World, admin: Client) -> None:
    await world.user("AGENT", "sue@example.com")
    answer = await upsert(admin, {"email": "sue@example.com"})
    assert [(e["code"], e["path"]) for e in answer["errors"]] == [("EMAIL_TAKEN", ["customers", "0", "email"])]


async def test_an_item_without_what_it_is_matched_by_is_refused(admin: Client) -> None:
    for item in ({"email": "ann@example.com"}, {"email": "ann@example.com", "externalId": "  "}):
        answer = await upsert(admin, item, matchBy="EXTERNAL_ID")
        assert [(e["code"], e["path"]) for e in answer["errors"]] == [("REQUIRED", ["customers", "0", "externalId"])]


async def test_a_new_customer_needs_an_address(admin: Client) -> None:
    answer = await upsert(admin, {"externalId": "c-1"}, matchBy="EXTERNAL_ID")
    assert [(e["code"], e["path"]) for e in answer["errors"]] == [("REQUIRED", ["customers", "0", "email"])]


async def test_matches_an_external_id_in_either_normal_form(admin: Client) -> None:
    await steps.customer(admin, "ann@example.com", externalId="\u00e9-1")
    answer = await upsert(admin, {"externalId": "e\u0301-1", "title": "Boss"}, matchBy="EXTERNAL_ID")
    assert outcomes(answer) == [("UPDATED", "ann@example.com")]


async def test_refuses_the_character_u0000_wherever_it_stands(admin: Client) -> None:
    for item, by, where in (
        ({"email": "a\x00@example.com"}, "EMAIL", "email"),
        ({"email": "a@example.com", "externalId": "a\x00"}, "EXTERNAL_ID", "externalId"),
    ):
        answer = await upsert(admin, item, matchBy=by)
        assert [(e["code"], e["path"]) for e in answer["errors"]] == [("INVALID_VALUE", ["customers", "0", where])]


async def test_an_archived_customer_is_not_matched(admin: Client) -> None:
    ann = await steps.customer(admin, "ann@example.com")
    await steps.well(admin, "archiveCustomers", customerIds=[ann])
    assert outcomes(await upsert(admin, {"email": "ann@example.com"})) == [("CREATED", "ann@example.com")]


async def test_takes_a_thousand_items_and_refuses_one_more(world: World, admin: Client) -> None:
    items = [{"email": f"c{i}@example.com"} for i in range(1_001)]
    before = await steps.written(world)
    refused = await upsert(admin, *items)
    assert [(e["code"], e["path"]) for e in refused["errors"]] == [("LIMIT", ["customers"])]
    assert await steps.written(world) == before
    answer = await upsert(admin, *items[:1_000])
    assert (answer["count"], answer["errors"], len(answer["results"])) == (1_000, [], 1_000)
    assert [r["customer"]["email"] for r in answer["results"]] == [i["email"] for i in items[:1_000]]


async def test_no_items_are_no_error_and_write_nothing(world: World, admin: Client) -> None:
    before = await steps.written(world)
    assert (await upsert(admin)) == {"count": 0, "results": [], "errors": []}
    assert await steps.written(world) == before


async def test_a_dry_run_answers_every_item_and_keeps_nothing(world: World, admin: Client) -> None:
    await steps.customer(admin, "ann@example.com")
    before = await steps.written(world)
    answer = await upsert(
        admin, {"email": "ann@example.com", "title": "Boss"}, {"email": "bob@example.com"}, dryRun=True
    )
    assert outcomes(answer) == [("UPDATED", "ann@example.com"), ("CREATED", "bob@example.com")]
    assert await steps.written(world) == before


async def test_many_items_are_one_change(admin: Client) -> None:
    await upsert(admin, *({"email": f"c{i}@example.com"} for i in range(5)))
    changes = (await admin.ask("{ changes { nodes { operation count } } }"))["changes"]["nodes"]
    assert changes == [{"operation": "upsertCustomers", "count": 5}]


async def test_large_calls_that_differ_leave_no_plans_behind(world: World, admin: Client) -> None:
    plans = world.app.state.graphql._engine.plans._kept  # noqa: SLF001
    await upsert(admin, {"email": "ann@example.com"}, dryRun=True)
    kept = len(plans)
    for count in (600, 601, 602):
        await upsert(admin, *({"email": f"c{i}@example.com"} for i in range(count)), dryRun=True)
    assert len(plans) == kept
