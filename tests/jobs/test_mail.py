"""Mails: what they look like, and what becomes of them with a real SMTP server that takes, refuses, defers or hangs up."""

import asyncio
import email
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from io import StringIO
from typing import Any

import pytest
import pytest_asyncio
from aiosmtpd.smtp import SMTP, Envelope

from db import job_queue, outbox
from db.clock import DAY, HOUR, MINUTE
from jobs import mail
from jobs.mailer import Bounced, Console, Deferred, Smtp, mailer
from jobs.runner import drain
from mails import composing
from tests.conftest import Client, World
from tests.mailing import Caught, text_of, token_of, worker
from tests.steps import customer, problems, read, well

INVITATION = "... on Customer { invitation { id status delivery deliveryMessage lastSentAt } }"


@dataclass
class Server:
    """An SMTP server in the test's own loop. It answers what it is told to, and keeps what it was sent."""

    port: int = 0
    answers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False
    waits_seconds: float = 0
    sent: list[Envelope] = field(default_factory=list)

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        answer = self.answers.get("RCPT", "250 OK")
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802
        self.sent.append(envelope)
        await asyncio.sleep(self.waits_seconds)
        if self.hang_up:
            server.transport.abort()
        return self.answers.get("DATA", "250 Message accepted")

    @property
    def mails(self) -> list[EmailMessage]:
        return [email.message_from_bytes(e.content, policy=policy.default) for e in self.sent]  # type: ignore[arg-type,misc]

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"


@pytest_asyncio.fixture
async def smtp() -> AsyncIterator[Server]:
    handler = Server()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(handler, enable_SMTPUTF8=True, loop=loop), "127.0.0.1", 0)
    handler.port = server.sockets[0].getsockname()[1]
    yield handler
    server.close()
    await server.wait_closed()


async def invitation_of(admin: Client, customer_id: str) -> dict[str, Any]:
    return (await read(admin, customer_id, INVITATION))["invitation"]


async def statuses(world: World) -> list[str]:
    return [row[0] for row in await world.rows("SELECT status FROM mail ORDER BY id")]


async def test_a_mail_is_handed_to_the_server_with_its_alternatives(world: World, admin: Client, smtp: Server) -> None:
    ann = await customer(admin, "ann@example.com", firstName="Ann", lastName="Lee")
    await well(admin, "inviteCustomers", customerIds=[ann], message="See you on Monday.")
    assert await drain(worker(world, Smtp(smtp.url))) == 1
    (sent,), (message,) = smtp.sent, smtp.mails
    assert (sent.mail_from, sent.rcpt_tos) == ("help@example.com", ["ann@example.com"])
    assert message["Subject"] == "Test invites you to join"
    assert message["From"] == "Rolodesk <help@example.com>"
    assert message["To"] == "Ann Lee <ann@example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].startswith("<mal_")
    assert message["Message-ID"].endswith("@example.com>")
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    link = f"https://desk.example.com/join?token={token_of(message)}"
    assert "Hello Ann Lee," in text_of(message)
    assert "See you on Monday." in text_of(message)
    assert link in text_of(message)
    assert f'href="{link}"' in text_of(message, "html")
    invitation = await invitation_of(admin, ann)
    assert (invitation["delivery"], invitation["deliveryMessage"]) == ("SENT", "Message accepted")
    assert await statuses(world) == ["SENT"]


async def test_a_refusal_for_good_bounces(world: World, admin: Client, smtp: Server) -> None:
    smtp.answers["RCPT"] = "550 5.1.1 No such mailbox"
    ann = await customer(admin, "ann@example.com", sendInvitation=True)
    await drain(worker(world, Smtp(smtp.url)))
    invitation = await invitation_of(admin, ann)
    assert (invitation["delivery"], invitation["deliveryMessage"]) == ("BOUNCED", "550 5.1.1 No such mailbox")
    assert invitation["lastSentAt"] is None
    world.clock.advance(4 * DAY)
    assert await drain(worker(world, Smtp(smtp.url))) == 0


async def test_no_more_mails_go_to_an_address_that_bounced_until_that_is_cleared(world: World, admin: Client) -> None:
    caught = Caught(faults=[Bounced("550 No such mailbox")])
    ann = await customer(admin, "ann@example.com", sendInvitation=True)
    await drain(worker(world, caught))
    blocked = "... on Customer { invitation { id mailBlocked } }"
    invitation = (await read(admin, ann, blocked))["invitation"]
    assert invitation["mailBlocked"] is True
    one = {"invitationId": invitation["id"]}
    assert await problems(admin, "resendInvitation", **one) == [("NOT_POSSIBLE", ["invitationId"])]
    assert await problems(admin, "inviteCustomers", customerIds=[ann]) == [("NOT_POSSIBLE", ["customerIds", "0"])]
    await well(admin, "updateCustomer", customer={"id": ann}, email="ann@lee.example")
    assert (await read(admin, ann, blocked))["invitation"]["mailBlocked"] is False
    await well(admin, "updateCustomer", customer={"id": ann}, email="ann@example.com")
    answer = await well(admin, "clearBounce", "invitation { mailBlocked delivery }", **one)
    assert answer["invitation"] == {"mailBlocked": False, "delivery": "BOUNCED"}
    await well(admin, "resendInvitation", **one)
    await drain(worker(world, caught))
    assert (await invitation_of(admin, ann))["delivery"] == "SENT"


async def test_a_refusal_of_the_content_bounces(world: World, admin: Client, smtp: Server) -> None:
    smtp.answers["DATA"] = "554 5.7.1 Looks like spam"
    ann = await customer(admin, "ann@example.com", sendInvitation=True)
    await drain(worker(world, Smtp(smtp.url)))
    assert (await invitation_of(admin, ann))["delivery"] == "BOUNCED"


async def test_a_refusal_for_now_is_tried_again(world: World, admin: Client, smtp: Server) -> None:
    smtp.answers["RCPT"] = "451 4.7.1 Greylisted"
    ann = await customer(admin, "ann@example.com", sendInvitation=True)
    before = (await invitation_of(admin, ann))["id"]
    await drain(worker(world, Smtp(smtp.url)))
    invitation = await invitation_of(admin, ann)
    assert (invitation["delivery"], invitation["deliveryMessage"]) == ("DEFERRED", "451 4.7.1 Greylisted")
    world.clock.advance(MINUTE - 5_000)
    assert await drain(worker(world, Smtp(smtp.url))) == 0
    smtp.answers.clear()
    world.clock.advance(5_000)
    assert await drain(worker(world, Smtp(smtp.url))) == 1
    invitation = await invitation_of(admin, ann)
    assert (invitation["id"], invitation["delivery"], invitation["status"]) == (before, "SENT", "PENDING")


async def test_a_connection_lost_after_the_data_sends_the_same_mail_again(
    world: World, admin: Client, smtp: Server
) -> None:
    smtp.hang_up = True
    ann = await customer(admin, "ann@example.com", sendInvitation=True)
    await drain(worker(world, Smtp(smtp.url)))
    assert (await invitation_of(admin, ann))["delivery"] == "DEFERRED"
    smtp.hang_up = False
    world.clock.advance(MINUTE)
    await drain(worker(world, Smtp(smtp.url)))
    first, second = smtp.sent
    assert first.content == second.content
    assert smtp.mails[0]["Message-ID"] == smtp.mails[1]["Message-ID"]
    assert (await invitation_of(admin, ann))["delivery"] == "SENT"


async def test_a_server_that_is_down_defers(world: World, admin: Client) -> None:
    ann = await customer(admin, "ann@example.com", sendInvitation=True)
    await drain(worker(world, Smtp("smtp://127.0.0.1:1")))
    invitation = await invitation_of(admin, ann)
    assert invitation["delivery"] == "DEFERRED"
    assert invitation["deliveryMessage"].startswith("No connection: ")


async def test_a_server_that_does_not_answer_defers_and_nobody_waits_for_it(
    world: World, admin: Client, smtp: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.mailer.TIMEOUT_SECONDS", 0.3)
    smtp.waits_seconds = 2
    ann = await customer(admin, "ann@example.com", sendInvitation=True)
    sending = asyncio.create_task(drain(worker(world, Smtp(smtp.url))))
    bob = await customer(admin, "bob@example.com")
    assert not sending.done()
    assert bob
    await sending
    invitation = await invitation_of(admin, ann)
    assert invitation["delivery"] == "DEFERRED"
    assert invitation["status"] == "PENDING"


async def test_the_host_of_a_link_is_the_configured_one(world: World, admin: Client) -> None:
    admin.headers |= {"host": "evil.example", "x-forwarded-host": "evil.example", "x-forwarded-proto": "http"}
    await customer(admin, "ann@example.com", sendInvitation=True)
    caught = Caught()
    await drain(worker(world, caught))
    assert "https://desk.example.com/" in text_of(caught.last)
    assert "evil.example" not in caught.last.as_string()


async def test_waits_longer_each_time_and_gives_up_after_three_days(world: World, admin: Client) -> None:
    caught = Caught(faults=[Deferred("450 busy")] * 100)
    ann = await customer(admin, "ann@example.com", sendInvitation=True)
    started, waits = world.clock(), []
    while await drain(worker(world, caught)):
        rows = await world.rows("SELECT due_at FROM job WHERE status = 'WAITING'")
        if rows:
            waits.append(round((rows[0][0] - world.clock()) / MINUTE))
            world.clock.advance(rows[0][0] - world.clock())
    assert waits[:10] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 360]
    assert 3 * DAY <= world.clock() - started <= 3 * DAY + 6 * HOUR
    invitation = await invitation_of(admin, ann)
    assert (invitation["delivery"], invitation["deliveryMessage"]) == (
        "BOUNCED",
        "Given up after 3 days. The last answer: 450 busy",
    )


async def test_a_mail_is_not_sent_twice_when_its_lease_was_lost(world: World, admin: Client) -> None:
    """Whoever took the job over notes what became of it; the slow one notes nothing."""
    await customer(admin, "ann@example.com", sendInvitation=True)

    class Slow(Caught):
        async def send(self, message: EmailMessage, envelope: Any) -> str:
            world.clock.advance(MINUTE)
            assert await drain(worker(world, quick, name="second")) == 1
            return await super().send(message, envelope)

    slow, quick = Slow(), Caught()
    await drain(worker(world, slow, name="first"))
    assert [m["Message-ID"] for m, _ in slow.mails] == [m["Message-ID"] for m, _ in quick.mails]
    rows = await world.rows("SELECT attempts, status FROM mail")
    assert rows == [(1, "SENT")]


@pytest.mark.parametrize("what", ["revoke", "accept", "archive", "expire"])
async def test_a_mail_that_became_needless_is_not_sent(world: World, admin: Client, what: str) -> None:
    caught = Caught(faults=[Deferred("450 busy")])
    ann = await customer(admin, "ann@example.com", sendInvitation=True)
    await drain(worker(world, caught))
    invitation = await invitation_of(admin, ann)
    if what == "revoke":
        await well(admin, "revokeInvitation", invitationId=invitation["id"])
    elif what == "archive":
        await well(admin, "archiveCustomers", customerIds=[ann])
    elif what == "accept":
        await well(
            world.client(None), "acceptInvitation", token=token_of(caught.last), password="a leaf in the wind gauge"
        )
    world.clock.advance(15 * DAY if what == "expire" else HOUR)
    assert await drain(worker(world, caught)) == 1
    assert len(caught.mails) == 1
    assert await statuses(world) == ["SUPERSEDED"]


async def test_a_mail_goes_to_the_address_the_customer_has_now(world: World, admin: Client) -> None:
    ann = await customer(admin, "ann@example.com", sendInvitation=True)
    await well(admin, "updateCustomer", customer={"id": ann}, email="ann@lee.example")
    caught = Caught()
    await drain(worker(world, caught))
    assert caught.mails[0][1].recipient == "ann@lee.example"


async def test_secrets_can_be_rotated_while_mails_wait(world: World, admin: Client) -> None:
    await customer(admin, "ann@example.com", sendInvitation=True)
    caught = Caught()
    old = world.app.state.process.secrets
    await drain(worker(world, caught, secrets=("another secret of thirty-two characters", *old)))
    answer = await well(
        world.client(None), "acceptInvitation", token=token_of(caught.last), password="a leaf in the wind gauge"
    )
    assert answer["errors"] == []


async def test_a_mail_whose_secret_is_gone_says_so(world: World, admin: Client) -> None:
    ann = await customer(admin, "ann@example.com", sendInvitation=True)
    caught = Caught()
    await drain(worker(world, caught, secrets=("another secret of thirty-two characters",)))
    assert caught.mails == []
    invitation = await invitation_of(admin, ann)
    assert invitation["delivery"] == "BOUNCED"
    assert invitation["deliveryMessage"].startswith("The secret that signed the link")


# What people typed


@pytest.mark.parametrize(
    "name",
    [
        "Ann\r\nBcc: spy@example.org",
        "Ann\nBcc: spy@example.org\n\nbody",
        "Bcc: spy@example.org",
        '"Ann" <spy@example.org>,',
        "Ann\u2028Bcc: spy@example.org",
        "=?utf-8?q?Ann=0D=0ABcc:_spy@example.org?=",
        "x" * 200,
        "עברית \u202e evil",
        "A" * 99 + "ü" * 100,
    ],
)
async def test_no_name_becomes_a_header(world: World, admin: Client, smtp: Server, name: str) -> None:
    await customer(admin, "ann@example.com", firstName=name, sendInvitation=True)
    await drain(worker(world, Smtp(smtp.url)))
    (sent,), (message,) = smtp.sent, smtp.mails
    assert sent.rcpt_tos == ["ann@example.com"]
    assert sorted(message.keys()) == [
        "Auto-Submitted", "Content-Type", "Date", "From", "MIME-Version", "Message-ID", "Subject", "To",
    ]  # fmt: skip
    assert [a.addr_spec for a in message["To"].addresses] == ["ann@example.com"]
    assert isinstance(sent.content, bytes)
    assert max(len(line) for line in sent.content.splitlines()) <= 998
    assert sent.content.isascii()


async def test_no_name_of_a_workspace_becomes_a_header(world: World, admin: Client, smtp: Server) -> None:
    typed = "=?utf-8?q?Desk=0D=0ABcc:_spy@example.org?=\r\nBcc: spy@example.org"
    await world.run("UPDATE workspace SET name = ?, sender_name = ?", (typed, typed))
    await customer(admin, "ann@example.com", sendInvitation=True)
    await drain(worker(world, Smtp(smtp.url)))
    assert "Bcc" not in smtp.mails[0]
    assert smtp.sent[0].rcpt_tos == ["ann@example.com"]
    assert [a.addr_spec for a in smtp.mails[0]["From"].addresses] == ["help@example.com"]


async def test_what_people_typed_is_escaped_and_makes_no_link(world: World, admin: Client) -> None:
    ann = await customer(admin, "ann@example.com", firstName="<b>Ann</b>", lastName="https://evil.example/x")
    message = '<script>alert(1)</script> see http://evil.example and www.evil.example or "mail" a@evil.example'
    await well(admin, "inviteCustomers", customerIds=[ann], message=message)
    caught = Caught()
    await drain(worker(world, caught))
    html = text_of(caught.last, "html")
    assert "<script" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;" in html
    assert html.count("href=") == 1
    for text in (html, text_of(caught.last)):
        assert "evil.example" not in text
        assert "evil.\u2060example" in text
        assert "http://e" not in text


async def test_takes_addresses_beyond_ascii(world: World, admin: Client, smtp: Server) -> None:
    await customer(admin, "jörg@bücher.example", sendInvitation=True)
    await drain(worker(world, Smtp(smtp.url)))
    assert smtp.sent[0].rcpt_tos == ["jörg@xn--bcher-kva.example"]


async def test_the_workspace_may_bring_its_own_page_and_sender(world: World, admin: Client) -> None:
    await world.run(
        "UPDATE workspace SET link_base_url = ?, sender_name = 'Help, Inc.', reply_to = 'answers@example.org'",
        ("https://app.example.org/welcome?lang=en#top",),
    )
    await customer(admin, "ann@example.com", sendInvitation=True)
    caught = Caught()
    await drain(worker(world, caught))
    assert caught.last["From"] == '"Help, Inc." <help@example.com>'
    assert caught.last["Reply-To"] == "answers@example.org"
    assert f"https://app.example.org/welcome?lang=en&token={token_of(caught.last).partition('#')[0]}#top" in text_of(
        caught.last
    )


async def test_an_inviter_who_is_a_user_is_named(world: World) -> None:
    agent = await world.user("AGENT")
    await customer(agent, "ann@example.com", sendInvitation=True)
    caught = Caught()
    await drain(worker(world, caught))
    assert "Agent invites you to join Test." in text_of(caught.last)


async def test_prints_mails_where_no_server_is_configured(world: World, admin: Client) -> None:
    await customer(admin, "ann@example.com", sendInvitation=True)
    stream = StringIO()
    await drain(worker(world, Console(stream)))
    assert "To: ann@example.com" in stream.getvalue()
    assert "https://desk.example.com/join?token=rd_invitation_" in stream.getvalue()
    assert await statuses(world) == ["SENT"]
    assert isinstance(mailer("console"), Console)
    assert isinstance(mailer("smtps://user:p%40ss@mail.example.com"), Smtp)


async def test_mails_of_the_same_row_are_the_same_bytes(world: World, admin: Client) -> None:
    await customer(admin, "ann@example.com", sendInvitation=True)
    ((mail_id,),) = await world.rows("SELECT id FROM mail")
    found = await outbox.find(world.database, world.workspace_id, mail_id)
    assert found is not None
    desk = worker(world, Caught())
    token = composing.token_of(desk.secrets, world.workspace_id, found)
    assert token is not None
    first = composing.composed(desk, found, token).as_bytes()
    world.clock.advance(HOUR)
    assert composing.composed(desk, found, token).as_bytes() == first


async def test_a_bounce_of_an_older_send_does_not_touch_the_newer(world: World, admin: Client) -> None:
    ann = await customer(admin, "ann@example.com", sendInvitation=True)

    class Meanwhile(Caught):
        async def send(self, _message: EmailMessage, _envelope: Any) -> str:
            await well(admin, "inviteCustomers", customerIds=[ann])
            raise Bounced("550 no")

    slow = worker(world, Meanwhile())
    claimed = await job_queue.claim(world.database, slow.name, world.clock())
    assert claimed is not None
    await mail.carry_out(slow, claimed)
    assert (await invitation_of(admin, ann))["delivery"] == "QUEUED"
