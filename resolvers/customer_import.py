"""What is done to imports, and what a file looks like before one."""

from collections.abc import Mapping, Sequence
from typing import Any

from db import imports as stored
from db import undoing
from db.errors import Forbidden, InvalidValue, NotFound, Refusal
from db.files.table import How, Look
from db.import_policy import Policy, check_match_by, fields_of, most_refused_of, needed
from db.imports import Afterwards
from db.mapping import columns as import_mapping
from db.mapping import fields as import_fields
from db.mapping import saved as import_mappings
from db.mapping import suggestions as import_suggestions
from db.mapping.columns import MOST_MAPPED, Given
from db.mapping.saved import Saved
from db.tables import Project
from db.transaction import Transaction
from db.writing import at_most, expect_living
from resolvers.context import Context, Outcome
from resolvers.payload import Reference

MOST_ROWS = 10
MOST_COLUMNS = 500
MOST_SHEETS = 100
MOST_PROJECTS = 100


async def importable_fields(_context: Context, kind: str) -> list[dict[str, Any]]:
    """The properties that a mapping of a kind may name."""
    return [
        {**field._asdict(), "examples": list(field.examples)[: import_suggestions.MOST_SAMPLES]}
        for field in import_fields.FIELDS[kind]
    ]


async def preview(context: Context, upload_id: str, kind: str, **how: Any) -> dict[str, Any] | None:
    """How an uploaded file is read and how its columns seem to map; None if there is none in the workspace."""
    database, workspace_id = context.process.database, context.asking.workspace_id
    try:
        look = await _look(context, upload_id, How(**how))
    except NotFound:
        return None
    saved = await import_mappings.fitting(database, workspace_id, kind, look)
    remembered = await import_mappings.remembered(database, workspace_id, kind, look, saved)
    suggestions = import_suggestions.suggest(kind, look, remembered)
    return {
        "format": look.layout.format,
        "encoding": look.layout.encoding,
        "delimiter": look.layout.delimiter,
        "quote": look.layout.quote,
        "has_header": look.layout.has_header,
        "first_line": look.layout.skipped_lines + 1,
        "sheet": look.layout.sheet,
        "product": import_suggestions.product(kind, look),
        "sheets": list(look.sheets)[:MOST_SHEETS],
        "columns": [one._asdict() for one in suggestions[:MOST_COLUMNS]],
        "mapping": import_suggestions.mapping_of(suggestions, remembered)[:MOST_MAPPED],
        "import_mappings": [one.shown() for one in saved],
        "rows": [record[:MOST_COLUMNS] for record in look.records[:MOST_ROWS]],
    }


async def import_customers(context: Context, **given: Any) -> bytes:
    return await _start(context, "CUSTOMERS", **given)


async def import_organizations(context: Context, **given: Any) -> bytes:
    return await _start(context, "ORGANIZATIONS", **given)


async def import_tickets(context: Context, **given: Any) -> bytes:
    return await _start(context, "TICKETS", **given)


async def _look(context: Context, upload_id: str, how: How) -> Look:
    process = context.process
    workspace_id = context.asking.workspace_id
    return await stored.look_at(process.database, process.upload_directory, workspace_id, upload_id, how)


async def _start(
    context: Context,
    kind: str,
    *,
    upload_id: str,
    on_existing: str,
    mapping: Sequence[Given] | None = None,
    mapping_id: str | None = None,
    create_organizations: bool = True,
    field_policies: Sequence[Mapping[str, Any]] | None = None,
    error_policy: str = "CONTINUE",
    most_refused: int | None = None,
    policy: Policy | None = None,
    match_by: str | None = None,
    project_ids: Sequence[str] | None = None,
    send_invitations: bool = False,
    date_order: str | None = None,
    dry_run: bool = False,
    retry_of: str | None = None,
    **how: Any,
) -> bytes:
    """Looks at the file, then queues the import.

    What is wrong with the file is said by the transaction, which knows whether who asks still may.
    """
    try:
        check_afterwards(context, kind, project_ids, send_invitations=send_invitations)
        saved = None if mapping_id is None else await _saved(context, kind, mapping_id, mapping)
        _check_shares(context, saved, mapping or ())
        check_match_by(kind, match_by)
        policy = policy or Policy(
            create_organizations,
            most_refused_of(error_policy, most_refused),
            fields_of(kind, on_existing, field_policies or (), match_by),
            match_by,
        )
    except Refusal as refusal:
        return await context.refuse(refusal)
    looked: Look | Refusal
    try:
        if mapping is not None:
            import_mapping.check(kind, mapping, needed(kind, policy.match_by))
        looked = await _look(context, upload_id, How(**how))
        mapping = import_mappings.for_file(saved, looked, needed(kind, policy.match_by)) if saved else mapping
    except Refusal as refusal:
        looked = refusal

    async def work(tx: Transaction) -> Outcome:
        for i, project_id in enumerate(project_ids or ()):
            await expect_living(tx, Project, project_id, ("projectIds", str(i)))
        if isinstance(looked, Refusal):
            raise looked
        import_id = await stored.start(
            tx,
            kind,
            upload_id,
            look=looked,
            mapping=mapping,
            on_existing=on_existing,
            policy=policy,
            dry_run=dry_run,
            afterwards=Afterwards(None, tuple(project_ids or ()), send_invitations),
            date_order=date_order,
            retry_of=retry_of,
        )
        return {"import": Reference(import_id)}

    return await context.write(work)


async def _saved(context: Context, kind: str, mapping_id: str, mapping: Sequence[Given] | None) -> Saved:
    """The saved mapping that an import is to be read by."""
    if mapping is not None:
        raise InvalidValue("An import has either mapping or mappingId. Leave one of them out.", ("mappingId",))
    saved = await import_mappings.find(context.process.database, context.asking.workspace_id, mapping_id)
    if saved.kind != kind:
        message = f"The mapping {saved.name!r} is for {saved.kind.lower()}, not for {kind.lower()}."
        raise import_mapping.refused(message, ("mappingId",), mapping_id)
    return saved


def check_afterwards(context: Context, kind: str, project_ids: Sequence[str] | None, *, send_invitations: bool) -> None:
    """Refuses what is asked for beside the import and who asks may not do, or no record of this kind takes."""
    for asked, where, permission in (
        (send_invitations, "sendInvitations", "INVITATIONS_WRITE"),
        (project_ids, "projectIds", "PROJECTS_WRITE"),
    ):
        if asked and kind != "CUSTOMERS":
            raise InvalidValue(f"{where} is for imports of customers. Leave it out.", (where,))
        if asked and permission not in context.asking.permissions:
            message = f"{where} is outside your role or scopes: {permission} is needed. Nothing was done."
            raise Forbidden(message, (where,))
    at_most(project_ids or (), ("projectIds",), MOST_PROJECTS)


def _check_shares(context: Context, saved: Saved | None, mapping: Sequence[Given]) -> None:
    """Refuses a column of projects to who may not share them."""
    entries = saved.columns if saved else mapping
    place = next((str(i) for i, one in enumerate(entries) if one.get("field") == "projects"), None)
    if place is not None and "PROJECTS_WRITE" not in context.asking.permissions:
        message = "projects is outside your role or scopes: PROJECTS_WRITE is needed. Nothing was done."
        raise Forbidden(message, ("mappingId",) if saved else ("mapping", place, "field"))


async def cancel(context: Context, *, import_id: str) -> bytes:
    async def work(tx: Transaction) -> Outcome:
        await stored.cancel(tx, import_id)
        return {"import": Reference(import_id)}

    return await context.write(work)


async def undo(context: Context, *, import_id: str, dry_run: bool = False) -> bytes:
    async def work(tx: Transaction) -> Outcome:
        await undoing.start(tx, import_id, dry_run=dry_run)
        return {"import": Reference(import_id)}

    return await context.write(work)


async def retry(context: Context, *, import_id: str, upload_id: str | None = None, dry_run: bool = False) -> bytes:
    """Reads a corrected file as the first one was; without one, lets the import go on where it stopped."""
    database, workspace_id = context.process.database, context.asking.workspace_id
    asked = await stored.asked(database, workspace_id, import_id) if upload_id is not None else None
    if upload_id is not None and asked is not None:
        return await _start(
            context,
            asked.kind,
            upload_id=upload_id,
            on_existing=asked.on_existing,
            mapping=asked.mapping,
            policy=asked.policy,
            project_ids=asked.afterwards.project_ids,
            send_invitations=asked.afterwards.send_invitations,
            date_order=asked.date_order,
            dry_run=dry_run,
            retry_of=import_id,
        )

    async def work(tx: Transaction) -> Outcome:
        await stored.resume(tx, import_id)
        return {"import": Reference(import_id)}

    return await context.write(work)
