"""Signing in and out, and changing the password one signs in with."""

from collections.abc import Callable
from typing import NamedTuple

from db import credentials, guessing, password_resets, viewers, workspaces
from db import sessions as stored
from db.errors import InvalidValue, NotPossible, Refusal, RequestRefusal
from db.ids import kind_of, workspace_of
from db.links import invalid_link
from db.reads.scope import Scope
from db.text import email as checked
from db.transaction import Intent, Transaction
from resolvers.context import Context, Outcome, Process
from resolvers.handing import handing
from resolvers.invitation import LINKS_TRIED
from resolvers.passwords import check
from resolvers.payload import Root

FAILED = "The workspace, the address or the password is wrong."
LONGEST_ADDRESS = 254
RESETS_OF_ONE_ACCOUNT = 5
RESETS_OF_ONE_CLIENT = 20


async def sign_in(context: Context, *, workspace: str, email: str, password: str, session: str = "TOKEN") -> bytes:
    """Signs in; whatever is wrong is told alike, and takes as long."""
    try:
        hands = handing(context, session)
    except NotPossible as refusal:
        return await context.refuse(refusal)
    database, passwords = context.process.database, context.process.passwords
    workspace_id = await workspaces.find(database, workspace.strip().lower())
    key = _key(email)
    account, client = guessing.account("signIn", key), guessing.client("signIn", context.client)
    await guessing.attempt(database, workspace_id, (account, client))
    holder = await stored.holder(database, workspace_id or guessing.NOWHERE, key)
    right = await passwords.verify(password, holder.password_hash if holder else None)
    if workspace_id is None or holder is None or not right:
        return await context.refuse(NotPossible(FAILED, (), code="SIGN_IN_FAILED"))

    async def work(tx: Transaction) -> Outcome:
        await guessing.forget(tx, (account,))
        await guessing.forgive(tx, (client,))
        return hands.shown(await _signed_in(tx, holder.id))

    return await context.write(work, workspace_id=workspace_id, scope=_as_signed_in(workspace_id), then=hands.keep)


async def _signed_in(tx: Transaction, holder_id: str, token: str | None = None) -> Outcome:
    """What signing in answers, as the holder sees it."""
    return {
        "viewer": Root("viewer", {}),
        "token": token or await stored.open_(tx, holder_id),
        "holder_id": holder_id,
        "permissions": await viewers.permissions_within(tx, holder_id),
    }


def _as_signed_in(workspace_id: str) -> Callable[[Outcome, int], Scope]:
    def scope(outcome: Outcome, now: int) -> Scope:
        holder_id = outcome["holder_id"]
        customer = holder_id if kind_of(holder_id) == "customer" else None
        return Scope(workspace_id, customer, holder_id, tuple(sorted(outcome["permissions"])), now)

    return scope


async def sign_out(context: Context, *, everywhere: bool = False) -> bytes:
    viewer = context.asking

    async def work(tx: Transaction) -> Outcome:
        if kind_of(viewer.credential_id) != "session":
            return {"signed_out": False}
        if everywhere:
            return {"signed_out": await stored.end_all(tx, viewer.id)}
        return {"signed_out": await stored.end(tx, viewer.credential_id)}

    def forget(outcome: Outcome) -> None:
        if outcome["signed_out"] and context.session_cookie is not None:
            context.session_cookie.end()

    return await context.write(work, then=forget)


async def change_password(context: Context, *, current_password: str, new_password: str) -> bytes:
    """Changes one's own password; every other session ends."""
    viewer, database, passwords = context.asking, context.process.database, context.process.passwords
    if kind_of(viewer.credential_id) != "session":
        return await context.refuse(NotPossible("An API key has no password. Sign in as a user or a customer."))
    door = guessing.account("changePassword", viewer.id)
    await guessing.attempt(database, viewer.workspace_id, (door,))
    kept = await credentials.hash_of(database, viewer.workspace_id, viewer.id)
    if not await passwords.verify(current_password, kept):
        wrong = InvalidValue("The current password is wrong.", ("currentPassword",), code="SIGN_IN_FAILED")
        return await context.refuse(wrong)
    try:
        check(new_password, ("newPassword",))
    except Refusal as weak:
        return await context.refuse(weak)
    password_hash = await passwords.hash(new_password)

    async def work(tx: Transaction) -> Outcome:
        await guessing.forget(tx, (door,))
        await password_resets.change(tx, viewer.id, password_hash)
        await stored.end_others(tx, viewer.id, viewer.credential_id)
        return {"viewer": Root("viewer", {})}

    return await context.write(work)


async def request_password_reset(context: Context, *, workspace: str, email: str) -> bytes:
    """Queues a mail with a link, where somebody has a password to be set anew; answers alike where nobody has."""
    process = context.process
    database = process.database
    workspace_id = await workspaces.find(database, workspace.strip().lower())
    key = _key(email)
    doors = (
        guessing.account("reset", key)._replace(most=RESETS_OF_ONE_ACCOUNT),
        guessing.client("reset", context.client, RESETS_OF_ONE_CLIENT),
    )
    await guessing.attempt(database, workspace_id, doors)
    holder = await stored.holder(database, workspace_id or guessing.NOWHERE, key)
    if workspace_id is not None and holder is not None and (holder.password_hash or kind_of(holder.id) == "user"):
        intent = Intent(workspace_id, context.operation)
        await database.write(lambda tx: password_resets.request(tx, holder.id, key, process.secrets[0]), intent)
    else:  # writes as long as the mail would take
        await guessing.attempt(database, workspace_id, (guessing.account("reset", "")._replace(most=2**31),))
    return await context.answer({})


class Resetting(NamedTuple):
    """A link that may be right, with the password that is to be set by it."""

    workspace_id: str
    token: str
    password: str
    password_hash: str

    async def reset(self, tx: Transaction) -> tuple[str, str]:
        """Uses up the link and signs in; answers whose it was and the session's token."""
        holder_id, address = await password_resets.use(tx, self.token, self.password_hash)
        check(self.password, ("newPassword",), about=(address,))
        await guessing.forget(tx, (guessing.account("signIn", address),))
        return holder_id, await stored.open_(tx, holder_id)


async def resetting(process: Process, client: str, token: str, password: str) -> Resetting:
    """What comes before the transaction that sets a new password, by the mutation and by the page alike.

    Unknown, spent and expired links are told alike, and take as long.
    """
    await guessing.attempt(process.database, None, (guessing.client("link", client, LINKS_TRIED),))
    workspace_id = workspace_of(token, "reset")
    if workspace_id is None:
        raise invalid_link()
    check(password, ("newPassword",))
    password_hash = await process.passwords.hash(password)
    if not await workspaces.exists(process.database, workspace_id):
        raise invalid_link()
    return Resetting(workspace_id, token, password, password_hash)


async def reset_password(context: Context, *, token: str, new_password: str, session: str = "TOKEN") -> bytes:
    """Sets a new password by a link and signs in."""
    try:
        hands = handing(context, session)
        ready = await resetting(context.process, context.client, token, new_password)
    except RequestRefusal:
        raise
    except Refusal as refusal:
        return await context.refuse(refusal)

    async def work(tx: Transaction) -> Outcome:
        holder_id, opened = await ready.reset(tx)
        return hands.shown(await _signed_in(tx, holder_id, opened))

    scope = _as_signed_in(ready.workspace_id)
    return await context.write(work, workspace_id=ready.workspace_id, scope=scope, then=hands.keep)


def _key(email: str) -> str:
    """The key of an address as it was typed; of what is no address, something that nobody holds."""
    try:
        return checked(email).key
    except Refusal:
        return email.strip().lower()[:LONGEST_ADDRESS]
