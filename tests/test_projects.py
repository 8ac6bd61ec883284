"""Projects and with whom they are shared."""

from typing import Any

from tests import steps
from tests.conftest import Client, World

SHOWN = "project { name description externalId customerCount customers { nodes { email } } organizations { nodes { name } } }"


async def share(client: Client, project_id: str, **with_whom: Any) -> dict[str, Any]:
    return await steps.done(client, "shareProject", f"count {SHOWN}", projectId=project_id, **with_whom)


async def unshare(client: Client, project_id: str, **with_whom: Any) -> dict[str, Any]:
    return await steps.done(client, "unshareProject", f"count {SHOWN}", projectId=project_id, **with_whom)


async def members(client: Client, project_id: str) -> list[str]:
    """Who sees a project, as the project tells it and as the filter of customers tells it: they must agree."""
    told = await steps.read(client, project_id, "... on Project { customerCount customers { nodes { email } } }")
    found = [c["email"] for c in told["customers"]["nodes"]]
    assert found == await steps.emails(client, {"project": project_id})
    assert told["customerCount"] == len(found)
    return found


async def test_needs_only_a_name_and_is_shared_with_nobody(admin: Client) -> None:
    answer = await steps.well(admin, "createProject", SHOWN, name=" Wiki ")
    assert answer["project"] == {
        "name": "Wiki",
        "description": None,
        "externalId": None,
        "customerCount": 0,
        "customers": {"nodes": []},
        "organizations": {"nodes": []},
    }


async def test_a_project_shared_with_nobody_lists_nobody_and_no_error(admin: Client) -> None:
    await steps.customer(admin, "ann@example.com")
    wiki = await steps.project(admin, "Wiki")
    assert await members(admin, wiki) == []


async def test_refuses_names_that_are_blank_too_long_or_taken(world: World, admin: Client) -> None:
    wiki = await steps.project(admin, "Wiki", externalId="p-1")
    before = await steps.written(world)
    for given, code, where in (
        ({"name": " "}, "REQUIRED", "name"),
        ({"name": "x" * 201}, "TOO_LONG", "name"),
        ({"name": "a\x00"}, "INVALID_VALUE", "name"),
        ({"name": "WIKI"}, "NAME_TAKEN", "name"),
        ({"name": "Other", "externalId": "p-1"}, "EXTERNAL_ID_TAKEN", "externalId"),
        ({"name": "Other", "description": "x" * 5_001}, "TOO_LONG", "description"),
    ):
        assert await steps.problems(admin, "createProject", **given) == [(code, [where])]
    holder = "errors { ... on NameTaken { holder { ... on Project { id } } } }"
    (error,) = (await steps.done(admin, "createProject", holder, name="wiki"))["errors"]
    assert error["holder"] == {"id": wiki}
    assert await steps.written(world) == before


async def test_changes_what_is_given_and_refuses_a_stale_version(admin: Client) -> None:
    wiki = await steps.project(admin, "Wiki", description="Words", externalId="p-1")
    shown = "project { name description version }"
    answer = await steps.well(admin, "updateProject", shown, project={"externalId": "p-1"}, description=None)
    assert answer["project"] == {"name": "Wiki", "description": None, "version": 2}
    conflict = "errors { ... on VersionConflict { code currentVersion record { ... on Project { name } } } }"
    for field, input_ in (
        ("updateProject", {"project": {"id": wiki}, "name": "Book"}),
        ("archiveProject", {"projectId": wiki}),
    ):
        (error,) = (await steps.done(admin, field, conflict, **input_, expectedVersion=1))["errors"]
        assert (error["code"], error["currentVersion"], error["record"]) == ("CONFLICT", 2, {"name": "Wiki"})
    assert await steps.problems(admin, "updateProject", project={"id": wiki}, name=None) == [("REQUIRED", ["name"])]
    assert await steps.problems(admin, "updateProject", project={"externalId": "p-9"}, name="x") == [
        ("NOT_FOUND", ["project", "externalId"])
    ]


async def test_shares_with_customers_and_organizations(admin: Client) -> None:
    acme = await steps.organization(admin, "Acme")
    ann = await steps.customer(admin, "ann@example.com")
    await steps.customer(admin, "bob@example.com", organizationId=acme)
    await steps.customer(admin, "cyd@example.com")
    wiki = await steps.project(admin, "Wiki")
    answer = await share(admin, wiki, customerIds=[ann], organizationIds=[acme])
    assert (answer["count"], answer["errors"]) == (2, [])
    assert answer["project"]["customers"]["nodes"] == [{"email": "ann@example.com"}, {"email": "bob@example.com"}]
    assert answer["project"]["organizations"]["nodes"] == [{"name": "Acme"}]
    assert await members(admin, wiki) == ["ann@example.com", "bob@example.com"]


async def test_sharing_what_is_shared_already_writes_nothing(world: World, admin: Client) -> None:
    ann = await steps.customer(admin, "ann@example.com")
    wiki = await steps.project(admin, "Wiki", [ann])
    before = await steps.written(world)
    answer = await share(admin, wiki, customerIds=[ann, ann])
    assert (answer["count"], answer["errors"]) == (0, [])
    assert (await unshare(admin, wiki, organizationIds=["org_" + "0" * 26]))["count"] == 0
    assert await steps.written(world) == before


async def test_a_share_with_an_organization_covers_those_below_and_those_who_join_later(admin: Client) -> None:
    top = await steps.organization(admin, "Top")
    leaf = await steps.organization(admin, "Leaf", await steps.organization(admin, "Middle", top))
    await steps.customer(admin, "ann@example.com", organizationId=leaf)
    wiki = await steps.project(admin, "Wiki")
    await share(admin, wiki, organizationIds=[top])
    assert await members(admin, wiki) == ["ann@example.com"]
    bob = await steps.customer(admin, "bob@example.com")
    await steps.well(admin, "moveCustomers", customerIds=[bob], to={"organizationId": leaf})
    assert await members(admin, wiki) == ["ann@example.com", "bob@example.com"]
    later = await steps.organization(admin, "Later")
    await steps.customer(admin, "cyd@example.com", organizationId=later)
    await steps.well(admin, "moveOrganization", organizationId=later, to={"parentId": leaf})
    assert await members(admin, wiki) == ["ann@example.com", "bob@example.com", "cyd@example.com"]
    await steps.well(admin, "moveOrganization", organizationId=later, to={"topLevel": True})
    assert await members(admin, wiki) == ["ann@example.com", "bob@example.com"]


async def test_tells_why_a_customer_sees_a_project(admin: Client) -> None:
    top = await steps.organization(admin, "Top")
    leaf = await steps.organization(admin, "Leaf", top)
    ann = await steps.customer(admin, "ann@example.com", organizationId=leaf)
    wiki = await steps.project(admin, "Wiki", [ann])
    await share(admin, wiki, organizationIds=[top, leaf])
    shown = "... on Customer { projects { totalCount } access { project { name } via organization { name } } }"
    seen = await steps.read(admin, ann, shown)
    assert seen["projects"]["totalCount"] == 1
    reasons = sorted((a["via"], a["organization"] and a["organization"]["name"]) for a in seen["access"])
    assert reasons == [("DIRECT", None), ("ORGANIZATION", "Leaf"), ("ORGANIZATION", "Top")]


async def test_those_of_a_project_are_searched(admin: Client) -> None:
    top = await steps.organization(admin, "Top")
    below = await steps.organization(admin, "Below", top)
    ann = await steps.customer(admin, "ann@example.com", lastName="Lee")
    await steps.customer(admin, "bob@example.com", lastName="Lee", organizationId=below)
    await steps.customer(admin, "cat@example.com", lastName="Moss", organizationId=below)
    await steps.customer(admin, "dan@example.com", lastName="Lee")
    wiki = await steps.project(admin, "Wiki")
    await share(admin, wiki, customerIds=[ann], organizationIds=[top])
    text = """query($project: ID!, $after: String) {
      customers(filter: {project: $project, email: {startsWith: ""}}, search: "lee", first: 1, after: $after) {
        totalCount nodes { email access(first: 1) { via } } pageInfo { hasNextPage hasPreviousPage endCursor }
      }
    }"""
    first = (await admin.ask(text, project=wiki))["customers"]
    assert (first["totalCount"], first["nodes"]) == (2, [{"email": "ann@example.com", "access": [{"via": "DIRECT"}]}])
    assert first["pageInfo"]["hasNextPage"]
    last = (await admin.ask(text, project=wiki, after=first["pageInfo"]["endCursor"]))["customers"]
    assert last["nodes"] == [{"email": "bob@example.com", "access": [{"via": "ORGANIZATION"}]}]
    assert (last["pageInfo"]["hasNextPage"], last["pageInfo"]["hasPreviousPage"]) == (False, True)


async def test_ending_one_share_leaves_the_others(admin: Client) -> None:
    acme = await steps.organization(admin, "Acme")
    ann = await steps.customer(admin, "ann@example.com", organizationId=acme)
    wiki = await steps.project(admin, "Wiki", [ann])
    await share(admin, wiki, organizationIds=[acme])
    answer = await unshare(admin, wiki, customerIds=[ann])
    assert (answer["count"], answer["errors"]) == (1, [])
    assert await members(admin, wiki) == ["ann@example.com"]
    assert (await unshare(admin, wiki, organizationIds=[acme]))["count"] == 1
    assert await members(admin, wiki) == []


async def test_one_unknown_id_undoes_the_whole_share(world: World, admin: Client) -> None:
    ann = await steps.customer(admin, "ann@example.com")
    gone = await steps.customer(admin, "gone@example.com")
    await steps.well(admin, "archiveCustomers", customerIds=[gone])
    acme = await steps.organization(admin, "Acme")
    wiki = await steps.project(admin, "Wiki")
    before = await steps.written(world)
    for given, path in (
        ({"customerIds": [ann, "cus_" + "0" * 26]}, ["customerIds", "1"]),
        ({"customerIds": [ann, gone]}, ["customerIds", "1"]),
        ({"customerIds": [ann], "organizationIds": [acme, ann]}, ["organizationIds", "1"]),
    ):
        answer = await share(admin, wiki, **given)
        assert [(e["code"], e["path"]) for e in answer["errors"]] == [("NOT_FOUND", path)]
    assert await steps.written(world) == before


async def test_refuses_more_than_a_thousand_and_unknown_projects(admin: Client) -> None:
    wiki = await steps.project(admin, "Wiki")
    for call in (share, unshare):
        for name in ("customerIds", "organizationIds"):
            answer = await call(admin, wiki, **{name: ["x"] * 1_001})
            assert [(e["code"], e["path"]) for e in answer["errors"]] == [("LIMIT", [name])]
        answer = await call(admin, "prj_" + "0" * 26, customerIds=[])
        assert [(e["code"], e["path"]) for e in answer["errors"]] == [("NOT_FOUND", ["projectId"])]


async def test_an_archived_project_is_seen_by_nobody_and_comes_back_with_its_shares(admin: Client) -> None:
    ann = await steps.customer(admin, "ann@example.com")
    wiki = await steps.project(admin, "Wiki", [ann], externalId="p-1")
    await steps.well(admin, "archiveProject", projectId=wiki)
    shown = "... on Customer { projects { nodes { name } } access { project { name } } }"
    assert await steps.read(admin, ann, shown) == {"projects": {"nodes": []}, "access": []}
    assert (await admin.ask("{ projects { totalCount } }"))["projects"]["totalCount"] == 0
    assert (await steps.read(admin, wiki, "... on Project { name }")) == {"name": "Wiki"}
    assert [(e["code"], e["path"]) for e in (await share(admin, wiki, customerIds=[ann]))["errors"]] == [
        ("NOT_FOUND", ["projectId"])
    ]
    await steps.well(admin, "restoreProject", projectId=wiki)
    assert await steps.read(admin, ann, shown) == {
        "projects": {"nodes": [{"name": "Wiki"}]},
        "access": [{"project": {"name": "Wiki"}}],
    }


async def test_a_project_does_not_come_back_where_its_name_was_taken(world: World, admin: Client) -> None:
    wiki = await steps.project(admin, "Wiki")
    await steps.well(admin, "archiveProject", projectId=wiki)
    await steps.project(admin, "wiki")
    before = await steps.written(world)
    assert await steps.problems(admin, "restoreProject", projectId=wiki) == [("NAME_TAKEN", ["name"])]
    assert await steps.written(world) == before


async def test_dry_runs_keep_nothing(world: World, admin: Client) -> None:
    ann = await steps.customer(admin, "ann@example.com")
    bob = await steps.customer(admin, "bob@example.com")
    wiki, gone = await steps.project(admin, "Wiki", [ann]), await steps.project(admin, "Gone")
    await steps.well(admin, "archiveProject", projectId=gone)
    before = await steps.written(world)
    assert (await steps.well(admin, "createProject", SHOWN, name="New", dryRun=True))["project"]["name"] == "New"
    assert (await share(admin, wiki, customerIds=[bob], dryRun=True))["project"]["customerCount"] == 2
    assert (await unshare(admin, wiki, customerIds=[ann], dryRun=True))["project"]["customerCount"] == 0
    await steps.well(admin, "updateProject", project={"id": wiki}, name="Book", dryRun=True)
    await steps.well(admin, "archiveProject", projectId=wiki, dryRun=True)
    await steps.well(admin, "restoreProject", projectId=gone, dryRun=True)
    assert await steps.written(world) == before


async def test_unsharing_with_an_id_that_no_record_can_have_changes_nothing(admin: Client) -> None:
    document = """mutation($input: UnshareProjectInput!) {
      unshareProject(input: $input) { errors { code } }
    }"""
    made = await admin.ask('mutation { createProject(input: {name: "Tide"}) { project { id } } }')
    project_id = made["createProject"]["project"]["id"]
    given = {"projectId": project_id, "customerIds": ["cus_\x00"], "organizationIds": ["org_\x00"]}
    answer = await admin.post(document, {"input": given})
    assert (answer.status_code, answer.json()) == (200, {"data": {"unshareProject": {"errors": []}}})
