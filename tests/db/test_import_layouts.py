"""Exports of known products: the header rows they have, and what their columns are read into."""

from pathlib import Path

import pytest

from db.files.reading import look
from db.mapping.suggestions import product, suggest

GOOGLE = (
    "First Name,Middle Name,Last Name,Phonetic First Name,Phonetic Middle Name,Phonetic Last Name,Name Prefix,Name Suffix,"
    "Nickname,File As,Organization Name,Organization Title,Organization Department,Birthday,Notes,Photo,Labels,"
    "E-mail 1 - Label,E-mail 1 - Value,E-mail 2 - Label,E-mail 2 - Value,Phone 1 - Label,Phone 1 - Value"
)
GOOGLE_OLD = (
    "Name,Given Name,Additional Name,Family Name,Yomi Name,Name Prefix,Name Suffix,Initials,Nickname,Short Name,Birthday,"
    "Gender,Location,Occupation,Priority,Subject,Notes,Photo,Group Membership,E-mail 1 - Type,E-mail 1 - Value,"
    "Phone 1 - Type,Phone 1 - Value,Organization 1 - Type,Organization 1 - Name,Organization 1 - Title,Website 1 - Value"
)
OUTLOOK = (
    "Title,First Name,Middle Name,Last Name,Suffix,Company,Department,Job Title,Business Street,Business City,Business Fax,"
    "Business Phone,Home Phone,Mobile Phone,Account,Birthday,E-mail Address,E-mail Type,E-mail Display Name,"
    "E-mail 2 Address,E-mail 2 Type,Web Page"
)
OUTLOOK_WEB = (
    "First Name,Middle Name,Last Name,Title,Suffix,Nickname,Given Yomi,Surname Yomi,E-mail Address,E-mail 2 Address,"
    "E-mail 3 Address,Home Phone,Home Phone 2,Business Phone,Business Phone 2,Mobile Phone,Company,Job Title,Notes"
)
OUTLOOK_GERMAN = (
    "Anrede,Vorname,Weitere Vornamen,Nachname,Suffix,Firma,Abteilung,Position,Straße geschäftlich,Ort geschäftlich,"
    "Fax geschäftlich,Telefon geschäftlich,Telefon privat,Mobiltelefon,E-Mail-Adresse,E-Mail-Typ,"
    "E-Mail: Angezeigter Name,Webseite"
)
OUTLOOK_FRENCH = (
    "Titre,Prénom,Deuxième prénom,Nom,Suffixe,Société,Service,Fonction,Rue (bureau),Téléphone (bureau),Tél. mobile,"
    "Adresse de messagerie,Type de messagerie,Nom complet de l'adresse de messagerie,Page Web"
)
OUTLOOK_SPANISH = (
    "Tratamiento,Nombre,Segundo nombre,Apellidos,Sufijo,Organización,Departamento,Puesto,Calle del trabajo,"
    "Teléfono del trabajo,Teléfono móvil,Dirección de correo electrónico,Tipo de correo electrónico,Página web"
)
YAHOO = (
    "First,Middle,Last,Nickname,Email,Category,Distribution Lists,Messenger ID,Home,Work,Pager,Fax,Mobile,Other,"
    "Alternate Email 1,Alternate Email 2,Personal Website,Business Website,Title,Company,Work Address"
)
ZENDESK = "name,email,external_id,details,notes,phone,role,restriction,organization,tags"
HUBSPOT = "Record ID,First Name,Last Name,Email,Phone Number,Contact owner,Lead Status,Create Date,Associated Company"
FRESHDESK = (
    "Full name,Title,Email,Work phone,Mobile phone,Twitter,Company,Address,Time zone,Language,Tags,About,"
    "Unique external ID"
)
ZAMMAD = (
    "id,login,firstname,lastname,email,web,phone,fax,mobile,department,street,zip,city,country,vip,verified,active,note,"
    "last_login,out_of_office,organization,roles"
)
ZENDESK_TICKETS = (
    "Id,Requester,Requester id,Requester email,Submitter,Assignee,Group,Subject,Tags,Status,Priority,Via,Ticket type,"
    "Created at,Updated at"
)
FRESHDESK_TICKETS = (
    "Ticket ID,Subject,Status,Priority,Source,Type,Agent,Group,Created time,Due by Time,Resolved time,"
    "Agent interactions,Customer interactions,Tags,Full name,Title,Email,Work phone,Contact ID"
)
ONEDESK = "First Name,Last Name,Email,Phone,Customer Organization"


@pytest.mark.parametrize(
    ("header", "name", "expected"),
    [
        (
            GOOGLE,
            "Google Contacts",
            {
                "First Name": "firstName",
                "Last Name": "lastName",
                "Organization Name": "organization",
                "Organization Title": "title",
                "E-mail 1 - Value": "email",
                "Phone 1 - Value": "phone",
            },
        ),
        (
            GOOGLE_OLD,
            "Google Contacts",
            {
                "Given Name": "firstName",
                "Family Name": "lastName",
                "E-mail 1 - Value": "email",
                "Phone 1 - Value": "phone",
                "Organization 1 - Name": "organization",
                "Organization 1 - Title": "title",
                "Website 1 - Value": "organizationWebsite",
            },
        ),
        (
            OUTLOOK,
            "Outlook",
            {
                "First Name": "firstName",
                "Last Name": "lastName",
                "Company": "organization",
                "Job Title": "title",
                "Business Phone": "phone",
                "E-mail Address": "email",
                "Web Page": "organizationWebsite",
            },
        ),
        (
            OUTLOOK_WEB,
            "Outlook",
            {
                "First Name": "firstName",
                "Last Name": "lastName",
                "E-mail Address": "email",
                "Business Phone": "phone",
                "Company": "organization",
                "Job Title": "title",
            },
        ),
        (
            OUTLOOK_GERMAN,
            "Outlook",
            {
                "Vorname": "firstName",
                "Nachname": "lastName",
                "Firma": "organization",
                "Position": "title",
                "Telefon geschäftlich": "phone",
                "E-Mail-Adresse": "email",
                "Webseite": "organizationWebsite",
            },
        ),
        (
            OUTLOOK_FRENCH,
            "Outlook",
            {
                "Prénom": "firstName",
                "Nom": "lastName",
                "Société": "organization",
                "Fonction": "title",
                "Téléphone (bureau)": "phone",
                "Adresse de messagerie": "email",
                "Page Web": "organizationWebsite",
            },
        ),
        (
            OUTLOOK_SPANISH,
            "Outlook",
            {
                "Nombre": "firstName",
                "Apellidos": "lastName",
                "Organización": "organization",
                "Puesto": "title",
                "Teléfono del trabajo": "phone",
                "Dirección de correo electrónico": "email",
                "Página web": "organizationWebsite",
            },
        ),
        (
            YAHOO,
            "Yahoo",
            {
                "First": "firstName",
                "Last": "lastName",
                "Email": "email",
                "Work": "phone",
                "Business Website": "organizationWebsite",
                "Title": "title",
                "Company": "organization",
            },
        ),
        (
            ZENDESK,
            "Zendesk",
            {
                "name": "name",
                "email": "email",
                "external_id": "externalId",
                "phone": "phone",
                "organization": "organization",
            },
        ),
        (
            HUBSPOT,
            "HubSpot",
            {
                "Record ID": "externalId",
                "First Name": "firstName",
                "Last Name": "lastName",
                "Email": "email",
                "Phone Number": "phone",
                "Associated Company": "organization",
            },
        ),
        (
            FRESHDESK,
            "Freshdesk",
            {
                "Full name": "name",
                "Title": "title",
                "Email": "email",
                "Work phone": "phone",
                "Company": "organization",
                "Unique external ID": "externalId",
            },
        ),
        (
            ZAMMAD,
            "Zammad",
            {
                "id": "externalId",
                "firstname": "firstName",
                "lastname": "lastName",
                "email": "email",
                "phone": "phone",
                "organization": "organization",
            },
        ),
        (
            ONEDESK,
            "OneDesk",
            {
                "First Name": "firstName",
                "Last Name": "lastName",
                "Email": "email",
                "Phone": "phone",
                "Customer Organization": "organization",
            },
        ),
    ],
)
def test_columns_of_a_known_export_are_mapped_without_asking(
    tmp_path: Path, header: str, name: str, expected: dict[str, str]
) -> None:
    path = tmp_path / "export.csv"
    path.write_text(f"{header}\n{',' * header.count(',')}x\n")
    found = look(path)
    assert product("CUSTOMERS", found) == name
    assert {one.column: one.field for one in suggest("CUSTOMERS", found) if one.field} == expected


@pytest.mark.parametrize(
    ("kind", "header", "name", "expected"),
    [
        (
            "ORGANIZATIONS",
            "Record ID,Company name,Company owner,Create Date,Phone Number,City,Industry,Company Domain Name",
            "HubSpot",
            {"Record ID": "externalId", "Company name": "name", "Company Domain Name": "website"},
        ),
        (
            "TICKETS",
            ZENDESK_TICKETS,
            "Zendesk",
            {
                "Id": "externalId",
                "Requester": "requesterName",
                "Requester email": "requesterEmail",
                "Subject": "subject",
                "Status": "status",
                "Priority": "priority",
                "Created at": "createdAt",
            },
        ),
        (
            "TICKETS",
            FRESHDESK_TICKETS,
            "Freshdesk",
            {
                "Ticket ID": "externalId",
                "Subject": "subject",
                "Status": "status",
                "Priority": "priority",
                "Created time": "createdAt",
                "Full name": "requesterName",
                "Email": "requesterEmail",
            },
        ),
    ],
)
def test_other_kinds_of_exports_are_known_too(
    tmp_path: Path, kind: str, header: str, name: str, expected: dict[str, str]
) -> None:
    path = tmp_path / "export.csv"
    path.write_text(f"{header}\n{',' * header.count(',')}x\n")
    found = look(path)
    assert product(kind, found) == name
    assert {one.column: one.field for one in suggest(kind, found) if one.field} == expected


def test_address_cards_are_mapped_without_asking(tmp_path: Path) -> None:
    path = tmp_path / "cards.vcf"
    path.write_text("BEGIN:VCARD\nN:Lee;Ann\nFN:Ann Lee\nEMAIL:ann@x.example\nORG:Acme\nTITLE:Head\nTEL:1\nEND:VCARD\n")
    found = look(path)
    assert product("CUSTOMERS", found) == "Address cards (vCard)"
    mapped = {one.column: one.field for one in suggest("CUSTOMERS", found) if one.field}
    assert mapped == {
        "Full name": "name",
        "First name": "firstName",
        "Last name": "lastName",
        "E-mail": "email",
        "Phone": "phone",
        "Organization": "organization",
        "Job title": "title",
    }


def test_a_suggestion_says_what_tells_it_and_how_surely(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("Vorname,Kontakt,Shoe size\nAnn,ann@x.example,42\nBob,bob@x.example,\n")
    told = [(one.field, one.basis, one.confidence, one.fill_rate) for one in suggest("CUSTOMERS", look(path))]
    assert told == [
        ("firstName", "HEADER_NAME", 0.9, 1.0),
        ("email", "VALUES", 1.0, 1.0),
        (None, None, 0.0, 0.5),
    ]
    assert product("CUSTOMERS", look(path)) is None
