"""Ids and secrets. An id is opaque, globally unique and sortable by time; its prefix names the kind of record."""

import hashlib
import hmac
import re
import secrets
from typing import Final

from ulid import ULID

PREFIXES: Final = {
    "workspace": "wsp",
    "user": "usr",
    "customer": "cus",
    "organization": "org",
    "project": "prj",
    "ticket": "tkt",
    "invitation": "inv",
    "import": "imp",
    "uploaded_file": "upl",
    "import_mapping": "map",
    "api_key": "key",
    "session": "ses",
    "mail": "mal",
    "reset": "rst",
    "job": "job",
    "contact_source": "src",
    "contact": "ctc",
    "contact_consent": "cns",
}
KINDS: Final = {prefix: kind for kind, prefix in PREFIXES.items()}

_ID = re.compile(r"[a-z]{3}_[0-9a-z]{26}")


def new_id(kind: str) -> str:
    """A fresh id: three letters, an underscore, and a ULID in lower case (26 characters of Crockford's base 32)."""
    return f"{PREFIXES[kind]}_{str(ULID()).lower()}"


def kind_of(record_id: str) -> str | None:
    """The kind of record an id names, None if the text cannot be an id."""
    return KINDS.get(record_id[:3]) if _ID.fullmatch(record_id) else None


TokenKind = str
_TOKEN = re.compile(r"rd_(key|session|invitation|reset|consent)_([0-9a-z]{26})_([0-9A-Za-z_-]{20,100})")


def new_token(kind: TokenKind, workspace_id: str) -> str:
    """A secret of 256 bits that names its workspace: `rd_<kind>_<workspace>_<secret>`."""
    return token(kind, workspace_id, secrets.token_hex(32))


def token(kind: TokenKind, workspace_id: str, secret: str) -> str:
    return f"rd_{kind}_{workspace_id.partition('_')[2]}_{secret}"


def workspace_of(text: str, kind: TokenKind | None = None) -> str | None:
    """The workspace that a token names, None if the text is no token (of this kind)."""
    match = _TOKEN.fullmatch(text)
    if match is None or (kind is not None and match[1] != kind):
        return None
    return f"{PREFIXES['workspace']}_{match[2]}"


def kind_of_token(text: str) -> TokenKind | None:
    match = _TOKEN.fullmatch(text)
    return match[1] if match else None


def hashed(text: str) -> str:
    """How a token is kept: SHA-256 in hex. A token has 256 bits, so no salt and no slow hash is needed."""
    return hashlib.sha256(text.encode()).hexdigest()


def link_token(secret: str, workspace_id: str, record_id: str, send_number: int, kind: TokenKind = "invitation") -> str:
    """The token of a link: an HMAC of what it is for and the number of the send, so that it is stored nowhere."""
    signed = hmac.new(secret.encode(), f"{kind} {workspace_id} {record_id} {send_number}".encode(), "sha256")
    return token(kind, workspace_id, signed.hexdigest())
