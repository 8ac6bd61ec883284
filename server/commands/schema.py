"""`rolodesk schema`: the schema in SDL, whether a file still holds the same, and what came since a release."""

import difflib
from pathlib import Path
from typing import Annotated

import typer

from schema.build import sdl
from schema.changes import changes


def add(app: typer.Typer) -> None:
    app.command("schema")(print_schema)


def print_schema(
    check: Annotated[
        Path | None, typer.Option(help="Print nothing; fail if this file differs.", exists=True, dir_okay=False)
    ] = None,
    since: Annotated[
        Path | None,
        typer.Option(
            "--changes", help="Print what came since this release's schema, in words.", exists=True, dir_okay=False
        ),
    ] = None,
) -> None:
    """Print the schema in SDL."""
    if since is not None:
        for heading, sentences in changes(since.read_text("utf-8"), sdl()).items():
            typer.echo("\n  ".join([heading, *sentences]))
        return
    if check is None:
        typer.echo(sdl(), nl=False)
        return
    there, here = check.read_text("utf-8"), sdl()
    if there != here:
        lines = difflib.unified_diff(there.splitlines(), here.splitlines(), str(check), "the code", lineterm="")
        typer.echo("\n".join(list(lines)[:60]))
        raise typer.TyperException(f"{check} is not what the code says. Run: make schema")
