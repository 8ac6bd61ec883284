"""The outbox: mails as rows, written with what caused them; the link's token is made when the mail is."""

from typing import Any, NamedTuple

from sqlalchemy import Integer, and_, bindparam, case, delete, func, literal_column, or_, select, update

from db import job_queue
from db.clock import DAY
from db.database import Database
from db.engines.dialects import quoted
from db.ids import new_id
from db.statements import Statement
from db.tables import Customer, Invitation, Mail, PasswordReset, User, Workspace
from db.transaction import Transaction
from db.writing import adding, blank, columns


async def queue_invitation(tx: Transaction, invitation_id: str, send_number: int, recipient: str) -> str:
    """Queues the mail of one send of an invitation; those queued before for it are not sent any more."""
    await tx.run(SUPERSEDE, invitation_id=invitation_id)
    return await _queue(tx, "INVITATION", recipient, invitation_id=invitation_id, send_number=send_number)


async def queue_reset(tx: Transaction, reset_id: str, recipient: str) -> str:
    """Queues the mail with the link by which a new password is set."""
    return await _queue(tx, "PASSWORD_RESET", recipient, reset_id=reset_id, send_number=1)


async def queue_user_invitation(tx: Transaction, reset_id: str, recipient: str) -> str:
    """Queues the mail with the link by which an invited user sets a password."""
    return await _queue(tx, "USER_INVITATION", recipient, reset_id=reset_id, send_number=1)


async def _queue(tx: Transaction, kind: str, recipient: str, **subject: Any) -> str:
    mail_id = new_id("mail")
    language = await tx.row(LANGUAGE)
    assert language is not None  # noqa: S101  the workspace was found at the start
    row: dict[str, Any] = blank(Mail) | {
        "id": mail_id,
        "kind": kind,
        "recipient": recipient,
        "language": language[0],
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
    subject: str | None
    opening: str | None
    sender_name: str | None
    reply_to: str | None
    link_base_url: str | None


DELIVERIES = {"SENT": "SENT", "DEFERRED": "DEFERRED", "BOUNCED": "BOUNCED", "GIVEN_UP": "BOUNCED"}
"""What an invitation shows of a mail's status. What the server refused for good also keeps further mails back."""


async def draft(
    database: Database, workspace_id: str, customer_id: str, inviter_id: str | None, message: str | None
) -> ToSend | None:
    """The mail that inviting a customer now would send; None where there is no such living customer."""
    now = database.clock()
    found = await database.rows(DRAFT, workspace=workspace_id, customer_id=customer_id, inviter_id=inviter_id)
    if not found:
        return None
    recipient, name, inviter, language, days, *texts = found[0]
    named = (message, inviter, name, *texts)
    return ToSend(
        "preview", "INVITATION", "QUEUED", recipient, language, 0, now, "", 1, "", now + days * DAY, False, *named
    )


async def find(database: Database, workspace_id: str, mail_id: str) -> ToSend | None:
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


async def forget(tx: Transaction, before: int) -> None:
    """Removes mails that were settled, and that are older than this moment."""
    await tx.run(FORGET, before=before)


async def latest(database: Database, workspace_id: str, count: int) -> list[ToSend]:
    """The mails queued last, the latest first."""
    rows = await database.rows(LATEST, workspace=workspace_id, count=count)
    return [ToSend(*row) for row in rows]


_m, _i, _r, _w = columns(Mail), columns(Invitation), columns(PasswordReset), columns(Workspace)
_c, _u = columns(Customer), columns(User)
_mine = _m.workspace_id == bindparam("workspace")
LANGUAGE = Statement(select(_w.language).where(_w.workspace_id == bindparam("workspace")))
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
FORGET = Statement(
    delete(Mail).where(
        _mine, _m.status.not_in([quoted("QUEUED"), quoted("DEFERRED")]), _m.created_at < bindparam("before")
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


def _name_of_customer() -> Any:
    first, last = (func.coalesce(name, quoted("")) for name in (_c.first_name, _c.last_name))
    return func.trim(first.concat(quoted(" ")).concat(last))


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
            _name_of_customer(),
            _w.name,
            _w.invitation_subject,
            _w.invitation_text,
            _w.sender_name,
            _w.reply_to,
            _w.link_base_url,
        )
        .select_from(
            Mail.__table__.join(*joined(Workspace))  # type: ignore[attr-defined]
            .outerjoin(*joined(Invitation, _i.id == _m.invitation_id))
            .outerjoin(*joined(PasswordReset, _r.id == _m.reset_id))
            .outerjoin(*joined(Customer, _c.id == _i.customer_id, _c.archived_at.is_(None)))
            .outerjoin(*joined(User, _u.id == func.coalesce(_i.invited_by, _r.requested_by)))
        )
        .where(_mine)
    )


_found = _find()
FIND = Statement(_found.where(_m.id == bindparam("id")))
LATEST = Statement(_found.order_by(_m.created_at.desc(), _m.id.desc()).limit(bindparam("count", type_=Integer)))


def _draft() -> Any:
    return (
        select(
            _c.email,
            _name_of_customer(),
            _u.name,
            _w.language,
            _w.invitation_days,
            _w.name,
            _w.invitation_subject,
            _w.invitation_text,
            _w.sender_name,
            _w.reply_to,
            _w.link_base_url,
        )
        .select_from(
            Customer.__table__.join(  # type: ignore[attr-defined]
                Workspace.__table__,  # type: ignore[attr-defined]
                _w.workspace_id == bindparam("workspace"),
            ).outerjoin(
                User.__table__,  # type: ignore[attr-defined]
                and_(_u.workspace_id == bindparam("workspace"), _u.id == bindparam("inviter_id")),
            )
        )
        .where(_c.workspace_id == bindparam("workspace"), _c.id == bindparam("customer_id"), _c.archived_at.is_(None))
    )


DRAFT = Statement(_draft())
