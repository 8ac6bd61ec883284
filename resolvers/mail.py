"""What is shown of mails: how an invitation would look, and in development the outbox."""

from collections.abc import Mapping
from typing import Any

from db import invitations, outbox
from db.clock import printed
from db.errors import Forbidden, LimitExceeded
from db.outbox import ToSend
from db.text import clean
from mails.composing import Sender, composed, link, token_of
from resolvers.context import Context

NO_TOKEN = "preview"  # noqa: S105  it opens nothing
MOST_MAILS = 100


async def preview_invitation(context: Context, *, customer_id: str, message: str | None = None) -> Any:
    viewer = context.asking
    text = clean(message, invitations.LONGEST_MESSAGE, ("message",))
    database = context.process.database
    mail = await outbox.draft(database, viewer.workspace_id, customer_id, viewer.id, text)
    return _shown(context, mail, NO_TOKEN) if mail else None


async def shown(context: Context, *, first: int) -> Any:
    """The mails queued last, with their links: whoever may do everything may try them, while nobody depends on it."""
    if not context.process.development:
        raise Forbidden("The outbox can be read in development mode only: its links open accounts.", ("outbox",))
    if not 1 <= first <= MOST_MAILS:
        raise LimitExceeded(f"first must be from 1 to {MOST_MAILS}; it is {first}.", ("outbox", "first"))
    process, workspace_id = context.process, context.asking.workspace_id
    found = []
    for mail in await outbox.latest(process.database, workspace_id, first):
        token = token_of(process.secrets, workspace_id, mail)
        opens = token is not None and not mail.settled and mail.expires_at > process.clock()
        found.append(
            {
                "message_id": mail.id,
                "status": mail.status,
                "link": link(process.public_url, mail, token) if token and opens else None,
                "created_at": printed(mail.created_at),
                **_shown(context, mail, token or NO_TOKEN),
            }
        )
    return found


def _shown(context: Context, mail: ToSend, token: str) -> Mapping[str, Any]:
    message = composed(Sender(context.process.mail_from, context.process.public_url), mail, token)
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    return {
        "sender": str(message["From"]),
        "recipient": mail.recipient,
        "reply_to": str(message["Reply-To"]) if message["Reply-To"] else None,
        "subject": str(message["Subject"]),
        "text": plain.get_content() if plain else "",
        "html": html.get_content() if html else "",
    }
