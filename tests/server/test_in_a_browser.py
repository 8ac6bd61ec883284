"""The way of an invitation in a real browser: from GraphiQL over the mail and its page to a customer who sees its own."""

import email
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from playwright.sync_api import Page, sync_playwright

from server.pages.graphiql import BUNDLE
from tests.serving import Serving, free_port

CHROMIUM = shutil.which("chromium")
PICTURES = os.environ.get("PICTURES")
"""A directory for screenshots, where they are wanted (docs/)."""

CREATE = """mutation {
  createCustomer(input: {email: "ann.lee@example.com", firstName: "Ann", sendInvitation: true}) {
    customer { name status invitation { status delivery } }
    errors { message }
  }
}"""
MINE = """fetch("/graphql", {
  method: "POST",
  headers: {"content-type": "application/json"},
  body: JSON.stringify({query: "{ viewer { customer { email status } viewerCanInviteCustomers } customers { nodes { email } } }"}),
}).then(answer => answer.json())"""


@dataclass
class Post:
    """A mail server that keeps what it is sent."""

    mails: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(email.message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        return "250 Message accepted"

    def first(self) -> EmailMessage:
        """The first mail, as soon as it is there."""
        until = time.monotonic() + 20
        while not self.mails and time.monotonic() < until:
            time.sleep(0.05)
        return self.mails[0]


@pytest.fixture
def post() -> Iterator[tuple[Post, str]]:
    kept, port = Post(), free_port()
    controller = Controller(kept, hostname="127.0.0.1", port=port)
    controller.start()
    yield kept, f"smtp://127.0.0.1:{port}"
    controller.stop()


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield browser.new_page(viewport={"width": 1200, "height": 800})
        browser.close()


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"))


@pytest.mark.long
@pytest.mark.skipif(CHROMIUM is None, reason="There is no Chromium here: apt install chromium")
@pytest.mark.skipif(not (BUNDLE / "index.html").exists(), reason="GraphiQL is not built: make graphiql, with Node")
def test_an_invitation_from_graphiql_to_a_customer_who_is_signed_in(
    post: tuple[Post, str], page: Page, tmp_path: Path
) -> None:
    kept, url = post
    with Serving(tmp_path, ("--migrate", "--demo"), {"mail_url": url}) as server:
        elsewhere: list[str] = []
        page.on("request", lambda asked: elsewhere.append(asked.url) if not at_home(asked.url, server.url) else None)
        page.goto(server.url)
        editor = page.locator(".graphiql-query-editor .view-line").first
        editor.wait_for()
        editor.click()
        page.keyboard.press("Control+a")
        page.keyboard.insert_text(" ".join(CREATE.split()))  # the editor closes the braces of lines by itself
        page.get_by_label("Prettify").first.click()
        editor.click()
        page.keyboard.press("Control+Enter")
        page.get_by_text("PENDING").first.wait_for()
        picture(page, "invite")

        mail = kept.first()
        body = mail.get_body(("html",))
        assert body is not None
        page.set_content(body.get_content())
        picture(page, "mail")
        page.get_by_role("link").first.click()

        page.locator("input[name=password]").wait_for()
        page.locator("input[name=last_name]").fill("Lee")
        page.locator("input[name=password]").fill("a long enough passphrase")
        picture(page, "join")
        page.get_by_role("button").first.click()
        page.get_by_text("you are signed in").wait_for()

        page.goto(server.url)
        seen = page.evaluate(MINE)
    assert seen == {
        "data": {
            "viewer": {
                "customer": {"email": "ann.lee@example.com", "status": "ACTIVE"},
                "viewerCanInviteCustomers": False,
            },
            "customers": {"nodes": [{"email": "ann.lee@example.com"}]},
        }
    }
    assert len(kept.mails) == 1
    assert elsewhere == []


def at_home(asked: str, url: str) -> bool:
    return asked.startswith((url, "blob:", "data:", "about:"))
