"""Documents known by their hash."""

import hashlib
from contextlib import AsyncExitStack
from pathlib import Path

import orjson
import pytest

from server.documents import Documents, NotKnown
from tests.conftest import Client, World, opened

TEXT = "{ workspace { slug } }"
DIGEST = hashlib.sha256(TEXT.encode()).hexdigest()


def asked(client: Client) -> dict[str, str]:
    return {"authorization": f"Bearer {client.token}"}


async def test_apollos_clients_register_a_document_and_send_its_hash_then(world: World, admin: Client) -> None:
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": DIGEST}}
    unknown = await world.http.post("/graphql", json={"extensions": extensions}, headers=asked(admin))
    (error,) = unknown.json()["errors"]
    assert (error["message"], error["extensions"]["code"]) == ("PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND")
    first = await world.http.post("/graphql", json={"query": TEXT, "extensions": extensions}, headers=asked(admin))
    again = await world.http.post("/graphql", json={"extensions": extensions}, headers=asked(admin))
    assert first.json() == again.json() == {"data": {"workspace": {"slug": "test"}}}
    by_get = await world.http.get(
        "/graphql", params={"extensions": orjson.dumps(extensions).decode()}, headers=asked(admin)
    )
    assert by_get.json() == again.json()


async def test_a_document_sent_by_its_hash_with_get_is_not_sent_again_while_unchanged(
    world: World, admin: Client
) -> None:
    persisted = {"persistedQuery": {"version": 1, "sha256Hash": DIGEST}}
    await world.http.post("/graphql", json={"query": TEXT, "extensions": persisted}, headers=asked(admin))
    by_hash = {"extensions": orjson.dumps(persisted).decode()}
    by_id = {"documentId": f"sha256:{DIGEST}"}
    for params in (by_hash, by_id):
        first = await world.http.get("/graphql", params=params, headers=asked(admin))
        assert first.json() == {"data": {"workspace": {"slug": "test"}}}
        again = await world.http.get(
            "/graphql", params=params, headers=asked(admin) | {"if-none-match": first.headers["etag"]}
        )
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
        other = await world.http.get("/graphql", params=params, headers=asked(admin) | {"if-none-match": '"other"'})
        assert (other.status_code, other.content) == (200, first.content)


async def test_a_hash_that_is_not_the_documents_is_refused(world: World, admin: Client) -> None:
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}
    answer = await world.http.post("/graphql", json={"query": TEXT, "extensions": extensions}, headers=asked(admin))
    assert answer.json()["errors"][0]["extensions"]["code"] == "INVALID_VALUE"


async def test_a_manifest_can_be_all_that_is_answered(migrated: Path, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(orjson.dumps({f"sha256:{DIGEST}": TEXT}))
    async with AsyncExitStack() as stack:
        settings = {"trusted_documents": str(tmp_path / "manifest.json"), "trusted_documents_only": "on"}
        world = await opened(stack, migrated, tmp_path, **settings)
        admin = await world.key()
        known = await world.http.post("/graphql", json={"documentId": f"sha256:{DIGEST}"}, headers=asked(admin))
        assert known.json() == {"data": {"workspace": {"slug": "test"}}}
        other = await world.http.post("/graphql", json={"query": "{ viewer { permissions } }"}, headers=asked(admin))
        assert other.status_code == 403
        assert other.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_an_unknown_document_id_is_told_so(world: World, admin: Client) -> None:
    answer = await world.http.post("/graphql", json={"documentId": "sha256:" + "0" * 64}, headers=asked(admin))
    assert answer.json()["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"


def registered(known: Documents, text: str) -> str:
    digest = hashlib.sha256(text.encode()).hexdigest()
    known.find(text, None, digest)
    return digest


def test_a_document_that_is_too_long_to_be_read_is_not_kept() -> None:
    known = Documents()
    with pytest.raises(NotKnown):
        known.find(None, None, registered(known, "#" * 50_001))
