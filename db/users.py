"""Users, the staff of a workspace: what can be read of them and what can be done to them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, case, delete, func, literal_column, select

from db import contact_sources, customers, password_resets, sessions
from db.engines.dialects import quoted
from db.errors import EmailTaken, InvalidValue, NotPossible, Path
from db.ids import new_id
from db.permissions import ROLES
from db.reads.filtering import archived_filter, id_filter, one_of_filter, text_filter
from db.reads.reading import Reading
from db.reads.records import Arguments, Record
from db.statements import Statement
from db.tables import EmailAddress, PasswordReset, User
from db.text import address_key, email, fold, required
from db.transaction import Transaction
from db.writing import adding, adding_if_absent, blank, changing, columns, expect, found_living


def _status(_reading: Reading, user: Any, _arguments: Arguments) -> Any:
    return case(
        (user.archived_at.is_not(None), quoted("REMOVED")),
        (user.activated_at.is_not(None), quoted("ACTIVE")),
        else_=quoted("INVITED"),
    )


def _invitation_expires_at(reading: Reading, user: Any, _arguments: Arguments) -> Any:
    """Until when the link holds by which an invited user joins."""
    links = reading.rows(PasswordReset)
    return case(
        (
            and_(user.archived_at.is_(None), user.activated_at.is_(None)),
            select(func.max(links.row.expires_at))
            .select_from(links.clause)
            .where(*links.where, links.row.holder_id == user.id, links.row.ended_at.is_(None))
            .scalar_subquery(),
        )
    )


USER = Record(
    kind="user",
    table=User,
    expressions={"status": _status, "invitation_expires_at": _invitation_expires_at},
    filters={
        "ids": id_filter,
        "role": one_of_filter("role"),
        "email": text_filter("email_key", address_key),
        "archived": archived_filter,
    },
    orders={"NAME": "name_key", "CREATED_AT": "created_at"},
    default_order=(("NAME", "ASC"),),
    archives=True,
)


async def create(tx: Transaction, email_address: str, name: str, role: str) -> str:
    """Adds a user, who holds its address as a customer would."""
    if role not in ROLES:
        raise InvalidValue(f"The role must be one of {', '.join(ROLES)}; it is {role!r}.", ("role",))
    address, name = email(email_address), required(name, 200, ("name",))
    user_id = new_id("user")
    row = blank(User) | {
        "id": user_id,
        "version": 1,
        "created_at": tx.now,
        "updated_at": tx.now,
        "email": address.address,
        "email_key": address.key,
        "name": name,
        "name_key": fold(name),
        "role": role,
    }
    await tx.run(adding(User), **row)
    held = {"email_key": address.key, "customer_id": None, "user_id": user_id}
    if not await tx.run(adding_if_absent(EmailAddress), **held):
        raise EmailTaken(
            f"{address.address} already belongs to a customer or user of this workspace.",
            ("email",),
            holder=await customers.holder_of(tx, address.key),
        )
    tx.move_access()
    tx.record(user_id, "CREATED", {}, {"email": address.address, "name": name, "role": role})
    return user_id


class Rights(NamedTuple):
    """What somebody may do who changes users: nobody is given more than that, nor changed who has more."""

    permissions: frozenset[str]
    user_id: str | None = None
    """The user who asks; None for an API key, which is no owner."""


async def invite(tx: Transaction, rights: Rights, email_address: str, name: str, role: str, secret: str) -> str:
    """Adds a user and queues the mail by which one joins."""
    await _within(tx, rights, role, ("role",))
    user_id = await create(tx, email_address, name, role)
    await password_resets.invite(tx, user_id, email(email_address).address, secret)
    tx.record(user_id, "INVITED")
    return user_id


async def invite_again(tx: Transaction, rights: Rights, user_id: str, secret: str) -> None:
    """Queues the mail again, with a new link; the one before ends."""
    row = await _theirs(tx, rights, user_id)
    if row["activated_at"] is not None:
        raise NotPossible(f"{row['email']} has joined already. A new password is set by `requestPasswordReset`.", ID)
    await password_resets.invite(tx, user_id, row["email"], secret)
    tx.record(user_id, "INVITED")


async def update(
    tx: Transaction, rights: Rights, user_id: str, changes: Mapping[str, Any], expected_version: int | None
) -> None:
    """Changes a user's name and role."""
    row = await _theirs(tx, rights, user_id)
    expect(row, expected_version)
    kept: dict[str, Any] = {}
    if "name" in changes:
        name = required(changes["name"], 200, ("name",))
        kept |= {"name": name, "name_key": fold(name)}
    if "role" in changes:
        if changes["role"] is None:
            raise InvalidValue(f"The role must be one of {', '.join(ROLES)}.", ("role",))
        await _within(tx, rights, changes["role"], ("role",))
        kept["role"] = changes["role"]
    moved = {column: value for column, value in kept.items() if row[column] != value}
    if not moved:
        return
    if "role" in moved:
        await _another_owner(tx, row, ("role",))
        tx.move_access()
    await tx.run(changing(User, tuple(sorted(moved))), id=user_id, now=tx.now, **moved)
    told = [column for column in moved if column != "name_key"]
    tx.record(user_id, "UPDATED", {c: row[c] for c in told}, {c: moved[c] for c in told})


async def remove(tx: Transaction, rights: Rights, user_id: str, expected_version: int | None) -> None:
    """Archives a user: sessions and links end at once, and the address is free again."""
    row = await _theirs(tx, rights, user_id)
    expect(row, expected_version)
    await _another_owner(tx, row, ID)
    await tx.run(changing(User, ("archived_at",)), id=user_id, now=tx.now, archived_at=tx.now)
    await tx.run(GIVE_UP_ADDRESS, id=user_id)
    await password_resets.end(tx, user_id)
    await sessions.end_all(tx, user_id)
    await contact_sources.forget_of(tx, user_id)
    tx.move_access()
    tx.record(user_id, "ARCHIVED")


async def _theirs(tx: Transaction, rights: Rights, user_id: str) -> Mapping[str, Any]:
    """A living user whom somebody with these rights may change."""
    row = await found_living(tx, User, user_id, ID)
    if row["id"] != rights.user_id:
        await _within(tx, rights, row["role"], ID)
    return row


async def _within(tx: Transaction, rights: Rights, role: str, path: Path) -> None:
    """Refuses who would deal with a role beyond their own rights; with owners, owners alone deal."""
    owner = rights.user_id is not None and await tx.row(IS_OWNER, id=rights.user_id) is not None
    if (role == "OWNER" and not owner) or not ROLES[role] <= rights.permissions:
        raise NotPossible(f"Who is {role} may do more than you; ask an owner.", path, code="FORBIDDEN")


async def _another_owner(tx: Transaction, row: Mapping[str, Any], path: Path) -> None:
    """Refuses to lose the last owner who can sign in."""
    if row["role"] == "OWNER" and await tx.row(ANOTHER_OWNER, id=row["id"]) is None:
        raise NotPossible(
            "This is the last owner who has joined. Make another user owner first.",
            path,
            code="LAST_OWNER",
            value=row["id"],
        )


ID: Path = ("userId",)
_u, _a = columns(User), columns(EmailAddress)
_owners = (_u.workspace_id == bindparam("workspace"), _u.role == "OWNER", _u.archived_at.is_(None))
IS_OWNER = Statement(select(_u.id).where(*_owners, _u.id == bindparam("id")))
ANOTHER_OWNER = Statement(
    select(_u.id).where(*_owners, _u.id != bindparam("id"), _u.activated_at.is_not(None)).limit(literal_column("1"))
)
GIVE_UP_ADDRESS = Statement(
    delete(EmailAddress).where(_a.workspace_id == bindparam("workspace"), _a.user_id == bindparam("id"))
)
