"""When an import gives up: once more rows are refused than may be. Nothing after the last of them is written."""

from collections.abc import Sequence

from db.errors import Refusal
from db.imports import Work
from jobs.import_entries import Outcome


class TooManyRefused(Exception):  # noqa: N818  a way out
    """A chunk goes on after the row that is one too many; only `records` of it are to be taken."""

    def __init__(self, records: int) -> None:
        super().__init__(records)
        self.records = records


class Patience:
    """How many rows of an import may yet be refused. One that gave up and goes on may be refused as many again."""

    def __init__(self, work: Work) -> None:
        most, before = work.policy.most_refused, 0 if work.dry_run else work.refused
        self._most = most
        self._allowed = None if most is None else most + (before if before > most else 0)
        self._refused = before
        self.ended = False

    def refusal(self, outcomes: Sequence[Outcome]) -> Refusal | None:
        """Why the import ends with these; raises where they go on after the row that is one too many."""
        if self._allowed is None:
            return None
        refused = self._refused
        for taken, outcome in enumerate(outcomes, 1):
            refused += outcome.status == "REFUSED"
            if refused > self._allowed:
                if taken < len(outcomes):
                    raise TooManyRefused(taken)
                return Refusal(
                    f"It stopped at line {outcome.entry.line:,}: {refused:,} rows were refused, and {self._most:,} may be. "
                    "What was read until then stays. undoImport takes it back, retryImport goes on after it.",
                    code="LIMIT",
                )
        return None

    def note(self, outcomes: Sequence[Outcome]) -> None:
        """Notes what was written."""
        self._refused += sum(outcome.status == "REFUSED" for outcome in outcomes)
        self.ended = self._allowed is not None and self._refused > self._allowed
