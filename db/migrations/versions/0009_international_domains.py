"""International domains: customers are found by their address as it is written, and without names ordered by it

Revision: 0009, after 0008.
"""

import sqlalchemy as sa
from alembic import op

from db.text import fold, words

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

FIND = "SELECT workspace_id, id, email, email_key, name_key FROM customer WHERE {bytes} <> length(email)"
BYTES = {"sqlite": "length(CAST(email AS BLOB))", "postgresql": "octet_length(email)"}
WORDS = sa.text("SELECT word FROM customer_word WHERE workspace_id = :workspace AND customer_id = :id")
ORDER = (
    sa.text("UPDATE customer SET name_key = :name_key WHERE workspace_id = :workspace AND id = :id"),
    sa.text("UPDATE customer_word SET name_key = :name_key WHERE workspace_id = :workspace AND customer_id = :id"),
)
ADD = sa.text(
    "INSERT INTO customer_word (workspace_id, customer_id, word, name_key) VALUES (:workspace, :id, :word, :name_key)"
)


def upgrade() -> None:
    connection = op.get_bind()
    found = connection.execute(sa.text(FIND.format(bytes=BYTES[op.get_context().dialect.name]))).all()
    for workspace, customer_id, address, key, name_key in found:
        this = {"workspace": workspace, "id": customer_id}
        ordered = this | {"name_key": fold(address) if name_key == key else name_key}
        if ordered["name_key"] != name_key:
            for statement in ORDER:
                connection.execute(statement, ordered)
        known = set(connection.execute(WORDS, this).scalars())
        for word in sorted(words(address) - known):
            connection.execute(ADD, ordered | {"word": word})


def downgrade() -> None:
    """Nothing: an older version orders by what it finds, and finds more than it would add."""
