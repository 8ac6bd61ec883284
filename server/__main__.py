"""The `rolodesk` command: finds the module of what was asked for, and says in one line what an operator can mend."""

import sys
from collections.abc import Sequence
from importlib import import_module

import typer
from sqlalchemy.exc import DBAPIError

from db.backup import Unsound
from db.errors import Refusal
from db.migrating import Behind
from server.settings import SettingRefused

COMMANDS = {
    "serve": "serving",
    "work": "working",
    "migrate": "migrating",
    "demo": "demo",
    "workspace": "workspaces",
    "key": "keys",
    "user": "users",
    "import": "importing",
    "export": "exporting",
    "undo": "exporting",
    "mail": "mailing",
    "schema": "schema",
    "backup": "keeping",
    "restore": "keeping",
    "copy": "copying",
    "doctor": "doctor",
    "migration": "migrating",
}
"""Each command and its module in `server.commands`."""


def command(arguments: Sequence[str]) -> typer.Typer:
    """The command with the subcommand that is asked for, or with all of them where none is."""
    app = typer.Typer(
        name="rolodesk",
        help="Rolodesk, a GraphQL API server for a help desk's customers. Settings: `rolodesk doctor` shows them all.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(lambda: None)  # so that one subcommand alone is still called by its name
    asked = next((argument for argument in arguments if not argument.startswith("-")), "")
    for module in [COMMANDS[asked]] if asked in COMMANDS else dict.fromkeys(COMMANDS.values()):
        import_module(f"server.commands.{module}").add(app)
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; answers 0, 2 for wrong usage or settings, 1 for what could not be done."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        return int(command(given)(given, prog_name="rolodesk", standalone_mode=False) or 0)
    except MENDABLE as fault:
        message, code = explained(fault)
        if message:
            print(f"rolodesk: {message}", file=sys.stderr)  # noqa: T201
        return code


MENDABLE = (
    typer.TyperException,
    typer.Abort,
    KeyboardInterrupt,
    SettingRefused,
    Behind,
    Unsound,
    Refusal,
    DBAPIError,
    OSError,
)
"""What an operator can do something about; anything else is a defect, and shows where it is."""


def explained(fault: BaseException) -> tuple[str, int]:
    """One line about a fault, and the code to exit with."""
    match fault:
        case typer.TyperException():
            return fault.format_message(), fault.exit_code
        case typer.Abort() | KeyboardInterrupt():
            return "Stopped.", 130
        case DBAPIError():
            return f"The database cannot be used: {fault.orig}.", 1
        case OSError():
            return f"{fault.strerror or fault}{f': {fault.filename}' if fault.filename else ''}.", 1
        case _:
            return str(fault), 2 if isinstance(fault, SettingRefused) else 1


if __name__ == "__main__":
    sys.exit(main())
