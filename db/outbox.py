"""The outbox: mails as rows, written with what caused them; the link's token is made when the mail is."""

from sqlalchemy import bindparam, update

from db import job_queue
from db.dialects import quoted
from db.ids import new_id
from db.statements import Statement
from db.tables import Mail
from db.transaction import Transaction
from db.writing import adding, columns


async def queue_invitation(tx: Transaction, invitation_id: str, send_number: int, recipient: str) -> str:
    """Queues the mail of one send of an invitation; those queued before for it are not sent any more."""
    await tx.run(SUPERSEDE, invitation_id=invitation_id)
    mail_id = new_id("mail")
    await tx.run(
        adding(Mail),
        id=mail_id,
        kind="INVITATION",
        invitation_id=invitation_id,
        send_number=send_number,
        recipient=recipient,
        language="en",
        status="QUEUED",
        attempts=0,
        server_answer=None,
        created_at=tx.now,
        sent_at=None,
    )
    await job_queue.add(tx, "MAIL", mail_id)
    return mail_id


_m = columns(Mail)
SUPERSEDE = Statement(
    update(Mail)
    .where(
        _m.workspace_id == bindparam("workspace"),
        _m.invitation_id == bindparam("invitation_id"),
        _m.status.in_([quoted("QUEUED"), quoted("DEFERRED")]),
    )
    .values(status="SUPERSEDED")
)
