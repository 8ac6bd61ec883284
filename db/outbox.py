"""The outbox: mails as rows, written with what caused them; the link's token is made when the mail is."""

from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, case, func, literal_column, or_, select, update

from db import job_queue
from db.dialects import quoted
from db.ids import new_id
from db.sqlite import SqliteDatabase
from db.statements import Statement
from db.tables import Customer, Invitation, Mail, PasswordReset, User, Workspace
from db.transaction import Transaction
from db.writing import adding, columns


async def queue_invitation(tx: Transaction, invitation_id: str, send_number: int, recipient: str) -> str:
    """Queues the mail of one send of an invitation; those queued before for it are not sent any more."""
    await tx.run(SUPERSEDE, invitation_id=invitation_id)
    return await _queue(tx, "INVITATION", recipient, invitation_id=invitation_id, send_number=send_number)


async def queue_reset(tx: Transaction, reset_id: str, recipient: str) -> str:
    """Queues the mail with the link by which a new password is set."""
    return await _queue(tx, "PASSWORD_RESET", recipient, reset_id=reset_id, send_number=1)


async def _queue(tx: Transaction, kind: str, recipient: str, **subject: Any) -> str:
    mail_id = new_id("mail")
    row: dict[str, Any] = dict.fromkeys(c.name for c in columns(Mail)) | {
        "id": mail_id,
        "kind": kind,
        "recipient": recipient,
        "language": "en",
        "status": "QUEUED",
        "attempts": 0,
        "created_at": tx.now,
    }
    await tx.run(adding(Mail), **{**row, **subject})
    await job_queue.add(tx, "MAIL", mail_id)
    return mail_id


class ToSend(NamedTuple):
    """A mail that is due, with all that it says and what decides whether it is still to be sent."""

    id: str
    kind: str
    status: str
    recipient: str
    language: str
    attempts: int
    created_at: int
    subject_id: str
    send_number: int
    token_hash: str
    expires_at: int
    settled: bool
    message: str | None
    inviter: str | None
    customer_name: str | None
    workspace_name: str
    sender_name: str | None
    reply_to: str | None
    link_base_url: str | None


DELIVERIES = {"SENT": "SENT", "DEFERRED": "DEFERRED", "BOUNCED": "BOUNCED", "GIVEN_UP": "BOUNCED"}
"""What an invitation shows of a mail's status. What the server refused for good also keeps further mails back."""


async def find(database: SqliteDatabase, workspace_id: str, mail_id: str) -> ToSend | None:
    """A mail of the outbox with all that it says."""
    rows = await database.rows(FIND, workspace=workspace_id, id=mail_id)
    return ToSend(*rows[0]) if rows else None


async def note(tx: Transaction, mail: ToSend, status: str, answer: str | None) -> None:
    """Notes what became of a mail, and on its invitation what became of the last send."""
    sent_at = tx.now if status == "SENT" else None
    delivery = DELIVERIES.get(status)
    counted = mail.attempts + (delivery is not None)
    await tx.run(NOTE, id=mail.id, status=status, answer=answer, attempts=counted, sent_at=sent_at)
    if mail.kind == "INVITATION" and delivery is not None:
        moved = await tx.run(
            DELIVER,
            id=mail.subject_id,
            send_number=mail.send_number,
            delivery=delivery,
            message=answer,
            bounced_address=mail.recipient if status == "BOUNCED" else None,
            sent_at=sent_at,
            now=tx.now,
        )
        if moved:
            tx.move_answers()


_m, _i, _r, _w = columns(Mail), columns(Invitation), columns(PasswordReset), columns(Workspace)
_c, _u = columns(Customer), columns(User)
_mine = _m.workspace_id == bindparam("workspace")
SUPERSEDE = Statement(
    update(Mail)
    .where(
        _mine,
        _m.invitation_id == bindparam("invitation_id"),
        _m.status.in_([quoted("QUEUED"), quoted("DEFERRED")]),
    )
    .values(status="SUPERSEDED")
)
NOTE = Statement(
    update(Mail)
    .where(_mine, _m.id == bindparam("id"))
    .values(
        status=bindparam("status"),
        server_answer=bindparam("answer"),
        attempts=bindparam("attempts"),
        sent_at=bindparam("sent_at"),
    )
)
DELIVER = Statement(
    update(Invitation)
    .where(
        _i.workspace_id == bindparam("workspace"),
        _i.id == bindparam("id"),
        _i.sent_count == bindparam("send_number"),
    )
    .values(
        delivery=bindparam("delivery"),
        delivery_message=bindparam("message"),
        bounced_address=bindparam("bounced_address"),
        last_sent_at=func.coalesce(bindparam("sent_at"), _i.last_sent_at),
        updated_at=bindparam("now"),
    )
)


def _find() -> Any:
    """One statement, each of its tables in the workspace."""

    def joined(table: Any, *on: Any) -> tuple[Any, Any]:
        return table.__table__, and_(columns(table).workspace_id == bindparam("workspace"), *on)

    settled = or_(
        _i.accepted_at.is_not(None),
        _i.revoked_at.is_not(None),
        _i.sent_count != _m.send_number,
        _r.ended_at.is_not(None),
        and_(_i.id.is_not(None), _c.id.is_(None)),
    )
    return (
        select(
            _m.id,
            _m.kind,
            _m.status,
            func.coalesce(_c.email, _m.recipient),
            _m.language,
            _m.attempts,
            _m.created_at,
            func.coalesce(_m.invitation_id, _m.reset_id),
            _m.send_number,
            func.coalesce(_i.token_hash, _r.token_hash),
            func.coalesce(_i.expires_at, _r.expires_at),
            case((settled, literal_column("1")), else_=literal_column("0")),
            _i.message,
            _u.name,
            func.trim(
                func.coalesce(_c.first_name, quoted(""))
                .concat(quoted(" "))
                .concat(func.coalesce(_c.last_name, quoted("")))
            ),
            _w.name,
            _w.sender_name,
            _w.reply_to,
            _w.link_base_url,
        )
        .select_from(
            Mail.__table__.join(*joined(Workspace))  # type: ignore[attr-defined]
            .outerjoin(*joined(Invitation, _i.id == _m.invitation_id))
            .outerjoin(*joined(PasswordReset, _r.id == _m.reset_id))
            .outerjoin(*joined(Customer, _c.id == _i.customer_id, _c.archived_at.is_(None)))
            .outerjoin(*joined(User, _u.id == _i.invited_by))
        )
        .where(_mine, _m.id == bindparam("id"))
    )


FIND = Statement(_find())
