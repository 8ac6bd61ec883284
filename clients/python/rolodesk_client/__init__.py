"""A typed, asynchronous client of the Rolodesk API.

`Rolodesk` is all that most integrations need; the types of what it takes and answers are in `rolodesk_client.generated`.
"""

from rolodesk_client.client import ImportFailed, Position, Refused, RequestRefused, Rolodesk

__all__ = ["ImportFailed", "Position", "Refused", "RequestRefused", "Rolodesk"]
