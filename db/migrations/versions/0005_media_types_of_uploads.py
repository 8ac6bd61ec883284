"""Media types of uploads

Revision: 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op

from db import columns

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("upload", schema=None) as batch_op:
        batch_op.add_column(sa.Column("media_type", columns.Key, nullable=True))
        batch_op.create_index("upload_by_created", ["workspace_id", "created_at", "id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("upload", schema=None) as batch_op:
        batch_op.drop_index("upload_by_created")
        batch_op.drop_column("media_type")
