"""Users, the staff of a workspace: what can be read of them and what can be done to them."""

from db.errors import EmailTaken, InvalidValue
from db.filtering import archived_filter, id_filter, one_of_filter, text_filter
from db.ids import new_id
from db.permissions import ROLES
from db.records import Record
from db.tables import EmailAddress, User
from db.text import address_key, email, fold, required
from db.transaction import Transaction
from db.writing import adding, adding_if_absent, columns

USER = Record(
    kind="user",
    table=User,
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
    row = dict.fromkeys(c.name for c in columns(User)) | {
        "id": new_id("user"),
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
    held = {"email_key": address.key, "customer_id": None, "user_id": row["id"]}
    if not await tx.run(adding_if_absent(EmailAddress), **held):
        raise EmailTaken(f"{address.address} already belongs to a customer or user of this workspace.", ("email",))
    tx.move_access()
    return str(row["id"])
