"""Inviting customers: by mail and only when asked, and all that becomes of an invitation."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from sqlmodel import SQLModel

from db import tickets
from db.clock import DAY
from jobs.runner import drain
from tests.conftest import Client, World
from tests.mailing import Caught, token_of, worker
from tests.steps import customer, done, organization, problems, project, read, well

PASSWORD = "a leaf in the wind gauge"
INVITATION = (
    "... on Customer { status invitation { id status delivery deliveryMessage sentCount lastSentAt expiresAt } }"
)
ACCEPT = """
mutation($token: String!, $password: String!) {
  acceptInvitation(input: {token: $token, password: $password, firstName: "Ann"}) {
    token customer { id name status } errors { code message path }
  }
}
"""


async def mails(world: World) -> int:
    rows = await world.rows("SELECT count(*) FROM mail WHERE workspace_id = ?", (world.workspace_id,))
    return rows[0][0]


async def invited(world: World, admin: Client, email: str = "ann@example.com") -> tuple[str, str]:
    """A customer who was sent an invitation; its id and the link's token."""
    caught = Caught()
    customer_id = await customer(admin, email, sendInvitation=True)
    await drain(worker(world, caught))
    return customer_id, token_of(caught.last)


async def accept(world: World, token: str, password: str = PASSWORD) -> dict[str, Any]:
    return (await world.client(None).ask(ACCEPT, token=token, password=password))["acceptInvitation"]


async def invitation_of(admin: Client, customer_id: str) -> dict[str, Any]:
    return (await read(admin, customer_id, INVITATION))["invitation"]


async def test_creating_a_customer_sends_no_mail(world: World, admin: Client) -> None:
    customer_id = await customer(admin, "ann@example.com")
    assert await read(admin, customer_id, INVITATION) == {"status": "CREATED", "invitation": None}
    assert await mails(world) == 0


async def test_creating_a_customer_with_an_invitation_queues_one_mail(world: World, admin: Client) -> None:
    customer_id = await customer(admin, "ann@example.com", sendInvitation=True)
    found = await read(admin, customer_id, INVITATION)
    assert found["status"] == "INVITED"
    invitation = found["invitation"]
    assert (invitation["status"], invitation["delivery"], invitation["sentCount"]) == ("PENDING", "QUEUED", 1)
    assert invitation["lastSentAt"] is None
    assert await mails(world) == 1


async def test_a_mail_that_was_taken_is_seen_on_the_invitation(world: World, admin: Client) -> None:
    customer_id = await customer(admin, "ann@example.com", sendInvitation=True)
    assert (await invitation_of(admin, customer_id))["delivery"] == "QUEUED"
    assert await drain(worker(world, Caught())) == 1
    invitation = await invitation_of(admin, customer_id)
    assert (invitation["delivery"], invitation["deliveryMessage"]) == ("SENT", "250 taken")
    assert invitation["lastSentAt"] is not None


async def test_invites_many_and_answers_each(world: World, admin: Client) -> None:
    ann, ben = await customer(admin, "ann@example.com"), await customer(admin, "ben@example.com")
    answer = await well(
        admin, "inviteCustomers", "count results { outcome customer { email } }", customerIds=[ben, ann]
    )
    assert answer["count"] == 2
    assert answer["results"] == [
        {"outcome": "UPDATED", "customer": {"email": "ben@example.com"}},
        {"outcome": "UPDATED", "customer": {"email": "ann@example.com"}},
    ]
    assert await mails(world) == 2


async def test_a_dry_run_sends_nothing(world: World, admin: Client) -> None:
    ann = await customer(admin, "ann@example.com")
    answer = await well(admin, "inviteCustomers", "count", customerIds=[ann], dryRun=True)
    assert answer["count"] == 1
    assert await mails(world) == 0


async def test_refuses_to_invite_who_has_joined(world: World, admin: Client) -> None:
    ann, token = await invited(world, admin)
    await accept(world, token)
    assert await problems(admin, "inviteCustomers", customerIds=[ann]) == [("NOT_POSSIBLE", ["customerIds", "0"])]


async def test_a_link_is_kept_nowhere(world: World, admin: Client) -> None:
    _, token = await invited(world, admin)
    secret = token.rpartition("_")[2]
    for table in SQLModel.metadata.tables:
        assert secret not in repr(await world.rows(f'SELECT * FROM "{table}"')), table


async def test_accepting_sets_a_password_signs_in_and_takes_the_name(world: World, admin: Client) -> None:
    ann, token = await invited(world, admin)
    answer = await accept(world, token)
    assert answer["errors"] == []
    assert answer["customer"] == {"id": ann, "name": "Ann", "status": "ACTIVE"}
    viewer = await world.client(answer["token"]).ask("{ viewer { customer { email } user { id } } }")
    assert viewer["viewer"] == {"customer": {"email": "ann@example.com"}, "user": None}
    assert (await invitation_of(admin, ann))["status"] == "ACCEPTED"
    history = "... on Customer { history(first: 2) { nodes { action change { actor { __typename } } } } }"
    joined = (await read(admin, ann, history))["history"]["nodes"]
    assert {"action": "JOINED", "change": {"actor": {"__typename": "Customer"}}} in joined


async def test_a_link_is_accepted_once_by_twenty_at_once(world: World, admin: Client) -> None:
    _, token = await invited(world, admin)
    answers = await asyncio.gather(*(accept(world, token) for _ in range(20)))
    assert [a["errors"] for a in answers].count([]) == 1
    told = {orjson.dumps(a) for a in answers if a["errors"]}
    assert len(told) == 1
    sessions = await world.rows("SELECT count(*) FROM session")
    assert sessions[0][0] == 1


async def test_sending_again_ends_the_older_link(world: World, admin: Client) -> None:
    ann, older = await invited(world, admin)
    invitation = await invitation_of(admin, ann)
    await well(admin, "resendInvitation", "invitation { sentCount }", invitationId=invitation["id"])
    caught = Caught()
    await drain(worker(world, caught))
    assert (await accept(world, older))["errors"][0]["code"] == "INVALID_LINK"
    again = await invitation_of(admin, ann)
    assert (again["id"], again["sentCount"]) == (invitation["id"], 2)
    assert (await accept(world, token_of(caught.last)))["errors"] == []


async def test_sending_again_before_the_first_mail_left_sends_one_mail(world: World, admin: Client) -> None:
    ann = await customer(admin, "ann@example.com", sendInvitation=True)
    await well(admin, "inviteCustomers", customerIds=[ann])
    caught = Caught()
    await drain(worker(world, caught))
    assert len(caught.mails) == 1
    assert (await accept(world, token_of(caught.last)))["errors"] == []


async def test_a_link_expires_by_the_clock_and_can_be_extended(world: World, admin: Client) -> None:
    ann, token = await invited(world, admin)
    world.clock.advance(14 * DAY)
    assert (await invitation_of(admin, ann))["status"] == "EXPIRED"
    assert (await read(admin, ann, INVITATION))["status"] == "CREATED"
    assert (await accept(world, token))["errors"][0]["code"] == "INVALID_LINK"
    invitation = await invitation_of(admin, ann)
    await well(
        admin,
        "extendInvitation",
        "invitation { status }",
        invitationId=invitation["id"],
        expiresAt=moment(world.clock() + 2 * DAY),
    )
    assert (await invitation_of(admin, ann))["status"] == "PENDING"
    assert (await accept(world, token))["errors"] == []


async def test_an_expired_link_stays_so_when_the_clock_is_set_back(world: World, admin: Client) -> None:
    _, token = await invited(world, admin)
    world.clock.advance(14 * DAY)
    await customer(admin, "ben@example.com")
    world.clock.advance(-DAY)
    assert (await accept(world, token))["errors"][0]["code"] == "INVALID_LINK"


async def test_refuses_terms_in_the_past_and_beyond_ninety_days(world: World, admin: Client) -> None:
    ann, _ = await invited(world, admin)
    invitation = await invitation_of(admin, ann)
    for expires_at in (world.clock() - 1000, world.clock() + 91 * DAY):
        refused = await problems(admin, "extendInvitation", invitationId=invitation["id"], expiresAt=moment(expires_at))
        assert refused == [("INVALID_VALUE", ["expiresAt"])]


async def test_a_revoked_link_ends_at_once(world: World, admin: Client) -> None:
    ann, token = await invited(world, admin)
    invitation = await invitation_of(admin, ann)
    await well(admin, "revokeInvitation", "invitation { status }", invitationId=invitation["id"])
    assert (await invitation_of(admin, ann))["status"] == "REVOKED"
    assert (await accept(world, token))["errors"][0]["code"] == "INVALID_LINK"
    assert await problems(admin, "resendInvitation", invitationId=invitation["id"]) == [
        ("NOT_POSSIBLE", ["invitationId"])
    ]


async def test_archiving_a_customer_ends_the_link(world: World, admin: Client) -> None:
    ann, token = await invited(world, admin)
    await well(admin, "archiveCustomers", customerIds=[ann])
    assert (await accept(world, token))["errors"][0]["code"] == "INVALID_LINK"


async def test_links_that_are_not_valid_are_told_alike(world: World, admin: Client) -> None:
    _, spent = await invited(world, admin, "spent@example.com")
    await accept(world, spent)
    revoked_id, revoked = await invited(world, admin, "revoked@example.com")
    await well(admin, "revokeInvitation", invitationId=(await invitation_of(admin, revoked_id))["id"])
    other = await world.workspace("Other")
    parts = spent.split("_")
    tokens = {
        "spent": spent,
        "revoked": revoked,
        "guessed": f"rd_invitation_{parts[2]}_{'0' * 64}",
        "of another workspace": f"rd_invitation_{other.partition('_')[2]}_{parts[3]}",
        "of no workspace": f"rd_invitation_{'0' * 26}_{parts[3]}",
        "truncated": revoked[:-1],
        "a session's": spent.replace("rd_invitation", "rd_session"),
        "empty": "",
        "no token": "x' OR 1=1 --\u0000",
    }
    told = {name: orjson.dumps(await accept(world, token)) for name, token in tokens.items()}
    assert len(set(told.values())) == 1, told


async def test_tries_of_links_are_limited_for_a_client(world: World) -> None:
    for _ in range(60):
        assert (await accept(world, "guessed"))["errors"][0]["code"] == "INVALID_LINK"
    response = await world.client(None).post(ACCEPT, {"token": "guessed", "password": PASSWORD})
    assert response.status_code == 429
    assert 1 <= int(response.headers["retry-after"]) <= 300


@pytest.mark.parametrize(
    "password",
    ["too short", "passwordpassword1", "aaaaaaaaaaaaaaaaaaaa", "ann@example.com ann", "correct horse battery staple"],
)
async def test_refuses_weak_passwords_and_the_link_stays_open(world: World, admin: Client, password: str) -> None:
    _, token = await invited(world, admin)
    (error,) = (await accept(world, token, password))["errors"]
    assert (error["code"], error["path"]) == ("INVALID_PASSWORD", ["password"])
    assert (await accept(world, token))["errors"] == []


SEEN = """
{
  customers(first: 50) { totalCount nodes { email organization { name } } }
  organizations(first: 50) { nodes { name customers(first: 5) { totalCount nodes { email } } parent { name } } }
  projects(first: 50) { nodes { name customers(first: 5) { totalCount nodes { email } } } }
  tickets(first: 50) { nodes { subject } }
  invitations(first: 50) { nodes { customer { email } } }
}
"""


async def test_who_joined_sees_itself_and_no_other_customer(world: World, admin: Client) -> None:
    above = await organization(admin, "Above")
    mine = await organization(admin, "Mine", above)
    await organization(admin, "Below", mine)
    await organization(admin, "Elsewhere")
    ann, token = await invited(world, admin)
    ben = await customer(admin, "ben@example.com", sendInvitation=True)
    await well(admin, "moveCustomers", customerIds=[ann, ben], to={"organizationId": mine})
    await project(admin, "Shared", [ann, ben])
    await project(admin, "Not shared", [ben])
    for email in ("ann@example.com", "ben@example.com"):
        properties = {"subject": f"By {email}", "requester_email": email}
        await world.write(lambda tx, properties=properties: tickets.create(tx, properties))
    seen = await world.client((await accept(world, token))["token"]).ask(SEEN)
    only_me = {"totalCount": 1, "nodes": [{"email": "ann@example.com"}]}
    assert seen["customers"] == {
        "totalCount": 1,
        "nodes": [{"email": "ann@example.com", "organization": {"name": "Mine"}}],
    }
    assert seen["organizations"]["nodes"] == [
        {"name": "Below", "customers": {"totalCount": 0, "nodes": []}, "parent": {"name": "Mine"}},
        {"name": "Mine", "customers": only_me, "parent": None},
    ]
    assert seen["projects"]["nodes"] == [{"name": "Shared", "customers": only_me}]
    assert seen["tickets"]["nodes"] == [{"subject": "By ann@example.com"}]
    assert seen["invitations"]["nodes"] == [{"customer": {"email": "ann@example.com"}}]


async def test_who_joined_may_change_nothing_of_others(world: World, admin: Client) -> None:
    _, token = await invited(world, admin)
    ben = await customer(admin, "ben@example.com")
    ann = world.client((await accept(world, token))["token"])
    refused = await ann.refused(
        "mutation($id: ID!) { archiveCustomers(input: {customerIds: [$id]}) { count } }", id=ben
    )
    assert refused["extensions"]["code"] == "FORBIDDEN"


async def test_a_refused_invitation_names_the_customer_by_its_place(admin: Client) -> None:
    answer = await done(admin, "inviteCustomers", "count", customerIds=["cus_00000000000000000000000000"])
    (error,) = answer["errors"]
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["customerIds", "0"])


def moment(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat().replace("+00:00", "Z")
