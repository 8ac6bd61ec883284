"""Who may ask what: every root field for every kind of viewer, as `authorization.json` has it.

The table names, for each root field, who is let in. Everybody else with credentials is told FORBIDDEN, and who comes
without any is told UNAUTHENTICATED.
"""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type

from db import guessing, permissions
from db.ids import new_id
from resolvers.context import Context
from resolvers.passwords import Passwords
from resolvers.refusals import RequestErrors
from schema.build import schema
from tests import steps
from tests.conftest import Client, World
from tests.importing import send_form

SCHEMA = schema._schema  # noqa: SLF001
TABLE: dict[str, dict[str, list[str]]] = json.loads(Path(__file__).with_name("authorization.json").read_text())
PAGE = Path(__file__).parent.parent / "docs" / "permissions.md"
ANYBODY = ["anybody"]
EVERYBODY = ["everybody with credentials"]

VIEWERS = [
    "anonymous",
    *permissions.ROLES,
    "customer",
    *(f"key {scope}" for scope in permissions.PERMISSIONS),
]


async def viewers(world: World, customer_id: str) -> dict[str, Client]:
    """Somebody of each kind."""
    found = {"anonymous": world.client(None), "customer": await world.customer_session(customer_id)}
    for role in permissions.ROLES:
        found[role] = await world.user(role)
    for scope in permissions.PERMISSIONS:
        found[f"key {scope}"] = await world.key(scope)
    assert sorted(found) == sorted(VIEWERS)
    return found


def let_in(names: list[str]) -> set[str]:
    if names == ANYBODY:
        return set(VIEWERS)
    if names == EVERYBODY:
        return set(VIEWERS) - {"anonymous"}
    assert set(names) <= set(VIEWERS)
    return set(names)


def expected(names: list[str], viewer: str) -> str:
    if viewer in let_in(names):
        return "allowed"
    return "UNAUTHENTICATED" if viewer == "anonymous" else "FORBIDDEN"


async def told(client: Client, text: str, **variables: Any) -> str:
    """What a viewer is told: allowed, or the code of the top-level error."""
    if "uploadFile" in text:
        answer = await send_form(client, text, "Email\n")
    else:
        answer = await client.post(text, variables)
    body = answer.json()
    if "errors" in body:
        assert "data" not in body
        status = {"UNAUTHENTICATED": 401, "FORBIDDEN": 403}.get(body["errors"][0]["extensions"]["code"])
        assert answer.status_code == (status or answer.status_code)
        return body["errors"][0]["extensions"]["code"]
    return "allowed"


async def known(world: World) -> dict[str, str]:
    """Records that a mutation could do something to, if it were let in."""
    admin = await world.key()
    made = {"customer": await steps.customer(admin, "ann@example.com", externalId="c-1")}
    made["other"] = await steps.customer(admin, "bob@example.com", sendInvitation=True)
    made["gone"] = await steps.customer(admin, "gone@example.com")
    made["organization"] = await steps.organization(admin, "Acme")
    made["parent"] = await steps.organization(admin, "Parent")
    made["gone_organization"] = await steps.organization(admin, "Gone")
    made["project"] = await steps.project(admin, "Wiki", [made["other"]])
    made["gone_project"] = await steps.project(admin, "Gone")
    await steps.well(admin, "archiveCustomers", customerIds=[made["gone"]])
    await steps.well(admin, "archiveOrganization", organizationId=made["gone_organization"])
    await steps.well(admin, "archiveProject", projectId=made["gone_project"])
    invitation = await steps.read(admin, made["other"], "... on Customer { invitation { id } }")
    made["invitation"] = invitation["invitation"]["id"]
    key = await steps.well(admin, "createApiKey", "apiKey { id }", name="Shop", scopes=["CUSTOMERS_READ"])
    made["api_key"] = key["apiKey"]["id"]
    return made


Inputs = Callable[[dict[str, str]], dict[str, Any]]
PASSWORD = "a sentence nobody guesses"
INPUTS: dict[str, Inputs] = {
    "createCustomer": lambda _: {"email": "new@example.com", "sendInvitation": True},
    "createCustomersFromRequesters": lambda _: {"requesters": {"all": True}},
    "updateCustomer": lambda k: {"customer": {"id": k["customer"]}, "title": "Boss"},
    "upsertCustomers": lambda _: {"customers": [{"email": "new@example.com"}]},
    "moveCustomers": lambda k: {"customerIds": [k["customer"]], "to": {"organizationId": k["organization"]}},
    "archiveCustomers": lambda k: {"customerIds": [k["customer"]]},
    "restoreCustomers": lambda k: {"customerIds": [k["gone"]]},
    "createOrganization": lambda _: {"name": "New"},
    "updateOrganization": lambda k: {"organization": {"id": k["organization"]}, "name": "New"},
    "moveOrganization": lambda k: {"organizationId": k["organization"], "to": {"parentId": k["parent"]}},
    "archiveOrganization": lambda k: {"organizationId": k["organization"]},
    "restoreOrganization": lambda k: {"organizationId": k["gone_organization"]},
    "createProject": lambda _: {"name": "New"},
    "updateProject": lambda k: {"project": {"id": k["project"]}, "name": "New"},
    "shareProject": lambda k: {"projectId": k["project"], "customerIds": [k["customer"]]},
    "unshareProject": lambda k: {"projectId": k["project"], "customerIds": [k["other"]]},
    "archiveProject": lambda k: {"projectId": k["project"]},
    "restoreProject": lambda k: {"projectId": k["gone_project"]},
    "inviteCustomers": lambda k: {"customerIds": [k["customer"]]},
    "resendInvitation": lambda k: {"invitationId": k["invitation"]},
    "extendInvitation": lambda k: {"invitationId": k["invitation"], "expiresAt": "2199-01-01T00:00:00Z"},
    "revokeInvitation": lambda k: {"invitationId": k["invitation"]},
    "clearBounce": lambda k: {"invitationId": k["invitation"]},
    "acceptInvitation": lambda _: {"token": "rd_invitation_x", "password": PASSWORD},
    "signIn": lambda _: {"workspace": "test", "email": "ann@example.com", "password": PASSWORD},
    "signOut": lambda _: {},
    "changePassword": lambda _: {"currentPassword": PASSWORD, "newPassword": PASSWORD},
    "requestPasswordReset": lambda _: {"workspace": "nowhere", "email": "ann@example.com"},
    "resetPassword": lambda _: {"token": "rd_reset_x", "newPassword": PASSWORD},
    "inviteUser": lambda _: {"email": "new@staff.example.com", "name": "New", "role": "VIEWER"},
    "resendUserInvitation": lambda _: {"userId": new_id("user")},
    "updateUser": lambda _: {"userId": new_id("user"), "name": "New"},
    "removeUser": lambda _: {"userId": new_id("user")},
    "updateWorkspace": lambda _: {"name": "New"},
    "createApiKey": lambda _: {"name": "Key", "scopes": []},
    "revokeApiKey": lambda _: {"apiKeyId": new_id("api_key")},
    "uploadFile": lambda _: {},
    "importCustomers": lambda _: {"uploadId": new_id("uploaded_file")},
    "importOrganizations": lambda _: {"uploadId": new_id("uploaded_file")},
    "importTickets": lambda _: {"uploadId": new_id("uploaded_file")},
    "retryImport": lambda _: {"importId": new_id("import")},
    "undoImport": lambda _: {"importId": new_id("import")},
    "createImportMapping": lambda _: {
        "kind": "CUSTOMERS",
        "name": "New",
        "header": ["E-mail"],
        "mapping": [{"column": "E-mail", "field": "email"}],
    },
    "updateImportMapping": lambda _: {"importMappingId": new_id("import_mapping"), "name": "New"},
    "removeUpload": lambda _: {"uploadId": new_id("uploaded_file")},
    "removeImportMapping": lambda _: {"importMappingId": new_id("import_mapping")},
    "cancelImport": lambda _: {"importId": new_id("import")},
    "importContacts": lambda _: {"contacts": {"all": True}},
    "connectContactSource": lambda _: {"provider": "GOOGLE"},
    "completeContactSource": lambda _: {"state": "rd_consent_x", "code": "x"},
    "syncContactSource": lambda _: {"sourceId": new_id("contact_source")},
    "disconnectContactSource": lambda _: {"sourceId": new_id("contact_source")},
}
"""An input that would do something, for those who are not let in; the others ask for a dry run where there is one."""


def mutation(name: str) -> str:
    assert SCHEMA.mutation_type is not None
    kind = SCHEMA.mutation_type.fields[name].args["input"].type
    if name == "uploadFile":
        return "mutation($file: Upload!) { uploadFile(input: {file: $file}) { errors { code } } }"
    return f"mutation($input: {kind}) {{ {name}(input: $input) {{ errors {{ code }} }} }}"


def queries(name: str) -> list[str]:
    """Documents that ask one root field: as little as can be asked, and each way into it."""
    assert SCHEMA.query_type is not None
    arguments = {
        "node": f'(id: "{new_id("customer")}")',
        "nodes": f'(ids: ["{new_id("customer")}"])',
        "invitation": f'(id: "{new_id("invitation")}")',
        "import": f'(id: "{new_id("import")}")',
        "previewInvitation": f'(customerId: "{new_id("customer")}")',
        "importableFields": "(kind: CUSTOMERS)",
        "export": "(records: {customers: {}})",
        "upload": f'(id: "{new_id("uploaded_file")}")',
        "importPreview": f'(uploadId: "{new_id("uploaded_file")}", kind: CUSTOMERS)',
    }
    given = arguments.get(name, "")
    field = SCHEMA.query_type.fields[name]
    if "by" in field.args:
        given = f'(by: {{id: "{new_id(name)}"}})'
    kind = get_named_type(field.type)
    if kind.name.endswith("Connection"):
        ways = ["totalCount", "pageInfo { hasNextPage }", "edges { cursor }", "nodes { __typename }"]
    elif name == "viewer":
        ways = ["permissions", "user { id }", "customer { id }", "apiKey { id }", "workspace { id }"]
    else:
        assert isinstance(kind, GraphQLObjectType) or name in {"node", "nodes"}
        ways = ["__typename"]
    return [f"{{ {name}{given} {{ {way} }} }}" for way in ways]


def test_every_root_field_has_a_row() -> None:
    assert SCHEMA.query_type is not None
    assert SCHEMA.mutation_type is not None
    assert SCHEMA.subscription_type is not None
    assert sorted(TABLE["Subscription"]) == sorted(SCHEMA.subscription_type.fields)
    assert sorted(TABLE["Query"]) == sorted(SCHEMA.query_type.fields)
    assert sorted(TABLE["Mutation"]) == sorted(SCHEMA.mutation_type.fields)
    assert sorted(INPUTS) == sorted(SCHEMA.mutation_type.fields)


async def test_queries_answer_those_whom_the_table_lets_in(world: World) -> None:
    everybody = await viewers(world, (await known(world))["customer"])
    wrong = [
        (text, viewer, found)
        for name, names in TABLE["Query"].items()
        for text in queries(name)
        for viewer, client in everybody.items()
        if (found := await told(client, text)) != expected(names, viewer)
    ]
    assert wrong == []


async def test_subscriptions_start_for_those_whom_the_table_lets_in(world: World) -> None:
    everybody = await viewers(world, (await known(world))["customer"])
    texts = {
        "importProgress": f'subscription {{ importProgress(id: "{new_id("import")}") {{ id }} }}',
        "customersChanged": "subscription { customersChanged { number } }",
        "organizationsChanged": "subscription { organizationsChanged { number } }",
    }
    state = world.app.state

    async def told_of(viewer: str, text: str) -> str:
        """What comes first: nothing yet, an end, or a refusal."""
        client = everybody[viewer]
        who = await state.authentication.viewer(f"Bearer {client.token}" if client.token else None)
        answers = state.graphql._engine.subscribe(Context(state.process, who, "test", "test"), text, None, {})  # noqa: SLF001
        try:
            await asyncio.wait_for(anext(answers), 0.2)
        except RequestErrors as refused:
            return "allowed" if refused.code == "NOT_FOUND" else refused.code
        except (TimeoutError, StopAsyncIteration):
            pass
        finally:
            await answers.aclose()
        return "allowed"

    asked = [(name, viewer) for name in TABLE["Subscription"] for viewer in everybody]
    found = await asyncio.gather(*(told_of(viewer, texts[name]) for name, viewer in asked))
    wrong = [
        (name, viewer, outcome)
        for (name, viewer), outcome in zip(asked, found, strict=True)
        if outcome != expected(TABLE["Subscription"][name], viewer)
    ]
    assert wrong == []


async def test_mutations_refuse_all_others_and_then_write_nothing(world: World) -> None:
    k = await known(world)
    everybody = await viewers(world, k["customer"])
    before = await steps.written(world)
    wrong = []
    for name, names in TABLE["Mutation"].items():
        for viewer, client in everybody.items():
            outcome = expected(names, viewer)
            if outcome != "allowed":
                found = await told(client, mutation(name), input=INPUTS[name](k))
                wrong += [] if found == outcome else [(name, viewer, found)]
        assert await steps.written(world) == before, name
    assert wrong == []


async def test_mutations_are_carried_out_for_those_whom_the_table_lets_in(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unlimited(*_: Any) -> None: ...

    async def hashed(*_: Any) -> str:
        return "not computed here"

    async def matches(*_: Any) -> bool:
        return False

    monkeypatch.setattr(guessing, "attempt", unlimited)
    monkeypatch.setattr(Passwords, "hash", hashed)
    monkeypatch.setattr(Passwords, "verify", matches)
    k = await known(world)
    everybody = await viewers(world, k["customer"])
    wrong = []
    for name, names in sorted(TABLE["Mutation"].items(), key=lambda row: row[0] == "signOut"):
        assert SCHEMA.mutation_type is not None
        kind: Any = get_named_type(SCHEMA.mutation_type.fields[name].args["input"].type)
        dry = {"dryRun": True} if "dryRun" in kind.fields else {}
        for viewer, client in everybody.items():
            if expected(names, viewer) == "allowed":
                found = await told(client, mutation(name), input={**INPUTS[name](k), **dry})
                wrong += [] if found == "allowed" else [(name, viewer, found)]
    assert wrong == []


async def test_signing_in_opens_nothing_for_what_else_a_document_asks(world: World) -> None:
    key = await world.key("CUSTOMERS_WRITE")
    text = """mutation {
      signIn(input: {workspace: "nowhere", email: "a@example.com", password: "x"}) { errors { code } }
      createCustomer(input: {email: "a@example.com"}) { customer { email } }
    }"""
    assert await told(key, text) == "FORBIDDEN"
    assert await steps.emails(await world.key()) == []


async def test_a_key_that_may_only_write_is_answered_without_the_record(world: World) -> None:
    key = await world.key("CUSTOMERS_WRITE")
    create = """mutation { createCustomer(input: {email: "a@example.com"}) {
      errors { code ... on EmailTaken { holder { __typename } } } } }"""
    assert (await key.ask(create))["createCustomer"] == {"errors": []}
    assert (await key.ask(create))["createCustomer"] == {"errors": [{"code": "EMAIL_TAKEN", "holder": None}]}
    assert await told(key, 'mutation { createCustomer(input: {email: "b@example.com"}) { customer { id } } }') == (
        "FORBIDDEN"
    )
    assert await steps.emails(await world.key()) == ["a@example.com"]


async def test_what_hangs_below_a_record_takes_its_own_permission(world: World) -> None:
    admin = await world.key()
    ann = await steps.customer(admin, "ann@example.com")
    key = await world.key("CUSTOMERS_READ")
    for below in (
        "organization { name }", "projects { totalCount }", "tickets { totalCount }", "invitation { status }",
        "history { totalCount }", "access { project { name } }", "access { organization { name } }",
    ):  # fmt: skip
        text = f'{{ customer(by: {{id: "{ann}"}}) {{ {below} }} }}'
        assert await told(key, text) == "FORBIDDEN", below
        fragment = f'query {{ node(id: "{ann}") {{ ...F }} }} fragment F on Customer {{ {below} }}'
        assert await told(key, fragment) == "FORBIDDEN", below
    organizations = await world.key("ORGANIZATIONS_READ")
    top = await steps.organization(admin, "Acme")
    for below in ("customers { totalCount }", "customerCount", "projects { totalCount }"):
        assert await told(organizations, f'{{ organization(by: {{id: "{top}"}}) {{ {below} }} }}') == "FORBIDDEN", below


async def test_records_out_of_a_keys_scopes_are_not_there_by_id(world: World) -> None:
    admin = await world.key()
    ann, acme = await steps.customer(admin, "ann@example.com"), await steps.organization(admin, "Acme")
    key = await world.key("ORGANIZATIONS_READ")
    found = await key.ask("query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }", ids=[ann, acme])
    assert found["nodes"] == [None, {"__typename": "Organization", "id": acme}]


async def test_a_new_role_holds_from_the_next_request(world: World) -> None:
    agent = await world.user("AGENT")
    text = '{ createCustomer(input: {email: "a@example.com", dryRun: true}) { errors { code } } }'
    assert await told(agent, "mutation " + text) == "allowed"

    async def demote(tx: Any) -> None:
        await tx.connection.run("UPDATE \"user\" SET role = 'VIEWER'", ())
        tx.move_access()

    await world.write(demote)
    assert await told(agent, "mutation " + text) == "FORBIDDEN"


# A signed-in customer's sight


async def test_a_customer_sees_itself_its_organization_what_is_below_and_its_projects(world: World) -> None:
    admin = await world.key()
    top = await steps.organization(admin, "Top")
    acme = await steps.organization(admin, "Acme", top)
    leaf = await steps.organization(admin, "Leaf", acme)
    ann = await steps.customer(admin, "ann@example.com", organizationId=acme)
    bob = await steps.customer(admin, "bob@example.com", organizationId=acme)
    await steps.customer(admin, "cyd@example.com", organizationId=leaf)
    wiki, hidden = await steps.project(admin, "Wiki", [bob]), await steps.project(admin, "Hidden", [bob])
    await steps.well(admin, "shareProject", projectId=wiki, organizationIds=[top])
    session = await world.customer_session(ann)
    text = """query($ids: [ID!]!) {
      viewer { user { id } apiKey { id } customer { email } }
      customers { totalCount nodes { email } }
      organizations { totalCount nodes { name parent { name } customerCount customers { totalCount } } }
      projects { totalCount nodes { name customerCount customers { nodes { email } } organizations { totalCount } } }
      nodes(ids: $ids) { id }
      customer(by: {email: "bob@example.com"}) { id }
    }"""
    assert await session.ask(text, ids=[ann, bob, top, acme, leaf, wiki, hidden]) == {
        "viewer": {"user": None, "apiKey": None, "customer": {"email": "ann@example.com"}},
        "customers": {"totalCount": 1, "nodes": [{"email": "ann@example.com"}]},
        "organizations": {
            "totalCount": 2,
            "nodes": [
                {"name": "Acme", "parent": None, "customerCount": 1, "customers": {"totalCount": 1}},
                {"name": "Leaf", "parent": {"name": "Acme"}, "customerCount": 0, "customers": {"totalCount": 0}},
            ],
        },
        "projects": {
            "totalCount": 1,
            "nodes": [
                {
                    "name": "Wiki",
                    "customerCount": 1,
                    "customers": {"nodes": [{"email": "ann@example.com"}]},
                    "organizations": {"totalCount": 0},
                }
            ],
        },
        "nodes": [{"id": ann}, None, None, {"id": acme}, {"id": leaf}, {"id": wiki}, None],
        "customer": None,
    }
    assert await told(session, "{ customers { nodes { history { totalCount } } } }") == "FORBIDDEN"


# The page that shows it


def role_table() -> list[str]:
    """Role x permission, as the page has it."""
    roles = [*permissions.ROLES, "customer"]
    held = {**permissions.ROLES, "customer": permissions.CUSTOMER}
    rows = [f"| scope | means | {' | '.join(roles)} |", "|---|---|" + "---|" * len(roles)]
    for scope, meaning in permissions.PERMISSIONS.items():
        marks = " | ".join("yes" if scope in held[role] else "" for role in roles)
        rows.append(f"| `{scope}` | {meaning} | {marks} |")
    return rows


def operation_table() -> list[str]:
    """Operation x what it takes and who has that, as the page has it."""
    rows = ["| operation | who |", "|---|---|"]
    for root in ("Query", "Mutation", "Subscription"):
        for name, who in sorted(TABLE[root].items()):
            shown = ", ".join(one.replace("key ", "a key with ") for one in who)
            rows += [f"| `{name}` | {shown} |"]
    return rows


@pytest.mark.parametrize("table", [role_table, operation_table])
def test_the_page_of_permissions_says_the_same(table: Callable[[], list[str]]) -> None:
    assert "\n".join(table()) in PAGE.read_text(), "docs/permissions.md should hold:\n" + "\n".join(table())
