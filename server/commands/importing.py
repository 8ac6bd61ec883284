"""`rolodesk import`: a file into a workspace, by the same ways as the API and with a worker of its own."""

import asyncio
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from db import import_refused, imports, projects, uploads
from db.database import Database
from db.errors import Refusal
from db.files.content import media_type_of
from db.files.reading import look as look_at
from db.files.table import How, Look
from db.ids import new_id
from db.import_policy import needed
from db.imports import Afterwards
from db.mapping import saved as import_mappings
from db.mapping.saved import Saved
from db.mapping.suggestions import Suggestion, mapping_of, suggest
from db.transaction import Intent, Transaction
from jobs.runner import run
from server.commands.import_choices import (
    Choices,
    DateOrder,
    Entry,
    Kind,
    MatchBy,
    OnExisting,
    constants_of,
    mapped,
    pairs,
    policy_of,
    spelled,
)
from server.commands.opening import WorkspaceOption, opened, workspace
from server.commands.working import worker
from server.settings import Settings, read

POLL_SECONDS = 0.1
SHOWN_ROWS = 20
ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")

Repeated = list[str] | None


def add(app: typer.Typer) -> None:
    app.command("import")(import_file)


def import_file(
    file: Annotated[
        Path,
        typer.Argument(
            help="A CSV file, a workbook, JSON lines or address cards.", exists=True, dir_okay=False, readable=True
        ),
    ],
    workspace: WorkspaceOption,
    kind: Annotated[Kind, typer.Option(help="What its rows are.")],
    map_: Annotated[
        Repeated, typer.Option("--map", help='"Column=property", or "Column=" to ignore it. Otherwise as suggested.')
    ] = None,
    set_: Annotated[
        Repeated, typer.Option("--set", help='"property=constant": for every row, or those whose columns are empty.')
    ] = None,
    mapping: Annotated[str | None, typer.Option(help="A saved mapping, by its name.")] = None,
    save_mapping: Annotated[str | None, typer.Option(help="Save the mapping under this name, or in its place.")] = None,
    on_existing: Annotated[OnExisting, typer.Option(help="What happens to records that exist.")] = OnExisting.update,
    field_policy: Annotated[
        Repeated, typer.Option(help='"property=fill-empty" (update, skip, fail): what happens to one property.')
    ] = None,
    match_by: Annotated[
        MatchBy | None, typer.Option(help="By what existing records are found. Left out: as is usual for their kind.")
    ] = None,
    most_refused: Annotated[
        int | None, typer.Option(min=0, help="How many rows may be refused; one more stops it. Left out: any.")
    ] = None,
    create_organizations: Annotated[
        bool, typer.Option("--create-organizations/--known-organizations", help="Create organizations that rows name.")
    ] = True,
    share: Annotated[Repeated, typer.Option(help="A project to share with its customers: name or external id.")] = None,
    invite: Annotated[bool, typer.Option("--invite", help="Invite the customers it creates by mail.")] = False,
    date_order: Annotated[DateOrder | None, typer.Option(help="How dates such as 03/04/2026 are meant.")] = None,
    encoding: Annotated[str | None, typer.Option(help="The file's encoding. Left out: recognised.")] = None,
    delimiter: Annotated[str | None, typer.Option(help="What separates its columns. Left out: recognised.")] = None,
    quote: Annotated[str | None, typer.Option(help='What wraps cells, or "". Left out: recognised.')] = None,
    header: Annotated[
        bool | None, typer.Option("--header/--no-header", help="Whether its first row names the columns.")
    ] = None,
    first_line: Annotated[int | None, typer.Option(help="The line its table begins on. Left out: recognised.")] = None,
    sheet: Annotated[
        str | None, typer.Option(help="A workbook's sheet. Left out: the first that holds anything.")
    ] = None,
    refused: Annotated[
        Path | None,
        typer.Option(
            help="Write refused rows and why into this CSV file, to be corrected and imported.", dir_okay=False
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Report what would happen, and keep nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
) -> None:
    """Import customers, organizations or tickets from a file."""
    if not yes and not sys.stdin.isatty():
        raise typer.BadParameter("There is nobody to ask here; say --yes.")
    if (share or invite) and kind is not Kind.customers:
        raise typer.BadParameter("--share and --invite are for imports of customers.")
    what = spelled(kind)
    choices = Choices(
        what,
        How(encoding, delimiter, quote, header, first_line, sheet),
        pairs(map_ or (), "--map", "Column=property"),
        constants_of(what, set_ or ()),
        mapping,
        save_mapping,
        spelled(on_existing),
        policy_of(
            what, on_existing, field_policy or (), match_by, most_refused, creates_organizations=create_organizations
        ),
        spelled(date_order) if date_order else None,
        tuple(share or ()),
        invite,
        dry_run,
        refused,
    )
    asyncio.run(Job(read(), file, workspace, choices).whole(ask=not yes))


class Job:
    """One file on its way into a workspace."""

    def __init__(self, settings: Settings, file: Path, workspace: str, choices: Choices) -> None:
        self.settings, self.file, self.named, self.choices = settings, file, workspace, choices
        self.console = Console(highlight=False, soft_wrap=True)
        self.workspace_id = ""

    async def whole(self, *, ask: bool) -> None:
        choices = self.choices
        async with opened(self.settings) as database:
            self.workspace_id = await workspace(database, self.named)
            look = await asyncio.to_thread(look_at, self.file, choices.how)
            suggestions, mapping = await self.mapping(database, look)
            self.show(look, suggestions, mapping)
            if ask:
                typer.confirm(f"Import {self.file.name} like this?", abort=True)
            upload_id = await self.upload(database)
            intent = Intent(self.workspace_id, imports.OPERATIONS[choices.kind])
            import_id = await database.write(lambda tx: self.started(tx, upload_id, look, mapping), intent)
            state = await self.carried_out(database, import_id)
            refused = await imports.refused(database, self.workspace_id, import_id, SHOWN_ROWS)
            if choices.refused_file is not None and state.refused:
                await self.write_refused(database, import_id, choices.refused_file)
            self.report(import_id, state, refused)

    async def mapping(self, database: Database, look: Look) -> tuple[list[Suggestion], list[Entry]]:
        """What each column seems to hold, and what is to be read of it: by hand, by a saved mapping, or as suggested."""
        choices, required = self.choices, needed(self.choices.kind, self.choices.policy.match_by)
        fitting = await import_mappings.fitting(database, self.workspace_id, choices.kind, look)
        remembered = None
        if choices.saved is not None:
            saved = await self.saved(database, choices.saved)
            import_mappings.for_file(saved, look, required)
            remembered = await import_mappings.remembered(database, self.workspace_id, choices.kind, look, [saved])
        elif fitting:
            self.console.print(escape(f"A saved mapping is for such files: --mapping {fitting[0].name!r}"))
        suggestions = suggest(choices.kind, look, remembered)
        return suggestions, mapped(choices, look, mapping_of(suggestions, remembered), required)

    async def saved(self, database: Database, name: str) -> Saved:
        found = await import_mappings.named(database, self.workspace_id, self.choices.kind, name)
        if found is None:
            raise Refusal(f"No saved mapping for {self.choices.kind.lower()} is called {name!r}.")
        return found

    async def started(self, tx: Transaction, upload_id: str, look: Look, mapping: list[Entry]) -> str:
        """Queues the import, and saves its mapping where that is asked for."""
        choices = self.choices
        shared = tuple([await projects.called(tx, name) for name in choices.projects])
        if choices.save_as is not None and not choices.dry_run:
            await import_mappings.put(tx, choices.kind, choices.save_as, look.layout.columns, mapping)
        return await imports.start(
            tx,
            choices.kind,
            upload_id,
            look=look,
            mapping=mapping,
            on_existing=choices.on_existing,
            policy=choices.policy,
            dry_run=choices.dry_run,
            afterwards=Afterwards(None, shared, choices.send_invitations),
            date_order=choices.date_order,
        )

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

    def show(self, look: Look, suggestions: Sequence[Suggestion], mapping: Sequence[Entry]) -> None:
        """The file as it will be read."""
        self.console.print(f"{escape(self.file.name)}: {look.layout.encoding}, separated by {look.layout.delimiter!r}")
        table = Table("Column", "Property", "Why", "Values", box=None, pad_edge=False)
        for one in suggestions:
            fields = ", ".join(entry["field"] or "" for entry in mapping if entry["column"] == one.column)
            why = "as given" if one.column in self.choices.own else one.reason
            table.add_row(
                escape(one.column), escape(fields) or "[dim]ignored[/]", escape(why), escape(", ".join(one.samples[:2]))
            )
        for entry in mapping:
            if entry["constant"] is not None:
                table.add_row("", escape(entry["field"] or ""), "a constant", escape(entry["constant"]))
        self.console.print(table)

    async def carried_out(self, database: Database, import_id: str) -> imports.State:
        """Works until the import ended, here or in another worker; answers its state."""
        stop = asyncio.Event()
        working = asyncio.create_task(run(worker(self.settings, database), stop, kinds=("IMPORT",)))
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        try:
            with Progress(*columns, console=self.console) as progress:
                bar = progress.add_task("Trying" if self.choices.dry_run else "Importing", total=None)
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

    async def write_refused(self, database: Database, import_id: str, target: Path) -> None:
        """Writes the refused rows as they came, with the reasons beside them."""
        source = await import_refused.opened(database, self.settings.upload_path, self.workspace_id, import_id)
        if source is not None:
            with target.open("w", encoding="utf-8", newline="") as file:
                async for text in import_refused.lines(database, self.workspace_id, import_id, source):
                    await asyncio.to_thread(file.write, text)

    def report(self, import_id: str, state: imports.State, refused: Sequence[tuple[int, str]]) -> None:
        """What became of the records; a failed import is a failed command."""
        status, message, _, records, *counts = state
        names = ("created", "updated", "unchanged", "skipped", "refused", "with warnings", "without a known requester")
        told = ", ".join(f"{count:,} {name}" for name, count in zip(names, counts, strict=True) if count)
        kept = " (a dry run: nothing was kept)" if self.choices.dry_run else ""
        self.console.print(f"{import_id} {status}: {records:,} records{': ' if told else ''}{told}{kept}")
        for line, reason in refused:
            self.console.print(f"  line {line}: {escape(str(reason))}")
        if len(refused) < state.refused:
            self.console.print(f"  and {state.refused - len(refused):,} more; --refused FILE writes all of them")
        if state.refused and self.choices.refused_file is not None:
            self.console.print(f"{escape(self.choices.refused_file.name)}: {state.refused:,} rows to correct")
        if status != "SUCCEEDED":
            raise typer.TyperException(message or f"The import is {status.lower()}.")
