"""What SQLite's planner is told of the tables' shape: how many rows, and how many share the beginning of an index.

Every index begins with the workspace, which seems to the planner as selective as anything else; without these numbers
it would rather walk through a whole workspace in order than look up the few rows a filter names. They are said once,
not measured, so that plans are the same in a new database, in a large one and in the tests.
"""

from typing import Any, Final

ROWS: Final = {
    "customer": 1_000_000,
    "customer_word": 4_000_000,
    "email_address": 1_000_000,
    "organization": 100_000,
    "project": 10_000,
    "project_customer": 100_000,
    "project_organization": 100_000,
    "ticket": 1_000_000,
    "change": 1_000_000,
    "change_record": 2_000_000,
    "invitation": 200_000,
    "import_row": 1_000_000,
}
"""The tables that grow, and how large they are thought to be."""

ALIKE: Final = {
    "workspace_id": 100_000,
    "organization_id": 20,
    "parent_id": 20,
    "project_id": 1_000,
    "requester_id": 5,
    "customer_id": 4,
    "record_id": 4,
    "import_id": 10_000,
    "word": 100,
    "number": 2,
}
"""How many rows have one value of a column, where it is not the last of a unique index."""

FEW = 10

PARTIAL: Final = {"customer_active": 0.1}
"""The share of a table's rows that an index over some of them holds; of others, all."""


def tell(connection: Any) -> None:
    """Writes the numbers (`sqlite_stat1`); connections opened from now on plan by them."""
    connection.execute("ANALYZE sqlite_schema")  # makes the table of statistics, and measures nothing
    connection.execute("DELETE FROM sqlite_stat1")
    for table, rows in ROWS.items():
        for _, index, unique, *_rest in connection.execute(f"PRAGMA index_list({table})").fetchall():
            columns = [row[2] for row in connection.execute(f"PRAGMA index_info({index})")]
            held = PARTIAL.get(index, 1)
            numbers = [int(rows * held)]
            for position, column in enumerate(columns, 1):
                last = position == len(columns) and (unique or column == "id")
                numbers.append(1 if last else min(numbers[-1] // 2, int(ALIKE.get(column or "", FEW) * held) or 1))
            values = (table, index, " ".join(map(str, numbers)))
            connection.execute("INSERT INTO sqlite_stat1 VALUES (?, ?, ?)", values)
    connection.commit()
