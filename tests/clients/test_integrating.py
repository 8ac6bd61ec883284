"""What partners are told in docs/integrating.md: its examples run, one after the other, and answer as is shown there."""

import json
import os
import re
import subprocess
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.serving import Serving, command

ROOT = Path(__file__).parents[2]
BIN = ROOT / ".venv" / "partner" / "bin"
TEXT = (ROOT / "docs" / "integrating.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(sh|json|python)\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)

PROGRAM = """import asyncio
from os import environ
from rolodesk_client import Rolodesk
async def main():
    async with Rolodesk(environ["ROLODESK"], environ["KEY"]) as desk:
{body}
asyncio.run(main())
"""

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not (BIN.parent / "ready").exists(), reason="Not installed: make test-long"),
]


def alike(shown: Any, answered: Any) -> bool:
    """Whether two answers have the same properties and kinds of values."""
    if isinstance(shown, dict) and isinstance(answered, dict):
        return shown.keys() == answered.keys() and all(alike(shown[name], answered[name]) for name in shown)
    if isinstance(shown, list) and isinstance(answered, list):
        return bool(shown) == bool(answered) and all(
            alike(one, other) for one, other in zip(shown, answered, strict=False)
        )
    if isinstance(shown, str) and re.fullmatch(r"[A-Z_]+|[a-zA-Z]+", shown):
        return bool(shown == answered)  # codes, statuses and names are as they are
    return type(shown) is type(answered)


def test_alike_tells_answers_apart() -> None:
    assert alike({"a": ["CREATED", 1]}, {"a": ["CREATED", 7, 8]})
    assert not alike({"a": "CREATED"}, {"a": "REFUSED"})
    assert not alike({"a": 1}, {"a": 1, "b": 1})
    assert not alike({"a": []}, {"a": [1]})
    assert not alike({"a": None}, {"a": "x"})


def test_the_examples_run_and_answer_as_shown(tmp_path: Path) -> None:
    script, shown, program = ["set -eu"], [], []
    for language, block in BLOCKS:
        if language == "sh":
            script.append(f"exec >answer.{len(script)}\n{block}")
        elif language == "json":
            shown.append((len(script) - 1, json.loads(block)))
        else:
            program.append(block)
    with Serving(tmp_path / "data", ("--migrate", "--demo")) as server:
        key = command("key", "create", "--workspace", "demo", "--scopes", "admin", data_dir=str(tmp_path / "data"))
        environment = {**os.environ, "ROLODESK": server.url, "KEY": key, "PYTHONPATH": str(ROOT / "clients" / "python")}

        def run(*arguments: str) -> None:
            done = subprocess.run(
                arguments, check=False, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
            )
            assert done.returncode == 0, done.stdout + done.stderr

        run("bash", "-c", "\n".join(script))
        run(str(BIN / "python"), "-c", PROGRAM.format(body=textwrap.indent("\n".join(program), " " * 8)))
    assert len(shown) == 7
    for number, answer in shown:
        answered = json.loads((tmp_path / f"answer.{number}").read_text())
        assert alike(answer, answered), json.dumps(answered)


def test_curl_waits_as_the_document_has_it_when_the_points_are_spent(tmp_path: Path) -> None:
    (setting_up, *_), (again, *_) = (
        [block for language, block in BLOCKS if language == "sh" and mark in block] for mark in ("ask() {", "--retry")
    )
    with Serving(tmp_path, ("--migrate", "--demo"), {"rate_limit": "2"}) as server:
        key = command("key", "create", "--workspace", "demo", "--scopes", "admin", data_dir=str(tmp_path))
        script = f"""set -eu
{setting_up}
while :; do
  told=$(ask '{{"query": "{{ workspace {{ slug }} }}"}}' --dump-header - --output /dev/null | tr -d '\\r')
  case $told in "HTTP/1.1 429"*) break ;; esac
done
echo "$told" | grep -q '^retry-after: [1-9]' || exit 3
{again}"""
        done = subprocess.run(
            ["bash", "-c", script],
            check=False,
            env={**os.environ, "ROLODESK": server.url, "KEY": key},
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout) == {"data": {"customers": {"totalCount": 600}}}
