"""Exports of known products: told by headers that only they have together, with what their columns hold.

A layout speaks where the usual names of columns would mislead, or do not know a column; elsewhere those decide.
"""

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple


class ProductLayout(NamedTuple):
    """A product's export: headers (as `header_key` folds them) that tell it, and the property of some, None to ignore."""

    product: str
    telling: frozenset[str]
    fields: Mapping[str, str | None] = {}


def _layout(product: str, *telling: str, **fields: str | None) -> ProductLayout:
    return ProductLayout(product, frozenset(telling), {key.replace("_", " "): field for key, field in fields.items()})


CUSTOMERS: Final = (
    _layout("Google Contacts", "organization name", "organization title", "e mail 1 label", "e mail 1 value",
            e_mail_1_value="email", organization_name="organization", organization_title="title",
            phone_1_value="phone", name=None),
    _layout("Google Contacts", "given name", "family name", "group membership", "e mail 1 value",
            e_mail_1_value="email", given_name="firstName", family_name="lastName", organization_1_name="organization",
            organization_1_title="title", phone_1_value="phone", website_1_value="organizationWebsite", name=None),
    _layout("Outlook", "first name", "last name", "e mail address", "e mail 2 address", "business phone",
            title=None, job_title="title", company="organization", business_phone="phone", e_mail_address="email",
            web_page="organizationWebsite", organizational_id_number="externalId", account=None),
    _layout("Outlook", "vorname", "nachname", "e mail adresse", "e mail typ", "telefon geschaftlich",
            anrede=None, position="title", firma="organization", telefon_geschaftlich="phone",
            e_mail_adresse="email", webseite="organizationWebsite", konto=None),
    _layout("Outlook", "prenom", "nom", "adresse de messagerie", "type de messagerie",
            titre=None, prenom="firstName", nom="lastName", societe="organization", fonction="title",
            profession=None, telephone_bureau="phone", adresse_de_messagerie="email", page_web="organizationWebsite"),
    _layout("Outlook", "nombre", "apellidos", "direccion de correo electronico", "tipo de correo electronico",
            tratamiento=None, nombre="firstName", apellidos="lastName", organizacion="organization",
            compania="organization", puesto="title", telefono_del_trabajo="phone",
            direccion_de_correo_electronico="email", pagina_web="organizationWebsite"),
    _layout("Yahoo", "first", "last", "email", "distribution lists", "messenger id",
            first="firstName", last="lastName", email="email", work="phone", company="organization", title="title",
            business_website="organizationWebsite"),
    _layout("Address cards (vCard)", "full name", "e mail", "further e mails", "further phones", "uid",
            e_mail="email", uid=None, website=None, full_name="name"),
    _layout("Zendesk", "name", "email", "external id", "restriction", "role", name="name", role=None),
    _layout("HubSpot", "record id", "email", "lead status", "contact owner",
            record_id="externalId", associated_company="organization", phone_number="phone"),
    _layout("Freshdesk", "full name", "email", "work phone", "unique external id",
            full_name="name", title="title", work_phone="phone", unique_external_id="externalId",
            company="organization"),
    _layout("Zammad", "login", "firstname", "lastname", "email", "out of office",
            id="externalId", firstname="firstName", lastname="lastName", email="email", organization="organization",
            phone="phone", web=None),
    _layout("OneDesk", "first name", "last name", "email", "customer organization",
            customer_organization="organization"),
    _layout("Rolodesk", "email", "first name", "last name", "organization external id", "id", id="id"),
)  # fmt: skip

ORGANIZATIONS: Final = (
    _layout("HubSpot", "record id", "company name", "company owner", "company domain name",
            record_id="externalId", company_name="name", company_domain_name="website"),
    _layout("Zendesk", "name", "domain names", "shared tickets", domain_names="website"),
    _layout("Rolodesk", "name", "parent", "external id", "website", "description", "id", id="id"),
)  # fmt: skip

TICKETS: Final = (
    _layout("Zendesk", "requester", "requester email", "subject", "ticket type", "via",
            requester="requesterName", requester_email="requesterEmail", requester_id=None, id="externalId",
            created_at="createdAt"),
    _layout("Freshdesk", "ticket id", "created time", "agent interactions", "customer interactions",
            ticket_id="externalId", full_name="requesterName", email="requesterEmail", created_time="createdAt",
            title=None),
    _layout("Zammad", "number", "title", "state", "customer", "escalation at",
            number="externalId", id=None, title="subject", customer="requesterEmail", created_at="createdAt"),
    _layout("HubSpot", "ticket id", "ticket name", "pipeline", "ticket status",
            ticket_id="externalId", ticket_name="subject", ticket_status="status", create_date="createdAt"),
    _layout("Rolodesk", "requester email", "requester name", "subject", "external id", "created at", "id", id="id"),
)  # fmt: skip

LAYOUTS: Final[Mapping[str, tuple[ProductLayout, ...]]] = {
    "CUSTOMERS": CUSTOMERS,
    "ORGANIZATIONS": ORGANIZATIONS,
    "TICKETS": TICKETS,
}


def recognised(kind: str, keys: Collection[str]) -> ProductLayout | None:
    """The product whose telling headers are all there."""
    there = set(keys)
    return next((layout for layout in LAYOUTS[kind] if layout.telling <= there), None)
