"""What a worker is given to carry out jobs with."""

from dataclasses import dataclass, field
from pathlib import Path

from contacts.providers import Books, nothing
from db.clock import Clock
from db.database import Database
from jobs.mailer import Mailer


@dataclass(frozen=True, slots=True)
class Worker:
    """Opened by the process that runs it; `name` is its own, for it marks the jobs that this worker holds."""

    database: Database
    clock: Clock
    mailer: Mailer
    secrets: tuple[str, ...] = field(repr=False)
    public_url: str
    upload_directory: Path
    mail_from: str
    name: str
    mails_a_minute: int | None = None
    """As many as this worker begins to send; None: as many as there are."""
    books: Books = field(default_factory=nothing, repr=False)
