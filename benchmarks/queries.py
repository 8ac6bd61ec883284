"""What is asked: each query as GraphQL for the servers that speak it, and as a plain request for the floor."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import orjson

from benchmarks.data import World
from db.engines.dialects import SEPARATOR
from db.reads.catalogue import RECORDS
from db.reads.paging import order_of

PERSON = "id email firstName lastName title"
WHOLE = f"{PERSON} organization {{ id name }} projects(first: 20) {{ nodes {{ id name }} }}"
FIVE = f"customers(first: 5) {{ nodes {{ {PERSON} }} }}"

Variables = dict[str, Any]
Make = Callable[[World, random.Random], Variables]


@dataclass(frozen=True)
class Query:
    """One line of the table. `floor` turns the variables into method, path and body of the floor's request."""

    name: str
    title: str
    document: str
    variables: Make
    floor: Callable[[Variables], tuple[str, str, Any]]
    bar: float
    writes: bool = False
    unchanged: bool = False
    """Also asked again and again without a change in between, answers kept."""


def cursor(kind: str, name_key: str, record_id: str) -> str:
    """A position in the order by name."""
    tag = order_of(RECORDS[kind], None, None, ()).tag
    return SEPARATOR.join((tag, name_key, record_id)).encode().hex()


def position(text: str) -> tuple[str, str]:
    """Name key and id of a cursor."""
    _, name_key, record_id = bytes.fromhex(text).decode().split(SEPARATOR)
    return name_key, record_id


def _path(route: str, after: str, **more: str) -> tuple[str, str, Any]:
    name, record_id = position(after)
    return "GET", f"{route}?" + urlencode({"name": name, "id": record_id, **more}), None


def _before_all(kind: str, chance: random.Random) -> str:
    """A position that differs each time and has every record after it."""
    return cursor(kind, "", f"{kind[:3]}_{chance.getrandbits(120):026x}")


def _one(world: World, chance: random.Random) -> Variables:
    return {"id": chance.choice(world.customers)[0]}


def _fifty(world: World, chance: random.Random) -> Variables:
    record_id, name = world.customers[chance.randrange(len(world.customers) - 50)]
    return {"after": cursor("customer", name, record_id)}


def _three_levels(_world: World, chance: random.Random) -> Variables:
    return {"after": _before_all("organization", chance)}


def _hundred(world: World, chance: random.Random) -> Variables:
    last = len(world.organizations) - 101
    if last < 0:
        return {"after": _before_all("organization", chance)}
    record_id, name = world.organizations[chance.randint(0, last)]
    return {"after": cursor("organization", name, record_id)}


def _of_project(world: World, chance: random.Random) -> Variables:
    return {"id": chance.choice(world.projects), "after": _before_all("customer", chance)}


def _create(world: World, chance: random.Random) -> Variables:
    number = chance.getrandbits(60)
    return {
        "input": {
            "email": f"new.{number}@customer.example.com",
            "firstName": "Nova",
            "lastName": f"Number {number % 1000}",
            "title": "Buyer",
            "organizationId": chance.choice(world.organizations)[0],
        }
    }


def _move(world: World, chance: random.Random) -> Variables:
    organization = chance.choice(world.organizations)[0]
    return {"input": {"customerIds": [chance.choice(world.customers)[0]], "to": {"organizationId": organization}}}


QUERIES = (
    Query(
        "one",
        "one customer by id with organization and projects",
        f"query One($id: ID!) {{ customer(by: {{id: $id}}) {{ {WHOLE} }} }}",
        _one,
        lambda v: ("GET", f"/one/{v['id']}", None),
        0.75,
    ),
    Query(
        "fifty",
        "50 customers with organization and projects",
        f"query Fifty($after: String!) {{ customers(first: 50, after: $after) {{ nodes {{ {WHOLE} }} }} }}",
        _fifty,
        lambda v: _path("/fifty", v["after"]),
        0.85,
        unchanged=True,
    ),
    Query(
        "levels",
        "three levels of organizations with 5 customers each",
        f"""query Levels($after: String!) {{
  organizations(filter: {{root: true}}, first: 10, after: $after) {{ nodes {{ id name {FIVE}
    children(first: 10) {{ nodes {{ id name {FIVE}
      children(first: 10) {{ nodes {{ id name {FIVE} }} }} }} }} }} }}
}}""",
        _three_levels,
        lambda v: _path("/levels", v["after"]),
        0.85,
        unchanged=True,
    ),
    Query(
        "hundred",
        "100 organizations with 20 customers each",
        f"""query Hundred($after: String!) {{
  organizations(first: 100, after: $after) {{ nodes {{ id name customers(first: 20) {{ nodes {{ {PERSON} }} }} }} }}
}}""",
        _hundred,
        lambda v: _path("/hundred", v["after"]),
        0.85,
        unchanged=True,
    ),
    Query(
        "project",
        "50 customers of one project",
        f"""query Project($id: ID!, $after: String!) {{
  project(by: {{id: $id}}) {{ id name customers(first: 50, after: $after) {{ nodes {{ {PERSON} }} }} }}
}}""",
        _of_project,
        lambda v: _path("/project", v["after"], project=v["id"]),
        0.85,
    ),
    Query(
        "create",
        "create",
        """mutation Create($input: CreateCustomerInput!) {
  createCustomer(input: $input) { customer { id email firstName lastName } errors { message } }
}""",
        _create,
        lambda v: ("POST", "/create", v["input"]),
        0.5,
        writes=True,
    ),
    Query(
        "move",
        "move",
        "mutation Move($input: MoveCustomersInput!) { moveCustomers(input: $input) { count errors { message } } }",
        _move,
        lambda v: ("POST", "/move", v["input"]),
        0.5,
        writes=True,
    ),
)
BY_NAME = {query.name: query for query in QUERIES}


def graphql_request(query: Query, variables: Variables, key: str | None, etag: str | None = None) -> bytes:
    """The bytes of a request as a front end sends it."""
    headers = {"authorization": f"Bearer {key}"} if key else {}
    if etag:
        headers["if-none-match"] = etag
    body = {"query": query.document, "variables": variables}
    return _bytes("POST", "/graphql", headers, body)


def floor_request(query: Query, variables: Variables) -> bytes:
    return plain_request(*query.floor(variables))


def plain_request(method: str, path: str, body: Any) -> bytes:
    return _bytes(method, path, {}, body)


def _bytes(method: str, path: str, headers: dict[str, str], body: Any) -> bytes:
    content = orjson.dumps(body) if body is not None else b""
    headers = {"host": "127.0.0.1", **headers}
    if content:
        headers |= {"content-type": "application/json", "content-length": str(len(content))}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + content
