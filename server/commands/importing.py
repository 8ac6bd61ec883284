"""`rolodesk import`: a file into a workspace, by the same ways as the API and with a worker of its own."""

import asyncio
import shutil
import sys
from collections.abc import Collection, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from db import import_fields, imports, uploads
from db.database import Database
from db.errors import Refusal
from db.files.content import media_type_of
from db.files.reading import look as look_at
from db.files.table import How, Look
from db.ids import new_id
from db.import_policy import Policy, check_match_by, needed
from db.import_suggestions import Suggestion, suggest
from db.transaction import Intent
from jobs.runner import run
from server.commands.opening import WorkspaceOption, opened, workspace
from server.commands.working import worker
from server.settings import Settings, read

POLL_SECONDS = 0.1
SHOWN_ROWS = 20
ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")


class Kind(StrEnum):
    customers = "customers"
    organizations = "organizations"
    tickets = "tickets"


class OnExisting(StrEnum):
    update = "update"
    fill_empty = "fill-empty"
    skip = "skip"
    fail = "fail"


class MatchBy(StrEnum):
    email = "email"
    external_id = "external-id"
    id = "id"


def add(app: typer.Typer) -> None:
    app.command("import")(import_file)


def import_file(
    file: Annotated[
        Path,
        typer.Argument(help="A CSV file, a workbook or address cards.", exists=True, dir_okay=False, readable=True),
    ],
    workspace: WorkspaceOption,
    kind: Annotated[Kind, typer.Option(help="What its rows are.")],
    map_: Annotated[
        list[str] | None,
        typer.Option("--map", help='"Column=property", or "Column=" to ignore it. Otherwise as suggested.'),
    ] = None,
    on_existing: Annotated[OnExisting, typer.Option(help="What happens to records that exist.")] = OnExisting.update,
    match_by: Annotated[
        MatchBy | None,
        typer.Option(help="By what existing records are found. Left out: as is usual for their kind."),
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="The file's encoding. Left out: recognised.")] = None,
    sheet: Annotated[
        str | None, typer.Option(help="A workbook's sheet. Left out: the first that holds anything.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Report what would happen, and keep nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
) -> None:
    """Import customers, organizations or tickets from a file."""
    if not yes and not sys.stdin.isatty():
        raise typer.BadParameter("There is nobody to ask here; say --yes.")
    policy = Policy(match_by=match_by.value.upper().replace("-", "_") if match_by else None)
    check_match_by(kind.value.upper(), policy.match_by)
    on_existing_ = on_existing.value.upper().replace("-", "_")
    job = Job(read(), file, workspace, kind.value.upper(), on_existing_, policy, dry_run=dry_run)
    asyncio.run(job.whole(map_ or (), encoding, sheet, ask=not yes))


class Job:
    """One file on its way into a workspace."""

    def __init__(
        self,
        settings: Settings,
        file: Path,
        workspace: str,
        kind: str,
        on_existing: str,
        policy: Policy,
        *,
        dry_run: bool,
    ) -> None:
        self.settings, self.file, self.named = settings, file, workspace
        self.kind, self.on_existing, self.policy, self.dry_run = kind, on_existing, policy, dry_run
        self.console = Console(highlight=False, soft_wrap=True)
        self.workspace_id = ""

    async def whole(self, given: Sequence[str], encoding: str | None, sheet: str | None, *, ask: bool) -> None:
        async with opened(self.settings) as database:
            self.workspace_id = await workspace(database, self.named)
            look = await asyncio.to_thread(look_at, self.file, How(encoding=encoding, sheet=sheet))
            suggestions = suggest(self.kind, look)
            mapping = mapped(self.kind, look, suggestions, given, needed(self.kind, self.policy.match_by))
            self.show(look, suggestions, mapping, {text.rpartition("=")[0].strip() for text in given})
            if ask:
                typer.confirm(f"Import {self.file.name} like this?", abort=True)
            upload_id = await self.upload(database)
            intent = Intent(self.workspace_id, imports.OPERATIONS[self.kind])
            import_id = await database.write(
                lambda tx: imports.start(
                    tx,
                    self.kind,
                    upload_id,
                    look=look,
                    mapping=[{"column": column, "field": field} for column, field in mapping.items() if field],
                    on_existing=self.on_existing,
                    policy=self.policy,
                    dry_run=self.dry_run,
                ),
                intent,
            )
            state = await self.carried_out(database, import_id)
            refused = await imports.refused(database, self.workspace_id, import_id, SHOWN_ROWS)
            self.report(import_id, state, refused)

    async def upload(self, database: Database) -> str:
        """Puts the file where uploads lie."""
        upload_id = new_id("uploaded_file")
        path = uploads.path_of(self.settings.upload_path, upload_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(shutil.copyfile, self.file, path)
        size, kind = path.stat().st_size, await asyncio.to_thread(media_type_of, path)
        await database.write(
            lambda tx: uploads.add(tx, upload_id, self.file.name, size, kind), Intent(self.workspace_id, "upload")
        )
        return upload_id

    def show(
        self, look: Look, suggestions: Sequence[Suggestion], mapping: dict[str, str], given: Collection[str]
    ) -> None:
        """The file as it will be read; `given` are the columns that were mapped by hand."""
        self.console.print(f"{escape(self.file.name)}: {look.layout.encoding}, separated by {look.layout.delimiter!r}")
        table = Table("Column", "Property", "Why", "Values", box=None, pad_edge=False)
        for one in suggestions:
            field = mapping.get(one.column, "")
            why = "as given" if one.column in given else one.reason
            table.add_row(
                escape(one.column), escape(field) or "[dim]ignored[/]", escape(why), escape(", ".join(one.samples[:2]))
            )
        self.console.print(table)

    async def carried_out(self, database: Database, import_id: str) -> imports.State:
        """Works until the import ended, here or in another worker; answers its state."""
        stop = asyncio.Event()
        working = asyncio.create_task(run(worker(self.settings, database), stop, kinds=("IMPORT",)))
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        try:
            with Progress(*columns, console=self.console) as progress:
                bar = progress.add_task("Trying" if self.dry_run else "Importing", total=None)
                while True:
                    state = await imports.state(database, self.workspace_id, import_id)
                    progress.update(bar, completed=state.records, total=state.total)
                    if state.status in ENDED:
                        return state
                    if working.done():
                        working.result()
                    await asyncio.sleep(POLL_SECONDS)
        finally:
            stop.set()
            await asyncio.gather(working, return_exceptions=True)

    def report(self, import_id: str, state: imports.State, refused: Sequence[tuple[int, str]]) -> None:
        """What became of the records; a failed import is a failed command."""
        status, message, _, records, *counts = state
        names = ("created", "updated", "unchanged", "skipped", "refused", "with warnings", "without a known requester")
        told = ", ".join(f"{count:,} {name}" for name, count in zip(names, counts, strict=True) if count)
        kept = " (a dry run: nothing was kept)" if self.dry_run else ""
        self.console.print(f"{import_id} {status}: {records:,} records{': ' if told else ''}{told}{kept}")
        for line, reason in refused:
            self.console.print(f"  line {line}: {escape(str(reason))}")
        if status != "SUCCEEDED":
            raise typer.TyperException(message or f"The import is {status.lower()}.")


def mapped(
    kind: str, look: Look, suggestions: Sequence[Suggestion], given: Sequence[str], needed: str
) -> dict[str, str]:
    """The property of each column, '' for none: as given, otherwise as suggested where nothing given takes it."""
    own: dict[str, str] = {}
    for text in given:
        column, equals, field = text.rpartition("=")
        if not equals:
            raise typer.BadParameter(f"{text!r} is not Column=property.", param_hint="--map")
        own[column.strip()] = field.strip()
    unknown = [column for column in own if column not in look.layout.columns]
    if unknown:
        columns = ", ".join(look.layout.columns[:30])
        raise typer.BadParameter(f"The file has no column {unknown[0]!r}; it has: {columns}.", param_hint="--map")
    wrong = [field for field in own.values() if field and field not in import_fields.names(kind)]
    if wrong:
        fields = ", ".join(import_fields.names(kind))
        raise typer.BadParameter(f"{wrong[0]!r} is no property; they are: {fields}.", param_hint="--map")
    taken = set(own.values())
    suggested = {one.column: one.field for one in suggestions if one.field is not None and one.field not in taken}
    mapping = {column: own.get(column, suggested.get(column, "")) for column in look.layout.columns}
    if needed not in mapping.values():
        columns = ", ".join(look.layout.columns[:30])
        raise Refusal(f"No column is {needed}; say which one with --map. Columns: {columns}.")
    return mapping
