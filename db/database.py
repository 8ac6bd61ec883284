"""The database as everything above `db` sees it, whatever its engine."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

from sqlalchemy import bindparam, select

from db.clock import Clock
from db.engines.dialects import Dialect
from db.engines.notices import Notices
from db.statements import Statement, columns
from db.tables import Workspace
from db.transaction import Intent, Maintenance, Work

Result = TypeVar("Result")

_w = columns(Workspace)
NUMBERS = Statement(select(_w.access_number, _w.change_number).where(_w.workspace_id == bindparam("workspace")))
"""A workspace's access and change number at this moment, by which what was read before is known to stand."""


class Database(Protocol):
    """Reads of one statement each, writes of one transaction each, and maintenance across workspaces."""

    clock: Clock
    watch: Callable[[str], None] | None
    """Is told the text of each read, in tests."""
    notices: Notices | None
    """What tells other processes of changes at once, where there is such a thing."""

    @property
    def dialect(self) -> Dialect: ...

    async def read(self, text: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """All rows of one statement."""
        ...

    async def rows(self, statement: Statement, **values: Any) -> list[Any]:
        """All rows of a statement that is written once and run often; its parameters are keywords."""
        ...

    async def read_current(self, workspace_id: str, text: str, parameters: Sequence[Any]) -> list[Any]:
        """Like `read`, of a statement that begins with its workspace's numbers; another server that has all may answer."""
        ...

    async def read_unless(
        self, numbers: tuple[int, int], workspace_id: str, text: str, parameters: Callable[[], Sequence[Any]]
    ) -> list[Any] | None:
        """Like `read_current`, and None where the workspace's access and change numbers still are these.

        The parameters are made only if the statement is run.
        """
        ...

    async def write(self, work: Work[Result], intent: Intent) -> Result:
        """Runs a piece of work as one transaction of a workspace; answered only after its commit."""
        ...

    async def maintain(self, work: Callable[[Maintenance], Awaitable[Result]]) -> Result:
        """Runs maintenance across workspaces as one transaction (claiming due jobs, making a workspace).

        Like any work it may run more than once, and awaits nothing but its statements.
        """
        ...

    async def measure(self, tables: Sequence[str]) -> None:
        """Has the engine count anew what it plans by, after these tables grew much at once."""
        ...

    async def damage(self) -> str | None:
        """What is damaged, if the engine can tell; None for a database that is sound."""
        ...

    async def close(self) -> None: ...
