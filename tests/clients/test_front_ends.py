"""The clients that front ends use, as their packages are: the public audits, sockets, caches, generators and compilers.

The suites themselves are JavaScript, in `suites/`; `make test-long` installs what they need where there is Node.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from graphql import OperationDefinitionNode, parse

from tests.serving import Serving, command

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SUITES = sorted(path.name for path in (HERE / "suites").glob("*.test.js"))

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(shutil.which("node") is None, reason="There is no Node here"),
    pytest.mark.skipif(
        not (HERE / "node_modules" / ".package-lock.json").exists(), reason="Not installed: make test-long, with Node"
    ),
]


def run(*arguments: str, at: Path, **environment: str) -> None:
    """Runs a program; fails with what it printed."""
    done = subprocess.run(
        arguments,
        check=False,
        cwd=at,
        env={**os.environ, "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-4000:]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of a server with the demo, and a key that may do everything there."""
    directory = tmp_path_factory.mktemp("served")
    with Serving(directory, ("--migrate", "--demo")) as server:
        key = command("key", "create", "--workspace", "demo", "--scopes", "admin", data_dir=str(directory))
        yield f"{server.url}/graphql", key


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """A front end's directory: compilers write beside the sources, and some add to git what they wrote."""
    shutil.copy(ROOT / "schema.graphql", tmp_path)
    there = tmp_path / "tests" / "clients"
    shutil.copytree(HERE, there, ignore=shutil.ignore_patterns("node_modules", "*.py", "__pycache__"))
    (there / "node_modules").symlink_to(HERE / "node_modules")
    return there


@pytest.mark.parametrize("suite", SUITES)
def test_suite(suite: str, served: tuple[str, str]) -> None:
    url, key = served
    run("node", "--test", f"suites/{suite}", at=HERE, URL=url, KEY=key)


def answered(manifest: Path, directory: Path, names: set[str]) -> dict[str, int]:
    """The statuses of a manifest's queries, asked by hash from a server that answers nothing else."""
    documents: dict[str, str] = json.loads(manifest.read_text())
    settings = {"trusted_documents": str(manifest), "trusted_documents_only": "on"}
    with Serving(directory, ("--migrate", "--demo"), settings) as server:
        key = command("key", "create", "--workspace", "demo", "--scopes", "admin", data_dir=str(directory))
        headers = {"authorization": f"Bearer {key}", "accept": "application/graphql-response+json"}
        found = {}
        for digest, text in documents.items():
            (operation, *_) = [node for node in parse(text).definitions if isinstance(node, OperationDefinitionNode)]
            assert operation.name is not None
            if operation.name.value in names:
                asked = {"documentId": f"sha256:{digest}", "variables": {"first": 2, "id": "org_unknown"}}
                answer = httpx2.post(f"{server.url}/graphql", json=asked, headers=headers)
                assert "data" in answer.json(), answer.text
                found[operation.name.value] = answer.status_code
        other = httpx2.post(f"{server.url}/graphql", json={"query": "{ workspace { slug } }"}, headers=headers)
        assert other.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    return found


def test_what_codegens_client_preset_makes_compiles_and_its_documents_are_served_by_hash(
    room: Path, tmp_path: Path
) -> None:
    run("node_modules/.bin/graphql-codegen", "--config", "typed/codegen.json", at=room)
    run("node_modules/.bin/tsc", "-p", ".", at=room)
    manifest = room / "generated" / "typed" / "persisted-documents.json"
    assert answered(manifest, tmp_path / "data", {"TypedTree"}) == {"TypedTree": 200}


def test_relays_compiler_takes_pages_nodes_mutations_and_subscriptions_and_its_documents_are_served_by_hash(
    room: Path, tmp_path: Path
) -> None:
    (room / "generated" / "relay").mkdir(parents=True)
    manifest = room / "generated" / "relay.json"
    manifest.write_text("{}")
    run("node_modules/.bin/relay-compiler", at=room)
    assert "hasNext" in (room / "generated/relay/Customers_organization.graphql.ts").read_text()
    queries = {"CustomersQuery", "CustomersPaginationQuery", "CustomersRowQuery"}
    assert answered(manifest, tmp_path / "data", queries) == dict.fromkeys(sorted(queries), 200)
