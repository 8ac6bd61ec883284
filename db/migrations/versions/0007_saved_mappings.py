"""Saved mappings

Revision: 0007, after 0006.
"""

import sqlalchemy as sa
from alembic import op

from db import columns

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "import_mapping",
        sa.Column("workspace_id", columns.Key, nullable=False),
        sa.Column("id", columns.Key, nullable=False),
        sa.Column("kind", columns.Key, nullable=False),
        sa.Column("name", columns.Words, nullable=False),
        sa.Column("name_key", columns.Key, nullable=False),
        sa.Column("header", columns.JsonText(), nullable=False),
        sa.Column("header_key", columns.Key, nullable=False),
        sa.Column("columns", columns.JsonText(), nullable=False),
        sa.Column("created_by", columns.Key, nullable=True),
        sa.Column("created_at", columns.Milliseconds(), nullable=False),
        sa.Column("updated_at", columns.Milliseconds(), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.workspace_id"], name="fk_workspace"),
        sa.PrimaryKeyConstraint("workspace_id", "id"),
    )
    with op.batch_alter_table("import_mapping", schema=None) as batch_op:
        batch_op.create_index(
            "import_mapping_by_header", ["workspace_id", "kind", "header_key", "updated_at"], unique=False
        )
        batch_op.create_index("import_mapping_by_name", ["workspace_id", "name_key", "id"], unique=False)
        batch_op.create_index("import_mapping_name", ["workspace_id", "kind", "name_key"], unique=True)

    with op.batch_alter_table("import", schema=None) as batch_op:
        batch_op.add_column(sa.Column("header_key", columns.Key, nullable=True))
        batch_op.create_index(
            "import_by_header", ["workspace_id", "kind", "header_key", "created_at", "id"], unique=False
        )


def downgrade() -> None:
    with op.batch_alter_table("import", schema=None) as batch_op:
        batch_op.drop_index("import_by_header")
        batch_op.drop_column("header_key")

    with op.batch_alter_table("import_mapping", schema=None) as batch_op:
        batch_op.drop_index("import_mapping_name")
        batch_op.drop_index("import_mapping_by_name")
        batch_op.drop_index("import_mapping_by_header")

    op.drop_table("import_mapping")
