"""Before anything is measured: all servers answer the same."""

import http.client
import json
import random
import socket
from collections.abc import Sequence
from typing import Any

from benchmarks.data import World
from benchmarks.queries import QUERIES, Query, Variables
from benchmarks.servers import Running

ASKED = 5


class Failed(Exception):  # noqa: N818  the run goes on without that server
    """A server did not answer a query."""


def same_answers(servers: Sequence[Running], world: World) -> set[tuple[str, str]]:
    """Asks each read of all servers and compares the parsed answers; tells which server could not answer which query."""
    failed: set[tuple[str, str]] = set()
    chance = random.Random(1)
    for query in QUERIES:
        if query.writes:
            continue
        for _ in range(ASKED):
            variables = query.variables(world, chance)
            answers = []
            for server in servers:
                if (server.kind, query.name) in failed:
                    continue
                try:
                    answers.append((server.kind, answer(server, query, variables, world)))
                except Failed as reason:
                    print(f"FAILED: {reason}")
                    failed.add((server.kind, query.name))
            (_, first), *others = answers
            for kind, other in others:
                if other != first:
                    raise SystemExit(
                        f"{query.name}: {answers[0][0]} and {kind} answer differently for {variables}:\n"
                        f"{json.dumps(first)[:1500]}\n{json.dumps(other)[:1500]}"
                    )
    return failed


def answer(server: Running, query: Query, variables: Variables, world: World) -> Any:
    """A server's parsed answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    if server.kind.startswith("floor"):
        method, path, given = query.floor(variables)
        connection.request(method, path, json.dumps(given) if given else None)
    else:
        headers = {"content-type": "application/json"}
        if server.ours:
            headers["authorization"] = f"Bearer {world.key}"
        body = json.dumps({"query": query.document, "variables": variables})
        connection.request("POST", "/graphql", body, headers)
    answered = connection.getresponse()
    text = answered.read()
    connection.close()
    found = json.loads(text)
    if answered.status != 200 or "errors" in found or not all(found["data"].values()):
        raise Failed(f"{server.kind}, {query.name}: {answered.status} {text[:1500]!r}")
    return found


def asked(port: int, request: bytes) -> bytes:
    """The body of the answer to a request that is ready to be sent."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(request)
        answered = http.client.HTTPResponse(connection)
        answered.begin()
        return answered.read()
