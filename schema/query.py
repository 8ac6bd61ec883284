"""The table of contents of reads. All root fields of an operation are answered from one statement."""

from typing import Annotated

import strawberry

from schema.change import Change, ChangeFilter, ChangeOrder
from schema.connection import After, Before, Connection, First, Last
from schema.contact import Contact, ContactSource
from schema.customer import Customer, CustomerFiltered, CustomerOrderBy, CustomerRef
from schema.customer_import import Import, ImportableField, ImportFilter, ImportKind, ImportOrder
from schema.export import SEARCH, Export, ExportFormat, Format, Records
from schema.import_mapping import ImportMapping
from schema.invitation import Invitation, InvitationFiltered, InvitationOrderBy, MailPreview, OutboxMail
from schema.limits import DryRun, RateLimit
from schema.listing import ProjectFiltered, ProjectOrderBy, TicketFiltered, TicketOrderBy
from schema.node import Node
from schema.organization import Organization, OrganizationFiltered, OrganizationOrderBy, OrganizationRef
from schema.project import Project, ProjectRef
from schema.ticket import Ticket, TicketRef, UnmatchedRequester
from schema.upload import (
    Delimiter,
    Encoding,
    FirstLine,
    HasHeader,
    ImportPreview,
    KindOfFile,
    Quote,
    Sheet,
    UploadedFile,
)
from schema.user import User, UserFiltered, UserOrderBy
from schema.viewer import ApiKey, Viewer, Workspace

Search = Annotated[
    str | None,
    strawberry.argument(description=SEARCH),
]
ById = Annotated[strawberry.ID, strawberry.argument(description="The id of the record.")]


@strawberry.type(description="Everything that can be read. At most 50,000 records an operation.")
class Query:
    viewer: Viewer = strawberry.field(description="Who is asking, and what it may do.")
    workspace: Workspace = strawberry.field(description="The workspace all answers come from.")

    @strawberry.field(
        description="What an operation costs and what is left to be spent. With `dryRun`: of another one, not run."
    )
    def rate_limit(self, dry_run: DryRun = None) -> RateLimit: ...

    @strawberry.field(description="Any record by its id; null if there is none in sight.")
    def node(self, id: ById) -> Node | None: ...

    @strawberry.field(
        description="At most 250 records of any kind by their ids, in that order; null where there is none in sight."
    )
    def nodes(
        self, ids: Annotated[list[strawberry.ID], strawberry.argument(description="At most 250 ids.")]
    ) -> list[Node | None]: ...

    @strawberry.field(description="One customer; null if there is none in sight.")
    def customer(
        self, by: Annotated[CustomerRef, strawberry.argument(description="Which customer.")]
    ) -> Customer | None: ...

    @strawberry.field(description="The customers of the workspace, whatever organization they are in; by name.")
    def customers(
        self,
        filter: CustomerFiltered = None,
        search: Search = None,
        order_by: CustomerOrderBy = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Customer]: ...

    @strawberry.field(description="One organization; null if there is none in sight.")
    def organization(
        self, by: Annotated[OrganizationRef, strawberry.argument(description="Which organization.")]
    ) -> Organization | None: ...

    @strawberry.field(
        description="The organizations of the workspace, of any level; `filter: {root: true}` for the top. By name."
    )
    def organizations(
        self,
        filter: OrganizationFiltered = None,
        order_by: OrganizationOrderBy = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Organization]: ...

    @strawberry.field(description="One project; null if there is none in sight.")
    def project(
        self, by: Annotated[ProjectRef, strawberry.argument(description="Which project.")]
    ) -> Project | None: ...

    @strawberry.field(description="The projects of the workspace, by name.")
    def projects(
        self,
        filter: ProjectFiltered = None,
        order_by: ProjectOrderBy = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Project]: ...

    @strawberry.field(description="One ticket; null if there is none in sight.")
    def ticket(self, by: Annotated[TicketRef, strawberry.argument(description="Which ticket.")]) -> Ticket | None: ...

    @strawberry.field(description="The tickets of the workspace, by number.")
    def tickets(
        self,
        filter: TicketFiltered = None,
        order_by: TicketOrderBy = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Ticket]: ...

    @strawberry.field(
        description="Who requested tickets and is no customer yet, by address; `createCustomersFromRequesters` makes them "
        "customers. Addresses of users of the workspace are left out."
    )
    def unmatched_requesters(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[UnmatchedRequester]: ...

    @strawberry.field(description="One invitation; null if there is none in sight.")
    def invitation(self, id: ById) -> Invitation | None: ...

    @strawberry.field(description="The invitations of the workspace, the latest first.")
    def invitations(
        self,
        filter: InvitationFiltered = None,
        order_by: InvitationOrderBy = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Invitation]: ...

    @strawberry.field(
        description="The mail that inviting a customer now would send; null if there is no such living customer."
    )
    def preview_invitation(
        self,
        customer_id: Annotated[strawberry.ID, strawberry.argument(description="Which customer.")],
        message: Annotated[
            str | None, strawberry.argument(description="A personal message in plain text, at most 2,000 characters.")
        ] = None,
    ) -> MailPreview | None: ...

    @strawberry.field(
        description="The mails queued last, the latest first, at most 100. In development mode only: elsewhere it is FORBIDDEN."
    )
    def outbox(
        self, first: Annotated[int, strawberry.argument(description="How many, 1 to 100.")] = 20
    ) -> list[OutboxMail]: ...

    @strawberry.field(name="import", description="One import; null if there is none in sight.")
    def import_(self, id: ById) -> Import | None: ...

    @strawberry.field(description="The imports of the workspace, the latest first.")
    def imports(
        self,
        filter: Annotated[ImportFilter | None, strawberry.argument(description="Which imports. Left out: all.")] = None,
        order_by: Annotated[
            list[ImportOrder] | None, strawberry.argument(description="The order. Left out: the latest first.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Import]: ...

    @strawberry.field(
        description="What files of a kind can be read into: the properties a mapping may name; at most 50."
    )
    def importable_fields(
        self, kind: Annotated[ImportKind, strawberry.argument(description="What the file is read into.")]
    ) -> list[ImportableField]: ...

    @strawberry.field(
        description="What an uploaded file looks like, and how its columns seem to map; null if there is none.",
        deprecation_reason="Use `upload(id:) { preview(kind:) }`. It stays until 2027-11-25.",
    )
    def import_preview(
        self,
        upload_id: Annotated[strawberry.ID, strawberry.argument(description="The file, as `POST /uploads` named it.")],
        kind: KindOfFile,
        encoding: Encoding = None,
        delimiter: Delimiter = None,
        quote: Quote = None,
        has_header: HasHeader = None,
        first_line: FirstLine = None,
        sheet: Sheet = None,
    ) -> ImportPreview | None: ...

    @strawberry.field(description="The mappings that were saved, by name.")
    def import_mappings(
        self,
        kind: Annotated[
            ImportKind | None, strawberry.argument(description="Those for imports of this kind. Left out: all.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[ImportMapping]: ...

    @strawberry.field(description="One file that was sent; null if there is none in sight.")
    def upload(self, id: ById) -> UploadedFile | None: ...

    @strawberry.field(description="The files that were sent to the workspace, the latest first.")
    def uploads(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[UploadedFile]: ...

    @strawberry.field(
        description="A file of the records that a list would show: how many they are, and where it is fetched."
    )
    def export(self, records: Records, format: Format = ExportFormat.CSV) -> Export: ...

    @strawberry.field(description="The log of everything that was done, in order; `after` a cursor goes on from there.")
    def changes(
        self,
        filter: Annotated[ChangeFilter | None, strawberry.argument(description="Which changes. Left out: all.")] = None,
        order_by: Annotated[
            list[ChangeOrder] | None, strawberry.argument(description="The order. Left out: the earliest first.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Change]: ...

    @strawberry.field(description="The users of the workspace, by name.")
    def users(
        self,
        filter: UserFiltered = None,
        order_by: UserOrderBy = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[User]: ...

    @strawberry.field(description="The API keys of the workspace, revoked ones included, the latest first.")
    def api_keys(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[ApiKey]: ...

    contact_sources: list[ContactSource] = strawberry.field(
        description="The address books that can be connected, and those of who asks that are: an entry for each, at most 30."
    )

    @strawberry.field(
        description="The contacts of one's own address books, by name, with the customer each of them is already. "
        "Nothing of them is a customer before `importContacts`."
    )
    def contacts(
        self,
        source_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Of this address book only. Left out: of all.")
        ] = None,
        search: Annotated[
            str | None,
            strawberry.argument(
                description="Words, each of which begins a word of the name, company or addresses; case and accents aside."
            ),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Contact]: ...
