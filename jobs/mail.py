"""Mails: what the outbox holds is handed over; tried again, or given up, as the server says."""

from email.utils import parseaddr

from db import job_queue, outbox
from db.clock import DAY, HOUR, MINUTE
from db.job_queue import Claimed
from db.outbox import ToSend
from db.transaction import Intent, Transaction
from jobs.mailer import Bounced, Deferred, Envelope
from jobs.worker import Worker
from mails.composing import Sender, composed, mailbox, token_of

FIRST_RETRY = MINUTE
LAST_RETRY = 6 * HOUR
TRIED_FOR = 3 * DAY


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
    message = composed(Sender(worker.mail_from, worker.public_url), mail, token)
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


def envelope(mail_from: str, mail: ToSend) -> Envelope:
    return Envelope(parseaddr(mail_from)[1], mailbox(mail.recipient))
