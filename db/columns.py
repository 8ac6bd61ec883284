"""The column types of all tables: how a value is stored alike on every engine, and how an answer prints it."""

from sqlalchemy import BigInteger, Boolean, Text
from sqlalchemy.dialects.postgresql import TEXT as POSTGRES_TEXT

Key = Text().with_variant(POSTGRES_TEXT(collation="C"), "postgresql")
"""Text that is compared byte by byte: ids, sort keys, hashes, enumeration values."""

Words = Text()
"""Text that people wrote; never compared in SQL (its key column is)."""


class Milliseconds(BigInteger):
    """A moment in milliseconds since 1970-01-01T00:00:00Z, answered as RFC 3339."""


class Flag(Boolean):
    """True or false, answered as a JSON boolean."""


class JsonText(Text):
    """A JSON document kept as text, answered as the document it is."""
