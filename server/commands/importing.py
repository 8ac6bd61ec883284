"""To be written."""

import typer


def add(app: typer.Typer) -> None:
    """Nothing yet."""
