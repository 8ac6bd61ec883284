"""What tests do on their way to what they are about: records made over GraphQL, and what the database holds."""

from typing import Any

from tests.conftest import Client, World

ERRORS = "errors { __typename code message path }"


async def done(client: Client, field: str, payload: str = "", **input_: Any) -> dict[str, Any]:
    """Runs one mutation; its payload, with `errors`."""
    kind = f"{field[0].upper()}{field[1:]}Input"
    kind = "ImportFileInput" if field.startswith("import") and field != "importContacts" else kind
    text = f"mutation($input: {kind}!) {{ answer: {field}(input: $input) {{ {payload} {ERRORS} }} }}"
    return (await client.ask(text, input=input_))["answer"]


async def well(client: Client, field: str, payload: str = "", **input_: Any) -> dict[str, Any]:
    """Runs one mutation that nothing may be refused of."""
    answer = await done(client, field, payload, **input_)
    assert answer["errors"] == [], answer["errors"]
    return answer


async def problems(client: Client, field: str, **input_: Any) -> list[tuple[str, list[str]]]:
    """Runs one mutation; code and path of everything that was refused."""
    return [(e["code"], e["path"]) for e in (await done(client, field, **input_))["errors"]]


async def customer(client: Client, email: str, **properties: Any) -> str:
    return (await well(client, "createCustomer", "customer { id }", email=email, **properties))["customer"]["id"]


async def organization(client: Client, name: str, parent: str | None = None, **properties: Any) -> str:
    answer = await well(client, "createOrganization", "organization { id }", name=name, parentId=parent, **properties)
    return answer["organization"]["id"]


async def project(client: Client, name: str, customers: list[str] | None = None, **properties: Any) -> str:
    """A project, shared with these customers."""
    made = (await well(client, "createProject", "project { id }", name=name, **properties))["project"]["id"]
    if customers:
        await well(client, "shareProject", projectId=made, customerIds=customers)
    return made


async def read(client: Client, record_id: str, selection: str) -> Any:
    """Fields of any record by its id, such as `... on Customer { email }`."""
    return (await client.ask(f"query($id: ID!) {{ node(id: $id) {{ {selection} }} }}", id=record_id))["node"]


async def emails(client: Client, filter_: dict[str, Any] | None = None) -> list[str]:
    """The addresses of the customers a list shows."""
    text = "query($filter: CustomerFilter) { customers(filter: $filter, first: 250) { nodes { email } } }"
    return [c["email"] for c in (await client.ask(text, filter=filter_))["customers"]["nodes"]]


async def written(world: World, workspace_id: str | None = None) -> dict[str, Any]:
    """Everything a workspace holds, table by table: equal before and after what must write nothing."""
    tables = [
        "customer", "organization", "project", "project_customer", "project_organization", "email_address",
        "customer_word", "invitation", "mail", "ticket", "change", "change_record", "api_key", "job", "import",
        "contact_source", "contact", "contact_consent", "import_mapping",
    ]  # fmt: skip
    here = workspace_id or world.workspace_id
    found: dict[str, Any] = {}
    for table in tables:
        rows = await world.rows(f"SELECT * FROM {table} WHERE workspace_id = ? ORDER BY 1, 2, 3", (here,))
        found[table] = [tuple(v for k, v in enumerate(row)) for row in rows]
    for row in await world.rows("SELECT change_number FROM workspace WHERE workspace_id = ?", (here,)):
        found["number"] = row[0]
    found["api_key"] = len(found["api_key"])
    return found
