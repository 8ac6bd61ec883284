"""Opening the database where it is: SQLite in a file (a `Path`), or PostgreSQL (a URL)."""

from pathlib import Path

from db.clock import Clock
from db.database import Database
from db.engines.postgres import PostgresDatabase
from db.engines.postgres_server import Address
from db.engines.sqlite import SqliteDatabase

Where = Path | str


async def open_database(where: Where, clock: Clock, listen_url: str = "", replica_url: str = "") -> Database:
    """`listen_url`: a direct connection to the same PostgreSQL database, over which processes tell of changes at once.

    `replica_url`: a server that follows it, for reads.
    """
    if isinstance(where, Path):
        return await SqliteDatabase.open(where, clock)
    return await PostgresDatabase.open(where, clock, listen_url=listen_url, replica_url=replica_url)


def shown(where: Where) -> str:
    """The place as people are told it, without a password."""
    return str(where) if isinstance(where, Path) else Address(where).shown
