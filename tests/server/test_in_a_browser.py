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

import httpx2
import pytest
from aiosmtpd.controller import Controller
from playwright.sync_api import Page, sync_playwright

from server.pages.graphiql import BUNDLE
from tests.serving import Serving, command, free_port

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


@pytest.mark.long
@pytest.mark.skipif(CHROMIUM is None, reason="There is no Chromium here: apt install chromium")
@pytest.mark.skipif(not (BUNDLE / "index.html").exists(), reason="GraphiQL is not built: make graphiql, with Node")
def test_a_subscription_in_graphiql_and_the_schemas_page(page: Page, tmp_path: Path) -> None:
    with Serving(tmp_path, ("--migrate", "--demo")) as server:
        elsewhere: list[str] = []
        page.on("request", lambda asked: elsewhere.append(asked.url) if not at_home(asked.url, server.url) else None)
        page.on("websocket", lambda socket: elsewhere.append(socket.url) if socket.url != socket_url(server) else None)
        page.goto(server.url, wait_until="networkidle")  # GraphiQL has the schema by then
        page.locator(".graphiql-query-editor .view-line").first.wait_for()
        execute = page.get_by_label("Execute query (Ctrl-Enter)")
        execute.click()
        page.locator(".result-window").get_by_text("totalCount").first.wait_for()
        picture(page, "graphiql")
        page.get_by_role("tab", name="CustomersChanged").click()
        page.get_by_text("subscription", exact=True).first.wait_for()
        opened: list[str] = []
        page.on("websocket", lambda socket: opened.append(socket.url))
        for _ in range(5):  # what is clicked while the editor takes in another tab is not heard
            if not opened and execute.is_visible():
                execute.click()
                page.wait_for_timeout(1000)
        key = command("key", "create", "--workspace", "demo", "--scopes", "admin", data_dir=str(tmp_path))
        create = 'mutation { createCustomer(input: {email: "told@example.com"}) { errors { message } } }'
        page.wait_for_timeout(1000)  # a subscription has no acknowledgement
        httpx2.post(f"{server.url}/graphql", json={"query": create}, headers={"authorization": f"Bearer {key}"})
        page.get_by_text("told@example.com").first.wait_for()

        page.goto(f"{server.url}/schema#ErrorCode.EMAIL_TAKEN")
        page.get_by_label("Find a type, field or code").fill("email taken")
        shown = page.locator("main > section:visible")
        found = {one.get_attribute("id") for one in shown.all()}
        assert found >= {"EmailTaken", "ErrorCode"}
        assert len(found) < 10
        page.get_by_label("Find a type, field or code").fill("")
        assert shown.count() > 100
    assert elsewhere == []


@pytest.mark.long
@pytest.mark.skipif(CHROMIUM is None, reason="There is no Chromium here: apt install chromium")
@pytest.mark.skipif(not (BUNDLE / "index.html").exists(), reason="GraphiQL is not built: make graphiql, with Node")
def test_graphiqls_explorer_and_signing_in_which_puts_the_token_into_the_headers(page: Page, tmp_path: Path) -> None:
    with Serving(tmp_path, ("--migrate", "--demo")) as server:
        elsewhere: list[str] = []
        page.on("request", lambda asked: elsewhere.append(asked.url) if not at_home(asked.url, server.url) else None)
        page.goto(server.url, wait_until="networkidle")
        page.get_by_label("Show GraphiQL Explorer").click()
        page.locator(".graphiql-plugin").get_by_text("unmatchedRequesters", exact=True).wait_for()
        page.get_by_label("Show Sign in").click()
        form = page.locator("form.signing-in")
        assert form.locator("input[name=workspace]").input_value() == "demo"
        form.locator("input[name=email]").fill("agent@fernleaf.example")
        form.locator("input[name=password]").fill("something else than it is")
        form.get_by_role("button").click()
        form.get_by_role("status").get_by_text("password").wait_for()
        form.locator("input[name=password]").fill("a leaf in the wind gauge")
        form.get_by_role("button").click()
        form.get_by_role("status").get_by_text("Signed in").wait_for()
        sent: list[dict[str, str]] = []
        page.on("request", lambda asked: sent.append(asked.headers) if asked.method == "POST" else None)
        page.get_by_label("Execute query (Ctrl-Enter)").click()
        page.locator(".result-window").get_by_text("totalCount").first.wait_for()
        token = sent[0]["authorization"].removeprefix("Bearer ")
        kept = page.evaluate("JSON.stringify(localStorage)")
        asked = httpx2.post(
            f"{server.url}/graphql",
            json={"query": "{ viewer { user { email } } }"},
            headers={"authorization": f"Bearer {token}"},
        )
    assert asked.json() == {"data": {"viewer": {"user": {"email": "agent@fernleaf.example"}}}}
    assert token not in kept
    assert elsewhere == []


def socket_url(server: Serving) -> str:
    return server.url.replace("http", "ws") + "/graphql"


def at_home(asked: str, url: str) -> bool:
    return asked.startswith((url, "blob:", "data:", "about:"))
