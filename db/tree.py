"""The tree of organizations: `parent_id` and recursive queries, at most 50 deep. A move writes one row."""

from typing import TYPE_CHECKING, Any

from sqlalchemy import CTE, ColumnElement, Integer, func, literal_column, select

from db.engines.dialects import Ordered
from db.tables import Organization

if TYPE_CHECKING:
    from db.reads.reading import Reading

DEEPEST = 50
"""Levels of organizations; the top level is 1."""

Expression = ColumnElement[Any]


def upward(reading: "Reading", start: Expression) -> CTE:
    """An organization and its ancestors as rows (id, parent_id, level); level 0 is where it starts."""
    first, above = reading.rows(Organization), reading.rows(Organization)
    chain = (
        select(
            first.row.id.label("id"),
            first.row.parent_id.label("parent_id"),
            literal_column("0", Integer()).label("level"),
        )
        .select_from(first.clause)
        .where(*first.where, first.row.id == start)
        .cte(reading.alias("up"), recursive=True, nesting=True)
    )
    step = select(above.row.id, above.row.parent_id, chain.c.level + literal_column("1")).select_from(
        Ordered(chain, above.clause, above.row.id == chain.c.parent_id)
    )
    return chain.union_all(step.where(*above.where, above.row.id == chain.c.parent_id))


def downward(reading: "Reading", start: Any) -> CTE:
    """Organizations and everything below them as rows (id); `start` is an id or a sub-select of ids."""
    first, below = reading.rows(Organization), reading.rows(Organization)
    begins = first.row.id.in_(start) if hasattr(start, "selected_columns") else first.row.id == start
    tree = (
        select(first.row.id.label("id"))
        .select_from(first.clause)
        .where(*first.where, begins)
        .cte(reading.alias("down"), recursive=True, nesting=True)
    )
    step = select(below.row.id).select_from(Ordered(tree, below.clause, below.row.parent_id == tree.c.id))
    return tree.union(step.where(*below.where, below.row.archived_at.is_(None)))


def depth(reading: "Reading", organization: Expression) -> Expression:
    """How many ancestors an organization has."""
    chain = upward(reading, organization)
    return select(func.max(chain.c.level)).scalar_subquery()


def height(reading: "Reading", start: Expression) -> Expression:
    """How many levels the tree of an organization has, itself included."""
    first, below = reading.rows(Organization), reading.rows(Organization)
    tree = (
        select(first.row.id.label("id"), literal_column("1", Integer()).label("level"))
        .select_from(first.clause)
        .where(*first.where, first.row.id == start)
        .cte(reading.alias("down"), recursive=True, nesting=True)
    )
    step = select(below.row.id, tree.c.level + literal_column("1")).select_from(
        Ordered(tree, below.clause, below.row.parent_id == tree.c.id)
    )
    tree = tree.union_all(step.where(*below.where, below.row.archived_at.is_(None)))
    return select(func.max(tree.c.level)).scalar_subquery()
