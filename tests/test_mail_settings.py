"""How a workspace's mails look: its settings, what a mail would be, and the outbox of development."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from jobs.runner import drain
from mails.composing import LANGUAGES, TEMPLATES, TOKENS
from tests.conftest import Client, World, opened
from tests.mailing import Caught, text_of, worker
from tests.steps import customer, problems, well

SETTINGS = "senderName replyTo linkBaseUrl invitationDays invitationSubject invitationText language"
PREVIEW = """query($id: ID!, $message: String) {
  previewInvitation(customerId: $id, message: $message) { sender recipient replyTo subject text html } }"""


async def configure(admin: Client, **settings: Any) -> dict[str, Any]:
    answer = await well(
        admin, "updateWorkspace", f"workspace {{ name mailSettings {{ {SETTINGS} }} }}", mailSettings=settings
    )
    found: dict[str, Any] = answer["workspace"]["mailSettings"]
    return found


async def test_has_usual_settings(admin: Client) -> None:
    found = await admin.ask(f"{{ workspace {{ mailSettings {{ {SETTINGS} }} }} }}")
    assert found["workspace"]["mailSettings"] == {
        "senderName": None,
        "replyTo": None,
        "linkBaseUrl": None,
        "invitationDays": 14,
        "invitationSubject": None,
        "invitationText": None,
        "language": "EN",
    }


async def test_mails_are_as_the_settings_say(world: World, admin: Client) -> None:
    await configure(
        admin,
        senderName="Acme Desk",
        replyTo="desk@acme.example.com",
        linkBaseUrl="https://app.acme.example.com/welcome?from=mail",
        invitationDays=3,
        invitationSubject="Welcome to Acme",
        invitationText="We moved our help desk.",
    )
    ann = await customer(admin, "ann@example.com", sendInvitation=True)
    caught = Caught()
    await drain(worker(world, caught))
    mail = caught.last
    assert mail["From"].startswith("Acme Desk <")
    assert mail["Reply-To"] == "desk@acme.example.com"
    assert mail["Subject"] == "Welcome to Acme"
    assert "We moved our help desk." in text_of(mail)
    assert "invites you to join" not in text_of(mail)
    assert "https://app.acme.example.com/welcome?from=mail&token=rd_invitation_" in text_of(mail)
    asked = "query($id: ID!) { node(id: $id) { ... on Customer { invitation { createdAt expiresAt } } } }"
    invitation = (await admin.ask(asked, id=ann))["node"]["invitation"]
    assert (
        invitation["createdAt"][:8] == invitation["expiresAt"][:8] or invitation["expiresAt"] > invitation["createdAt"]
    )


async def test_null_brings_back_what_is_usual_and_what_is_left_out_stays(admin: Client) -> None:
    await configure(admin, senderName="Acme Desk", invitationText="Hello")
    found = await configure(admin, senderName=None)
    assert (found["senderName"], found["invitationText"]) == (None, "Hello")


@pytest.mark.parametrize(
    ("settings", "code", "name"),
    [
        ({"senderName": "Acme\r\nBcc: all@example.com"}, "INVALID_VALUE", "senderName"),
        ({"invitationSubject": "One\nTwo"}, "INVALID_VALUE", "invitationSubject"),
        ({"replyTo": "nonsense"}, "INVALID_EMAIL", "replyTo"),
        ({"linkBaseUrl": "javascript:alert(1)"}, "INVALID_VALUE", "linkBaseUrl"),
        ({"linkBaseUrl": "https://user@example.com/"}, "INVALID_VALUE", "linkBaseUrl"),
        ({"linkBaseUrl": "https:///join"}, "INVALID_VALUE", "linkBaseUrl"),
        ({"linkBaseUrl": "https://example.com/a b"}, "INVALID_VALUE", "linkBaseUrl"),
        ({"invitationDays": 0}, "INVALID_VALUE", "invitationDays"),
        ({"invitationDays": 91}, "INVALID_VALUE", "invitationDays"),
        ({"invitationDays": None}, "INVALID_VALUE", "invitationDays"),
        ({"language": None}, "INVALID_VALUE", "language"),
        ({"invitationText": "x" * 2_001}, "TOO_LONG", "invitationText"),
    ],
)
async def test_refuses_what_no_mail_can_be(admin: Client, settings: dict[str, Any], code: str, name: str) -> None:
    assert await problems(admin, "updateWorkspace", mailSettings=settings) == [(code, ["mailSettings", name])]


async def test_refuses_a_workspace_without_a_name(admin: Client) -> None:
    assert await problems(admin, "updateWorkspace", name=" ") == [("REQUIRED", ["name"])]


async def test_mails_can_be_in_another_language(world: World, admin: Client) -> None:
    await configure(admin, language="DE")
    ann = await customer(admin, "ann@example.com", sendInvitation=True)
    caught = Caught()
    await drain(worker(world, caught))
    assert caught.last["Subject"] == "Einladung zu Test"
    assert "Sie sind zu Test eingeladen." in text_of(caught.last)
    assert 'lang="de"' in text_of(caught.last, "html")
    assert (await admin.ask(PREVIEW, id=ann))["previewInvitation"]["subject"] == "Einladung zu Test"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_mail(language: str) -> None:
    for kind in TOKENS:
        for part in ("txt", "html", "subject.txt"):
            assert TEMPLATES.get_template(f"{kind.lower()}.{language}.{part}")


async def test_a_preview_is_the_mail_that_is_sent(world: World, admin: Client) -> None:
    ann = await customer(admin, "ann@example.com", firstName="Ann")
    shown = (await admin.ask(PREVIEW, id=ann, message="See <b>you</b>"))["previewInvitation"]
    assert (await world.rows("SELECT count(*) FROM mail")) == [(0,)]
    await well(admin, "inviteCustomers", customerIds=[ann], message="See <b>you</b>")
    caught = Caught()
    await drain(worker(world, caught))
    sent = caught.last
    assert shown["subject"] == sent["Subject"]
    assert shown["recipient"] == "ann@example.com"
    without_links = [
        [line for line in text.splitlines() if "token=" not in line and "until" not in line]
        for text in (shown["text"], text_of(sent))
    ]
    assert without_links[0] == without_links[1]
    assert "token=preview" in shown["text"]
    assert "&lt;b&gt;" in shown["html"]


async def test_there_is_no_preview_for_nobody_and_none_of_a_long_message(admin: Client) -> None:
    assert (await admin.ask(PREVIEW, id="cus_nobody"))["previewInvitation"] is None
    ann = await customer(admin, "ann@example.com")
    refused = await admin.refused(PREVIEW, id=ann, message="x" * 2_001)
    assert refused["extensions"]["code"] == "TOO_LONG"


async def test_the_outbox_shows_mails_with_their_links_in_development(world: World, admin: Client) -> None:
    await customer(admin, "ann@example.com", sendInvitation=True)
    asked = "{ outbox(first: 5) { recipient status subject link text } }"
    (mail,) = (await admin.ask(asked))["outbox"]
    assert (mail["recipient"], mail["status"]) == ("ann@example.com", "QUEUED")
    assert mail["link"] in mail["text"]
    accepted = await world.client(None).ask(
        'mutation($t: String!) { acceptInvitation(input: {token: $t, password: "a long enough passphrase"}) { errors { code } } }',
        t=mail["link"].partition("token=")[2],
    )
    assert accepted["acceptInvitation"]["errors"] == []
    assert (await admin.ask(asked))["outbox"][0]["link"] is None
    assert (await admin.refused("{ outbox(first: 101) { link } }"))["extensions"]["code"] == "LIMIT"


async def test_there_is_no_outbox_in_production(migrated: Path, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        world = await opened(stack, migrated, tmp_path, mode="production", secret="s" * 32)
        refused = await (await world.key()).refused("{ outbox { link } }")
    assert refused["extensions"]["code"] == "FORBIDDEN"


async def test_an_invitation_says_who_sent_it(world: World, admin: Client) -> None:
    agent = await world.user("AGENT")
    asked = "query($id: ID!) { node(id: $id) { ... on Customer { invitation { invitedBy { __typename ... on User { name } } } } } }"
    ann = await customer(agent, "ann@example.com", sendInvitation=True)
    assert (await admin.ask(asked, id=ann))["node"]["invitation"]["invitedBy"] == {
        "__typename": "User",
        "name": "Agent",
    }
    bob = await customer(admin, "bob@example.com", sendInvitation=True)
    assert (await admin.ask(asked, id=bob))["node"]["invitation"]["invitedBy"]["__typename"] == "ApiKey"
