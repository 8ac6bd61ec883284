"""Users: invited, listed, changed and removed; nobody rises above oneself, and an owner always stays."""

import asyncio

import pytest

from db.credentials import set_password
from jobs.runner import drain
from tests.conftest import Client, World
from tests.importing import send, send_form
from tests.mailing import Caught, text_of, token_of, worker
from tests.steps import done, problems, well

USER = "user { id email name role status invitationExpiresAt version }"
GOOD = "a long enough passphrase"
RESET = "mutation($input: ResetPasswordInput!) { resetPassword(input: $input) { viewer { user { email role } } errors { code } } }"


async def owner(world: World, email: str = "first@staff.example.com") -> tuple[Client, str]:
    """An owner who has joined, and its id."""
    return await joined(world, "OWNER", email)


async def joined(world: World, role: str, email: str) -> tuple[Client, str]:
    client = await world.user(role, email)
    user_id = (await client.ask("{ viewer { user { id } } }"))["viewer"]["user"]["id"]
    await world.write(lambda tx: set_password(tx, user_id, "a hash"))
    return client, user_id


async def mails(world: World) -> Caught:
    caught = Caught()
    await drain(worker(world, caught))
    return caught


async def test_an_invited_user_joins_by_the_link_in_the_mail(world: World) -> None:
    boss, _ = await owner(world)
    made = await well(boss, "inviteUser", USER, email="new@staff.example.com", name="New Agent", role="AGENT")
    assert (made["user"]["status"], made["user"]["role"]) == ("INVITED", "AGENT")
    assert made["user"]["invitationExpiresAt"] is not None
    mail = (await mails(world)).last
    assert mail["To"] == "new@staff.example.com"
    assert mail["Subject"] == "Your access to Test"
    assert "Owner gives you access to Test" in text_of(mail)
    said = await world.client(None).ask(RESET, input={"token": token_of(mail), "newPassword": GOOD})
    assert said["resetPassword"] == {
        "viewer": {"user": {"email": "new@staff.example.com", "role": "AGENT"}},
        "errors": [],
    }
    found = await boss.ask("{ users(filter: {role: [AGENT]}) { nodes { status invitationExpiresAt } } }")
    assert found["users"]["nodes"] == [{"status": "ACTIVE", "invitationExpiresAt": None}]


async def test_a_new_link_ends_the_one_before(world: World) -> None:
    boss, _ = await owner(world)
    made = await well(boss, "inviteUser", USER, email="new@staff.example.com", name="New", role="VIEWER")
    first = token_of((await mails(world)).last)
    await well(boss, "resendUserInvitation", USER, userId=made["user"]["id"])
    second = token_of((await mails(world)).last)
    assert first != second
    for token, errors in ((first, [{"code": "INVALID_LINK"}]), (second, [])):
        said = await world.client(None).ask(RESET, input={"token": token, "newPassword": GOOD})
        assert said["resetPassword"]["errors"] == errors
    assert await problems(boss, "resendUserInvitation", userId=made["user"]["id"]) == [("NOT_POSSIBLE", ["userId"])]


async def test_nobody_gives_or_changes_what_is_above_oneself(world: World) -> None:
    _, boss = await owner(world)
    admin, admin_id = await joined(world, "ADMIN", "admin@staff.example.com")
    key = await world.key("USERS_WRITE", "USERS_READ", "CUSTOMERS_READ")
    anew = {"email": "new@staff.example.com", "name": "New"}
    assert await problems(admin, "inviteUser", **anew, role="OWNER") == [("FORBIDDEN", ["role"])]
    assert await problems(key, "inviteUser", **anew, role="ADMIN") == [("FORBIDDEN", ["role"])]
    assert await problems(await world.key(), "inviteUser", **anew, role="OWNER") == [("FORBIDDEN", ["role"])]
    assert await problems(admin, "updateUser", userId=admin_id, role="OWNER") == [("FORBIDDEN", ["role"])]
    assert await problems(admin, "updateUser", userId=boss, name="Mine") == [("FORBIDDEN", ["userId"])]
    assert await problems(admin, "removeUser", userId=boss) == [("FORBIDDEN", ["userId"])]
    assert await problems(key, "removeUser", userId=admin_id) == [("FORBIDDEN", ["userId"])]
    await well(admin, "updateUser", USER, userId=admin_id, name="My own name")


UPLOAD = "mutation($file: Upload!) { uploadFile(input: {file: $file}) { uploadedFile { filename } errors { code } } }"
CREATE = 'mutation { createCustomer(input: {email: "ann@example.com"}) { customer { email } errors { code } } }'


async def done_as(client: Client, what: str) -> int:
    """The status of what takes more than a viewer's rights."""
    if what == "a file":
        return (await send(client, "Email\n")).status_code
    if what == "a form":
        return (await send_form(client, UPLOAD, "Email\n")).status_code
    return (await client.post({"a mutation": CREATE, "a query": "{ apiKeys { totalCount } }"}[what])).status_code


@pytest.mark.parametrize("what", ["a query", "a mutation", "a file", "a form"])
async def test_a_role_that_is_raised_counts_for_the_next_request(world: World, what: str) -> None:
    boss, _ = await owner(world)
    client, user_id = await joined(world, "VIEWER", "viewer@staff.example.com")
    assert [await done_as(client, what) for _ in range(2)] == [403, 403]
    await well(boss, "updateUser", USER, userId=user_id, role="ADMIN")
    assert await done_as(client, what) == (201 if what == "a file" else 200)
    await well(boss, "updateUser", USER, userId=user_id, role="VIEWER")
    assert await done_as(client, what) == 403


async def test_the_last_owner_who_joined_stays(world: World) -> None:
    boss, boss_id = await owner(world)
    await well(boss, "inviteUser", USER, email="new@staff.example.com", name="New", role="OWNER")  # has not joined
    assert await problems(boss, "removeUser", userId=boss_id) == [("LAST_OWNER", ["userId"])]
    assert await problems(boss, "updateUser", userId=boss_id, role="ADMIN") == [("LAST_OWNER", ["role"])]
    await owner(world, "second@staff.example.com")
    changed = await well(boss, "updateUser", USER, userId=boss_id, role="AGENT")
    assert changed["user"]["role"] == "AGENT"
    refused = await boss.refused('mutation { removeUser(input: {userId: "x"}) { errors { code } } }')
    assert refused["extensions"]["code"] == "FORBIDDEN"  # the role counts from the next request on


async def test_of_two_owners_who_remove_each_other_at_once_one_stays(world: World) -> None:
    one, one_id = await owner(world)
    other, other_id = await owner(world, "second@staff.example.com")
    answers = await asyncio.gather(one.post(REMOVE, {"id": other_id}), other.post(REMOVE, {"id": one_id}))
    assert all(answer.status_code in {200, 401, 403} for answer in answers)
    rows = await world.rows("SELECT count(*) FROM \"user\" WHERE role = 'OWNER' AND archived_at IS NULL")
    assert rows == [(1,)]


REMOVE = "mutation($id: ID!) { removeUser(input: {userId: $id}) { errors { code } } }"


async def test_who_is_removed_is_out_at_once_and_the_address_is_free(world: World) -> None:
    boss, _ = await owner(world)
    agent, agent_id = await joined(world, "AGENT", "agent@staff.example.com")
    await agent.ask("{ viewer { user { id } } }")
    removed = await well(boss, "removeUser", "user { status archivedAt }", userId=agent_id)
    assert removed["user"]["status"] == "REMOVED"
    assert (await agent.refused("{ workspace { slug } }"))["extensions"]["code"] == "UNAUTHENTICATED"
    listed = await boss.ask("{ users { nodes { email } } gone: users(filter: {archived: true}) { nodes { email } } }")
    assert "agent@staff.example.com" not in [u["email"] for u in listed["users"]["nodes"]]
    assert listed["gone"]["nodes"] == [{"email": "agent@staff.example.com"}]
    await well(boss, "inviteUser", USER, email="agent@staff.example.com", name="Again", role="AGENT")


@pytest.mark.parametrize("revoked", [False, True])
async def test_keys_of_who_is_removed_end_by_choice(world: World, revoked: bool) -> None:
    boss, boss_id = await owner(world)
    admin, admin_id = await joined(world, "ADMIN", "admin@staff.example.com")
    theirs = await done(admin, "createApiKey", "key", name="theirs", scopes=["CUSTOMERS_READ"])
    ours = await done(boss, "createApiKey", "key", name="ours", scopes=["CUSTOMERS_READ"])
    await well(boss, "removeUser", USER, userId=admin_id, revokeApiKeys=revoked)
    names = {}
    for name, made in (("theirs", theirs), ("ours", ours)):
        answer = await world.client(made["key"]).post("{ customers(first: 1) { nodes { id } } }")
        names[name] = answer.status_code
    assert names == {"theirs": 401 if revoked else 200, "ours": 200}
    assert boss_id != admin_id


async def test_an_address_that_is_taken_names_its_holder(world: World) -> None:
    boss, boss_id = await owner(world)
    answer = await done(
        boss,
        "inviteUser",
        "errors { code path ... on EmailTaken { holder { ... on User { id } } } }",
        email="first@staff.example.com",
        name="Twice",
        role="AGENT",
    )
    (error,) = answer["errors"]
    assert (error["code"], error["path"], error["holder"]) == ("EMAIL_TAKEN", ["email"], {"id": boss_id})


async def test_a_dry_run_invites_nobody(world: World) -> None:
    boss, _ = await owner(world)
    made = await well(boss, "inviteUser", USER, email="new@staff.example.com", name="N", role="AGENT", dryRun=True)
    assert made["user"]["status"] == "INVITED"
    assert (await mails(world)).mails == []
    assert (await boss.ask("{ users { totalCount } }"))["users"]["totalCount"] == 1


async def test_a_viewer_is_told_what_it_can(world: World, admin: Client) -> None:
    asked = "{ viewer { viewerCanCreateCustomers viewerCanInviteCustomers viewerCanManageUsers viewerCanReadChanges } }"
    agent = await world.user("AGENT")
    assert list((await admin.ask(asked))["viewer"].values()) == [True] * 4
    assert list((await agent.ask(asked))["viewer"].values()) == [True, True, False, True]
    reader = await world.user("VIEWER")
    assert list((await reader.ask(asked))["viewer"].values()) == [False, False, False, True]
