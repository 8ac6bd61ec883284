"""Ids of another workspace: in every argument as if absent, byte for byte, and nothing written anywhere."""

from collections.abc import Callable
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, GraphQLInputType, get_named_type
from sqlalchemy import BigInteger, Integer

from db.columns import Flag
from db.ids import new_id
from db.tables import Contact, ContactSource, Import, Upload
from db.writing import adding
from schema.build import schema
from tests import steps
from tests.conftest import Client, World

SCHEMA = schema._schema  # noqa: SLF001


async def records(client: Client) -> dict[str, str]:
    """One record of each kind."""
    made = {"customer": await steps.customer(client, "theirs@example.com", externalId="their-c", sendInvitation=True)}
    made["organization"] = await steps.organization(client, "Theirs", externalId="their-o")
    made["project"] = await steps.project(client, "Theirs", [made["customer"]], externalId="their-p")
    invitation = await steps.read(client, made["customer"], "... on Customer { invitation { id } }")
    made["invitation"] = invitation["invitation"]["id"]
    answer = await steps.well(client, "createApiKey", "apiKey { id }", name="Theirs", scopes=["CUSTOMERS_READ"])
    made["api_key"] = answer["apiKey"]["id"]
    invited = await steps.well(client, "inviteUser", "user { id }", email="u@example.com", name="U", role="AGENT")
    made["user"] = invited["user"]["id"]
    mapping = {"header": ["E"], "mapping": [{"column": "E", "field": "email"}]}
    answer = await steps.well(
        client, "createImportMapping", "importMapping { id }", kind="CUSTOMERS", name="Theirs", **mapping
    )
    made["import_mapping"] = answer["importMapping"]["id"]
    return made


def _least(kind: Any) -> Any:
    if isinstance(kind, Flag):
        return False
    return 0 if isinstance(kind, (Integer, BigInteger)) else "{}"


def blank(table: Any, **given: Any) -> dict[str, Any]:
    """A row with as little in it as the table takes."""
    columns = table.__table__.c
    row = {c.name: None if c.nullable else _least(c.type) for c in columns}
    return {**row, **given}


async def others(world: World, workspace_id: str, theirs: Client) -> dict[str, str]:
    """Records of the kinds that no mutation makes at once: an upload, an import, an address book."""
    made = await records(theirs)

    async def work(tx: Any) -> None:
        await tx.run(adding(Upload), **blank(Upload, id=made["uploaded_file"]))
        await tx.run(
            adding(Import), **blank(Import, id=made["import"], upload_id=made["uploaded_file"], kind="CUSTOMERS")
        )
        source = blank(ContactSource, id=made["contact_source"], user_id=made["user"], account="a@example.com")
        await tx.run(adding(ContactSource), **source)
        kept = {"user_id": made["user"], "source_id": made["contact_source"], "pending": False, "emails": "[]"}
        await tx.run(adding(Contact), **blank(Contact, id=made["contact"], **kept))

    made |= {kind: new_id(kind) for kind in ("uploaded_file", "import", "contact_source", "contact")}
    await world.write(work, workspace_id)
    return made


Arguments = Callable[[dict[str, str], str], dict[str, Any]]
TO: dict[str, Any] = {"unassigned": True}
CASES: dict[str, tuple[str, str, Arguments]] = {
    "CustomerRef.id": ("updateCustomer", "customer", lambda _, x: {"customer": {"id": x}, "title": "t"}),
    "CustomerRef.email": (
        "updateCustomer", "theirs@example.com", lambda _, x: {"customer": {"email": x}, "title": "t"},
    ),
    "CustomerRef.externalId": ("updateCustomer", "their-c", lambda _, x: {"customer": {"externalId": x}, "title": "t"}),
    "CreateCustomerInput.organizationId": (
        "createCustomer", "organization", lambda _, x: {"email": "a@example.com", "organizationId": x},
    ),
    "CreateCustomerInput.projectIds": (
        "createCustomer", "project", lambda _, x: {"email": "a@example.com", "projectIds": [x]},
    ),
    "UpsertCustomerItem.organizationId": (
        "upsertCustomers", "organization", lambda _, x: {"customers": [{"email": "a@example.com", "organizationId": x}]},
    ),
    "MoveCustomersInput.customerIds": (
        "moveCustomers", "customer", lambda k, x: {"customerIds": [k["customer"], x], "to": TO},
    ),
    "MoveTarget.organizationId": (
        "moveCustomers", "organization", lambda k, x: {"customerIds": [k["customer"]], "to": {"organizationId": x}},
    ),
    "CustomerFilter.ids": ("moveCustomers", "customer", lambda _, x: {"filter": {"ids": [x]}, "to": TO}),
    "CustomerFilter.organization": (
        "moveCustomers", "organization", lambda _, x: {"filter": {"organization": x}, "to": TO},
    ),
    "CustomerFilter.inTreeOf": ("moveCustomers", "organization", lambda _, x: {"filter": {"inTreeOf": x}, "to": TO}),
    "CustomerFilter.project": ("moveCustomers", "project", lambda _, x: {"filter": {"project": x}, "to": TO}),
    "ArchiveCustomersInput.customerIds": ("archiveCustomers", "customer", lambda _, x: {"customerIds": [x]}),
    "RestoreCustomersInput.customerIds": ("restoreCustomers", "customer", lambda _, x: {"customerIds": [x]}),
    "CreateCustomersFromRequestersInput.organizationId": (
        "createCustomersFromRequesters", "organization", lambda _, x: {"requesters": {"all": True}, "organizationId": x},
    ),
    "OrganizationRef.id": ("updateOrganization", "organization", lambda _, x: {"organization": {"id": x}, "name": "n"}),
    "OrganizationRef.externalId": (
        "updateOrganization", "their-o", lambda _, x: {"organization": {"externalId": x}, "name": "n"},
    ),
    "CreateOrganizationInput.parentId": (
        "createOrganization", "organization", lambda _, x: {"name": "n", "parentId": x},
    ),
    "MoveOrganizationInput.organizationId": (
        "moveOrganization", "organization", lambda _, x: {"organizationId": x, "to": {"topLevel": True}},
    ),
    "ParentTarget.parentId": (
        "moveOrganization", "organization", lambda k, x: {"organizationId": k["organization"], "to": {"parentId": x}},
    ),
    "ArchiveOrganizationInput.organizationId": ("archiveOrganization", "organization", lambda _, x: {"organizationId": x}),
    "RestoreOrganizationInput.organizationId": ("restoreOrganization", "organization", lambda _, x: {"organizationId": x}),
    "ProjectRef.id": ("updateProject", "project", lambda _, x: {"project": {"id": x}, "name": "n"}),
    "ProjectRef.externalId": ("updateProject", "their-p", lambda _, x: {"project": {"externalId": x}, "name": "n"}),
    "ShareProjectInput.projectId": ("shareProject", "project", lambda k, x: {"projectId": x, "customerIds": [k["customer"]]}),
    "ShareProjectInput.customerIds": ("shareProject", "customer", lambda k, x: {"projectId": k["project"], "customerIds": [x]}),
    "ShareProjectInput.organizationIds": (
        "shareProject", "organization", lambda k, x: {"projectId": k["project"], "organizationIds": [x]},
    ),
    "UnshareProjectInput.projectId": ("unshareProject", "project", lambda k, x: {"projectId": x, "customerIds": [k["customer"]]}),
    "UnshareProjectInput.customerIds": (
        "unshareProject", "customer", lambda k, x: {"projectId": k["project"], "customerIds": [x]},
    ),
    "UnshareProjectInput.organizationIds": (
        "unshareProject", "organization", lambda k, x: {"projectId": k["project"], "organizationIds": [x]},
    ),
    "ArchiveProjectInput.projectId": ("archiveProject", "project", lambda _, x: {"projectId": x}),
    "RestoreProjectInput.projectId": ("restoreProject", "project", lambda _, x: {"projectId": x}),
    "InviteCustomersInput.customerIds": ("inviteCustomers", "customer", lambda _, x: {"customerIds": [x]}),
    "ResendInvitationInput.invitationId": ("resendInvitation", "invitation", lambda _, x: {"invitationId": x}),
    "ExtendInvitationInput.invitationId": (
        "extendInvitation", "invitation", lambda _, x: {"invitationId": x, "expiresAt": "2199-01-01T00:00:00Z"},
    ),
    "ClearBounceInput.invitationId": ("clearBounce", "invitation", lambda _, x: {"invitationId": x}),
    "RevokeInvitationInput.invitationId": ("revokeInvitation", "invitation", lambda _, x: {"invitationId": x}),
    "ResendUserInvitationInput.userId": ("resendUserInvitation", "user", lambda _, x: {"userId": x}),
    "UpdateUserInput.userId": ("updateUser", "user", lambda _, x: {"userId": x, "name": "n"}),
    "RemoveUserInput.userId": ("removeUser", "user", lambda _, x: {"userId": x}),
    "RevokeApiKeyInput.apiKeyId": ("revokeApiKey", "api_key", lambda _, x: {"apiKeyId": x}),
    "ImportFileInput.uploadId": ("importCustomers", "uploaded_file", lambda _, x: {"uploadId": x}),
    "ImportFileInput.projectIds": (
        "importCustomers", "project", lambda _, x: {"uploadId": absent("uploaded_file"), "projectIds": [x]},
    ),
    "CancelImportInput.importId": ("cancelImport", "import", lambda _, x: {"importId": x}),
    "ContactSelection.ids": ("importContacts", "contact", lambda _, x: {"contacts": {"ids": [x]}}),
    "ContactSelection.sourceId": ("importContacts", "contact_source", lambda _, x: {"contacts": {"sourceId": x}}),
    "ImportContactsInput.projectIds": (
        "importContacts", "project", lambda _, x: {"contacts": {"all": True}, "projectIds": [x]},
    ),
    "ContactOrganizationTarget.organizationId": (
        "importContacts", "organization",
        lambda _, x: {"contacts": {"all": True}, "organization": {"organizationId": x}},
    ),
    "SyncContactSourceInput.sourceId": ("syncContactSource", "contact_source", lambda _, x: {"sourceId": x}),
    "DisconnectContactSourceInput.sourceId": ("disconnectContactSource", "contact_source", lambda _, x: {"sourceId": x}),
    "RetryImportInput.importId": ("retryImport", "import", lambda _, x: {"importId": x}),
    "RetryImportInput.uploadId": (
        "retryImport", "uploaded_file", lambda _, x: {"importId": "imp_00000000000000000000000000", "uploadId": x},
    ),
    "ImportFileInput.mappingId": (
        "importCustomers", "import_mapping", lambda _, x: {"uploadId": absent("uploaded_file"), "mappingId": x},
    ),
    "UpdateImportMappingInput.importMappingId": (
        "updateImportMapping", "import_mapping", lambda _, x: {"importMappingId": x, "name": "n"},
    ),
    "RemoveImportMappingInput.importMappingId": ("removeImportMapping", "import_mapping", lambda _, x: {"importMappingId": x}),
    "RemoveUploadInput.uploadId": ("removeUpload", "uploaded_file", lambda _, x: {"uploadId": x}),
    "UndoImportInput.importId": ("undoImport", "import", lambda _, x: {"importId": x}),
}  # fmt: skip
"""By input field: a mutation, the kind of record whose id it takes (or the text itself), and the input."""


def inputs() -> set[str]:
    """Every field of a mutation's input, at any depth, that names a record."""
    assert SCHEMA.mutation_type is not None
    found: set[str] = set()
    seen: set[str] = set()

    def visit(kind: GraphQLInputType) -> None:
        named = get_named_type(kind)
        if isinstance(named, GraphQLInputObjectType) and named.name not in seen:
            seen.add(named.name)
            for name, field in named.fields.items():
                if get_named_type(field.type).name == "ID" or named.name.endswith("Ref"):
                    found.add(f"{named.name}.{name}")
                visit(field.type)

    for field in SCHEMA.mutation_type.fields.values():
        visit(field.args["input"].type)
    return found


def test_every_argument_that_names_a_record_is_tried() -> None:
    assert inputs() == set(CASES)


async def a_contact(world: World, client: Client) -> None:
    """A contact in an address book of this user."""
    user_id = (await client.ask("{ viewer { user { id } } }"))["viewer"]["user"]["id"]

    async def work(tx: Any) -> None:
        source_id = new_id("contact_source")
        await tx.run(adding(ContactSource), **blank(ContactSource, id=source_id, user_id=user_id))
        row = blank(Contact, id=new_id("contact"), user_id=user_id, source_id=source_id, pending=False, emails="[]")
        await tx.run(adding(Contact), **row)

    await world.write(work)


def absent(kind: str) -> str:
    """What names nothing, as long as what it is compared with."""
    if "@" in kind:
        return kind.replace("theirs", "nobody")
    return kind.replace("their", "nones") if kind.startswith("their") else new_id(kind)


@pytest.mark.parametrize("where", CASES)
async def test_a_foreign_id_is_as_an_absent_one(world: World, admin: Client, where: str) -> None:
    field, kind, arguments = CASES[where]
    elsewhere = await world.workspace()
    theirs = await others(world, elsewhere, await world.key(workspace_id=elsewhere))
    own = {
        "customer": await steps.customer(admin, "own@example.com"),
        "organization": await steps.organization(admin, "Own"),
        "project": await steps.project(admin, "Own"),
    }
    assert SCHEMA.mutation_type is not None
    input_type = SCHEMA.mutation_type.fields[field].args["input"].type
    payload: Any = get_named_type(SCHEMA.mutation_type.fields[field].type)
    results = "count results { outcome errors { message } }" if "results" in payload.fields else ""
    text = f"""mutation($input: {input_type}) {{ {field}(input: $input) {{ {results}
      errors {{ __typename code message path ... on NotFound {{ value }} }} }} }}"""
    asking = await world.user("OWNER") if "Contact" in field else admin  # users alone have address books
    if asking is not admin:
        await a_contact(world, asking)
    before = (await steps.written(world), await steps.written(world, elsewhere))
    answers = []
    foreign, missing = theirs.get(kind, kind), absent(kind)
    for value in (foreign, missing):
        answer = await asking.post(text, {"input": arguments(own, value)})
        answers.append((answer.status_code, answer.content.replace(value.encode(), b"x")))
    assert answers[0] == answers[1]
    assert answers[0][0] == 200
    assert answers[0][1].startswith(b'{"data"')
    assert (await steps.written(world), await steps.written(world, elsewhere)) == before


READS: dict[str, tuple[str, str]] = {
    "node": ("customer", "query($x: ID!) { node(id: $x) { id } }"),
    "nodes": ("organization", "query($x: ID!) { nodes(ids: [$x]) { id } }"),
    "node of a workspace": ("workspace", "query($x: ID!) { node(id: $x) { id } }"),
    "node of an api key": ("api_key", "query($x: ID!) { node(id: $x) { id } }"),
    "node of a contact": ("contact", "query($x: ID!) { node(id: $x) { id } }"),
    "node of an import": ("import", "query($x: ID!) { node(id: $x) { id } }"),
    "customer": ("customer", "query($x: ID!) { customer(by: {id: $x}) { id } }"),
    "customer by email": ("theirs@example.com", "query($x: String!) { customer(by: {email: $x}) { id } }"),
    "customer by external id": ("their-c", "query($x: String!) { customer(by: {externalId: $x}) { id } }"),
    "organization": ("organization", "query($x: ID!) { organization(by: {id: $x}) { id } }"),
    "project": ("project", "query($x: ID!) { project(by: {id: $x}) { id } }"),
    "ticket": ("ticket", "query($x: ID!) { ticket(by: {id: $x}) { id } }"),
    "invitation": ("invitation", "query($x: ID!) { invitation(id: $x) { id } }"),
    "import": ("import", "query($x: ID!) { import(id: $x) { id } }"),
    "node of a mapping": ("import_mapping", "query($x: ID!) { node(id: $x) { id } }"),
    "node of a file": ("uploaded_file", "query($x: ID!) { node(id: $x) { id } }"),
    "upload": ("uploaded_file", "query($x: ID!) { upload(id: $x) { id preview(kind: CUSTOMERS) { encoding } } }"),
    "customers of an organization": (
        "organization", "query($x: ID!) { customers(filter: {organization: $x}) { totalCount } }",
    ),
    "customers in a tree": ("organization", "query($x: ID!) { customers(filter: {inTreeOf: $x}) { totalCount } }"),
    "customers of a project": ("project", "query($x: ID!) { customers(filter: {project: $x}) { totalCount } }"),
    "customers not of it": ("project", "query($x: ID!) { customers(filter: {not: {project: $x}}) { totalCount } }"),
    "organizations": ("organization", "query($x: ID!) { organizations(filter: {parent: $x}) { totalCount } }"),
    "organizations of a project": ("project", "query($x: ID!) { organizations(filter: {project: $x}) { totalCount } }"),
    "projects of a customer": ("customer", "query($x: ID!) { projects(filter: {customer: $x}) { totalCount } }"),
    "tickets": ("customer", "query($x: ID!) { tickets(filter: {requester: $x}) { totalCount } }"),
    "invitations": ("customer", "query($x: ID!) { invitations(filter: {customer: $x}) { totalCount } }"),
    "changes": ("customer", "query($x: ID!) { changes(filter: {record: $x}) { totalCount } }"),
    "contacts": ("contact_source", "query($x: ID!) { contacts(sourceId: $x) { totalCount } }"),
    "search": ("their-c", "query($x: String!) { customers(search: $x) { totalCount } }"),
}  # fmt: skip


async def test_foreign_ids_read_as_absent_ones(world: World, admin: Client) -> None:
    elsewhere = await world.workspace()
    theirs = await others(world, elsewhere, await world.key(workspace_id=elsewhere)) | {"workspace": elsewhere}
    theirs["ticket"] = new_id("ticket")
    await steps.customer(admin, "own@example.com")
    for name, (kind, text) in READS.items():
        answers = [(await admin.post(text, {"x": x})).content for x in (theirs.get(kind, kind), absent(kind))]
        assert answers[0] == answers[1], name
        assert b"errors" not in answers[0], name
