"""Customer organizations: creating, changing, moving, archiving and bringing back."""

from typing import Any

import pytest

from db import organizations
from tests import steps
from tests.conftest import Client, World

SHOWN = "organization { id name parent { name } depth version }"
NOT_EMPTY = "errors { code path ... on NotEmpty { customerCount organizationCount } }"


async def tree(client: Client) -> list[str]:
    """Every living organization as its path from the top, by path."""
    text = "{ organizations(first: 250) { nodes { name ancestors { name } } } }"
    found = (await client.ask(text))["organizations"]["nodes"]
    return sorted("/".join([*(a["name"] for a in o["ancestors"]), o["name"]]) for o in found)


async def move(client: Client, organization_id: str, parent: str | None, **more: Any) -> dict[str, Any]:
    to = {"parentId": parent} if parent else {"topLevel": True}
    payload = f"{SHOWN} access {{ gained {{ project {{ name }} customerCount }} lost {{ project {{ name }} customerCount }} }}"
    return await steps.done(client, "moveOrganization", payload, organizationId=organization_id, to=to, **more)


async def archive(client: Client, organization_id: str, **more: Any) -> dict[str, Any]:
    return await steps.done(client, "archiveOrganization", "count", organizationId=organization_id, **more)


async def chain(world: World, length: int, name: str = "Level") -> list[str]:
    """Organizations one below the other, made without asking for each."""

    async def work(tx: Any) -> list[str]:
        made: list[str] = []
        for i in range(length):
            parent = made[-1] if made else None
            made.append(await organizations.create(tx, {"name": f"{name} {i + 1}", "parent_id": parent}))
        return made

    return await world.write(work)


# Creating


async def test_needs_only_a_name(admin: Client) -> None:
    answer = await steps.well(admin, "createOrganization", SHOWN, name="  Acme ")
    made = answer["organization"]
    assert (made["name"], made["parent"], made["depth"], made["version"]) == ("Acme", None, 0, 1)


async def test_takes_every_property(admin: Client) -> None:
    top = await steps.organization(admin, "Top")
    shown = "organization { name website description externalId parent { name } depth ancestors { name } }"
    answer = await steps.well(
        admin,
        "createOrganization",
        shown,
        name="Acme",
        parentId=top,
        website="https://acme.example",
        description="Makes anvils",
        externalId="o-1",
    )
    assert answer["organization"] == {
        "name": "Acme",
        "website": "https://acme.example",
        "description": "Makes anvils",
        "externalId": "o-1",
        "parent": {"name": "Top"},
        "depth": 1,
        "ancestors": [{"name": "Top"}],
    }


@pytest.mark.parametrize(
    ("given", "code", "where"),
    [
        ({"name": ""}, "REQUIRED", "name"),
        ({"name": " \t\n"}, "REQUIRED", "name"),
        ({"name": "x" * 201}, "TOO_LONG", "name"),
        ({"name": "a\x00b"}, "INVALID_VALUE", "name"),
        ({"name": "Acme", "website": "x" * 501}, "TOO_LONG", "website"),
        ({"name": "Acme", "description": "x" * 5_001}, "TOO_LONG", "description"),
        ({"name": "Acme", "externalId": "x" * 201}, "TOO_LONG", "externalId"),
        ({"name": "Acme", "parentId": "org_" + "0" * 26}, "NOT_FOUND", "parentId"),
    ],
)
async def test_refuses_what_cannot_be_kept(
    world: World, admin: Client, given: dict[str, str], code: str, where: str
) -> None:
    before = await steps.written(world)
    assert await steps.problems(admin, "createOrganization", **given) == [(code, [where])]
    assert await steps.written(world) == before


async def test_names_are_unique_among_siblings_only(admin: Client) -> None:
    top = await steps.organization(admin, "Acme")
    await steps.organization(admin, "Acme", top)
    holder = "errors { ... on NameTaken { code path holder { ... on Organization { id } } } }"
    for same in ("Acme", "  ACME ", "Ácme"):
        refused = await steps.done(admin, "createOrganization", holder, name=same)
        assert [(e["code"], e["path"], e["holder"]["id"]) for e in refused["errors"]] == [("NAME_TAKEN", ["name"], top)]
    assert await steps.problems(admin, "createOrganization", name="acme", parentId=top) == [("NAME_TAKEN", ["name"])]
    assert await tree(admin) == ["Acme", "Acme/Acme"]


async def test_refuses_a_taken_external_id_and_names_the_holder(admin: Client) -> None:
    acme = await steps.organization(admin, "Acme", externalId="o-1")
    holder = "errors { ... on ExternalIdTaken { code path holder { ... on Organization { id } } } }"
    refused = await steps.done(admin, "createOrganization", holder, name="Beta", externalId="o-1")
    assert [(e["code"], e["path"], e["holder"]["id"]) for e in refused["errors"]] == [
        ("EXTERNAL_ID_TAKEN", ["externalId"], acme)
    ]


async def test_nests_fifty_deep_and_no_deeper(world: World, admin: Client) -> None:
    levels = await chain(world, 49)
    deepest = await steps.organization(admin, "Level 50", levels[-1])
    assert (await steps.read(admin, deepest, "... on Organization { depth }")) == {"depth": 49}
    assert await steps.problems(admin, "createOrganization", name="Level 51", parentId=deepest) == [
        ("TOO_DEEP", ["parentId"])
    ]
    two = await chain(world, 2, "Other")
    assert [(e["code"], e["path"]) for e in (await move(admin, two[0], levels[-1]))["errors"]] == [
        ("TOO_DEEP", ["to", "parentId"])
    ]
    assert (await move(admin, two[1], levels[-1]))["errors"] == []


async def test_a_dry_run_of_a_creation_keeps_nothing(world: World, admin: Client) -> None:
    before = await steps.written(world)
    answer = await steps.well(admin, "createOrganization", SHOWN, name="Acme", dryRun=True)
    assert answer["organization"]["name"] == "Acme"
    assert await steps.written(world) == before


# Changing


async def test_what_is_left_out_stays_and_null_clears(admin: Client) -> None:
    acme = await steps.organization(admin, "Acme", website="https://acme.example", externalId="o-1")
    shown = "organization { name website externalId version }"
    answer = await steps.well(
        admin, "updateOrganization", shown, organization={"externalId": "o-1"}, name="ACME", website=None
    )
    assert answer["organization"] == {"name": "ACME", "website": None, "externalId": "o-1", "version": 2}
    refused = await steps.problems(admin, "updateOrganization", organization={"id": acme}, name=None)
    assert refused == [("REQUIRED", ["name"])]


async def test_a_stale_version_is_refused_with_the_record(world: World, admin: Client) -> None:
    acme = await steps.organization(admin, "Acme")
    await steps.well(admin, "updateOrganization", organization={"id": acme}, name="Beta", expectedVersion=1)
    before = await steps.written(world)
    conflict = "errors { ... on VersionConflict { code path currentVersion record { ... on Organization { name } } } }"
    expected = {"code": "CONFLICT", "path": ["expectedVersion"], "currentVersion": 2, "record": {"name": "Beta"}}
    given = {
        "updateOrganization": {"organization": {"id": acme}, "name": "Gamma"},
        "moveOrganization": {"organizationId": acme, "to": {"topLevel": True}},
        "archiveOrganization": {"organizationId": acme},
    }
    for field, input_ in given.items():
        (error,) = (await steps.done(admin, field, conflict, **input_, expectedVersion=1))["errors"]
        assert {name: error[name] for name in expected} == expected
    assert await steps.written(world) == before


async def test_a_renaming_is_refused_where_a_sibling_has_the_name(admin: Client) -> None:
    acme = await steps.organization(admin, "Acme")
    await steps.organization(admin, "Beta")
    refused = await steps.problems(admin, "updateOrganization", organization={"id": acme}, name="beta")
    assert refused == [("NAME_TAKEN", ["name"])]


async def test_refuses_an_organization_that_does_not_exist(admin: Client) -> None:
    for by, path in (
        ({"id": "org_" + "0" * 26}, ["organization"]),
        ({"externalId": "nothing"}, ["organization", "externalId"]),
        ({"externalId": "x" * 10_000}, ["organization", "externalId"]),
    ):
        assert await steps.problems(admin, "updateOrganization", organization=by, name="x") == [("NOT_FOUND", path)]


# Moving


async def test_moves_with_all_that_is_below(admin: Client) -> None:
    one, two = await steps.organization(admin, "One"), await steps.organization(admin, "Two")
    middle = await steps.organization(admin, "Middle", one)
    leaf = await steps.organization(admin, "Leaf", middle)
    await steps.customer(admin, "ann@example.com", organizationId=leaf)
    answer = await move(admin, middle, two)
    assert answer["errors"] == []
    assert (answer["organization"]["parent"], answer["organization"]["depth"]) == ({"name": "Two"}, 1)
    assert await tree(admin) == ["One", "Two", "Two/Middle", "Two/Middle/Leaf"]
    counts = "... on Organization { customerCount(includeDescendants: true) }"
    assert [(await steps.read(admin, o, counts))["customerCount"] for o in (one, two)] == [0, 1]
    assert (await move(admin, middle, None))["organization"]["parent"] is None


async def test_a_move_writes_one_row_whatever_hangs_below(world: World, admin: Client) -> None:
    levels = await chain(world, 5)
    other = await steps.organization(admin, "Other")
    await move(admin, levels[0], other)
    text = "{ changes(last: 1) { nodes { operation count records { nodes { recordId action before after } } } } }"
    (change,) = (await admin.ask(text))["changes"]["nodes"]
    assert change == {
        "operation": "moveOrganization",
        "count": 1,
        "records": {
            "nodes": [
                {"recordId": levels[0], "action": "MOVED", "before": {"parentId": None}, "after": {"parentId": other}}
            ]
        },
    }


async def test_never_under_itself_or_one_below_it(world: World, admin: Client) -> None:
    levels = await chain(world, 3)
    before = await steps.written(world)
    for target in levels:
        answer = await steps.done(
            admin,
            "moveOrganization",
            "errors { ... on OrganizationCycle { organization { ... on Organization { id } } } }",
            organizationId=levels[0],
            to={"parentId": target},
        )
        (error,) = answer["errors"]
        assert (error["code"], error["path"]) == ("ORGANIZATION_CYCLE", ["to", "parentId"])
        assert error["organization"] == {"id": target}
    assert await steps.written(world) == before


async def test_the_target_must_be_named(admin: Client) -> None:
    acme = await steps.organization(admin, "Acme")
    text = "mutation($input: MoveOrganizationInput!) { moveOrganization(input: $input) { errors { code } } }"
    for to in ({}, {"parentId": None}, {"parentId": acme, "topLevel": True}, {"topLevel": None}):
        error = await admin.refused(text, input={"organizationId": acme, "to": to})
        assert error["extensions"]["code"] == "INVALID_VALUE"
    refused = await steps.problems(admin, "moveOrganization", organizationId=acme, to={"topLevel": False})
    assert refused == [("INVALID_VALUE", ["to", "topLevel"])]


async def test_a_move_beside_one_of_the_same_name_is_refused(admin: Client) -> None:
    top = await steps.organization(admin, "Top")
    acme = await steps.organization(admin, "Acme")
    await steps.organization(admin, "ACME", top)
    assert [(e["code"], e["path"]) for e in (await move(admin, acme, top))["errors"]] == [("NAME_TAKEN", ["name"])]


async def test_an_unknown_or_archived_target_is_refused(admin: Client) -> None:
    acme, gone = await steps.organization(admin, "Acme"), await steps.organization(admin, "Gone")
    await archive(admin, gone)
    for target in ("org_" + "0" * 26, gone):
        answer = await move(admin, acme, target)
        assert [(e["code"], e["path"]) for e in answer["errors"]] == [("NOT_FOUND", ["to", "parentId"])]
    assert [(e["code"], e["path"]) for e in (await move(admin, gone, None))["errors"]] == [
        ("NOT_FOUND", ["organizationId"])
    ]


async def test_a_dry_run_tells_what_access_a_move_changes(world: World, admin: Client) -> None:
    one, two = await steps.organization(admin, "One"), await steps.organization(admin, "Two")
    acme = await steps.organization(admin, "Acme", one)
    leaf = await steps.organization(admin, "Leaf", acme)
    for i, where in enumerate((acme, leaf, leaf)):
        await steps.customer(admin, f"c{i}@example.com", organizationId=where)
    for name, organization in (("Through one", one), ("Through two", two), ("Own", acme)):
        made = await steps.project(admin, name)
        await steps.well(admin, "shareProject", projectId=made, organizationIds=[organization])
    before = await steps.written(world)
    answer = await move(admin, acme, two, dryRun=True)
    assert answer["access"] == {
        "gained": [{"project": {"name": "Through two"}, "customerCount": 3}],
        "lost": [{"project": {"name": "Through one"}, "customerCount": 3}],
    }
    assert answer["organization"]["parent"] == {"name": "Two"}
    assert await steps.written(world) == before


# Archiving and bringing back


async def test_one_that_holds_others_is_refused_with_their_counts(world: World, admin: Client) -> None:
    acme = await steps.organization(admin, "Acme")
    leaf = await steps.organization(admin, "Leaf", acme)
    for i, where in enumerate((acme, leaf, leaf)):
        await steps.customer(admin, f"c{i}@example.com", organizationId=where)
    before = await steps.written(world)
    (error,) = (await steps.done(admin, "archiveOrganization", NOT_EMPTY, organizationId=acme))["errors"]
    assert (error["code"], error["path"]) == ("CANNOT_ARCHIVE", ["contents"])
    assert (error["customerCount"], error["organizationCount"]) == (3, 1)
    assert await steps.written(world) == before


async def test_an_empty_one_leaves_lists_resolves_by_id_and_frees_its_name(admin: Client) -> None:
    acme = await steps.organization(admin, "Acme", externalId="o-1")
    assert (await archive(admin, acme)) == {"count": 1, "errors": []}
    assert await tree(admin) == []
    found = await steps.read(admin, acme, "... on Organization { name archivedAt }")
    assert found["name"] == "Acme"
    assert found["archivedAt"].endswith("Z")
    await steps.organization(admin, "Acme", externalId="o-1")


async def test_contents_move_up(admin: Client) -> None:
    top = await steps.organization(admin, "Top")
    acme = await steps.organization(admin, "Acme", top)
    await steps.organization(admin, "Leaf", acme)
    ann = await steps.customer(admin, "ann@example.com", organizationId=acme)
    assert (await archive(admin, acme, contents="MOVE_UP")) == {"count": 3, "errors": []}
    assert await tree(admin) == ["Top", "Top/Leaf"]
    assert (await steps.read(admin, ann, "... on Customer { organization { name } }")) == {
        "organization": {"name": "Top"}
    }
    assert (await archive(admin, top, contents="MOVE_UP"))["count"] == 3
    assert await tree(admin) == ["Leaf"]
    assert await steps.emails(admin, {"unassigned": True}) == ["ann@example.com"]


async def test_contents_move_up_though_one_has_the_name_of_what_is_archived(admin: Client) -> None:
    acme = await steps.organization(admin, "Acme")
    inner = await steps.organization(admin, "Acme", acme)
    assert (await archive(admin, acme, contents="MOVE_UP"))["errors"] == []
    assert (await steps.read(admin, inner, "... on Organization { parent { name } }")) == {"parent": None}


async def test_contents_do_not_move_up_beside_one_of_the_same_name(world: World, admin: Client) -> None:
    acme = await steps.organization(admin, "Acme")
    await steps.organization(admin, "Leaf", acme)
    await steps.organization(admin, "Leaf")
    before = await steps.written(world)
    assert [e["code"] for e in (await archive(admin, acme, contents="MOVE_UP"))["errors"]] == ["NAME_TAKEN"]
    assert await steps.written(world) == before


async def test_contents_are_archived_with_it_and_come_back_with_it(admin: Client) -> None:
    acme = await steps.organization(admin, "Acme")
    left, right = await steps.organization(admin, "Left", acme), await steps.organization(admin, "Right", acme)
    leaf = await steps.organization(admin, "Leaf", left)
    kept = {}
    for name, where in (("ann", acme), ("bob", leaf), ("cyd", right)):
        kept[name] = await steps.customer(admin, f"{name}@example.com", organizationId=where)
    before_that = await steps.customer(admin, "dan@example.com", organizationId=leaf)
    await steps.well(admin, "archiveCustomers", customerIds=[before_that])
    gone = await steps.organization(admin, "Gone", acme)
    await archive(admin, gone)

    assert (await archive(admin, acme, contents="ARCHIVE")) == {"count": 7, "errors": []}
    assert (await tree(admin), await steps.emails(admin)) == ([], [])
    assert (await steps.read(admin, kept["bob"], "... on Customer { status }")) == {"status": "ARCHIVED"}

    answer = await steps.well(admin, "restoreOrganization", f"count {SHOWN}", organizationId=acme)
    assert (answer["count"], answer["organization"]["name"]) == (7, "Acme")
    assert await tree(admin) == ["Acme", "Acme/Left", "Acme/Left/Leaf", "Acme/Right"]
    places = {
        name: (await steps.read(admin, one, "... on Customer { organization { name } }"))["organization"]["name"]
        for name, one in kept.items()
    }
    assert places == {"ann": "Acme", "bob": "Leaf", "cyd": "Right"}
    assert await steps.emails(admin) == ["ann@example.com", "bob@example.com", "cyd@example.com"]


async def test_a_restore_that_would_bring_back_a_taken_name_or_address_brings_nothing(
    world: World, admin: Client
) -> None:
    acme = await steps.organization(admin, "Acme")
    await steps.customer(admin, "ann@example.com", organizationId=acme)
    await archive(admin, acme, contents="ARCHIVE")
    heir = await steps.customer(admin, "ann@example.com")
    before = await steps.written(world)
    refused = await steps.problems(admin, "restoreOrganization", organizationId=acme)
    assert refused == [("EMAIL_TAKEN", ["organizationId", "email"])]
    assert await steps.written(world) == before
    await steps.well(admin, "archiveCustomers", customerIds=[heir])
    await steps.organization(admin, "acme")
    assert await steps.problems(admin, "restoreOrganization", organizationId=acme) == [("NAME_TAKEN", ["name"])]


async def test_one_whose_parent_is_gone_comes_back_at_the_top(admin: Client) -> None:
    top = await steps.organization(admin, "Top")
    acme = await steps.organization(admin, "Acme", top)
    await archive(admin, acme)
    await archive(admin, top)
    answer = await steps.well(admin, "restoreOrganization", SHOWN, organizationId=acme)
    assert answer["organization"]["parent"] is None
    await steps.well(admin, "restoreOrganization", organizationId=top)
    assert await tree(admin) == ["Acme", "Top"]


async def test_a_restore_never_nests_deeper_than_fifty(world: World, admin: Client) -> None:
    top = await steps.organization(admin, "Top")
    acme = await steps.organization(admin, "Acme", top)
    leaf = await steps.organization(admin, "Leaf", acme)
    await archive(admin, acme, contents="ARCHIVE")
    levels = await chain(world, 48)
    assert (await move(admin, top, levels[-1]))["errors"] == []
    assert await steps.problems(admin, "restoreOrganization", organizationId=acme) == [("TOO_DEEP", ["organizationId"])]
    assert (await steps.read(admin, leaf, "... on Organization { archivedAt }"))["archivedAt"] is not None


async def test_restoring_what_is_not_archived_changes_nothing(world: World, admin: Client) -> None:
    acme = await steps.organization(admin, "Acme")
    before = await steps.written(world)
    assert (await steps.well(admin, "restoreOrganization", "count", organizationId=acme))["count"] == 0
    assert await steps.written(world) == before


async def test_dry_runs_of_archiving_and_restoring_keep_nothing(world: World, admin: Client) -> None:
    acme = await steps.organization(admin, "Acme")
    await steps.customer(admin, "ann@example.com", organizationId=acme)
    gone = await steps.organization(admin, "Gone")
    await archive(admin, gone)
    before = await steps.written(world)
    for contents in ("ARCHIVE", "MOVE_UP"):
        assert (await archive(admin, acme, contents=contents, dryRun=True)) == {"count": 2, "errors": []}
    assert (await steps.well(admin, "restoreOrganization", "count", organizationId=gone, dryRun=True))["count"] == 1
    assert await steps.written(world) == before
