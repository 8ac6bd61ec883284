"""What tests of mails share: a mailer that keeps what it is given, and a worker that uses it."""

import re
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from jobs.mailer import Envelope, Mailer
from jobs.worker import Worker
from tests.conftest import World


@dataclass
class Caught:
    """A mailer that keeps the mails; it raises what `faults` holds first."""

    mails: list[tuple[EmailMessage, Envelope]] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)

    async def send(self, message: EmailMessage, envelope: Envelope) -> str:
        self.mails.append((message, envelope))
        if self.faults:
            raise self.faults.pop(0)
        return "250 taken"

    @property
    def last(self) -> EmailMessage:
        return self.mails[-1][0]


def worker(world: World, mailer: Mailer, **different: Any) -> Worker:
    """A worker over a test's database, with its clock."""
    process = world.app.state.process
    settings: dict[str, Any] = {
        "database": process.database,
        "clock": world.clock,
        "mailer": mailer,
        "secrets": process.secrets,
        "public_url": "https://desk.example.com",
        "upload_directory": process.upload_directory,
        "mail_from": "Rolodesk <help@example.com>",
        "name": "worker",
    }
    return Worker(**{**settings, **different})


def text_of(message: EmailMessage, kind: str = "plain") -> str:
    body = message.get_body((kind,))
    assert body is not None
    return body.get_content()


def token_of(message: EmailMessage) -> str:
    """The token of the link in a mail."""
    found = re.search(r"[?&]token=(\S+)", text_of(message))
    assert found is not None
    return found[1]
