"""Spreading the tables of a PostgreSQL database over a Citus cluster, by workspace, where that extension is.

All rows of a workspace lie on one machine, so that each of its statements runs there. Two tables are no workspace's:
`workspace`, whose slugs are unique among all, is whole on every node; `job`, from which due jobs are claimed whosever
they are, stays on the coordinator.
"""

import logging

from sqlalchemy import Connection, Text, cast, column, func, select, table, text
from sqlmodel import SQLModel

import db.tables
from db.engines.dialects import quoted

assert db.tables  # noqa: S101  the tables are known once they are imported

log = logging.getLogger("rolodesk.distributing")

WHOLE = "workspace"
ON_THE_COORDINATOR = frozenset({"job"})

EXTENSION = table("pg_extension", column("extname"))
PLACED = table("pg_dist_partition", column("logicalrelid"))


def distributable() -> list[str]:
    """The tables that are spread by workspace, each after those that it refers to."""
    names = [one.name for one in SQLModel.metadata.sorted_tables]
    return [name for name in names if name != WHOLE and name not in ON_THE_COORDINATOR]


def distribute(connection: Connection) -> list[str]:
    """Places every table that is not placed yet, in the transaction at hand; tells which. Without Citus, none."""
    if not _is_cluster(connection):
        return []
    placed = _placed(connection)
    _one_after_the_other(connection)
    new = []
    if WHOLE not in placed:
        connection.execute(select(func.create_reference_table(quoted(WHOLE))))
        new.append(WHOLE)
    beside, *others = distributable()
    for name in (beside, *others):
        if name not in placed:
            _spread(connection, name, "default" if name == beside else f'"{beside}"')
            new.append(name)
    if new:
        log.info("placed on the cluster: %s", ", ".join(new))
    return new


def place_anew(connection: Connection, name: str) -> None:
    """Places a table that a migration makes anew beside the others, where those are spread already.

    It has no rows and no references then: Citus takes none from a table that is on the coordinator alone to one that is
    spread, and what fills it afterwards runs on every node at once.
    """
    beside = distributable()[0]
    if connection.dialect.name == "postgresql" and _is_cluster(connection) and beside in _placed(connection):
        _one_after_the_other(connection)
        _spread(connection, name, f'"{beside}"')


def _is_cluster(connection: Connection) -> bool:
    return bool(connection.scalar(select(func.count()).where(EXTENSION.c.extname == "citus")))


def _placed(connection: Connection) -> set[str]:
    return {name.strip('"') for name in connection.scalars(select(cast(PLACED.c.logicalrelid, Text)))}


def _one_after_the_other(connection: Connection) -> None:
    """Tables that refer to one that every node has are changed on one connection to each node."""
    connection.execute(text("SET LOCAL citus.multi_shard_modify_mode TO 'sequential'"))


def _spread(connection: Connection, name: str, beside: str) -> None:
    """Spreads a table by workspace, its rows beside those of another."""
    given = (quoted(f'"{name}"'), quoted("workspace_id"), quoted("hash"), quoted(beside))
    connection.execute(select(func.create_distributed_table(*given)))
