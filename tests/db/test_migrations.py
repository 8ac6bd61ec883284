"""Migrations and tables are the same, and a database that is not in step is refused."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from db.migrating import Behind, current, migrate, newest, require_current
from db.tables import Workspace

pytestmark = pytest.mark.sqlite


def described(path: Path) -> dict[str, str]:
    """Every table and index as its statement, without what a table's history leaves behind (quotes, order of columns)."""
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {n: plain(sql) for n, sql in found if n != "alembic_version" and not n.startswith("sqlite_stat")}


def plain(sql: str) -> str:
    head, _, body = re.sub(r"[\"`]", "", sql).partition("(")
    parts, depth, part = [], 0, ""
    for character in body.rpartition(")")[0] if head.startswith("CREATE TABLE") else body:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += character
    lines = [" ".join(text.split()) for text in (*parts, part)]
    ordered = sorted(lines) if head.startswith("CREATE TABLE") else lines
    return f"{' '.join(head.split())} ({', '.join(ordered)})"


def test_migrations_and_tables_are_equal(migrated: Path, tmp_path: Path) -> None:
    made = tmp_path / "made.db"
    engine = create_engine(f"sqlite:///{made}")
    Workspace.metadata.create_all(engine)
    engine.dispose()
    assert set(Workspace.metadata.tables) <= set(described(made))
    assert described(migrated) == described(made)


def test_migrating_again_changes_nothing(migrated: Path, tmp_path: Path) -> None:
    path = tmp_path / "again.db"
    assert migrate(path) == newest()
    assert migrate(path) == newest()
    assert described(path) == described(migrated)


def test_a_database_in_step_is_taken(migrated: Path) -> None:
    require_current(migrated)
    assert current(migrated) == newest()


def test_refuses_a_database_without_tables(tmp_path: Path) -> None:
    with pytest.raises(Behind, match=r"has no tables yet\. Run: rolodesk migrate"):
        require_current(tmp_path / "none.db")
    assert not (tmp_path / "none.db").exists()


def test_refuses_a_database_of_a_newer_version(tmp_path: Path) -> None:
    path = tmp_path / "newer.db"
    migrate(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(Behind, match="is at revision 9999, which this version does not know"):
        require_current(path)
