"""What an import does beside reading: which records it may make on the way."""

from typing import Final, NamedTuple


class Policy(NamedTuple):
    """The choices of an import, as it keeps them."""

    creates_organizations: bool = True
    """Whether an organization that a row names is made where there is none."""


AS_USUAL: Final = Policy()
