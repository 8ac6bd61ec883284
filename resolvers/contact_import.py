"""Importing contacts: the chosen ones become a file, and the file an ordinary import, with its report and its undo."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from db import contact_files, imports, uploads
from db.contact_files import COLUMNS
from db.errors import InvalidValue, NotPossible, Refusal
from db.files.reading import look
from db.files.table import How, Look
from db.ids import new_id
from db.imports import Afterwards
from db.tables import Organization, Project
from db.transaction import Transaction
from db.writing import expect_living
from resolvers.contact import user_of
from resolvers.context import Context, Outcome
from resolvers.customer_import import check_afterwards
from resolvers.payload import Reference

FILENAME = "contacts.csv"


async def import_contacts(
    context: Context,
    *,
    contacts: Mapping[str, Any],
    on_existing: str,
    organization: Mapping[str, Any] | None = None,
    project_ids: Sequence[str] | None = None,
    send_invitations: bool = False,
    dry_run: bool = False,
) -> bytes:
    """Writes the file, then queues its import."""
    user_of(context)
    target = organization or {"from_company": True}
    upload_id = new_id("uploaded_file")
    try:
        check_afterwards(context, "CUSTOMERS", project_ids, send_invitations=send_invitations)
        _check(contacts, target)
        size, look = await _file(context, contacts, upload_id)
    except Refusal as refusal:
        return await context.refuse(refusal)
    mapping = [
        {"column": column, "field": field}
        for column, field in COLUMNS.items()
        if field is not None and (field != "organization" or target.get("from_company"))
    ]

    async def work(tx: Transaction) -> Outcome:
        for i, project_id in enumerate(project_ids or ()):
            await expect_living(tx, Project, project_id, ("projectIds", str(i)))
        organization_id = target.get("organization_id")
        if organization_id is not None:
            await expect_living(tx, Organization, organization_id, ("organization", "organizationId"))
        await uploads.add(tx, upload_id, FILENAME, size, "text/csv", space=context.process.upload_space)
        import_id = await imports.start(
            tx,
            "CUSTOMERS",
            upload_id,
            look=look,
            mapping=mapping,
            on_existing=on_existing,
            dry_run=dry_run,
            afterwards=Afterwards(organization_id, tuple(project_ids or ()), send_invitations),
        )
        return {"import": Reference(import_id)}

    with uploads.removed_unless_kept(uploads.path_of(context.process.upload_directory, upload_id)) as keep:
        return await context.write(work, then=keep)


def _check(contacts: Mapping[str, Any], target: Mapping[str, Any]) -> None:
    """A choice that is no choice (`all: false`) is refused rather than guessed at."""
    if contacts.get("all") is False:
        raise InvalidValue("all may be true only. Name the contacts, or a source.", ("contacts", "all"))
    for name, shown in (("from_company", "fromCompany"), ("unassigned", "unassigned")):
        if target.get(name) is False:
            raise InvalidValue(f"{shown} may be true only. Name another target.", ("organization", shown))


async def _file(context: Context, contacts: Mapping[str, Any], upload_id: str) -> tuple[int, Look]:
    """The chosen contacts in the upload store: the file's size, and how it is to be read."""
    process, viewer = context.process, context.asking
    rows = await contact_files.chosen(process.database, viewer.workspace_id, viewer.id, contacts)
    if not rows:
        raise NotPossible("There are no contacts to import. Fetch the address book first.", ("contacts",))
    people = await asyncio.to_thread(contact_files.people_of, rows)
    held = await contact_files.held(process.database, viewer.workspace_id, people)
    path = uploads.path_of(process.upload_directory, upload_id)

    def written() -> tuple[int, Look]:
        size = contact_files.write(path, people, held)
        return size, look(path, How("utf-8", ",", '"', has_header=True, first_line=1))

    return await asyncio.to_thread(written)
