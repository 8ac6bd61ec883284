"""Which column of a file is read into which property: suggested with a reason, or given and checked."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from db import import_fields
from db.errors import Refusal
from db.files.table import FileRefused, Look, is_address
from db.text import fold, shorten

MOST_SAMPLES = 5
MOST_LISTED = 30
LONGEST_SAMPLE = 200
MOSTLY = 0.8

ADDRESS_HEADERS: Final = (
    "email", "email address", "e mail", "e mail address", "mail", "primary email", "work email", "customer email",
    "contact email", "email 1 value", "e mail 1 value", "email 1", "e mail 1", "mail address", "login email",
    "e mail adresse", "email adresse", "emailadresse", "mailadresse", "adresse e mail", "adresse email",
    "adresse de messagerie", "courriel", "correo", "correo electronico", "direccion de correo electronico",
    "indirizzo e mail", "indirizzo di posta elettronica", "posta elettronica", "endereco de email", "e mailadres",
    "e postadress", "adres e mail", "эл почта", "メール", "メールアドレス", "邮箱", "电子邮件", "이메일",
)  # fmt: skip
NAME_HEADERS: Final = (
    "name", "full name", "display name", "contact name", "customer name", "contact", "customer", "vollstandiger name",
    "nom complet", "nombre completo", "nome completo", "名前", "姓名", "이름",
)  # fmt: skip
ID_HEADERS: Final = ("external id", "externalid", "external key", "foreign id", "reference id")

HEADERS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "CUSTOMERS": {
        "email": ADDRESS_HEADERS,
        "firstName": (
            "first name", "firstname", "given name", "givenname", "forename", "first", "vorname", "prenom", "nombre",
            "nome", "nome proprio", "voornaam", "fornamn", "fornavn", "etunimi", "imie", "jmeno", "имя", "名", "ad",
        ),
        "lastName": (
            "last name", "lastname", "family name", "familyname", "surname", "last", "nachname", "familienname",
            "nom de famille", "nom", "apellido", "apellidos", "cognome", "sobrenome", "achternaam", "efternamn",
            "etternavn", "sukunimi", "nazwisko", "prijmeni", "фамилия", "姓", "soyad",
        ),
        "name": NAME_HEADERS,
        "phone": (
            "phone", "phone number", "telephone", "telephone number", "tel", "work phone", "business phone",
            "mobile", "mobile phone", "mobile number", "cell", "cell phone", "home phone", "phone 1 value", "phone 1",
            "primary phone", "telefon", "telefonnummer", "telefon geschaftlich", "mobiltelefon", "handy", "telefono",
            "telefono movil", "cellulare", "telefone", "celular", "telefoon", "telefoonnummer", "телефон", "電話", "电话",
        ),
        "title": (
            "job title", "jobtitle", "title", "position", "role", "organization title", "organization 1 title",
            "berufsbezeichnung", "poste", "fonction", "cargo", "puesto", "functie",
        ),
        "externalId": (
            *ID_HEADERS, "customer id", "contact id", "user id", "customer number", "record id", "customer no", "id",
            "kundennummer", "kunden id", "numero client",
        ),
        "organization": (
            "organization", "organisation", "company", "company name", "organization name", "organisation name",
            "organization 1 name", "account name", "account", "customer organization", "associated company", "employer",
            "firma", "unternehmen", "organisationsname", "societe", "entreprise", "empresa", "azienda", "societa",
            "bedrijf", "foretag", "firmanavn", "компания", "организация", "会社", "公司", "회사",
        ),
        "organizationWebsite": (
            "organization website", "company website", "website", "web site", "web page", "homepage", "company url",
            "website url", "url", "website 1 value", "company domain name", "webseite", "site web", "sitio web", "sito web",
        ),
        "organizationExternalId": (
            "organization external id", "organization id", "organisation id", "company id", "account id",
            "company external id", "associated company id",
        ),
    },
    "ORGANIZATIONS": {
        "name": (
            "name", "organization", "organisation", "company", "company name", "organization name",
            "organisation name", "account name", "account", "firma", "unternehmen", "societe", "entreprise", "empresa",
            "azienda", "bedrijf", "компания", "公司", "会社",
        ),
        "parent": (
            "parent", "parent organization", "parent organisation", "parent company", "parent name", "parent account",
            "parent account name", "parent path", "belongs to", "muttergesellschaft", "ubergeordnet", "societe mere",
            "empresa matriz",
        ),
        "externalId": (
            *ID_HEADERS, "organization id", "organisation id", "company id", "account id", "record id", "id",
        ),
        "website": (
            "website", "web site", "web page", "homepage", "url", "website url", "domain", "company domain name",
            "domains", "webseite", "site web", "sitio web", "sito web",
        ),
        "description": ("description", "notes", "note", "about", "details", "beschreibung", "notizen", "descripcion"),
    },
    "TICKETS": {
        "requesterEmail": (
            "requester email", "customer email", "contact email", "requestor email", "reporter email", "sender email",
            "from email", "from", *ADDRESS_HEADERS,
        ),
        "requesterName": (
            "requester name", "requester", "requestor", "customer name", "contact name", "reporter", "sender name",
            "full name", "name", "customer", "contact",
        ),
        "subject": (
            "subject", "ticket subject", "title", "summary", "ticket title", "ticket name", "betreff", "sujet", "objet",
            "asunto", "oggetto", "assunto", "onderwerp", "тема", "件名",
        ),
        "description": (
            "description", "ticket description", "body", "message", "content", "text", "details", "comment", "ticket body",
            "beschreibung", "nachricht", "descripcion", "descrizione", "descricao", "omschrijving",
        ),
        "status": ("status", "ticket status", "state", "ticket state", "etat", "statut", "estado", "stato", "zustand"),
        "priority": (
            "priority", "ticket priority", "urgency", "severity", "prioritat", "priorite", "prioridad", "priorita",
            "prioridade", "prioriteit",
        ),
        "externalId": (
            *ID_HEADERS, "ticket id", "ticket number", "ticket no", "case number", "case id", "issue id", "id", "number",
            "ticketnummer",
        ),
        "project": ("project", "project name", "projekt", "projet", "proyecto", "progetto", "projeto"),
        "createdAt": (
            "created at", "created", "created time", "creation date", "date created", "create date", "created on",
            "created date", "opened at", "opened", "ticket created", "erstellt", "erstellt am", "date de creation",
        ),
    },
}  # fmt: skip
"""Headers of products and people, folded, the most telling first."""

WORDS: Final[Mapping[str, str]] = {
    "email": "e-mail addresses", "firstName": "first names", "lastName": "last names", "name": "names",
    "phone": "phone numbers", "title": "positions", "externalId": "ids", "organization": "organizations",
    "organizationWebsite": "organizations' websites", "organizationExternalId": "organizations' ids",
    "parent": "parent organizations", "website": "websites", "description": "descriptions",
    "requesterEmail": "requesters' addresses", "requesterName": "requesters' names", "subject": "subjects",
    "status": "statuses", "priority": "priorities", "project": "projects", "createdAt": "creation times",
}  # fmt: skip

_NOT_A_WORD = re.compile(r"[\W_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_COUNTED = re.compile(r" 1$")


class Suggestion(NamedTuple):
    """A column, its first values, the property it seems to hold (None: ignored), and why."""

    column: str
    samples: list[str]
    field: str | None
    reason: str


class Mapped(NamedTuple):
    """One column read into one property, or ignored (None)."""

    column: str
    field: str | None


# Suggesting


def suggest(kind: str, look: Look) -> list[Suggestion]:
    """What each column seems to hold."""
    columns = look.layout.columns
    cells = [[record[i] if i < len(record) else "" for record in look.records] for i in range(len(columns))]
    chosen = _by_header(kind, columns) if look.layout.has_header else {}
    _by_values(kind, columns, cells, chosen)
    chosen_fields = {field: columns[i] for i, (field, _) in chosen.items()}
    found = []
    for i, column in enumerate(columns):
        filled = [shorten(" ".join(cell.split()), LONGEST_SAMPLE) for cell in cells[i] if cell.strip()]
        field, reason = chosen.get(i, (None, ""))
        reason = reason or _why_ignored(kind, column, chosen_fields, empty=not filled)
        found.append(Suggestion(column, list(dict.fromkeys(filled))[:MOST_SAMPLES], field, reason))
    return found


def header_key(header: str) -> str:
    """A header as it is looked up: folded words, no marks."""
    return " ".join(_NOT_A_WORD.sub(" ", fold(_CAMEL.sub(" ", header))).split())


def _by_header(kind: str, columns: Sequence[str]) -> dict[int, tuple[str | None, str]]:
    """The best column of each property by its header; a column goes to the property that it names best."""
    ranked = sorted(
        (rank, i, order, field)
        for order, (field, headers) in enumerate(HEADERS[kind].items())
        for i, column in enumerate(columns)
        for rank in (_rank(column, field, headers),)
        if rank is not None
    )
    chosen: dict[int, tuple[str | None, str]] = {}
    taken: set[str] = set()
    for _, i, _, field in ranked:
        if i not in chosen and field not in taken:
            taken.add(field)
            chosen[i] = (field, f"The header {columns[i]!r} is a usual name for {WORDS[field]}.")
    by_field = {field: i for i, (field, _) in chosen.items()}
    whole = by_field.get("name") if kind == "CUSTOMERS" else None
    if whole is not None and {"firstName", "lastName"} <= taken:
        chosen[whole] = (None, "First and last names have columns of their own.")
    elif whole is None and "lastName" in taken and "firstName" not in taken:
        alone = by_field["lastName"]
        if header_key(columns[alone]) == "nom":
            chosen[alone] = ("name", f"The header {columns[alone]!r} stands alone, so it seems to hold whole names.")
    return chosen


def _rank(column: str, field: str, headers: Sequence[str]) -> int | None:
    key = header_key(column)
    if key == header_key(field):
        return -1
    for candidate in (key, _COUNTED.sub("", key)):
        if candidate in headers:
            return headers.index(candidate)
    return None


def _by_values(
    kind: str, columns: Sequence[str], cells: Sequence[Sequence[str]], chosen: dict[int, tuple[str | None, str]]
) -> None:
    """The address column by the shape of its values, where the header does not tell or tells wrongly."""
    field = import_fields.required(kind)
    if kind == "ORGANIZATIONS":
        if all(found != field for found, _ in chosen.values()) and len(columns) == 1:
            chosen[0] = (field, "It is the only column.")
        return
    shares = [_share(values, is_address) for values in cells]
    named = next((i for i, (found, _) in chosen.items() if found == field), None)
    if named is not None and (shares[named] > 0 or not any(cell.strip() for cell in cells[named])):
        return
    best = max(range(len(columns)), key=lambda i: shares[i], default=None)
    if best is not None and shares[best] >= MOSTLY:
        if named is not None:
            del chosen[named]
        chosen[best] = (field, f"{shares[best]:.0%} of its first values are e-mail addresses.")


def _share(values: Sequence[str], fits: Callable[[str], bool]) -> float:
    filled = [value for value in values if value.strip()]
    return sum(map(fits, filled)) / len(filled) if filled else 0.0


def _why_ignored(kind: str, column: str, chosen: Mapping[str | None, str], *, empty: bool) -> str:
    if empty:
        return "It has no values in the first records."
    key = header_key(column)
    stem = re.sub(r" \d+$", "", key)
    for field, headers in HEADERS[kind].items():
        if field in chosen and (key in headers or stem in headers):
            return f"{field} is read from {chosen[field]!r} already."
    return f"No property of {kind.lower()} is called so."


# Checking


def refused(message: str, path: tuple[str, ...], value: str | None = None) -> Refusal:
    return Refusal(message, path, code="MAPPING", value=value)


def decide(kind: str, look: Look, given: Sequence[Mapping[str, str]] | None) -> list[Mapped]:
    """The property of each column of a file, in order: as given, once checked, or else as suggested."""
    columns = look.layout.columns
    if given is None:
        found = [Mapped(one.column, one.field) for one in suggest(kind, look)]
        needed = import_fields.required(kind)
        if all(one.field != needed for one in found):
            message = (
                f"No column of the file seems to hold {WORDS[needed]}, which {kind.lower()} need. "
                f"Its columns are: {_listed(columns)}. Say with `mapping` which one is {needed}."
            )
            raise FileRefused(message, ("uploadId",))
        return found
    check(kind, given)
    by_column: dict[str, list[str]] = {}
    for i, one in enumerate(given):
        column = _column(one["column"], columns)
        if column is None:
            message = f"The file has no column {shorten(one['column'])!r}. Its columns are: {_listed(columns)}."
            raise refused(message, ("mapping", str(i), "column"), shorten(one["column"]))
        by_column.setdefault(column, []).append(one["field"])
    return [Mapped(column, field) for column in columns for field in by_column.get(column, [None])]


def check(kind: str, given: Sequence[Mapping[str, str]]) -> None:
    """Refuses a mapping that no file could make good: an unknown property, one named twice, the required one missing."""
    known, seen = import_fields.names(kind), set[str]()
    for i, one in enumerate(given):
        path, field = ("mapping", str(i), "field"), one["field"]
        if field not in known:
            message = f"{shorten(field)!r} is no property of {kind.lower()}. The properties are: {', '.join(known)}."
            raise refused(message, path, shorten(field))
        if field in seen:
            raise refused(f"{field} is mapped twice. Map one column to it.", path, field)
        seen.add(field)
    needed = import_fields.required(kind)
    if needed not in seen:
        raise refused(f"{needed} is required. Map the column that holds {WORDS[needed]} to it.", ("mapping",))


def _column(name: str, columns: Sequence[str]) -> str | None:
    """The column of this name; without regard to case and marks where that is plain."""
    if name in columns:
        return name
    alike = [column for column in columns if fold(column) == fold(name)]
    return alike[0] if len(alike) == 1 else None


def _listed(columns: Sequence[str]) -> str:
    more = f" and {len(columns) - MOST_LISTED:,} more" if len(columns) > MOST_LISTED else ""
    return ", ".join(repr(shorten(column, 60)) for column in columns[:MOST_LISTED]) + more
