"""Retries of imports

Revision: 0006, after 0005.
"""

import sqlalchemy as sa
from alembic import op

from db import columns

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("import", schema=None) as batch_op:
        batch_op.add_column(sa.Column("retry_of", columns.Key, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("import", schema=None) as batch_op:
        batch_op.drop_column("retry_of")
