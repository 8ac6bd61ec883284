"""Address cards as a server sends them: the contact in one."""

from contacts.book import Contact
from db.files import vcards
from db.files.encodings import UTF_8
from db.files.table import FileRefused


def contact(text: str, remote_id: str, tag: str | None) -> Contact | None:
    """The contact of a card; None for a group, or for what is no card."""
    try:
        card = next(vcards.cards(text.encode("utf-8", "replace").splitlines(keepends=True), UTF_8), None)
    except FileRefused:
        return None
    if card is None or vcards.is_group(card):
        return None
    shown = {name: " ".join(value.split()) or None for name, value in vcards.values(card).items()}
    return Contact(
        id=remote_id,
        emails=tuple(vcards.several(card, "EMAIL")),
        name=shown["Full name"],
        first_name=shown["First name"],
        last_name=shown["Last name"],
        company=shown["Organization"],
        title=shown["Job title"],
        phone=shown["Phone"],
        tag=tag,
    )
