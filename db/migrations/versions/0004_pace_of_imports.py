"""Pace of imports

Revision: 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op

from db import columns

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("import", schema=None) as batch_op:
        batch_op.add_column(sa.Column("advanced_at", columns.Milliseconds(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("import", schema=None) as batch_op:
        batch_op.drop_column("advanced_at")
