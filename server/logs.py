"""What a process writes about itself: lines on the error stream. Tokens, passwords and addresses are not among them."""

import logging

from pythonjsonlogger.json import JsonFormatter


def configure(level: str, form: str = "text") -> None:
    """Lets this process log from a level on (`debug`, `info`, `warning`, `error`), as text or as an object a line."""
    handler = logging.StreamHandler()
    handler.setFormatter(
        JsonFormatter(
            "%(asctime)s %(levelname)s %(name)s %(message)s",
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
        )
        if form == "json"
        else logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    )
    logging.basicConfig(level=level.upper(), handlers=[handler])
    for name in ("uvicorn.error", "aiosqlite", "asyncio", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
