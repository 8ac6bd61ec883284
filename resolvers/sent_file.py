"""A file that came with a request, in the place of a variable."""

from typing import IO


class SentFile:
    """A file of a GraphQL multipart request. It lies beside the request and goes with it, unless it is kept."""

    __slots__ = ("content", "digest", "filename", "size_bytes")

    def __init__(self, filename: str | None, content: IO[bytes], size_bytes: int, digest: str) -> None:
        self.filename = filename
        self.content = content
        self.size_bytes = size_bytes
        self.digest = digest

    def __str__(self) -> str:
        """What is equal for requests with the same file."""
        return f"{self.filename} {self.size_bytes} {self.digest}"
