"""Keeping workspaces apart: the shape of the tables, and every statement the server runs."""

import re
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Index, Table, UniqueConstraint
from sqlmodel import SQLModel

import db.tables  # the tables
from db.engines.postgres import _Waiting
from db.engines.sqlite_writer import Direct
from tests import steps
from tests.conftest import Client, World

assert db.tables
TABLES = list(SQLModel.metadata.tables.values())
NAMES = {table.name for table in TABLES}


# The shape


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_key_begins_with_the_workspace(table: Table) -> None:
    assert next(c.name for c in table.primary_key.columns) == "workspace_id"
    for index in table.indexes:
        if index.unique and (table.name, [c.name for c in index.columns]) != ("workspace", ["slug"]):
            assert _first(index) == "workspace_id", index.name
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint) and [c.name for c in constraint.columns] != ["slug"]:
            assert next(c.name for c in constraint.columns) == "workspace_id", constraint.name
    for reference in table.foreign_key_constraints:
        assert next(c.name for c in reference.columns) == "workspace_id", reference.name
        assert next(e.column.name for e in reference.elements) == "workspace_id", reference.name
        assert (reference.ondelete, reference.onupdate) == (None, None), reference.name


def _first(index: Index) -> str:
    return next(iter(index.expressions)).name  # type: ignore[attr-defined,union-attr]


def test_every_column_that_names_a_record_refers_to_it() -> None:
    loose = {"actor_id", "record_id", "holder_id", "invited_by", "created_by", "leased_by", "subject_id", "archived_by"}
    for table in TABLES:
        referring = {c.name for reference in table.foreign_key_constraints for c in reference.columns}
        named = {c.name for c in table.columns if c.name.endswith("_id")} - {"workspace_id", "external_id"} - loose
        assert named - referring - {"import_id"} == set(), table.name


@pytest.mark.sqlite
def test_a_row_cannot_refer_to_another_workspaces(world: World) -> None:
    connection = sqlite3.connect(world.directory / "rolodesk.db")
    try:
        found = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
        assert set(found) >= NAMES
        for name in NAMES - {"workspace"}:
            keys = connection.execute(f'PRAGMA foreign_key_list("{name}")').fetchall()
            by_key: dict[int, list[str]] = {}
            for key in keys:
                by_key.setdefault(key[0], []).append(key[3])
            assert all(columns[0] == "workspace_id" for columns in by_key.values()), name
    finally:
        connection.close()


UNIQUE = """SELECT t.relname, array_agg(a.attname::text ORDER BY k.place)
  FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
  CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place)
  JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number
  WHERE i.indisunique AND t.relnamespace = 'public'::regnamespace GROUP BY i.indexrelid, t.relname"""
REFERENCES = """SELECT c.conrelid::regclass::text, c.confrelid::regclass::text, mine.attname::text, theirs.attname::text,
  c.confdeltype::text || c.confupdtype::text
  FROM pg_constraint c
  JOIN pg_attribute mine ON mine.attrelid = c.conrelid AND mine.attnum = c.conkey[1]
  JOIN pg_attribute theirs ON theirs.attrelid = c.confrelid AND theirs.attnum = c.confkey[1] WHERE c.contype = 'f'"""
ELSEWHERE = {"workspace", "job"}
"""On a cluster every node has the first whole, for its slugs are unique among all; the second stays where it is claimed."""


@pytest.mark.postgres
async def test_postgresql_has_nothing_that_a_cluster_cannot_spread_by_workspace(world: World) -> None:
    assert {
        name for (name,) in await world.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    } >= NAMES
    assert await world.rows("SELECT relname FROM pg_class WHERE relkind = 'S'") == []
    assert await world.rows("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal") == []
    unique = [(table, columns) for table, columns in await world.rows(UNIQUE) if table in NAMES]
    assert len(unique) >= len(NAMES)
    assert [found for found in unique if found[1][0] != "workspace_id"] == [("workspace", ["slug"])]
    references = await world.rows(REFERENCES)
    assert len(references) > 30
    assert {tuple(reference[2:]) for reference in references} == {("workspace_id", "workspace_id", "aa")}
    assert {to for of, to, *_ in references if of in ELSEWHERE or to in ELSEWHERE} <= {"workspace"}


# The statements


@pytest.fixture
def statements(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """The texts of all statements that run, reads and writes."""
    seen: set[str] = set()
    world.database.watch = seen.add
    for connection in (Direct, _Waiting):
        for name in ("rows", "run", "run_many"):
            original = getattr(connection, name)

            async def watched(self: Any, text: str, parameters: Any, original: Any = original) -> Any:
                seen.add(text)
                return await original(self, text, parameters)

            monkeypatch.setattr(connection, name, watched)
    original_copy = _Waiting.copy

    async def copied(self: Any, table: str, names: Any, rows: Any) -> None:
        seen.add(f"INSERT INTO {table} ({', '.join(names)})")
        await original_copy(self, table, names, rows)

    monkeypatch.setattr(_Waiting, "copy", copied)
    yield seen
    world.database.watch = None


TABLE = r'"?(' + "|".join(sorted(NAMES, key=len, reverse=True)) + r')"?'
REFERENCE = re.compile(rf"\b(FROM|JOIN|UPDATE|INTO|,)\s+{TABLE}(?:\s+AS\s+([a-z_0-9]+))?(?=[\s,()]|$)", re.IGNORECASE)
WORKSPACE = r'(?:\?|[a-z_0-9"]+\.workspace_id|:workspace|\?\d+)'


def loose_references(text: str) -> list[str]:
    """Tables in a statement whose rows nothing ties to the workspace."""
    flat = " ".join(text.split())
    found = []
    for match in REFERENCE.finditer(flat):
        how, table, alias = match.group(1).upper(), match.group(2), match.group(3)
        if how == ",":
            continue
        if how == "INTO":
            if not re.search(rf'INTO "?{table}"? \([^)]*\bworkspace_id\b', flat, re.IGNORECASE):
                found.append(f"INSERT INTO {table}")
            continue
        name = alias or table
        if not re.search(rf'"?\b{name}"?\.workspace_id (=|IN) |= "?\b{name}"?\.workspace_id\b', flat):
            bare = how == "UPDATE" and re.search(r"WHERE .*\bworkspace_id = ", flat)
            if not bare:
                found.append(f"{how} {table} AS {name}")
    return found


def test_a_loose_statement_would_be_told() -> None:
    assert loose_references("SELECT a.id FROM customer AS a WHERE a.workspace_id = ?") == []
    assert loose_references("SELECT a.id FROM customer AS a WHERE a.id = ?") == ["FROM customer AS a"]
    joined = "SELECT 1 FROM customer AS a JOIN organization AS b ON b.id = a.organization_id WHERE a.workspace_id = ?"
    assert loose_references(joined) == ["JOIN organization AS b"]
    assert loose_references("UPDATE customer SET version = 2 WHERE id = ?") == ["UPDATE customer AS customer"]
    assert loose_references("DELETE FROM customer WHERE customer.id = ?") == ["FROM customer AS customer"]
    assert loose_references("INSERT INTO customer (id) VALUES (?)") == ["INSERT INTO customer"]


async def test_every_statement_is_of_one_workspace(world: World, admin: Client, statements: set[str]) -> None:
    await everything_read(admin, await everything_done(world, admin))
    user = await world.user("AGENT")
    customer = await world.customer_session(await steps.customer(admin, "me@example.com"))
    for client in (user, customer):
        await client.ask(
            """{ viewer { user { name } customer { email } permissions } customers(search: "a") { totalCount nodes {
            name access { via project { name } organization { name } } tickets { totalCount } } }
            projects { nodes { name customerCount } } organizations { nodes { name customerCount } } }""".replace(
                "user { name }", "user { name }" if client is user else "customer { id }"
            )
        )
    assert len(statements) > 80
    loose = {text: found for text in statements if (found := loose_references(text))}
    assert loose == {}
    touched = {match.group(2) for text in statements for match in REFERENCE.finditer(" ".join(text.split()))}
    assert {"customer", "organization", "project", "change", "change_record", "invitation", "mail"} <= touched


async def everything_done(world: World, admin: Client) -> dict[str, str]:
    """Every mutation of records, each way."""
    made: dict[str, str] = {}
    made["top"] = await steps.organization(admin, "Top", externalId="o-1")
    made["acme"] = await steps.organization(admin, "Acme", made["top"])
    made["ann"] = await steps.customer(
        admin, "ann@example.com", externalId="c-1", organizationId=made["acme"], sendInvitation=True
    )
    made["bob"] = await steps.customer(admin, "bob@example.com")
    made["wiki"] = await steps.project(admin, "Wiki", [made["bob"]], externalId="p-1")
    await steps.done(admin, "createCustomer", email="ann@example.com", externalId="c-1")
    await steps.done(admin, "createOrganization", name="Top")
    await steps.done(admin, "createProject", name="Wiki")
    await steps.done(admin, "createProject", name="Other", externalId="p-1")
    await steps.done(admin, "createOrganization", name="Other", externalId="o-1")
    await steps.done(admin, "createCustomer", email="dan@example.com", externalId="c-1")
    await steps.well(admin, "updateCustomer", customer={"email": "ann@example.com"}, email="anna@example.com")
    await steps.well(admin, "updateCustomer", customer={"externalId": "c-1"}, title="Boss")
    await steps.well(admin, "updateOrganization", organization={"externalId": "o-1"}, name="Topmost")
    await steps.well(admin, "updateProject", project={"externalId": "p-1"}, name="Book")
    for by in ("EMAIL", "EXTERNAL_ID"):
        item = {"email": "anna@example.com", "externalId": "c-1", "lastName": by}
        await steps.well(admin, "upsertCustomers", customers=[item], matchBy=by)
    await steps.well(admin, "shareProject", projectId=made["wiki"], organizationIds=[made["top"]])
    await steps.well(admin, "unshareProject", projectId=made["wiki"], customerIds=[made["bob"]])
    for given in ({"customerIds": [made["bob"]]}, {"filter": {"unassigned": True, "inTreeOf": made["top"]}}):
        for dry in (True, False):
            await steps.well(
                admin,
                "moveCustomers",
                "access { gained { project { name } } } customers { nodes { email } }",
                to={"organizationId": made["acme"]},
                dryRun=dry,
                **given,
            )
    for dry in (True, False):
        to = {"topLevel": True}
        await steps.well(admin, "moveOrganization", organizationId=made["acme"], to=to, dryRun=dry)
    await steps.well(admin, "moveOrganization", organizationId=made["acme"], to={"parentId": made["top"]})
    await steps.well(admin, "inviteCustomers", customerIds=[made["ann"]])
    await steps.well(admin, "inviteCustomers", filter={"project": made["wiki"]})
    found = await steps.read(admin, made["ann"], "... on Customer { invitation { id } }")
    invitation = {"invitationId": found["invitation"]["id"]}
    await steps.well(admin, "resendInvitation", **invitation)
    soon = "2026-12-31T00:00:00Z"
    await steps.done(admin, "extendInvitation", expiresAt=soon, **invitation)
    await steps.well(admin, "revokeInvitation", **invitation)
    await steps.well(admin, "archiveCustomers", customerIds=[made["ann"]])
    await steps.well(admin, "restoreCustomers", customerIds=[made["ann"]])
    for contents in ("ARCHIVE", "MOVE_UP"):
        await steps.well(admin, "archiveOrganization", organizationId=made["acme"], contents=contents)
        await steps.well(admin, "restoreOrganization", organizationId=made["acme"])
    await steps.well(admin, "archiveProject", projectId=made["wiki"])
    await steps.well(admin, "restoreProject", projectId=made["wiki"])
    key = await steps.well(admin, "createApiKey", "apiKey { id }", name="Key", scopes=["CUSTOMERS_READ"])
    await steps.well(admin, "revokeApiKey", apiKeyId=key["apiKey"]["id"])
    user = await world.user("OWNER")
    await steps.well(user, "signOut")
    return made


async def everything_read(admin: Client, made: dict[str, str]) -> None:
    """Every root list and what hangs below, filtered, sorted, searched and paged."""
    text = """query($ann: ID!, $top: ID!, $wiki: ID!) {
      viewer { apiKey { name } workspace { name } } workspace { slug }
      node(id: $ann) { id ... on Customer { email history { nodes { change { number actor { __typename } } record { id } } } } }
      nodes(ids: [$ann, $top, $wiki]) { id }
      customer(by: {email: "anna@example.com"}) { name invitation { status customer { email } } }
      customers(first: 2, search: "an", orderBy: [{field: LAST_NAME}], filter: {or: [
        {inTreeOf: $top}, {project: $wiki}, {status: [INVITED]}, {not: {organization: $top}}]}) {
        totalCount pageInfo { hasNextPage endCursor } edges { cursor node { status organization { ancestors { name } depth }
        projects { totalCount nodes { name } } access { via since project { name } organization { name } }
        tickets { nodes { subject requester { email } project { name } } } } } }
      organizations(filter: {root: true, project: $wiki}) { nodes { customerCount(includeDescendants: true)
        customers(includeDescendants: true, last: 3) { totalCount nodes { email } } children { nodes { name parent { name } } }
        descendants { totalCount nodes { name } } projects { nodes { name } } history { totalCount } } }
      projects(filter: {customer: $ann}) { nodes { customerCount customers { nodes { email } } organizations { nodes { name } }
        tickets { totalCount } history { totalCount } } }
      tickets(filter: {unmatched: true}) { totalCount }
      unmatchedRequesters { totalCount nodes { email name ticketCount latestTicketAt } }
      invitations(filter: {status: [REVOKED]}) { nodes { customer { email } } }
      imports { nodes { id rows { totalCount } } }
      changes(filter: {record: $ann}) { totalCount nodes { actor { __typename } records { nodes { record { id } } } } }
      users { totalCount } apiKeys { nodes { name } }
    }"""
    await admin.ask(text, ann=made["ann"], top=made["top"], wiki=made["wiki"])
