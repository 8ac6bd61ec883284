"""Mails: what the outbox holds, made into a real mail and handed over; tried again, or given up, as the server says."""

import re
from datetime import UTC, datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from db import job_queue, outbox
from db.clock import DAY, HOUR, MINUTE
from db.ids import hashed, link_token
from db.job_queue import Claimed
from db.outbox import ToSend
from db.text import email as checked
from db.transaction import Intent, Transaction
from jobs.mailer import Bounced, Deferred, Envelope
from jobs.worker import Worker

FIRST_RETRY = MINUTE
LAST_RETRY = 6 * HOUR
TRIED_FOR = 3 * DAY
LONGEST_NAME = 100

TOKENS: Final = {"INVITATION": "invitation", "PASSWORD_RESET": "reset"}
PATHS: Final = {"INVITATION": "/join", "PASSWORD_RESET": "/reset"}

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


async def carry_out(worker: Worker, job: Claimed) -> None:
    """Sends one mail of the outbox, unless something made it needless since. No transaction is open meanwhile."""
    mail = await outbox.find(worker.database, job.workspace_id, job.subject_id)
    if mail is None or mail.status not in {"QUEUED", "DEFERRED"}:
        await _settle(worker, job, None, "DONE", None)
    elif mail.settled or mail.expires_at <= worker.clock():
        await _settle(worker, job, mail, "SUPERSEDED", None)
    else:
        status, answer = await _sent(worker, job.workspace_id, mail)
        await _settle(worker, job, mail, status, answer)


async def _sent(worker: Worker, workspace_id: str, mail: ToSend) -> tuple[str, str]:
    token = token_of(worker.secrets, workspace_id, mail)
    if token is None:
        return "GIVEN_UP", "The secret that signed the link is no longer configured. Send the mail again."
    message = composed(worker, mail, token)
    try:
        return "SENT", await worker.mailer.send(message, envelope(worker.mail_from, mail))
    except Bounced as refused:
        return "BOUNCED", str(refused)
    except Deferred as fault:
        if worker.clock() - mail.created_at >= TRIED_FOR:
            return "GIVEN_UP", f"Given up after {TRIED_FOR // DAY} days. The last answer: {fault}"
        return "DEFERRED", str(fault)


async def _settle(worker: Worker, job: Claimed, mail: ToSend | None, status: str, answer: str | None) -> None:
    """Notes what became of a mail together with its job; nothing if another worker took the job over meanwhile."""

    async def work(tx: Transaction) -> None:
        if not await job_queue.extend(tx, job.id, worker.name):
            return
        if mail is not None:
            await outbox.note(tx, mail, status, answer)
        if mail is not None and status == "DEFERRED":
            await job_queue.postpone(tx, job.id, tx.now + backoff(mail.attempts), answer or "")
        else:
            await job_queue.finish(tx, job.id)

    await worker.database.write(work, Intent(job.workspace_id, "mail"))


def backoff(attempts: int) -> int:
    """Milliseconds until a mail that was deferred so often before is tried again."""
    return min(FIRST_RETRY << min(attempts, 20), LAST_RETRY)


# The mail


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


def envelope(mail_from: str, mail: ToSend) -> Envelope:
    return Envelope(parseaddr(mail_from)[1], mailbox(mail.recipient))


def mailbox(address: str) -> str:
    """An address with its domain as SMTP takes it, in ASCII."""
    local, _, domain = address.rpartition("@")
    return f"{local}@{checked(address).key.rpartition('@')[2] if not domain.isascii() else domain}"


def composed(worker: Worker, mail: ToSend, token: str) -> EmailMessage:
    """The mail as it is sent; the same bytes whenever it is sent again."""
    name, address = parseaddr(worker.mail_from)
    domain = address.rpartition("@")[2] or "localhost"
    recipient = mailbox(mail.recipient)
    rules = policy.SMTP if recipient.isascii() and address.isascii() else policy.SMTPUTF8
    message = EmailMessage(rules.clone(cte_type="7bit"))
    template = f"{mail.kind.lower()}.{mail.language}"
    said = {
        "link": link(worker.public_url, mail, token),
        "workspace": unlinked(one_line(mail.workspace_name)),
        "inviter": unlinked(one_line(mail.inviter or "")),
        "customer": unlinked(one_line(mail.customer_name or "")),
        "message": unlinked(mail.message or ""),
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
