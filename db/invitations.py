"""Invitations of customers: what can be read of them and what can be done to them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import bindparam, case, exists, false, func, literal_column, select, type_coerce, update

from db import credentials, customers, outbox
from db.clock import DAY
from db.columns import Flag
from db.database import Database
from db.engines.dialects import quoted
from db.errors import InvalidValue, NotPossible, Path
from db.ids import hashed, link_token, new_id
from db.links import Link, invalid_link
from db.reads.filtering import id_filter, moment_filter, reference_filter
from db.reads.reading import Reading
from db.reads.records import AnyOf, Arguments, Record, Relation, Row
from db.statements import Statement
from db.tables import Customer, Invitation, Workspace
from db.text import clean
from db.transaction import Transaction
from db.writing import adding, blank, columns, found, found_living


def _status(reading: Reading, invitation: Any, _arguments: Arguments) -> Any:
    return case(
        (invitation.accepted_at.is_not(None), quoted("ACCEPTED")),
        (invitation.revoked_at.is_not(None), quoted("REVOKED")),
        (invitation.expires_at <= reading.now, quoted("EXPIRED")),
        else_=quoted("PENDING"),
    )


def _status_filter(reading: Reading, invitation: Row, given: Any) -> Any:
    return _status(reading, invitation, {}).in_([quoted(name) for name in given]) if given else false()


def next_expiry(reading: Reading) -> Any:
    """The next moment at which an open invitation expires: until then no status changes by time alone."""
    opened = reading.rows(Invitation)
    expires_at = opened.row.expires_at
    return (
        select(func.min(expires_at))
        .select_from(opened.clause)
        .where(
            *opened.where,
            opened.row.accepted_at.is_(None),
            opened.row.revoked_at.is_(None),
            expires_at > reading.now,
        )
        .scalar_subquery()
    )


def _visible(reading: Reading, invitation: Row) -> Any:
    return invitation.customer_id == reading.viewing_customer


def _mail_blocked(reading: Reading, invitation: Any, _arguments: Arguments) -> Any:
    invited = reading.rows(Customer)
    same = (invited.row.id == invitation.customer_id, invited.row.email == invitation.bounced_address)
    return type_coerce(
        exists(select(literal_column("1")).select_from(invited.clause).where(*invited.where, *same)), Flag()
    )


INVITATION = Record(
    kind="invitation",
    table=Invitation,
    expressions={"status": _status, "mail_blocked": _mail_blocked},
    relations={
        "invited_by": AnyOf(("user", "api_key"), lambda _r, i, _a: i.invited_by),
        "customer": Relation("customer", "one", lambda _r, i, customer, _a: [customer.id == i.customer_id]),
    },
    filters={
        "ids": id_filter,
        "customer": reference_filter("customer_id"),
        "status": _status_filter,
        "created_at": moment_filter("created_at"),
        "expires_at": moment_filter("expires_at"),
    },
    orders={"CREATED_AT": "created_at", "EXPIRES_AT": "expires_at"},
    default_order=(("CREATED_AT", "DESC"),),
    visible=_visible,
)


# Writing

LONGEST_MESSAGE = 2_000
LONGEST_TERM = 90 * DAY


async def invite(tx: Transaction, customer_id: str, secret: str, message: str | None = None, path: Path = ()) -> str:
    """Invites a customer by mail, or sends its open invitation again; answers the invitation's id."""
    customer = await found_living(tx, Customer, customer_id, path)
    if customer["activated_at"] is not None:
        raise NotPossible(f"{customer['email']} has joined already and needs no invitation.", path, value=customer_id)
    text = clean(message, LONGEST_MESSAGE, ("message",))
    opened = await tx.row(OPEN, customer_id=customer_id)
    if opened is not None:
        return await _send(tx, opened[0], opened[1] + 1, customer, secret, text, path)
    invitation_id = new_id("invitation")
    row = blank(Invitation) | {
        "id": invitation_id,
        "customer_id": customer_id,
        "invited_by": tx.intent.actor_id,
        "message": text,
        "expires_at": tx.now,
        "sent_count": 0,
        "delivery": "QUEUED",
        "token_hash": invitation_id,
        "created_at": tx.now,
        "updated_at": tx.now,
    }
    await tx.run(adding(Invitation), **row)
    return await _send(tx, invitation_id, 1, customer, secret, text, path)


async def resend(tx: Transaction, invitation_id: str, secret: str) -> None:
    """Sends an invitation again with a new link and a new term."""
    row = await _not_settled(tx, invitation_id)
    customer = await found_living(tx, Customer, row["customer_id"], ("invitationId",))
    await _send(tx, invitation_id, row["sent_count"] + 1, customer, secret, row["message"], ("invitationId",))


async def extend(tx: Transaction, invitation_id: str, expires_at: int) -> None:
    """Sets when an invitation expires; a link that expired holds again."""
    row = await _not_settled(tx, invitation_id)
    if not tx.now < expires_at <= tx.now + LONGEST_TERM:
        raise InvalidValue("expiresAt must lie in the future, at most 90 days from now.", ("expiresAt",))
    await tx.run(EXTEND, id=invitation_id, expires_at=expires_at, now=tx.now)
    tx.record(invitation_id, "UPDATED", {"expiresAt": row["expires_at"]}, {"expiresAt": expires_at})


async def revoke(tx: Transaction, invitation_id: str) -> None:
    """Takes an invitation back; its link ends at once."""
    await _not_settled(tx, invitation_id)
    await tx.run(REVOKE, id=invitation_id, now=tx.now)
    tx.record(invitation_id, "REVOKED")


async def accept(tx: Transaction, token: str, password_hash: str, names: Mapping[str, str | None]) -> str:
    """Uses up a link: the customer joins with a password. Answers the customer's id."""
    accepted = await tx.row(ACCEPT, token_hash=hashed(token), now=tx.now)
    customer = await tx.row(LIVING_CUSTOMER, id=accepted[1]) if accepted else None
    if accepted is None or customer is None:
        raise invalid_link()
    invitation_id, customer_id = accepted
    tx.intent = replace(tx.intent, actor_id=customer_id)
    await credentials.set_password(tx, customer_id, password_hash)
    await tx.run(ACTIVATE, id=customer_id, now=tx.now)
    tx.record(invitation_id, "ACCEPTED")
    tx.record(customer_id, "JOINED")
    given = {name: value for name, value in names.items() if value is not None}
    if given:
        await customers.update(tx, customer_id, given)
    return str(customer_id)


async def clear_bounce(tx: Transaction, invitation_id: str) -> None:
    """Lets mails go again to a customer whose address refused one."""
    row = await found(tx, Invitation, invitation_id, ("invitationId",))
    if await tx.run(CLEAR_BOUNCES, customer_id=row["customer_id"], now=tx.now):
        tx.record(invitation_id, "UPDATED", {"mailBlocked": True}, {"mailBlocked": False})


async def open_link(database: Database, workspace_id: str, token: str) -> Link | None:
    """Whose invitation a token opens, without using it up; None where it opens none."""
    rows = await database.rows(OPEN_LINK, workspace=workspace_id, token_hash=hashed(token), now=database.clock())
    return Link(*rows[0]) if rows else None


async def _not_settled(tx: Transaction, invitation_id: str) -> Mapping[str, Any]:
    row = await found(tx, Invitation, invitation_id, ("invitationId",))
    for column, how in (("accepted_at", "accepted"), ("revoked_at", "revoked")):
        if row[column] is not None:
            message = f"The invitation was {how} already. Invite the customer anew."
            raise NotPossible(message, ("invitationId",), value=invitation_id)
    return row


async def _send(
    tx: Transaction,
    invitation_id: str,
    number: int,
    customer: Mapping[str, Any],
    secret: str,
    message: str | None,
    path: Path,
) -> str:
    """Makes the invitation's link the one of this send, and queues its mail; refused where the last one came back."""
    if await tx.row(BLOCKED, customer_id=customer["id"], email=customer["email"]):
        message = f"The last mail to {customer['email']} came back. Correct the address, or clear the bounce first."
        raise NotPossible(message, path, value=customer["id"])
    term = await tx.row(TERM)
    assert term is not None  # noqa: S101  the workspace was found at the start
    await tx.run(
        SEND,
        id=invitation_id,
        sent_count=number,
        expires_at=tx.now + term[0] * DAY,
        token_hash=hashed(link_token(secret, tx.workspace_id, invitation_id, number)),
        message=message,
        now=tx.now,
    )
    await outbox.queue_invitation(tx, invitation_id, number, customer["email"])
    tx.record(customer["id"], "INVITED", {}, {"invitationId": invitation_id, "sentCount": number})
    return invitation_id


_i = columns(Invitation)
_mine = _i.workspace_id == bindparam("workspace")
_this = (_mine, _i.id == bindparam("id"))
OPEN = Statement(
    select(_i.id, _i.sent_count).where(
        _mine, _i.customer_id == bindparam("customer_id"), _i.accepted_at.is_(None), _i.revoked_at.is_(None)
    )
)
SEND = Statement(
    update(Invitation)
    .where(*_this)
    .values(
        sent_count=bindparam("sent_count"),
        expires_at=bindparam("expires_at"),
        token_hash=bindparam("token_hash"),
        message=bindparam("message"),
        delivery="QUEUED",
        delivery_message=None,
        updated_at=bindparam("now"),
    )
)
BLOCKED = Statement(
    select(_i.id).where(_mine, _i.customer_id == bindparam("customer_id"), _i.bounced_address == bindparam("email"))
)
CLEAR_BOUNCES = Statement(
    update(Invitation)
    .where(_mine, _i.customer_id == bindparam("customer_id"), _i.bounced_address.is_not(None))
    .values(bounced_address=None, updated_at=bindparam("now"))
)
EXTEND = Statement(
    update(Invitation).where(*_this).values(expires_at=bindparam("expires_at"), updated_at=bindparam("now"))
)
REVOKE = Statement(update(Invitation).where(*_this).values(revoked_at=bindparam("now"), updated_at=bindparam("now")))
_opens = (
    _mine,
    _i.token_hash == bindparam("token_hash"),
    _i.accepted_at.is_(None),
    _i.revoked_at.is_(None),
    _i.expires_at > bindparam("now"),
)
ACCEPT = Statement(
    update(Invitation)
    .where(*_opens)
    .values(accepted_at=bindparam("now"), updated_at=bindparam("now"))
    .returning(_i.id, _i.customer_id)
)
_c = columns(Customer)
_customer = (_c.workspace_id == bindparam("workspace"), _c.id == bindparam("id"))
LIVING_CUSTOMER = Statement(select(_c.id).where(*_customer, _c.archived_at.is_(None)))
ACTIVATE = Statement(update(Customer).where(*_customer).values(activated_at=bindparam("now")))
TERM = Statement(
    select(columns(Workspace).invitation_days).where(columns(Workspace).workspace_id == bindparam("workspace"))
)
_w = columns(Workspace)
OPEN_LINK = Statement(
    select(_w.name, _c.email, _c.first_name, _c.last_name).where(
        *_opens,
        _c.workspace_id == bindparam("workspace"),
        _c.id == _i.customer_id,
        _c.archived_at.is_(None),
        _w.workspace_id == bindparam("workspace"),
    )
)
