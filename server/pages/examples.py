"""The example operations that GraphiQL opens with. `tests/test_examples.py` runs every one of them.

An example is `examples/<number>-<name>.graphql`, its first line a comment that serves as its title, with its variables
in a file of the same name ending in `.json`. In variables, `<organization:ORG-001>` stands for the id of that
organization in the demo workspace (by its external id) and `<upload>` for the id of its latest upload.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from db import organizations, uploads
from db.database import Database

DIRECTORY = Path(__file__).parent / "examples"
_ORGANIZATION = re.compile(r"<organization:([^>]+)>")


class Example(NamedTuple):
    """One tab."""

    title: str
    query: str
    variables: str


def examples() -> Iterator[Example]:
    """The examples in their order, their variables as they are written."""
    for path in sorted(DIRECTORY.glob("*.graphql")):
        query, variables = path.read_text("utf-8"), path.with_suffix(".json")
        title = query.partition("\n")[0].removeprefix("# ")
        yield Example(title, query, variables.read_text("utf-8").rstrip() if variables.exists() else "{}")


async def filled(example: Example, database: Database, workspace_id: str) -> Example:
    """The example with this workspace's ids in its variables."""
    variables = example.variables
    for external_id in set(_ORGANIZATION.findall(variables)):
        found = await organizations.find(database, workspace_id, external_id)
        variables = variables.replace(f"<organization:{external_id}>", found or "")
    if "<upload>" in variables:
        variables = variables.replace("<upload>", await uploads.latest(database, workspace_id) or "")
    return example._replace(variables=variables)
