"""What a process writes about itself: lines on the error stream. Tokens, passwords and addresses are not among them."""

import logging


def configure(level: str) -> None:
    """Lets this process log from a level on (`debug`, `info`, `warning`, `error`)."""
    logging.basicConfig(level=level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for name in ("uvicorn.error", "aiosqlite", "asyncio", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
