"""Words in order: with each word the key by which its customer is ordered

Revision: 0008, after 0007.
"""

import sqlalchemy as sa
from alembic import op

from db.columns import Key
from db.engines.distributing import place_anew

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

REFERENCE = (["workspace_id", "customer_id"], ["customer.workspace_id", "customer.id"])
REFERENCE_NAME = "fk_customer_customer_id"
WORDS = ("workspace_id", "customer_id", "word")
ORDERED = """
INSERT INTO customer_word (workspace_id, customer_id, word, name_key)
SELECT w.workspace_id, w.customer_id, w.word, c.name_key
FROM old_word AS w JOIN customer AS c ON c.workspace_id = w.workspace_id AND c.id = w.customer_id
ORDER BY w.workspace_id, w.customer_id, w.word
"""
UNORDERED = """
INSERT INTO customer_word (workspace_id, customer_id, word)
SELECT workspace_id, customer_id, word FROM old_word ORDER BY workspace_id, word, customer_id
"""


def upgrade() -> None:
    """The table is made anew: its key begins with the customer, so that one index of two can be the table itself."""
    _make_anew(("customer_id", "word"), sa.Column("name_key", Key, nullable=False), ORDERED)
    op.create_index("customer_word_in_order", "customer_word", ["workspace_id", "word", "name_key", "customer_id"])


def downgrade() -> None:
    _make_anew(("word", "customer_id"), None, UNORDERED)
    op.create_index("customer_word_of", "customer_word", ["workspace_id", "customer_id", "word"])


def _make_anew(key: tuple[str, str], also: sa.Column[str] | None, fill: str) -> None:
    index, name = ("customer_word_of", "customer_word_in_order")[also is None], "customer_word"
    op.drop_index(index, table_name=name)
    server = op.get_context().dialect.name == "postgresql"
    if server:
        op.drop_constraint("customer_word_pkey", name)  # its index would keep the name
    op.rename_table(name, "old_word")
    op.create_table(
        name,
        *(sa.Column(column, Key, nullable=False) for column in WORDS),
        *([also] if also is not None else ()),
        *([] if server else [sa.ForeignKeyConstraint(*REFERENCE, name=REFERENCE_NAME)]),
        sa.PrimaryKeyConstraint("workspace_id", *key),
        sqlite_with_rowid=also is None,
    )
    if server:
        place_anew(op.get_bind(), name)
        op.create_foreign_key(
            REFERENCE_NAME, name, "customer", REFERENCE[0], [column.partition(".")[2] for column in REFERENCE[1]]
        )
    op.execute(fill)
    op.drop_table("old_word")
