"""Signing in and out."""

from db import sessions as stored
from db import viewers, workspaces
from db.errors import NotPossible, Refusal
from db.ids import kind_of
from db.scope import Scope
from db.text import email as checked
from db.transaction import Intent, Transaction
from resolvers.context import Context, Outcome
from resolvers.payload import Root

FAILED = "The workspace, the address or the password is wrong."


async def sign_in(context: Context, *, workspace: str, email: str, password: str) -> bytes:
    """Signs in; whatever is wrong is told alike, and takes as long."""
    database, passwords = context.process.database, context.process.passwords
    workspace_id = await workspaces.find(database, workspace.strip().lower())
    try:
        key = checked(email).key
    except Refusal:
        key = email.strip().lower()
    doors = (f"account {key}", f"client {context.client}")
    if workspace_id is not None:
        await stored.check_guessing(database, workspace_id, doors)
    holder = await stored.holder(database, workspace_id, key) if workspace_id else None
    right = await passwords.verify(password[:1024], holder.password_hash if holder else None)
    if workspace_id is None or holder is None or not right:
        if workspace_id is not None:
            await database.write(lambda tx: stored.note_failure(tx, doors), Intent(workspace_id, "signIn"))
        return await context.refuse(NotPossible(FAILED, (), code="SIGN_IN_FAILED"))
    permissions = await viewers.permissions_of(database, workspace_id, holder.id)

    async def work(tx: Transaction) -> Outcome:
        return {"viewer": Root("viewer", {}), "token": await stored.open_(tx, holder.id)}

    def as_holder(_outcome: Outcome, now: int) -> Scope:
        customer = holder.id if kind_of(holder.id) == "customer" else None
        return Scope(workspace_id, customer, holder.id, tuple(sorted(permissions)), now)

    return await context.write(work, workspace_id=workspace_id, scope=as_holder)


async def sign_out(context: Context, *, everywhere: bool = False) -> bytes:
    viewer = context.asking

    async def work(tx: Transaction) -> Outcome:
        if kind_of(viewer.credential_id) != "session":
            return {"signed_out": False}
        if everywhere:
            return {"signed_out": await stored.end_all(tx, viewer.id)}
        return {"signed_out": await stored.end(tx, viewer.credential_id)}

    return await context.write(work)
