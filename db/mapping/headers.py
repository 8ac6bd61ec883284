"""The usual names of columns, in many languages, and what each property is called in a sentence."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from db.files.table import VCARD, Look
from db.ids import hashed
from db.text import fold

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
OWN_ID_HEADERS: Final = ("rolodesk id",)
"""The column of our own ids; one that is headed `id` holds another system's."""
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
        "id": OWN_ID_HEADERS,
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
        "id": OWN_ID_HEADERS,
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
        "id": OWN_ID_HEADERS,
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
    "id": "records' own ids",
}  # fmt: skip

_NOT_A_WORD = re.compile(r"[\W_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def header_key(header: str) -> str:
    """A header as it is looked up: folded words, no marks."""
    return " ".join(_NOT_A_WORD.sub(" ", fold(_CAMEL.sub(" ", header))).split())


def file_key(columns: Iterable[str]) -> str:
    """What is equal for files with the same columns, in any order, case and marks aside."""
    return hashed("\n".join(sorted(header_key(column) or fold(column) for column in columns)))


def key_of(look: Look) -> str | None:
    """The key of a file's columns; None where it has no header."""
    named = look.layout.has_header or look.layout.format == VCARD
    return file_key(look.layout.columns) if named else None
