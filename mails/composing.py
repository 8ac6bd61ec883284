"""Mails: what the outbox holds, made into a real mail; the same whether it is sent or only shown."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from db.ids import hashed, link_token
from db.outbox import ToSend
from db.text import email as checked

LONGEST_NAME = 100

TOKENS: Final = {"INVITATION": "invitation", "PASSWORD_RESET": "reset", "USER_INVITATION": "reset"}
PATHS: Final = {"INVITATION": "/join", "PASSWORD_RESET": "/reset", "USER_INVITATION": "/reset"}
LANGUAGES: Final = {"en": "English", "de": "Deutsch"}
"""Languages of mails, by their tag (RFC 5646). Each has three files in `templates/` for each kind of mail."""

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends mails: an address with a name, and where people reach this server."""

    mail_from: str
    public_url: str


def token_of(secrets: tuple[str, ...], workspace_id: str, mail: ToSend) -> str | None:
    """The token of the mail's link, by the secret that signed it."""
    made = (link_token(s, workspace_id, mail.subject_id, mail.send_number, TOKENS[mail.kind]) for s in secrets)
    return next((token for token in made if hashed(token) == mail.token_hash), None)


def link(public_url: str, mail: ToSend, token: str) -> str:
    """Where the mail sends its reader: the workspace's own page for invitations, or this server's."""
    if mail.kind == "INVITATION" and mail.link_base_url:
        parts = urlsplit(mail.link_base_url)
        query = f"{parts.query}&token={quote(token)}" if parts.query else f"token={quote(token)}"
        return urlunsplit(parts._replace(query=query))
    return f"{public_url}{PATHS[mail.kind]}?token={quote(token)}"


def mailbox(address: str) -> str:
    """An address with its domain as SMTP takes it, in ASCII."""
    local, _, domain = address.rpartition("@")
    return f"{local}@{checked(address).key.rpartition('@')[2] if not domain.isascii() else domain}"


def composed(sender: Sender, mail: ToSend, token: str) -> EmailMessage:
    """The mail as it is sent; the same bytes whenever it is sent again."""
    name, address = parseaddr(sender.mail_from)
    domain = address.rpartition("@")[2] or "localhost"
    recipient = mailbox(mail.recipient)
    rules = policy.SMTP if recipient.isascii() and address.isascii() else policy.SMTPUTF8
    message = EmailMessage(rules.clone(cte_type="7bit"))
    template = f"{mail.kind.lower()}.{mail.language}"
    said = {
        "link": link(sender.public_url, mail, token),
        "workspace": unlinked(one_line(mail.workspace_name)),
        "inviter": unlinked(one_line(mail.inviter or "")),
        "customer": unlinked(one_line(mail.customer_name or "")),
        "message": unlinked(mail.message or ""),
        "subject": unlinked(mail.subject or ""),
        "opening": unlinked(mail.opening or ""),
        "until": datetime.fromtimestamp(mail.expires_at / 1000, UTC),
    }
    message["From"] = header(mail.sender_name or name or mail.workspace_name, address)
    message["To"] = header(mail.customer_name or "", recipient)
    if mail.reply_to:
        message["Reply-To"] = header("", mailbox(mail.reply_to))
    message["Subject"] = one_line(TEMPLATES.get_template(f"{template}.subject.txt").render(said))
    message["Date"] = format_datetime(datetime.fromtimestamp(mail.created_at / 1000, UTC))
    message["Message-ID"] = f"<{mail.id}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(TEMPLATES.get_template(f"{template}.txt").render(said))
    message.add_alternative(TEMPLATES.get_template(f"{template}.html").render(said), subtype="html")
    message.set_boundary(f"={mail.id}=")
    return message


def header(name: str, address: str) -> Address:
    """A name and an address for a header; whatever people typed into the name, it stays a name."""
    local, _, domain = address.rpartition("@")
    shown = one_line(name)
    return Address(shown, addr_spec=address) if address.isascii() else Address(shown, local, domain)


def one_line(text: str) -> str:
    """A text as one line of at most 100 characters that holds no control characters, written or encoded (RFC 2047)."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split()).replace("=?", "= ?")
    return line if len(line) <= LONGEST_NAME else line[: LONGEST_NAME - 1] + "…"


_LINKS = re.compile(r"(://?|[.@])(?=\w)")


def unlinked(text: str) -> str:
    """What people typed, so that no mail program makes a link of it: a word joiner (U+2060) parts addresses invisibly."""
    return _LINKS.sub("\\1\u2060", text)
