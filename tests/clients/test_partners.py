"""The partner client and gql, in an environment of their own: as the schema says, typed, and against a server."""

import filecmp
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.serving import Serving, command

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "clients" / "python"
BIN = ROOT / ".venv" / "partner" / "bin"

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not (BIN.parent / "ready").exists(), reason="Not installed: make test-long"),
]


def run(*arguments: str, at: Path = CLIENT, **environment: str) -> None:
    """Runs a program of that environment; fails with what it printed."""
    name, *rest = arguments
    done = subprocess.run(
        [str(BIN / name), *rest],
        check=False,
        cwd=at,
        env={**os.environ, "PYTHONPATH": str(at), **environment},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-4000:]


def test_is_generated_from_the_schema_as_it_is(tmp_path: Path) -> None:
    shutil.copy(ROOT / "schema.graphql", tmp_path)
    there = tmp_path / "clients" / "python"
    shutil.copytree(CLIENT, there, ignore=shutil.ignore_patterns("generated", "__pycache__"))
    run("ariadne-codegen", at=there)
    made, kept = there / "rolodesk_client" / "generated", CLIENT / "rolodesk_client" / "generated"
    names = sorted(path.name for path in kept.glob("*.py"))
    assert sorted(path.name for path in made.glob("*.py")) == names
    _, different, wrong = filecmp.cmpfiles(made, kept, names, shallow=False)
    assert (different, wrong) == ([], []), "run `make client`"


def test_its_types_are_sound() -> None:
    run("mypy", "rolodesk_client/client.py", "rolodesk_client/transport.py", "tests/test_client.py")


def test_does_what_it_promises_against_a_server(tmp_path: Path) -> None:
    with Serving(tmp_path, ("--migrate", "--demo")) as server:
        key = command("key", "create", "--workspace", "demo", "--scopes", "admin", data_dir=str(tmp_path))
        run("pytest", "-p", "no:cacheprovider", "tests", URL=server.url, KEY=key)
