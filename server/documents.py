"""Documents known by their hash: sent once, registered by clients, or trusted from a manifest.

`documentId: "sha256:…"` is GraphQL over HTTP, appendix A; `extensions.persistedQuery` is what Apollo's clients send.
"""

import hashlib
from pathlib import Path
from typing import Any

import orjson

from db.errors import Forbidden, InvalidValue, Refusal
from resolvers.documents import LONGEST_DOCUMENT
from resolvers.kept import Kept

KEPT_CHARACTERS = 10_000_000
"""Of all documents that clients registered. Who asks is not known yet when one is kept."""
ENTRY = 300
"""What a document weighs beside its text."""
PREFIX = "sha256:"


class NotKnown(Refusal):
    """No document is known by the hash; clients send it again with the document."""

    code = "PERSISTED_QUERY_NOT_FOUND"


class ManifestRefused(Exception):  # noqa: N818  an answer to the operator
    """A manifest that cannot be read."""


class Documents:
    """Documents by the SHA-256 of their text, in hex. Trusted ones stay; others are kept, the last used, up to a bound."""

    def __init__(self, trusted: dict[str, str] | None = None, *, only_trusted: bool = False) -> None:
        self._trusted = trusted or {}
        self._trusted_texts = frozenset(self._trusted.values())
        self._only_trusted = only_trusted
        self._known: Kept[str, str] = Kept(KEPT_CHARACTERS)

    def find(self, text: str | None, document_id: str | None, persisted: str | None) -> str | None:
        """The document a request names, by its text or by its hash; None where it names none."""
        if text is None and document_id is None and persisted is None:
            return None
        digest = persisted if document_id is None else document_id.removeprefix(PREFIX)
        if text is None:
            found = self._trusted.get(digest or "") or self._known.find(digest or "")
            if found is None:
                raise NotKnown("PersistedQueryNotFound")
            return found
        if self._only_trusted and text not in self._trusted_texts:
            raise Forbidden("Only documents of the manifest are answered here.")
        if persisted is not None:
            self._keep(persisted, text)
        return text

    def _keep(self, digest: str, text: str) -> None:
        if hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() != digest:
            raise InvalidValue("extensions.persistedQuery.sha256Hash is not the hash of the query.")
        if len(text) <= LONGEST_DOCUMENT:  # a longer one is refused
            self._known.keep(digest, text, len(text) + ENTRY)


def manifest(path: Path) -> dict[str, str]:
    """The documents of a manifest: `{hash: text}`, or Apollo's `{"operations": [{"id", "body"}]}`."""
    try:
        given: Any = orjson.loads(path.read_bytes())
        if "operations" in given:
            return {str(one["id"]).removeprefix(PREFIX): str(one["body"]) for one in given["operations"]}
        return {str(digest).removeprefix(PREFIX): str(text) for digest, text in given.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as reason:
        raise ManifestRefused(f"The manifest {path} cannot be read: {reason}.") from None
