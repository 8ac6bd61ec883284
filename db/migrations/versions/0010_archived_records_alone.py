"""Indexes of archived records hold those alone, on PostgreSQL as on SQLite

As long as a table was never counted, PostgreSQL took the whole ones for its looks at keys: it read all rows of a workspace
for each row that refers to one.

Revision: 0010, after 0009.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TABLES = ("customer", "organization")


def upgrade() -> None:
    _make_anew(sa.text("archived_at IS NOT NULL"))


def downgrade() -> None:
    _make_anew(None)


def _make_anew(which: sa.TextClause | None) -> None:
    if op.get_context().dialect.name != "postgresql":
        return
    for table in TABLES:
        op.drop_index(f"{table}_archived", table_name=table)
        op.create_index(
            f"{table}_archived", table, ["workspace_id", "archived_by_change"], unique=False, postgresql_where=which
        )
