"""`rolodesk mail`: whether mails leave this machine."""

import asyncio
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid, parseaddr
from typing import Annotated

import typer

from db.text import email
from jobs.mailer import Bounced, Deferred, Envelope, mailer
from mails.composing import mailbox
from server.settings import Settings, read


def add(app: typer.Typer) -> None:
    group = typer.Typer(help="Try whether mails leave.", no_args_is_help=True)
    group.callback()(lambda: None)
    group.command("test")(send_test)
    app.add_typer(group, name="mail")


def send_test(address: Annotated[str, typer.Argument(help="Who gets it.")]) -> None:
    """Send a test mail; prints what the mail server answered."""
    settings = read()
    recipient = email(address).address
    envelope = Envelope(parseaddr(settings.mail_from)[1], mailbox(recipient))
    try:
        answer = asyncio.run(mailer(settings.mail_url).send(message(settings, recipient), envelope))
    except (Deferred, Bounced) as fault:
        raise typer.TyperException(f"The mail was not taken: {fault}.") from None
    typer.echo(answer)


def message(settings: Settings, recipient: str) -> EmailMessage:
    made = EmailMessage(policy=SMTP)
    made["From"], made["To"], made["Subject"] = settings.mail_from, recipient, "A test mail of Rolodesk"
    made["Date"], made["Message-ID"] = (
        formatdate(),
        make_msgid(domain=parseaddr(settings.mail_from)[1].partition("@")[2]),
    )
    made.set_content(f"This mail was sent by hand, to see whether mails of {settings.url} arrive. They do.\n")
    return made
