"""The tutorial's rows, in order, over HTTP against a server that runs as `make run` starts it.

A worker process is beside it, and a mail server that keeps what it is sent. Each test is one row of the mission, whose
words its name takes; the row on address books joins with them.
"""

import asyncio
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx2
import pytest
from aiosmtpd.controller import Controller

from db import api_keys, workspaces
from db.clock import system_clock
from db.engines.opening import Where, open_database
from db.transaction import Intent
from tests.conftest import Origin, at

PATIENCE_SECONDS = 20


class Postbox:
    """A mail server's hands: keeps what it is sent."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], EmailMessage]] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  aiosmtpd's name
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append((envelope.rcpt_tos, mail))
        return "250 taken"

    def to(self, address: str) -> list[EmailMessage]:
        return [mail for recipients, mail in self.mails if recipients == [address]]


@dataclass
class Desk:
    """The running server, a key to it, and the mails it sent."""

    http: httpx2.Client
    key: str
    postbox: Postbox
    headers: dict[str, str] = field(default_factory=dict)

    def ask(self, text: str, key: str | None = None, **variables: Any) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {key or self.key}"}
        answer = self.http.post("/graphql", json={"query": text, "variables": variables}, headers=headers).json()
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def do(self, field_name: str, payload: str, **given: Any) -> dict[str, Any]:
        """One mutation of which nothing is refused."""
        kind = "ImportFileInput" if field_name.startswith("import") else f"{field_name[0].upper()}{field_name[1:]}Input"
        text = f"mutation($i: {kind}!) {{ answer: {field_name}(input: $i) {{ {payload} errors {{ code message path }} }} }}"
        answer = self.ask(text, i=given)["answer"]
        assert answer["errors"] == [], answer["errors"]
        return answer

    def customer(self, email: str, **given: Any) -> str:
        return self.do("createCustomer", "customer { id }", email=email, **given)["customer"]["id"]

    def organization(self, name: str, parent: str | None = None) -> str:
        return self.do("createOrganization", "organization { id }", name=name, parentId=parent)["organization"]["id"]

    def upload(self, text: str, filename: str) -> str:
        answer = self.http.post(
            "/uploads",
            params={"filename": filename},
            content=text.encode(),
            headers={"authorization": f"Bearer {self.key}", "content-type": "text/csv"},
        )
        assert answer.status_code in {200, 201}, answer.text
        return answer.json()["id"]

    def imported(self, field_name: str, **given: Any) -> dict[str, Any]:
        """An import, waited for: its report."""
        started = self.do(field_name, "import { id status }", **given)["import"]
        text = """query($id: ID!) { import(id: $id) { status errorMessage
          counts { records created updated unchanged skipped refused unmatched warnings }
          rows(filter: {status: [REFUSED]}) { nodes { line errors { column value code } } } } }"""
        return until(
            lambda: self.ask(text, id=started["id"])["import"], lambda it: it["status"] not in {"QUEUED", "RUNNING"}
        )


def until(look: Callable[[], Any], good: Callable[[Any], bool]) -> Any:
    """What `look` sees once it is good."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not good(seen := look()):
        assert time.monotonic() < end, f"still {seen!r} after {PATIENCE_SECONDS} seconds"
        time.sleep(0.02)
    return seen


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def prepared(where: Where) -> str:
    """A database with a workspace that nobody has used; answers a key to it."""
    database = await open_database(where, system_clock)
    try:
        workspace_id = await workspaces.create(database, "Tutorial")
        _, key = await database.write(lambda tx: api_keys.create(tx, "test", ("ADMIN",)), Intent(workspace_id, "test"))
    finally:
        await database.close()
    return key


@pytest.fixture(scope="module")
def desk(migrated: Origin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A server on a port of its own, its worker beside it, and a mail server."""
    directory: Path = tmp_path_factory.mktemp("desk")
    postbox, port = Postbox(), free_port()
    mail_server = Controller(postbox, hostname="127.0.0.1", port=free_port())
    mail_server.start()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ROLODESK_")}
    environment = {
        **clean,
        "PORT": str(port),
        "ROLODESK_DATA_DIR": str(directory / "data"),
        "ROLODESK_MAIL_URL": f"smtp://127.0.0.1:{mail_server.port}",
        "ROLODESK_LOG_LEVEL": "warning",
    }

    if isinstance(migrated, Path):
        where: Where = directory / "data" / "rolodesk.db"
        (directory / "data").mkdir()
        shutil.copy(migrated, where)
    else:
        where = migrated.server.url(asyncio.run(migrated.server.database(migrated.name)))
    environment["ROLODESK_DATABASE_URL"] = at(where)
    key = asyncio.run(prepared(where))
    log = (directory / "log").open("w")
    server = subprocess.Popen([sys.executable, "-m", "server", "serve"], env=environment, stdout=log, stderr=log)
    http = httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_SECONDS)
    try:
        until(lambda: _status(http), lambda status: status == 200)
        yield Desk(http, key, postbox)
    finally:
        http.close()
        server.terminate()
        server.wait(PATIENCE_SECONDS)
        log.close()
        mail_server.stop()


def _status(http: httpx2.Client) -> int:
    try:
        return http.get("/readyz").status_code
    except httpx2.TransportError:
        return 0


def test_row_1_lists_customers_by_their_organization_and_those_in_none(desk: Desk) -> None:
    acme = desk.organization("Acme")
    europe = desk.organization("Acme Europe", acme)
    desk.customer("ann@acme.example", organizationId=acme)
    desk.customer("bob@acme.example", organizationId=europe)
    desk.customer("alone@row1.example")
    text = """query($acme: StringComparison) {
      organizations(filter: {root: true, name: $acme}) { nodes { name customerCount(includeDescendants: true)
        customers { nodes { email } } children { nodes { name customers { nodes { email } } } } } }
      customers(filter: {unassigned: true, email: {contains: "row1"}}) { nodes { email organization { name } } }
    }"""
    assert desk.ask(text, acme={"eq": "Acme"}) == {
        "organizations": {
            "nodes": [
                {
                    "name": "Acme",
                    "customerCount": 2,
                    "customers": {"nodes": [{"email": "ann@acme.example"}]},
                    "children": {
                        "nodes": [{"name": "Acme Europe", "customers": {"nodes": [{"email": "bob@acme.example"}]}}]
                    },
                }
            ]
        },
        "customers": {"nodes": [{"email": "alone@row1.example", "organization": None}]},
    }


def test_row_2_creates_a_customer_of_which_only_the_address_is_known(desk: Desk) -> None:
    answer = desk.do("createCustomer", "customer { email firstName lastName status }", email="only@row2.example")
    assert answer["customer"] == {
        "email": "only@row2.example",
        "firstName": None,
        "lastName": None,
        "status": "CREATED",
    }


def test_row_4_a_mail_invites_the_customer_to_join_and_create_a_password(desk: Desk) -> None:
    ann = desk.customer("ann@row4.example", firstName="Ann", sendInvitation=True)
    (mail,) = until(lambda: desk.postbox.to("ann@row4.example"), bool)
    text = mail.get_body(("plain",))
    assert text is not None
    link = re.search(r"https?://\S+token=(\S+)", text.get_content())
    assert link is not None
    assert "password" in desk.http.get(link[0]).text.lower()
    accept = """mutation($i: AcceptInvitationInput!) { acceptInvitation(input: $i) {
      token customer { id status } errors { code } } }"""
    given = {"token": link[1], "password": "a sentence nobody guesses"}
    joined = desk.ask(accept, i=given)["acceptInvitation"]
    assert (joined["customer"], joined["errors"]) == ({"id": ann, "status": "ACTIVE"}, [])
    viewer = desk.ask("{ viewer { customer { firstName } } }", key=joined["token"])["viewer"]
    assert viewer == {"customer": {"firstName": "Ann"}}
    again = desk.ask(accept, i=given)["acceptInvitation"]
    assert (again["token"], [e["code"] for e in again["errors"]]) == (None, ["INVALID_LINK"])
    sign_in = (
        """mutation($i: SignInInput!) { signIn(input: $i) { viewer { customer { email } } token errors { code } } }"""
    )
    signed = desk.ask(sign_in, i={"workspace": "tutorial", "email": "ann@row4.example", "password": given["password"]})
    assert signed["signIn"]["errors"] == []
    assert signed["signIn"]["viewer"] == {"customer": {"email": "ann@row4.example"}}


def test_row_5_creating_sends_no_mail_unless_asked(desk: Desk) -> None:
    desk.customer("silent@row5.example")
    desk.customer("asked@row5.example", sendInvitation=True)
    until(lambda: desk.postbox.to("asked@row5.example"), bool)
    assert desk.postbox.to("silent@row5.example") == []


def test_row_6_a_new_customer_is_in_no_organization_and_is_dragged_into_one(desk: Desk) -> None:
    ann, bob = desk.customer("ann@row6.example"), desk.customer("bob@row6.example")
    text = '{ customers(filter: {email: {contains: "row6"}}) { nodes { email organization { name } } } }'

    def places() -> list[str | None]:
        nodes = desk.ask(text)["customers"]["nodes"]
        return [c["organization"] and c["organization"]["name"] for c in nodes]

    assert places() == [None, None]
    six = desk.organization("Six")
    assert desk.do("moveCustomers", "count", customerIds=[ann], to={"organizationId": six})["count"] == 1
    assert places() == ["Six", None]
    assert desk.do("moveCustomers", "count", customerIds=[ann, bob], to={"organizationId": six})["count"] == 1
    assert places() == ["Six", "Six"]
    assert desk.do("moveCustomers", "count", customerIds=[ann, bob], to={"unassigned": True})["count"] == 2
    assert places() == [None, None]


def test_row_7_creates_an_organization_of_which_only_the_name_is_known(desk: Desk) -> None:
    answer = desk.do("createOrganization", "organization { name parent { name } customerCount }", name="Seven")
    assert answer["organization"] == {"name": "Seven", "parent": None, "customerCount": 0}


def test_row_8_imports_a_file_of_customers_whose_columns_are_mapped_first(desk: Desk) -> None:
    text = "E-mail,First name,Last name,Company,Shoe size\n"
    text += "cyd@row8.example,Cyd,Doe,Eight,38\neve@row8.example,Eve,Ray,Eight,39\nno address,Fay,Low,Eight,40\n"
    upload = desk.upload(text, "customers.csv")
    preview = desk.ask(
        "query($id: ID!) { importPreview(uploadId: $id, kind: CUSTOMERS) { columns { column field } rows } }", id=upload
    )["importPreview"]
    suggested = {one["column"]: one["field"] for one in preview["columns"]}
    assert suggested == {
        "E-mail": "email",
        "First name": "firstName",
        "Last name": "lastName",
        "Company": "organization",
        "Shoe size": None,
    }
    mapping = [{"column": column, "field": name} for column, name in suggested.items() if name]
    report = desk.imported("importCustomers", uploadId=upload, mapping=mapping)
    assert report["status"] == "SUCCEEDED"
    counts = {name: report["counts"][name] for name in ("records", "created", "updated", "refused")}
    assert counts == {"records": 3, "created": 2, "updated": 0, "refused": 1}
    (refused,) = report["rows"]["nodes"]
    assert refused["line"] == 4
    assert [(e["column"], e["value"], e["code"]) for e in refused["errors"]] == [
        ("E-mail", "no address", "INVALID_EMAIL")
    ]
    found = '{ customers(filter: {email: {contains: "row8"}}) { nodes { name organization { name } } } }'
    assert desk.ask(found)["customers"]["nodes"] == [
        {"name": "Cyd Doe", "organization": {"name": "Eight"}},
        {"name": "Eve Ray", "organization": {"name": "Eight"}},
    ]


def test_row_9_imported_tickets_are_mapped_to_their_customers_whichever_came_first(desk: Desk) -> None:
    desk.customer("gus@row9.example")
    text = "Requester,Subject,Status\ngus@row9.example,Refund,Open\nlater@row9.example,Login,Pending\n"
    mapping = [
        {"column": "Requester", "field": "requesterEmail"},
        {"column": "Subject", "field": "subject"},
        {"column": "Status", "field": "status"},
    ]
    report = desk.imported("importTickets", uploadId=desk.upload(text, "tickets.csv"), mapping=mapping)
    assert (report["status"], report["counts"]["created"], report["counts"]["unmatched"]) == ("SUCCEEDED", 2, 1)
    tickets = """{ tickets(filter: {requesterEmail: {contains: "row9"}}) {
      nodes { subject status requesterEmail requester { email } } } }"""
    assert desk.ask(tickets)["tickets"]["nodes"] == [
        {
            "subject": "Refund",
            "status": "OPEN",
            "requesterEmail": "gus@row9.example",
            "requester": {"email": "gus@row9.example"},
        },
        {"subject": "Login", "status": "PENDING", "requesterEmail": "later@row9.example", "requester": None},
    ]
    later = desk.customer("later@row9.example")
    found = desk.ask("query($id: ID!) { customer(by: {id: $id}) { tickets { nodes { subject } } } }", id=later)
    assert found["customer"]["tickets"]["nodes"] == [{"subject": "Login"}]


def test_row_10_customers_are_members_of_projects_and_a_project_filters_the_list(desk: Desk) -> None:
    ten = desk.organization("Ten")
    desk.customer("ann@row10.example", organizationId=ten)
    bob = desk.customer("bob@row10.example")
    desk.customer("cyd@row10.example")
    projects = {
        name: desk.do("createProject", "project { id }", name=name)["project"]["id"] for name in ("Wiki", "Shop")
    }
    desk.do("shareProject", "count", projectId=projects["Wiki"], customerIds=[bob], organizationIds=[ten])
    desk.do("shareProject", "count", projectId=projects["Shop"], customerIds=[bob])
    text = "query($p: ID) { customers(filter: {project: $p}) { nodes { email projects { nodes { name } } } } }"
    assert desk.ask(text, p=projects["Wiki"])["customers"]["nodes"] == [
        {"email": "ann@row10.example", "projects": {"nodes": [{"name": "Wiki"}]}},
        {"email": "bob@row10.example", "projects": {"nodes": [{"name": "Shop"}, {"name": "Wiki"}]}},
    ]
    assert [c["email"] for c in desk.ask(text, p=projects["Shop"])["customers"]["nodes"]] == ["bob@row10.example"]


def test_row_11_a_project_that_is_shared_with_no_customer_lists_none(desk: Desk) -> None:
    answer = desk.do("createProject", "project { id customerCount customers { nodes { email } } }", name="Eleven")
    assert (answer["project"]["customerCount"], answer["project"]["customers"]["nodes"]) == (0, [])
    text = "query($p: ID) { customers(filter: {project: $p}) { totalCount nodes { email } } }"
    assert desk.ask(text, p=answer["project"]["id"])["customers"] == {"totalCount": 0, "nodes": []}


def test_row_12_all_projects_show_every_customer(desk: Desk) -> None:
    before = desk.ask("{ customers { totalCount } }")["customers"]["totalCount"]
    inside = desk.customer("inside@row12.example", organizationId=desk.organization("Twelve"))
    outside = desk.customer("outside@row12.example")
    project = desk.do("createProject", "project { id }", name="Twelve")["project"]["id"]
    desk.do("shareProject", "count", projectId=project, customerIds=[inside])
    seen = desk.ask("{ customers(first: 250) { totalCount nodes { id } } }")["customers"]
    assert seen["totalCount"] == before + 2 == len(seen["nodes"])
    assert {inside, outside} <= {c["id"] for c in seen["nodes"]}
