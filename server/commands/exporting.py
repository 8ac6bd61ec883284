"""`rolodesk export` and `rolodesk undo`: records into a file, and an import taken back, by the same ways as the API."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from db import exporting, undoing
from db.database import Database
from db.exporting import Choice
from db.transaction import Intent
from jobs.runner import run
from server.commands.import_choices import Kind
from server.commands.importing import POLL_SECONDS, SHOWN_ROWS
from server.commands.opening import WorkspaceOption, opened, workspace
from server.commands.working import worker
from server.downloads import choice_of
from server.settings import Settings, read


def add(app: typer.Typer) -> None:
    app.command("export")(export_file)
    app.command("undo")(undo_import)


def export_file(
    file: Annotated[
        Path, typer.Argument(help="The file to write: .csv, .xlsx, or .jsonl for JSON lines.", dir_okay=False)
    ],
    workspace: WorkspaceOption,
    kind: Annotated[Kind, typer.Option(help="What to write.")],
    search: Annotated[str | None, typer.Option(help="Only customers that a search for these words finds.")] = None,
    filter_: Annotated[
        str | None,
        typer.Option("--filter", help='Only those that a list\'s filter finds: JSON, such as {"unassigned": true}.'),
    ] = None,
    order_by: Annotated[
        str | None,
        typer.Option(help='In which order, as lists take it: JSON, such as [{"field": "NAME"}]. Left out: as created.'),
    ] = None,
) -> None:
    """Export customers, organizations or tickets into a file that imports read."""
    form = file.suffix.lower().removeprefix(".")
    if form not in exporting.FORMATS:
        endings = " or ".join(f".{one}" for one in exporting.FORMATS)
        raise typer.BadParameter(f"The file's name must end in {endings}.", param_hint="FILE")
    console = Console(highlight=False, soft_wrap=True)
    choice = choice_of(kind.value, filter_, search, order_by)
    count = asyncio.run(_exported(console, file, workspace, form, Found(kind.value, choice)))
    console.print(f"{escape(file.name)}: {count:,} {kind.value}")


class Found(NamedTuple):
    """Which records are exported."""

    kind: str
    choice: Choice


async def _exported(console: Console, file: Path, named: str, form: str, found: Found) -> int:
    count = 0
    async with opened() as database:
        workspace_id = await workspace(database, named)
        pages = _text if form != "xlsx" else _workbook
        total = await exporting.count(database, workspace_id, *found)
        columns = (TextColumn("Exporting"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console) as progress:
            bar = progress.add_task("", total=total)
            async for many in pages(database, workspace_id, file, found):
                count += many
                progress.update(bar, completed=count)
    return count


async def _text(database: Database, workspace_id: str, file: Path, found: Found) -> AsyncIterator[int]:
    form = file.suffix.lower().removeprefix(".")
    with file.open("w", encoding="utf-8", newline="") as target:
        target.write(exporting.head(found.kind, form))
        async for page in exporting.rows(database, workspace_id, *found):
            target.write(exporting.told(found.kind, form, page))
            yield len(page)


async def _workbook(database: Database, workspace_id: str, file: Path, found: Found) -> AsyncIterator[int]:
    with file.open("wb") as target:
        async for many in exporting.workbook(database, workspace_id, found.kind, target, found.choice):
            yield many


def undo_import(
    import_id: Annotated[str, typer.Argument(metavar="IMPORT", help="The id of an import that ended.")],
    workspace: WorkspaceOption,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be kept, and undo nothing.")] = False,
) -> None:
    """Undo an import: archive what it created, and restore what it changed where it still is so."""
    asyncio.run(_undone(read(), Console(highlight=False, soft_wrap=True), workspace, import_id, dry_run=dry_run))


async def _undone(settings: Settings, console: Console, named: str, import_id: str, *, dry_run: bool) -> None:
    async with opened(settings) as database:
        workspace_id = await workspace(database, named)
        intent = Intent(workspace_id, undoing.OPERATION)
        await database.write(lambda tx: undoing.start(tx, import_id, dry_run=dry_run), intent)
        state = await _carried_out(settings, console, database, workspace_id, import_id)
        kept = await undoing.kept(database, workspace_id, import_id, SHOWN_ROWS)
    verb = "would be undone" if dry_run else "undone"
    console.print(f"{import_id}: {state.undone:,} {verb}, {state.partly:,} in part, {state.kept:,} kept")
    for record_id, reason in kept:
        console.print(f"  {record_id}: {escape(reason)}")
    if state.error_message is not None:
        raise typer.TyperException(state.error_message)


async def _carried_out(
    settings: Settings, console: Console, database: Database, workspace_id: str, import_id: str
) -> undoing.State:
    """Works until the undo ended, here or in another worker; answers its state."""
    stop = asyncio.Event()
    working = asyncio.create_task(run(worker(settings, database), stop, kinds=("UNDO",)))
    columns = (TextColumn("Undoing"), BarColumn(), TextColumn("{task.completed:,}"), TimeElapsedColumn())
    try:
        with Progress(*columns, console=console) as progress:
            bar = progress.add_task("", total=None)
            while True:
                state = await undoing.state(database, workspace_id, import_id)
                progress.update(bar, completed=state.undone + state.partly + state.kept)
                if state.status == "ENDED":
                    return state
                if working.done():
                    working.result()
                await asyncio.sleep(POLL_SECONDS)
    finally:
        stop.set()
        await asyncio.gather(working, return_exceptions=True)
