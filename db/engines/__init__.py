"""SQLite and PostgreSQL: opening a database, reading from it, writing to it, and where the two differ."""
